"""The ingestion pipeline."""

from kedro.pipeline import Node, Pipeline

from doppelcart.data.schemas import SCHEMAS
from doppelcart.pipelines.ingestion.nodes import ingest
from doppelcart.pipelines.ingestion.section import write_section


def create_pipeline(**_kwargs: object) -> Pipeline:
    """One node reads: all checks pass before the first table is written."""
    return Pipeline(
        [
            Node(
                ingest,
                inputs=["raw_tables", "raw_files", "params:source", "params:ingestion"],
                outputs={**{name: f"int_{name}" for name in SCHEMAS}, "summary": "source_summary"},
                name="ingest",
                tags=["tables"],
            ),
            Node(
                write_section,
                inputs=["source_summary", "params:reporting"],
                outputs="ingestion.section",
                name="write_ingestion_section",
            ),
        ]
    )
