"""From clean interactions to training rows and evaluation cases."""

from doppelcart.pipelines.split.pipeline import create_pipeline

__all__ = ["create_pipeline"]
