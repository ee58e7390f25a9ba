"""Wiring of the gan pipeline: one template, instanced for each family of generators."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.gan.figures import plot_training
from doppelcart.pipelines.gan.nodes import train_generator
from doppelcart.pipelines.gan.section import write_section
from doppelcart.recommendation.arms import GENERATORS
from doppelcart.templates.generator import TRAINED_ON


def _template(beside: str) -> Pipeline:
    return Pipeline(
        [
            Node(
                train_generator,
                inputs=[*TRAINED_ON, "params:network", "params:training", "params:trainer"],
                outputs=["generator", beside, "training_log", "monitors"],
                name="train",
            )
        ]
    )


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Every generator of ``GENERATORS``: the adversarial one and its controls.

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
    told = Pipeline(
        [
            Node(
                plot_training,
                inputs={name: f"{name}.training_log" for name in GENERATORS},
                outputs="training_curves",
                name="plot_training",
            ),
            Node(
                write_section,
                # Kedro finds the types of parameters by position: those with a name come first.
                inputs={"training_curves": "training_curves", "parameters": "params:reporting"}
                | {name: f"{name}.monitors" for name in GENERATORS},
                outputs="gan.section",
                name="write_gan_section",
            ),
        ]
    )
    return Pipeline(
        [
            *[
                Pipeline(_template(generator.beside), namespace=name, **shared)
                for name, generator in GENERATORS.items()
            ],
            told,
        ]
    )
