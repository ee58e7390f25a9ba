"""Wiring of the tuning pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.tuning import figures, nodes
from doppelcart.pipelines.tuning.section import write_section
from doppelcart.templates.generator import TRAINED_ON


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """From what the last run saved to the best parameters; not part of the default run."""
    trained = ["tuning.data", "params:gan.network", "params:gan.training", "params:gan.trainer"]
    return Pipeline(
        [
            Node(
                nodes.gather_data,
                inputs=[*TRAINED_ON, "params:gan.trainer"],
                outputs="tuning.data",
                name="gather_tuning_data",
            ),
            Node(
                nodes.search_parameters,
                inputs=[*trained, "params:tuning"],
                outputs=["tuning.trials", "tuning.importances"],
                name="search_parameters",
            ),
            Node(
                figures.draw_trials,
                inputs=["tuning.trials", "params:tuning"],
                outputs="tuning.trials_figure",
                name="draw_trials",
            ),
            Node(
                figures.draw_importances,
                inputs="tuning.importances",
                outputs="tuning.importances_figure",
                name="draw_importances",
            ),
            Node(
                nodes.choose_best,
                inputs=["tuning.trials", "params:tuning"],
                outputs="tuning.best",
                name="choose_best",
            ),
            Node(
                nodes.confirm_best,
                inputs=[*trained, "tuning.best", "params:tuning"],
                outputs="tuning.confirmation",
                name="confirm_best",
            ),
            Node(
                write_section,
                inputs=[
                    "tuning.trials",
                    "tuning.best",
                    "tuning.confirmation",
                    "tuning.trials_figure",
                    "tuning.importances_figure",
                    "params:reporting",
                ],
                outputs="tuning.section",
                name="write_tuning_section",
            ),
        ]
    )
