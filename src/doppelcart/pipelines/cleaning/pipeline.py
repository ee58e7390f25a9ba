"""The cleaning pipeline."""

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.cleaning.nodes import clean


def create_pipeline(**_kwargs: object) -> Pipeline:
    """One node, so that the rows kept and the rows quarantined come from one account."""
    return Pipeline(
        [
            Node(
                clean,
                inputs=[
                    "int_interactions",
                    "int_items",
                    "int_users",
                    "params:cleaning",
                    "params:ingestion",
                ],
                outputs={
                    "interactions": "prm_interactions",
                    "items": "prm_items",
                    "users": "prm_users",
                    "quarantine": "quarantine",
                    "report": "cleaning_report",
                },
                name="clean",
                tags=["tables"],
            )
        ]
    )
