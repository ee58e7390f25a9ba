"""Evaluation: every arm tuned on validation, compared on test, judged."""

from doppelcart.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 7
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
