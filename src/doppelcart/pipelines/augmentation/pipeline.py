"""Wiring of the augmentation pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.augmentation import nodes
from doppelcart.recommendation.arms import GENERATORS

CONTROLS = {
    "mixup": nodes.mix_training_users,
    "popularity": nodes.draw_popular_users,
    "copies": nodes.copy_training_users,
}


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Invent users by every generator and every control, then compare them with real ones."""
    generators = [
        Node(
            nodes.invent_users,
            inputs=[
                f"{name}.generator",
                "train_histories",
                "profile_matrix",
                "demographics_matrix",
                "params:augmentation",
            ],
            outputs=f"synthetic_{name}",
            name=f"invent_{name}",
        )
        for name in GENERATORS
    ]
    controls = [
        Node(
            function,
            inputs=["train_histories", "params:augmentation"],
            outputs=f"synthetic_{name}",
            name=f"invent_{name}",
        )
        for name, function in CONTROLS.items()
    ]
    reports = [
        Node(
            nodes.gather_users,
            inputs={name: f"synthetic_{name}" for name in (*GENERATORS, *CONTROLS)},
            outputs="synthetic_users",
            name="gather_users",
        ),
        Node(
            nodes.measure_fidelity,
            inputs=["train_histories", "synthetic_users", "feat_items", "params:augmentation"],
            outputs="fidelity_report",
            name="measure_fidelity",
        ),
        Node(
            nodes.measure_privacy,
            inputs=[
                "train_histories",
                "validation_cases",
                "synthetic_users",
                "params:augmentation",
            ],
            outputs="privacy_report",
            name="measure_privacy",
        ),
    ]
    return Pipeline([*generators, *controls, *reports])
