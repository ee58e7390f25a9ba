"""Wiring of the augmentation pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.augmentation import nodes

CONTROLS = {
    "copies": nodes.copy_training_users,
    "popularity": nodes.draw_popular_users,
    "mixup": nodes.mix_training_users,
}
SETS = [
    "synthetic_copies",
    "synthetic_popularity",
    "synthetic_mixup",
    "synthetic_denoiser",
    "synthetic_gan",
]


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Invent users five ways, then compare them with real ones."""
    controls = [
        Node(
            function,
            inputs=["train_histories", "params:augmentation"],
            outputs=f"synthetic_{name}",
            name=f"invent_{name}",
        )
        for name, function in CONTROLS.items()
    ]
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
        for name in ("denoiser", "gan")
    ]
    reports = [
        Node(
            nodes.measure_fidelity,
            inputs=[
                "train_histories",
                *SETS,
                "feat_items",
                "params:augmentation",
            ],
            outputs="fidelity_report",
            name="measure_fidelity",
        ),
        Node(
            nodes.measure_privacy,
            inputs=["train_histories", "validation_cases", *SETS, "params:augmentation"],
            outputs="privacy_report",
            name="measure_privacy",
        ),
    ]
    return Pipeline([*controls, *generators, *reports])
