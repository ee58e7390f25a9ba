"""Invent users where they are short, and measure whether that helps them and harms nobody."""

from doppelcart.pipelines.targeting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
