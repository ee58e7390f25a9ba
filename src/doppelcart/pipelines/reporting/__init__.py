"""Figures and the HTML report."""

from doppelcart.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
