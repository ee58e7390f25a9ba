"""Train a conditional generator against a critic, and its control without one."""

from doppelcart.pipelines.gan.pipeline import create_pipeline

__all__ = ["create_pipeline"]
