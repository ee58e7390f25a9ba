"""Pictures: generated ones of products, how real they are, and whether they teach anything."""

from doppelcart.pipelines.pictures.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 6
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
