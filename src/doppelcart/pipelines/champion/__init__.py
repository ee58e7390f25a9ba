"""Whether the newest model may take the place of what serves, and why."""

from doppelcart.pipelines.champion.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 3
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
