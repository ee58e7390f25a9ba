"""The section on greetings."""

from typing import Any

import pandas as pd

from doppelcart.experiment.design import Design
from doppelcart.reporting.experiments import answer_of, blocks_of, evidence_of
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Section

CAPABILITY = Capability(
    name="greetings",
    rank=90,
    title="Greetings",
    question="Does a synthetic greeting make customers stay longer?",
    claims=(
        Claim(
            name="stay",
            text="A synthetic greeting makes customers stay longer.",
            source="made up, as an example",
        ),
    ),
    command="kedro run --pipelines greetings",
)


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    parameters: ReportingParams,
) -> Section:
    """Lay out what was found of greetings.

    Args:
        verdict: One row per arm on trial.
        differences: One row per comparison.
        declared: The design.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    evidence = evidence_of(verdict, design)
    return CAPABILITY.section(
        answer_of(verdict),
        blocks_of(verdict, differences, design, parameters.table_rows),
        caveats=["The visits are made up, and so is the effect."],
        evidence={"stay": evidence} if evidence else {},
        data="made up",
    )
