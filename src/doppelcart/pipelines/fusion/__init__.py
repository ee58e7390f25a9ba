"""Fuse recommenders into one ranking, and measure whether what is generated helps in the blend."""

from doppelcart.pipelines.fusion.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 3
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
