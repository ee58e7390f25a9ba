"""Wiring of the champion pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.champion import nodes
from doppelcart.pipelines.champion.section import write_section
from doppelcart.recommendation.arms import GENERATORS
from doppelcart.templates.experiment import experiment_pipeline

ENTRANTS = {"candidate": "serving.model", "champion": "champion.released"}


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Hold the newest model against what serves, decide, and carry it out.

    Not part of the default run: what serves changes when somebody asks for it.
    """
    return Pipeline(
        [
            Node(
                nodes.score_entrants,
                inputs={
                    **ENTRANTS,
                    "train_histories": "train_histories",
                    "synthetic_users": "synthetic_users",
                    "demographics_matrix": "demographics_matrix",
                    "test_cases": "test_cases",
                    "evaluation": "params:evaluation",
                    "params": "params:champion",
                    **{name: f"{name}.generator" for name in GENERATORS},
                },
                outputs=["champion.scores", "champion.design"],
                name="score_entrants",
            ),
            Node(
                nodes.measure_costs,
                inputs={**ENTRANTS, "test_cases": "test_cases"},
                outputs="champion.costs",
                name="measure_costs",
            ),
            *experiment_pipeline("champion").nodes,
            Node(
                nodes.decide,
                inputs={
                    **ENTRANTS,
                    "differences": "champion.differences",
                    "declared": "champion.design",
                    "costs": "champion.costs",
                    "promotion": "promotion",
                    "params": "params:champion",
                },
                outputs="champion.decision",
                name="decide",
            ),
            Node(
                write_section,
                inputs=[
                    "champion.decision",
                    "champion.verdict",
                    "champion.differences",
                    "champion.design",
                    "params:reporting",
                ],
                outputs="champion.section",
                name="write_champion_section",
            ),
        ]
    )
