"""Wiring of the targeting pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.targeting import figures, nodes
from doppelcart.pipelines.targeting.section import write_section
from doppelcart.templates.experiment import experiment_pipeline

SEGMENTS = "params:targeting.segments"
EXPERIMENT = "params:targeting.experiment"
USERS = ["train_histories", "synthetic_users", "targeting.synthetic_users"]


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Find segments short of data, invent users for them, measure; not part of the default run.

    Test users enter at ``group_test``, and reach an arm only when everything is chosen.
    """
    return Pipeline(
        [
            Node(
                nodes.find_segments,
                inputs=[
                    "train_histories",
                    "train_interactions",
                    "prm_users",
                    SEGMENTS,
                    "params:evaluation",
                    EXPERIMENT,
                ],
                outputs=["targeting.segments", "targeting.members"],
                name="find_segments",
            ),
            Node(
                nodes.invent_for_segments,
                inputs={
                    "members": "targeting.members",
                    "train_histories": "train_histories",
                    "profile_matrix": "profile_matrix",
                    "demographics_matrix": "demographics_matrix",
                    "augmentation": "params:augmentation",
                    "params": EXPERIMENT,
                    "gan": "gan.generator",
                    "denoiser": "denoiser.generator",
                },
                outputs="targeting.synthetic_users",
                name="invent_for_segments",
            ),
            *[
                Node(
                    nodes.group_customers,
                    inputs=[
                        "targeting.segments",
                        f"{part}_cases",
                        "train_histories",
                        "train_interactions",
                        f"{part}_interactions",
                        "prm_users",
                        SEGMENTS,
                        EXPERIMENT,
                    ],
                    outputs=f"targeting.{part}_groups",
                    name=f"group_{part}",
                )
                for part in ("validation", "test")
            ],
            Node(
                nodes.describe_segments,
                inputs=[
                    "targeting.segments",
                    "targeting.members",
                    "targeting.validation_groups",
                    "targeting.test_groups",
                    EXPERIMENT,
                ],
                outputs="targeting.segment_sizes",
                name="describe_segments",
            ),
            Node(
                nodes.choose_ratios,
                inputs=[
                    *USERS,
                    "targeting.validation_groups",
                    "validation_cases",
                    "params:evaluation",
                    EXPERIMENT,
                ],
                outputs="targeting.chosen_configs",
                name="choose_ratios",
            ),
            Node(
                nodes.score_segments,
                inputs=[
                    *USERS,
                    "targeting.test_groups",
                    "targeting.chosen_configs",
                    "item_matrix",
                    "params:evaluation",
                ],
                outputs="targeting.user_metrics",
                name="score_segments",
            ),
            Node(
                nodes.declare_experiment,
                inputs=[
                    "targeting.user_metrics",
                    "targeting.chosen_configs",
                    "params:evaluation",
                    EXPERIMENT,
                ],
                outputs=["targeting.scores", "targeting.design"],
                name="declare_targeting",
            ),
            *experiment_pipeline("targeting").nodes,
            Node(
                nodes.tabulate_results,
                inputs="targeting.differences",
                outputs="targeting.results",
                name="tabulate_results",
            ),
            Node(
                figures.targeting_forest,
                inputs="targeting.results",
                outputs="targeting.forest",
                name="draw_targeting_forest",
            ),
            Node(
                write_section,
                inputs=[
                    "targeting.results",
                    "targeting.segment_sizes",
                    "targeting.forest",
                    "params:reporting",
                ],
                outputs="targeting.section",
                name="write_targeting_section",
            ),
        ]
    )
