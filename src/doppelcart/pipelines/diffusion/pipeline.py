"""Wiring of the diffusion pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.diffusion import nodes
from doppelcart.pipelines.diffusion.section import write_section
from doppelcart.templates.experiment import experiment_pipeline
from doppelcart.templates.generator import TRAINED_ON

USED = {
    "train_histories": "train_histories",
    "users": "diffusion.users",
    "generator": "diffusion.generator",
    "demographics_matrix": "demographics_matrix",
    "evaluation": "params:evaluation",
}


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Train, invent, tune on validation, measure on test; not part of the default run.

    Test users enter at ``score_arms``, after everything is chosen.
    """
    return Pipeline(
        [
            Node(
                nodes.train_diffusion,
                inputs=[
                    *TRAINED_ON,
                    "params:diffusion.network",
                    "params:diffusion.training",
                    "params:diffusion.trainer",
                    "params:evaluation",
                ],
                outputs=[
                    "diffusion.generator",
                    "diffusion.encoder",
                    "diffusion.training_log",
                    "diffusion.monitors",
                ],
                name="train_diffusion",
            ),
            Node(
                nodes.invent_users,
                inputs=[
                    "diffusion.generator",
                    "train_histories",
                    "profile_matrix",
                    "demographics_matrix",
                    "params:augmentation",
                ],
                outputs="diffusion.users",
                name="invent_diffusion_users",
            ),
            Node(
                nodes.tune_arms,
                inputs={
                    **USED,
                    "validation_cases": "validation_cases",
                    "chosen_configs": "chosen_configs",
                },
                outputs=["diffusion.tried", "diffusion.chosen_configs"],
                name="tune_diffusion",
            ),
            Node(
                nodes.score_arms,
                inputs={
                    **USED,
                    "item_matrix": "item_matrix",
                    "test_cases": "test_cases",
                    "chosen": "diffusion.chosen_configs",
                },
                outputs="diffusion.user_metrics",
                name="score_diffusion",
            ),
            Node(
                nodes.declare_experiment,
                inputs=[
                    "evaluation.scores",
                    "diffusion.user_metrics",
                    "diffusion.chosen_configs",
                    "params:evaluation",
                ],
                outputs=["diffusion.scores", "diffusion.design"],
                name="declare_diffusion",
            ),
            *experiment_pipeline("diffusion").nodes,
            Node(
                nodes.compare_with_best,
                inputs=["diffusion.scores", "diffusion.design", "diffusion.chosen_configs"],
                outputs="diffusion.against_best",
                name="compare_diffusion_with_best",
            ),
            Node(
                nodes.measure_shares,
                inputs=[
                    "evaluation.scores",
                    "diffusion.user_metrics",
                    "tstr",
                    "params:evaluation",
                ],
                outputs="diffusion.shares",
                name="measure_diffusion_shares",
            ),
            Node(
                nodes.measure_likeness,
                inputs=[
                    "train_histories",
                    "diffusion.users",
                    "validation_cases",
                    "fidelity_report",
                    "privacy_report",
                    "params:augmentation",
                ],
                outputs="diffusion.likeness",
                name="measure_diffusion_likeness",
            ),
            Node(
                write_section,
                inputs=[
                    "diffusion.verdict",
                    "diffusion.differences",
                    "diffusion.design",
                    "diffusion.against_best",
                    "diffusion.shares",
                    "diffusion.likeness",
                    "diffusion.monitors",
                    "params:reporting",
                ],
                outputs="diffusion.section",
                name="write_diffusion_section",
            ),
        ]
    )
