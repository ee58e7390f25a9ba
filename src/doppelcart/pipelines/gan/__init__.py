"""Train a conditional generator against a critic, and its controls: without one, and as a VAE."""

from doppelcart.pipelines.gan.pipeline import create_pipeline

__all__ = ["create_pipeline"]
