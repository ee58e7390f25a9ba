"""The claims pipeline: one row per claim, from the sections that capabilities bring."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart import pipelines as packages
from doppelcart.pipelines.claims.nodes import collect_claims, write_claims
from doppelcart.reporting.capabilities import find_capabilities


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Collect what there is, and say what was not run; not part of the default run."""
    names = [capability.name for capability in find_capabilities(packages)]
    return Pipeline(
        [
            Node(
                collect_claims,
                {name: f"{name}.section" for name in names} | {"studies": "claims.studies"},
                "claims.table",
                name="collect_claims",
            ),
            Node(write_claims, "claims.table", "claims.page", name="write_claims"),
        ]
    )
