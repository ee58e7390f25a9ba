"""A diffusion model in the place of the GAN, judged as the GAN is."""

from doppelcart.pipelines.diffusion.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 3
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
