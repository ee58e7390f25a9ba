"""Wiring of the serving pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.serving import nodes
from doppelcart.pipelines.serving.section import write_section
from doppelcart.recommendation.arms import GENERATORS


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Recommend by what was promoted, or else by the best plain recommender."""
    return Pipeline(
        [
            Node(
                nodes.choose_system,
                inputs=["promotion", "chosen_configs"],
                outputs="serving.system",
                name="choose_system",
            ),
            Node(
                nodes.recommend_items,
                inputs={
                    "system": "serving.system",
                    "prm_interactions": "prm_interactions",
                    "prm_items": "prm_items",
                    "train_histories": "train_histories",
                    "synthetic_users": "synthetic_users",
                    "demographics_matrix": "demographics_matrix",
                    "evaluation": "params:evaluation",
                    "params": "params:serving",
                    **{name: f"{name}.generator" for name in GENERATORS},
                },
                outputs="recommendations",
                name="recommend_items",
            ),
            Node(
                nodes.export_model,
                inputs={
                    **{
                        name: name
                        for name in (
                            "promotion",
                            "chosen_configs",
                            "user_metrics",
                            "verdict",
                            "prm_interactions",
                            "prm_items",
                            "train_histories",
                            "synthetic_users",
                            "demographics_matrix",
                            "demographics_transformer",
                        )
                    },
                    "evaluation": "params:evaluation",
                    "params": "params:serving",
                    **{name: f"{name}.generator" for name in GENERATORS},
                },
                outputs="serving.model",
                name="export_model",
            ),
            Node(
                nodes.list_synthetic_customers,
                inputs=["synthetic_users", "prm_items"],
                outputs="synthetic_customers",
                name="list_synthetic_customers",
            ),
            Node(
                write_section,
                inputs=["serving.system", "recommendations", "synthetic_customers"],
                outputs="serving.section",
                name="write_serving_section",
            ),
        ]
    )
