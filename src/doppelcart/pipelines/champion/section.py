"""The section on what serves."""

from typing import Any, Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.design import Design
from doppelcart.experiment.outcome import NO_EVIDENCE
from doppelcart.reporting.blocks import paragraph, table
from doppelcart.reporting.experiments import blocks_of
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Finding, Section, Story
from doppelcart.reporting.signals import of_verdict
from doppelcart.reporting.tables import Column, Table, number, tabulate, text
from doppelcart.serving.decisions import Comparison, Decision

CAPABILITY: Final = Capability(
    name="champion",
    rank=16,
    title="What serves",
    question="May the newest model take the place of what serves?",
    command="kedro run --pipelines champion",
)


@CAPABILITY.written_by
def write_section(
    decision: Decision,
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    parameters: ReportingParams,
) -> Section:
    """Lay out what was decided, and what it rests on.

    Args:
        decision: Whether the candidate serves.
        verdict: One row per group of customers.
        differences: The candidate against the champion.
        declared: The design.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    serves = "serves" if decision.promotes else "does not replace it"
    return CAPABILITY.section(
        f"Version {decision.version} {serves}: {decision.reason}",
        [
            paragraph(
                "Both were fitted on the same training customers and asked about the same "
                "held-out ones. A slice that would lose more than "
                f"{100 * decision.margin:g} % refuses the candidate, however much others gain."
            ),
            *blocks_of(verdict, differences, design, parameters.table_rows),
            table(costs_table(decision, parameters.table_rows)),
        ],
        story=_story(decision, verdict, design),
        caveats=[
            "Over all customers each counts once; how many of each kind will ask is not known."
        ],
    )


def _story(decision: Decision, verdict: pd.DataFrame, design: Design) -> Story:
    """What changes for whom; empty where nothing on trial was compared."""
    words = verdict.set_index(Columns.SLICE)["verdict"].to_dict()
    findings = tuple(
        Finding(
            who=test.customers,
            signal=of_verdict(words.get(test.slice, NO_EVIDENCE)),
            sentence="",
            what=test.candidate if test.candidate == test.champion else _instead(test),
            effect=_percent(test.relative),
            low=_percent(test.low),
            high=_percent(test.high),
        )
        for test in decision.tests
    )
    return Story(
        signal=findings[0].signal if findings else of_verdict(NO_EVIDENCE),
        headline=f"Version {decision.version}: {decision.reason}",
        findings=findings,
        measure=f"{design.metric} against what serves",
        advice=(
            "servers follow within a second; `doppelcart rollback` undoes it."
            if decision.promotes
            else "nothing; `doppelcart why " + decision.version + "` says it again."
        ),
    )


def _instead(test: Comparison) -> str:
    return f"{test.candidate} in place of {test.champion}"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def costs_table(decision: Decision, limit: int) -> Table:
    """What both models take.

    Args:
        decision: Whether the candidate serves.
        limit: Longest table (rows).
    """
    rows = pd.DataFrame(
        {"who": name, "size": cost.size / 1e6, "milliseconds": cost.milliseconds}
        for name, cost in decision.costs.items()
    )
    columns = [
        Column("who", "model", text, False),
        Column("size", "MB", number),
        Column("milliseconds", "ms of processor time a list", number),
    ]
    return tabulate(rows, "Costs", columns, limit)
