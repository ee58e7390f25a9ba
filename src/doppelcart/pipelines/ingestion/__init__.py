"""From a source's files to the canonical tables."""

from doppelcart.pipelines.ingestion.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 3
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
