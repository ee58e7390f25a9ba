"""Wiring of the reviews pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.reviews import nodes
from doppelcart.pipelines.reviews.section import write_section
from doppelcart.templates.experiment import experiment_pipeline


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Read labelled reviews, tell deceptive ones, try few labels; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.read_labelled,
                inputs=[
                    "raw_labelled_reviews",
                    "params:labelled_reviews",
                    "params:reviews.reading",
                ],
                outputs=["reviews.texts", "reviews.counts"],
                name="read_labelled",
            ),
            Node(
                nodes.try_text_detectors,
                inputs=["reviews.texts", "params:reviews.labels"],
                outputs="reviews.detectors",
                name="try_text_detectors",
            ),
            Node(
                nodes.list_reviews,
                inputs=["reviews.texts", "params:reviews.labels", "params:reviews.listing"],
                outputs=["reviews.suspects", "reviews.listed"],
                name="list_reviews",
            ),
            Node(
                nodes.measure_labels,
                inputs=[
                    "reviews.texts",
                    "params:reviews.labels",
                    "params:reviews.generator",
                    "params:reviews.training",
                    "params:reviews.writing",
                ],
                outputs=[
                    "reviews.scores",
                    "reviews.design",
                    "reviews.means",
                    "reviews.two_columns",
                ],
                name="measure_labels",
            ),
            *experiment_pipeline("reviews").nodes,
            Node(
                nodes.write_review_card,
                inputs=[
                    "reviews.detectors",
                    "reviews.listed",
                    "reviews.verdict",
                    "reviews.design",
                    "params:labelled_reviews",
                    "params:reviews.generator",
                    "params:reviews.listing",
                ],
                outputs=["reviews.card", "reviews.card_page"],
                name="write_review_card",
            ),
            Node(
                write_section,
                inputs={
                    "verdict": "reviews.verdict",
                    "differences": "reviews.differences",
                    "declared": "reviews.design",
                    "counts": "reviews.counts",
                    "detectors": "reviews.detectors",
                    "suspects": "reviews.suspects",
                    "quality": "reviews.listed",
                    "means": "reviews.means",
                    "two_columns": "reviews.two_columns",
                    "source": "params:labelled_reviews",
                    "making": "params:reviews.generator",
                    "listing": "params:reviews.listing",
                    "parameters": "params:reporting",
                },
                outputs="reviews.section",
                name="write_reviews_section",
            ),
        ]
    )
