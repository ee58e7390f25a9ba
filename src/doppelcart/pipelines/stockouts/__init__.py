"""Stock-outs: what will run out tomorrow, what to order, and whether generated series help."""

from doppelcart.pipelines.stockouts.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 4
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
