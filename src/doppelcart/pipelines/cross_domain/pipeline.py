"""Wiring of the cross_domain pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.cross_domain import nodes
from doppelcart.pipelines.cross_domain.section import write_section
from doppelcart.templates.experiment import experiment_pipeline

SYSTEMS = "params:cross_domain.systems"
EXPERIMENT = "params:cross_domain.experiment"


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Recommend from departments in which a household is unknown; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.open_departments,
                inputs=["prm_interactions", "prm_items", "params:cross_domain.departments"],
                outputs=["cross_domain.crossings", "cross_domain.sizes"],
                name="open_departments",
            ),
            Node(
                nodes.rank_plainly,
                inputs=["cross_domain.crossings", SYSTEMS, EXPERIMENT],
                outputs=["cross_domain.plain_lists", "cross_domain.tried_plainly"],
                name="rank_departments_plainly",
            ),
            Node(
                nodes.complete_baskets,
                inputs=[
                    "cross_domain.crossings",
                    "params:cross_domain.completion",
                    "params:cross_domain.training",
                    EXPERIMENT,
                ],
                outputs=["cross_domain.completed_lists", "cross_domain.training_log"],
                name="complete_baskets",
            ),
            Node(
                nodes.rank_by_graph,
                inputs=[
                    "cross_domain.crossings",
                    "prm_items",
                    "params:cross_domain.embedding",
                    SYSTEMS,
                    EXPERIMENT,
                ],
                outputs=[
                    "cross_domain.graph_lists",
                    "cross_domain.tried_by_graph",
                    "cross_domain.graph_log",
                ],
                name="rank_departments_by_graph",
            ),
            Node(
                nodes.combine,
                inputs=[
                    "cross_domain.crossings",
                    "cross_domain.plain_lists",
                    "cross_domain.completed_lists",
                    "cross_domain.graph_lists",
                    "cross_domain.tried_plainly",
                    "cross_domain.tried_by_graph",
                    SYSTEMS,
                    EXPERIMENT,
                ],
                outputs=["cross_domain.lists", "cross_domain.weights", "cross_domain.tried"],
                name="combine_departments",
            ),
            Node(
                nodes.measure_lists,
                inputs=[
                    "cross_domain.crossings",
                    "cross_domain.lists",
                    "cross_domain.weights",
                    EXPERIMENT,
                ],
                outputs=["cross_domain.scores", "cross_domain.design"],
                name="measure_departments",
            ),
            *experiment_pipeline("cross_domain").nodes,
            Node(
                write_section,
                inputs=[
                    "cross_domain.verdict",
                    "cross_domain.differences",
                    "cross_domain.design",
                    "cross_domain.scores",
                    "cross_domain.sizes",
                    "cross_domain.tried",
                    "cross_domain.training_log",
                    "cross_domain.graph_log",
                    "params:reporting",
                ],
                outputs="cross_domain.section",
                name="write_cross_domain_section",
            ),
        ]
    )
