"""Every claim that was tried, its verdict, its evidence: one page and one table."""

from doppelcart.pipelines.claims.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 1
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
