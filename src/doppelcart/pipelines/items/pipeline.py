"""Wiring of the items pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.items import nodes


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Encode what items say of themselves; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.look_at_pictures,
                inputs=["int_pictures", "params:items"],
                outputs=["items.pictures", "items.quarantine"],
                name="look_at_pictures",
                tags=["update"],
            ),
            Node(
                nodes.encode_items,
                inputs=["int_items", "int_interactions", "items.pictures", "params:items"],
                outputs="items.features",
                name="encode_items",
            ),
            Node(
                nodes.list_words,
                inputs=["int_items", "int_interactions", "params:items"],
                outputs="items.words",
                name="list_words",
            ),
            Node(
                nodes.describe_features,
                inputs="items.features",
                outputs="items.coverage",
                name="describe_features",
            ),
            Node(
                nodes.learn_vectors,
                inputs=[
                    "items.features",
                    "int_items",
                    "int_interactions",
                    "items.pictures",
                    "params:items",
                ],
                outputs="items.embedder",
                name="learn_vectors",
            ),
            Node(
                nodes.embed_items,
                inputs=["items.embedder", "int_items", "int_interactions", "items.pictures"],
                outputs=["items.vectors", "items.changes"],
                name="embed_items",
                tags=["update"],
            ),
        ]
    )
