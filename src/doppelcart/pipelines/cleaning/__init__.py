"""From canonical tables to clean ones, every rejected row kept with its reason."""

from doppelcart.pipelines.cleaning.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 2
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
