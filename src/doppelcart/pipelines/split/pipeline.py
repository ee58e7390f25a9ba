"""The split pipeline."""

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.split.nodes import (
    build_cases,
    build_train_histories,
    split_interactions,
)
from doppelcart.pipelines.split.section import write_section


def create_pipeline(**_kwargs: object) -> Pipeline:
    """Lines first, then the training histories, then the cases over their catalogue."""
    return Pipeline(
        [
            Node(
                split_interactions,
                inputs=["prm_interactions", "params:split"],
                outputs=[
                    "train_interactions",
                    "validation_interactions",
                    "test_interactions",
                    "split_bounds",
                ],
                name="split_interactions",
                tags=["tables"],
            ),
            Node(
                build_train_histories,
                inputs="train_interactions",
                outputs="train_histories",
                name="build_train_histories",
                tags=["tables"],
            ),
            Node(
                build_cases,
                inputs=[
                    "train_histories",
                    "validation_interactions",
                    "test_interactions",
                    "split_bounds",
                    "params:split",
                ],
                outputs=["validation_cases", "test_cases", "split_summary"],
                name="build_cases",
                tags=["tables"],
            ),
            Node(
                write_section,
                inputs=["split_summary", "params:reporting"],
                outputs="split.section",
                name="write_split_section",
            ),
        ]
    )
