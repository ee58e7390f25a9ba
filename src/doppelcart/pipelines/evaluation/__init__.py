"""Evaluation: every arm tuned on validation, compared on test, judged."""

from doppelcart.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
