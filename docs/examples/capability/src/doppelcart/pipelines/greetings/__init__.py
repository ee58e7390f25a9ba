"""Greetings: does a synthetic greeting make customers stay longer?"""

from doppelcart.pipelines.greetings.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 1
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
