"""Wiring of the gan pipeline: one template, instanced with and without a critic."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.gan.nodes import train_generator

SHARED = {
    "train_histories",
    "profile_matrix",
    "demographics_matrix",
    "item_matrix",
    "validation_cases",
}


def _template() -> Pipeline:
    return Pipeline(
        [
            Node(
                train_generator,
                inputs=[
                    "train_histories",
                    "profile_matrix",
                    "demographics_matrix",
                    "item_matrix",
                    "validation_cases",
                    "params:network",
                    "params:training",
                    "params:game",
                ],
                outputs=["generator", "critic", "history", "monitors"],
                name="train",
            )
        ]
    )


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """The adversarial generator and the control without a critic.

    Both read the network and training parameters of the former, so that they differ in the
    adversarial weight alone.
    """
    shared_parameters = {
        "params:network": "params:gan.network",
        "params:training": "params:gan.training",
    }
    return Pipeline(
        [
            Pipeline(_template(), namespace=name, inputs=SHARED, parameters=shared_parameters)
            for name in ("gan", "denoiser")
        ]
    )
