"""Profiles of users and items from training rows."""

from doppelcart.pipelines.profiles.pipeline import create_pipeline

__all__ = ["create_pipeline"]
