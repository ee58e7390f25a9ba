"""The HTML report, made of the sections that capabilities bring."""

from doppelcart.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 2
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
