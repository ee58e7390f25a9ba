"""Search the parameters of the generator and its training on validation users."""

from doppelcart.pipelines.tuning.pipeline import create_pipeline

__all__ = ["create_pipeline"]
