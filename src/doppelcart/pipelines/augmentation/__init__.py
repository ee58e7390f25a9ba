"""Invent users with the generator and with its controls, and measure how real they look."""

from doppelcart.pipelines.augmentation.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 2
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
