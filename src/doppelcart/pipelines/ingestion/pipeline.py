"""The ingestion pipeline."""

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.ingestion.nodes import ingest
from doppelcart.schemas import SCHEMAS


def create_pipeline(**_kwargs: object) -> Pipeline:
    """One node: all checks pass before the first table is written."""
    return Pipeline(
        [
            Node(
                ingest,
                inputs=["raw_tables", "raw_files", "params:source", "params:ingestion"],
                outputs={**{name: f"int_{name}" for name in SCHEMAS}, "summary": "source_summary"},
                name="ingest",
                tags=["tables"],
            )
        ]
    )
