"""Wiring of the fusion pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.fusion import nodes
from doppelcart.pipelines.fusion.section import write_section
from doppelcart.templates.experiment import experiment_pipeline

SETTINGS = {"evaluation": "params:evaluation", "params": "params:fusion"}
TRAINED = {
    "train_histories": "train_histories",
    "demographics_matrix": "demographics_matrix",
    "gan": "gan.generator",
    "denoiser": "denoiser.generator",
}
LISTED = {
    **TRAINED,
    **SETTINGS,
    "synthetic_users": "synthetic_users",
    "feat_items": "feat_items",
    "chosen_configs": "fusion.chosen_configs",
}


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Choose how to fuse on validation, measure on test; not part of the default run.

    Test users enter at ``score_fusion``, after everything is chosen.
    """
    return Pipeline(
        [
            Node(
                nodes.tune_networks,
                inputs={
                    **TRAINED,
                    **SETTINGS,
                    "validation_cases": "validation_cases",
                    "chosen_configs": "chosen_configs",
                },
                outputs="fusion.chosen_configs",
                name="tune_networks",
            ),
            Node(
                nodes.choose_weights,
                inputs={**LISTED, "validation_cases": "validation_cases"},
                outputs=["fusion.weights", "fusion.tried"],
                name="choose_weights",
            ),
            Node(
                nodes.score_fusion,
                inputs={
                    **LISTED,
                    "item_matrix": "item_matrix",
                    "test_cases": "test_cases",
                    "weights": "fusion.weights",
                },
                outputs=["fusion.scores", "fusion.trade_off"],
                name="score_fusion",
            ),
            Node(
                nodes.declare_experiment,
                inputs=["fusion.scores", "params:evaluation"],
                outputs="fusion.design",
                name="declare_fusion",
            ),
            *experiment_pipeline("fusion").nodes,
            Node(
                nodes.draw_trade_off,
                inputs=["fusion.trade_off", "params:evaluation"],
                outputs="fusion.trade_off_curve",
                name="draw_trade_off",
            ),
            Node(
                write_section,
                inputs=[
                    "fusion.verdict",
                    "fusion.differences",
                    "fusion.design",
                    "fusion.tried",
                    "fusion.weights",
                    "fusion.trade_off_curve",
                    "params:reporting",
                ],
                outputs="fusion.section",
                name="write_fusion_section",
            ),
        ]
    )
