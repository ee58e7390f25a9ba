"""From clean interactions to training rows and evaluation cases."""

from doppelcart.pipelines.split.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 1
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
