"""From canonical tables to clean ones, every rejected row kept with its reason."""

from doppelcart.pipelines.cleaning.pipeline import create_pipeline

__all__ = ["create_pipeline"]
