"""Wiring of the augmentation pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.augmentation import figures, nodes
from doppelcart.pipelines.augmentation.section import write_section
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
        Node(
            figures.plot_history_length,
            inputs=["train_histories", "synthetic_users"],
            outputs="history_length",
            name="plot_history_length",
        ),
        Node(
            figures.plot_popularity,
            inputs=["train_histories", "synthetic_users"],
            outputs="popularity_curve",
            name="plot_popularity",
        ),
        Node(
            write_section,
            inputs=[
                "fidelity_report",
                "privacy_report",
                "history_length",
                "popularity_curve",
                "params:reporting",
            ],
            outputs="augmentation.section",
            name="write_augmentation_section",
        ),
    ]
    return Pipeline([*generators, *controls, *reports])
