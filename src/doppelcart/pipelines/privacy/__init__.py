"""Privacy: what synthetic users give away, and a generator that is trained to give little."""

from doppelcart.pipelines.privacy.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 5
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
