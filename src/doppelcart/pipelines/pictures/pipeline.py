"""Wiring of the pictures pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.pictures import nodes
from doppelcart.pipelines.pictures.section import write_section
from doppelcart.templates.experiment import experiment_pipeline


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Draw pictures of products, measure and try them; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.read_product_pictures,
                inputs=["raw_photographs", "params:photographs", "params:pictures.reading"],
                outputs=["pictures.photographs", "pictures.quarantine", "pictures.counts"],
                name="read_product_pictures",
            ),
            Node(
                nodes.draw_pictures,
                inputs=[
                    "pictures.photographs",
                    "params:pictures.training",
                    "params:pictures.looking",
                    "params:pictures.trials",
                    "params:pictures.samples",
                ],
                outputs="pictures.drawn",
                name="draw_pictures",
            ),
            Node(
                nodes.train_small_network,
                inputs=[
                    "pictures.photographs",
                    "params:pictures.training",
                    "params:pictures.small_network",
                ],
                outputs="pictures.small_network",
                name="train_small_network",
            ),
            Node(
                nodes.measure_pictures,
                inputs=[
                    "pictures.photographs",
                    "pictures.drawn",
                    "pictures.small_network",
                    "params:pictures.looking",
                    "params:pictures.trials",
                    "params:pictures.samples",
                ],
                outputs=[
                    "pictures.measures",
                    "pictures.scores",
                    "pictures.design",
                    "pictures.means",
                    "pictures.plain",
                ],
                name="measure_pictures",
            ),
            *experiment_pipeline("pictures").nodes,
            Node(
                nodes.lay_out_pictures,
                inputs=[
                    "pictures.photographs",
                    "pictures.drawn",
                    "pictures.measures",
                    "params:pictures.samples",
                ],
                outputs="pictures.sheets",
                name="lay_out_pictures",
            ),
            Node(
                nodes.write_generator_card,
                inputs=["pictures.measures", "pictures.verdict", "params:photographs"],
                outputs=["pictures.card", "pictures.card_page"],
                name="write_generator_card",
            ),
            Node(
                write_section,
                inputs={
                    "verdict": "pictures.verdict",
                    "differences": "pictures.differences",
                    "declared": "pictures.design",
                    "counts": "pictures.counts",
                    "measured": "pictures.measures",
                    "means": "pictures.means",
                    "plain": "pictures.plain",
                    "sheets": "pictures.sheets",
                    "source": "params:photographs",
                    "samples": "params:pictures.samples",
                    "parameters": "params:reporting",
                },
                outputs="pictures.section",
                name="write_pictures_section",
            ),
        ]
    )
