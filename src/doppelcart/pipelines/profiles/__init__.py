"""Profiles of users and items from training rows."""

from doppelcart.pipelines.profiles.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 2
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
