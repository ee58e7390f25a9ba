"""The reporting pipeline: the sections that capabilities bring, as one HTML page."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart import pipelines as packages
from doppelcart.pipelines.reporting.nodes import check_report, write_report
from doppelcart.reporting.capabilities import find_capabilities


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Write the report of whatever sections there are; say where one is missing or broken."""
    names = [capability.name for capability in find_capabilities(packages)]
    return Pipeline(
        [
            Node(
                write_report,
                {name: f"{name}.section" for name in names}
                | {"records": "lineage_records", "parameters": "params:reporting"},
                ["report_html", "report_to_share", "run_facts", "report_failures"],
                name="write_report",
            ),
            Node(check_report, "report_failures", None, name="check_report"),
        ]
    )
