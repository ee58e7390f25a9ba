"""Wiring of the tuning pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.tuning import figures, nodes


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """From what the last run saved to the best parameters; not part of the default run."""
    trained_on = [
        "train_histories",
        "profile_matrix",
        "demographics_matrix",
        "item_matrix",
        "validation_cases",
        "params:gan.network",
        "params:gan.training",
        "params:gan.game",
    ]
    return Pipeline(
        [
            Node(
                nodes.search_parameters,
                inputs=[*trained_on, "params:tuning"],
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
                inputs=[*trained_on, "tuning.best", "params:tuning"],
                outputs="tuning.confirmation",
                name="confirm_best",
            ),
        ]
    )
