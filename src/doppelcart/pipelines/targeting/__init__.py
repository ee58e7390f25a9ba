"""Invent users where they are short, and measure whether that helps them and harms nobody."""

from doppelcart.pipelines.targeting.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 5
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
