"""What items say of themselves, as rows of features: attributes, and runs of characters."""

from doppelcart.pipelines.items.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 1
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
