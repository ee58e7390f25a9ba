"""The cleaning pipeline."""

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.cleaning.figures import plot_cleaning
from doppelcart.pipelines.cleaning.nodes import clean
from doppelcart.pipelines.cleaning.section import write_section


def create_pipeline(**_kwargs: object) -> Pipeline:
    """One node cleans, so that the rows kept and the rows quarantined come from one account."""
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
            ),
            Node(
                plot_cleaning,
                inputs="cleaning_report",
                outputs="cleaning_waterfall",
                name="plot_cleaning",
            ),
            Node(
                write_section,
                inputs=["cleaning_report", "cleaning_waterfall", "params:reporting"],
                outputs="cleaning.section",
                name="write_cleaning_section",
            ),
        ]
    )
