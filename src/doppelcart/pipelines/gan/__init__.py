"""Train a conditional generator against a critic, and its controls: without one, and as a VAE."""

from doppelcart.pipelines.gan.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 3
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
