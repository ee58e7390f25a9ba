"""Ideas for new products: combinations that the catalogue lacks, judged by what was launched."""

from doppelcart.pipelines.ideas.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 2
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
