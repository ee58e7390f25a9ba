"""From a source's files to the canonical tables."""

from doppelcart.pipelines.ingestion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
