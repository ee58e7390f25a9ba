"""Shilling: fake profiles that push an item, and whether generated ones teach to find them."""

from doppelcart.pipelines.shilling.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 5
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
