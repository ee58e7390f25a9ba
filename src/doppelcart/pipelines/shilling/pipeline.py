"""Wiring of the shilling pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.shilling import nodes
from doppelcart.pipelines.shilling.section import write_section
from doppelcart.templates.experiment import experiment_pipeline


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Read ratings or purchases, make attacks up, find them; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.read_opinions,
                inputs=["raw_ratings", "params:ratings", "params:shilling.reading"],
                outputs=["shilling.matrix", "shilling.counts"],
                name="read_opinions",
            ),
            Node(
                nodes.measure_attacks,
                inputs=[
                    "shilling.matrix",
                    "params:shilling.attacks",
                    "params:shilling.generator",
                    "params:shilling.network",
                    "params:shilling.training",
                    "params:shilling.ganmf",
                ],
                outputs=[
                    "shilling.scores",
                    "shilling.design",
                    "shilling.attacks",
                    "shilling.harm",
                    "shilling.lost",
                    "shilling.ranks",
                    "shilling.unlike",
                ],
                name="measure_attacks",
            ),
            *experiment_pipeline("shilling").nodes,
            Node(
                nodes.summarise_attacks,
                inputs="shilling.attacks",
                outputs=["shilling.means", "shilling.sizes"],
                name="summarise_attacks",
            ),
            Node(
                nodes.list_suspects,
                inputs=["shilling.ranks", "params:shilling.listing"],
                outputs="shilling.suspects",
                name="list_suspects",
            ),
            Node(
                nodes.write_card,
                inputs=[
                    "shilling.means",
                    "shilling.verdict",
                    "shilling.design",
                    "params:ratings",
                    "params:shilling.attacks",
                ],
                outputs=["shilling.card", "shilling.card_page"],
                name="write_shilling_card",
            ),
            Node(
                write_section,
                inputs={
                    "verdict": "shilling.verdict",
                    "differences": "shilling.differences",
                    "declared": "shilling.design",
                    "counts": "shilling.counts",
                    "means": "shilling.means",
                    "sizes": "shilling.sizes",
                    "harm": "shilling.harm",
                    "lost": "shilling.lost",
                    "suspects": "shilling.suspects",
                    "unlike": "shilling.unlike",
                    "source": "params:ratings",
                    "attacks": "params:shilling.attacks",
                    "listing": "params:shilling.listing",
                    "making": "params:shilling.generator",
                    "parameters": "params:reporting",
                },
                outputs="shilling.section",
                name="write_shilling_section",
            ),
        ]
    )
