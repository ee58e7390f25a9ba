"""Wiring of the gan pipeline: one template, instanced for each family of generators."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.gan.nodes import train_generator

TRAINED_ON = [
    "train_histories",
    "profile_matrix",
    "demographics_matrix",
    "item_matrix",
    "validation_cases",
]
"""What every training reads, here and in the search of its parameters."""

# The network that trains each generator.
BESIDE = {"gan": "critic", "denoiser": "critic", "vae": "encoder"}


def _template(beside: str) -> Pipeline:
    return Pipeline(
        [
            Node(
                train_generator,
                inputs=[*TRAINED_ON, "params:network", "params:training", "params:game"],
                outputs=["generator", beside, "history", "monitors"],
                name="train",
            )
        ]
    )


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """The adversarial generator, the control without a critic, and the VAE.

    All read the network and training parameters of the first, so that they differ in what
    trains the generator alone.
    """
    shared: dict[str, Any] = {
        "inputs": set(TRAINED_ON),
        "parameters": {
            "params:network": "params:gan.network",
            "params:training": "params:gan.training",
        },
    }
    return Pipeline(
        [Pipeline(_template(beside), namespace=name, **shared) for name, beside in BESIDE.items()]
    )
