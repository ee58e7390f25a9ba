"""The profiles pipeline: users and items, readable and scaled."""

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.profiles.matrices import (
    encode_demographics,
    fit_demographics_transformer,
    fit_item_transformer,
    fit_profile_transformer,
    fit_taste_transformer,
    measure_taste,
    scale_items,
    scale_profiles,
)
from doppelcart.pipelines.profiles.nodes import describe_items, describe_users


def create_pipeline(**_: object) -> Pipeline:
    """From training rows to feat_users, feat_items, their scaled matrices and transformers."""
    return Pipeline(
        [
            Node(
                describe_items,
                inputs=["train_interactions", "prm_items", "train_histories", "params:profiles"],
                outputs="feat_items",
                name="describe_items",
            ),
            Node(
                describe_users,
                inputs=[
                    "train_interactions",
                    "feat_items",
                    "prm_users",
                    "int_promotions",
                    "int_reviews",
                    "train_histories",
                    "params:profiles",
                ],
                outputs="feat_users",
                name="describe_users",
            ),
            Node(
                fit_profile_transformer,
                inputs=["feat_users", "params:profiles"],
                outputs="profile_transformer",
                name="fit_profile_transformer",
            ),
            Node(
                fit_taste_transformer,
                inputs=["train_histories", "params:profiles"],
                outputs="taste_transformer",
                name="fit_taste_transformer",
            ),
            Node(
                measure_taste,
                inputs=["train_histories", "taste_transformer", "params:profiles"],
                outputs="taste_matrix",
                name="measure_taste",
            ),
            Node(
                scale_profiles,
                inputs=["feat_users", "profile_transformer", "taste_matrix"],
                outputs="profile_matrix",
                name="scale_profiles",
            ),
            Node(
                fit_item_transformer,
                inputs=["feat_items", "params:profiles"],
                outputs="item_transformer",
                name="fit_item_transformer",
            ),
            Node(
                scale_items,
                inputs=["feat_items", "item_transformer"],
                outputs="item_matrix",
                name="scale_items",
            ),
            Node(
                fit_demographics_transformer,
                inputs=["prm_users", "train_histories", "params:profiles"],
                outputs="demographics_transformer",
                name="fit_demographics_transformer",
            ),
            Node(
                encode_demographics,
                inputs=["prm_users", "train_histories", "demographics_transformer"],
                outputs="demographics_matrix",
                name="encode_demographics",
            ),
        ]
    )
