"""Weekly demand: what each item will sell in the weeks to come, and how much of it to stock."""

from doppelcart.pipelines.weekly_demand.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 3
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
