"""From what was judged to what a shop can use: lists for its customers, synthetic customers."""

from doppelcart.pipelines.serving.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 5
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
