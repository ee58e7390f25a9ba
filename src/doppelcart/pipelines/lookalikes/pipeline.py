"""Wiring of the lookalikes pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.lookalikes import nodes
from doppelcart.pipelines.lookalikes.section import write_section
from doppelcart.templates.experiment import experiment_pipeline


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Read photographs, tell products from their siblings; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.read_pictures,
                inputs=["raw_photographs", "params:photographs", "params:lookalikes.reading"],
                outputs=[
                    "lookalikes.photographs",
                    "lookalikes.quarantine",
                    "lookalikes.counts",
                ],
                name="read_pictures",
            ),
            Node(
                nodes.read_counterfeits,
                inputs=["params:lookalikes.counterfeits", "params:lookalikes.reading"],
                outputs="lookalikes.known",
                name="read_counterfeits",
            ),
            Node(
                nodes.look_at_photographs,
                inputs=["lookalikes.photographs", "params:lookalikes.looking"],
                outputs=["lookalikes.lens", "lookalikes.views"],
                name="look_at_photographs",
            ),
            Node(
                nodes.measure_lookalikes,
                inputs=[
                    "lookalikes.photographs",
                    "lookalikes.quarantine",
                    "lookalikes.lens",
                    "lookalikes.views",
                    "lookalikes.known",
                    "params:lookalikes.detectors",
                    "params:lookalikes.looking",
                    "params:lookalikes.generator",
                ],
                outputs=[
                    "lookalikes.scores",
                    "lookalikes.design",
                    "lookalikes.means",
                    "lookalikes.plain",
                    "lookalikes.products",
                    "lookalikes.rates",
                    "lookalikes.alarms",
                    "lookalikes.ranks",
                    "lookalikes.unable",
                ],
                name="measure_lookalikes",
            ),
            *experiment_pipeline("lookalikes").nodes,
            Node(
                nodes.list_photographs,
                inputs=["lookalikes.ranks", "params:lookalikes.listing"],
                outputs="lookalikes.suspects",
                name="list_photographs",
            ),
            Node(
                nodes.write_lookalike_card,
                inputs=[
                    "lookalikes.means",
                    "lookalikes.rates",
                    "lookalikes.verdict",
                    "params:photographs",
                ],
                outputs=["lookalikes.card", "lookalikes.card_page"],
                name="write_lookalike_card",
            ),
            Node(
                write_section,
                inputs={
                    "verdict": "lookalikes.verdict",
                    "differences": "lookalikes.differences",
                    "declared": "lookalikes.design",
                    "counts": "lookalikes.counts",
                    "quarantine": "lookalikes.quarantine",
                    "means": "lookalikes.means",
                    "plain": "lookalikes.plain",
                    "products": "lookalikes.products",
                    "rates": "lookalikes.rates",
                    "alarms": "lookalikes.alarms",
                    "suspects": "lookalikes.suspects",
                    "unable": "lookalikes.unable",
                    "source": "params:photographs",
                    "detectors": "params:lookalikes.detectors",
                    "listing": "params:lookalikes.listing",
                    "making": "params:lookalikes.generator",
                    "parameters": "params:reporting",
                },
                outputs="lookalikes.section",
                name="write_lookalikes_section",
            ),
        ]
    )
