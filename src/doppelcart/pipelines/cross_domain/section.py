"""The section on households that are new to a department."""

from typing import Any, Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.design import Design
from doppelcart.pipelines.cross_domain.design import ALL, BESIDE, GRAPH, TRIAL
from doppelcart.reporting.blocks import details, paragraph, table
from doppelcart.reporting.experiments import answer_by_arm, blocks_of, evidence_of
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.real_enough import (
    floor_in_words,
    floors_of,
    told_by_floor,
    with_floor,
)
from doppelcart.reporting.section import Capability, Claim, Section
from doppelcart.reporting.tables import (
    CHANGE,
    Column,
    Table,
    count,
    in_percent,
    number,
    score,
    tabulate,
    tabulate_all,
    text,
)

CAPABILITY: Final = Capability(
    name="cross_domain",
    rank=48,
    title="Departments that a customer is new to",
    question="What will a customer buy in a department, known by what it buys in all others?",
    claims=(
        Claim(
            name="completion",
            text="A GAN that completes a customer's baskets recommends better from a department "
            "that the customer is new to.",
            source="Wang, Niepert and Li 2019, RecSys-DAN: discriminative adversarial networks for "
            "cross-domain recommender systems (arXiv 1903.10794)",
        ),
        Claim(
            name="graph",
            text="A graph of what items are carries a customer's taste into a department that the "
            "customer is new to.",
            source="Fernandez-Tobias, Cantador, Tomeo, Anelli and Di Noia 2019, Addressing the "
            "user cold start with cross-domain collaborative filtering: exploiting item metadata "
            "in matrix factorization (UMUAI 29)",
        ),
    ),
    command="kedro run --pipelines cross_domain",
)

SOURCES: Final = (
    "A department that nearly everybody buys in is only a source, and one of few items is left "
    "out; the log of the run names them."
)
FEW: Final = (
    "Who comes to a department late buys one or two items there: few households, and lists that "
    "are hard to get right. Everything is chosen on masked households in both protocols."
)


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    scores: pd.DataFrame,
    sizes: pd.DataFrame,
    tried: pd.DataFrame,
    training_log: pd.DataFrame,
    graph_log: pd.DataFrame,
    parameters: ReportingParams,
) -> Section:
    """Lay out what households buy in departments that they are new to.

    Args:
        verdict: One row per arm on trial, protocol and department.
        differences: One row per comparison.
        declared: The design.
        scores: One row per (protocol, department, arm, household).
        sizes: One row per protocol and department.
        tried: All configurations that were tried.
        training_log: Of the generators.
        graph_log: Of the vectors of the graph.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    limit = parameters.table_rows
    floors = floors_of(training_log, TRIAL, [Columns.PROTOCOL])
    real_enough = floor_in_words(floors, "baskets")
    verdict = told_by_floor(verdict, real_enough, (TRIAL, f"{BESIDE}{TRIAL}"))
    pooled = verdict[verdict[Columns.DEPARTMENT] == ALL]
    of_pools = differences[differences[Columns.DEPARTMENT] == ALL]
    is_graph = pooled["arm"].astype(str).str.endswith(GRAPH)
    found = {
        claim: evidence_of(rows, design)
        for claim, rows in (("completion", pooled[~is_graph]), ("graph", pooled[is_graph]))
    }
    found["completion"] = with_floor(found["completion"], floors)
    return CAPABILITY.section(
        answer_by_arm(pooled, design, places=True),
        [
            paragraph(
                "In the masked protocol a department is hidden of some households, which are then "
                "recommended from it by what they buy elsewhere; in the natural one households are "
                "tested that bought nothing there until a moment, and did after it."
            ),
            table(sizes_table(sizes, limit)),
            *blocks_of(pooled, of_pools, design, limit),
            paragraph(real_enough),
            table(means_table(scores, design, limit)),
            details(
                "Department by department, what was chosen, and how generators and graph were "
                "trained",
                [
                    table(departments_table(verdict, design, limit)),
                    table(tried_table(tried, limit)),
                    table(tabulate_all(training_log, "Trainings", limit)),
                    table(tabulate_all(graph_log, "Vectors of the graph", limit)),
                ],
            ),
        ],
        evidence={claim: own for claim, own in found.items() if own},
        caveats=[
            SOURCES,
            FEW,
            "Generators are trained with one seed, so that their verdict is indicative.",
        ],
    )


def sizes_table(sizes: pd.DataFrame, limit: int) -> Table:
    """The departments."""
    columns = [
        Column(Columns.PROTOCOL, "protocol", text, False),
        Column(Columns.DEPARTMENT, "department", text, False),
        Column("items", "items", count),
        Column("train", "households to learn from", count),
        Column("validation", "to choose by", count),
        Column("test", "tested", count),
        Column("items_each", "items each", number),
    ]
    return tabulate(sizes, "Departments that are recommended from", columns, limit)


def means_table(scores: pd.DataFrame, design: Design, limit: int) -> Table:
    """Mean accuracy by department and arm, without the pools of departments."""
    rows = scores[scores[Columns.DEPARTMENT] != ALL]
    place = rows[Columns.PROTOCOL] + ", " + rows[Columns.DEPARTMENT]
    means = rows.assign(place=place).pivot_table(
        index="arm", columns="place", values="value", sort=False
    )
    order = [name for name in design.by_name if name in means.index]
    frame = means.loc[order].T.reset_index()
    columns = [Column("place", "where", text, False)]
    columns += [Column(name, design.by_name[name].phrase, score) for name in order]
    return tabulate(frame, f"{design.metric} by department", columns, limit)


def departments_table(verdict: pd.DataFrame, design: Design, limit: int) -> Table:
    """The verdicts of single departments."""
    rows = in_percent(verdict[verdict[Columns.DEPARTMENT] != ALL])
    columns = [
        Column(Columns.PROTOCOL, "protocol", text, False),
        Column(Columns.DEPARTMENT, "department", text, False),
        Column("arm", "on trial", lambda arm: design.by_name[arm].phrase, False),
        Column("verdict", "verdict", text, False),
        *CHANGE,
        Column("n_units", "households", count),
    ]
    return tabulate(rows, "Verdicts by department", columns, limit)


def tried_table(tried: pd.DataFrame, limit: int) -> Table:
    """All that was tried on validation households."""
    columns = [
        Column(Columns.PROTOCOL, "protocol", text, False),
        Column(Columns.DEPARTMENT, "department", text, False),
        Column("system", "system", text, False),
        Column("config", "configuration", text, False),
        Column("ndcg", "NDCG of validation households", score),
    ]
    return tabulate(tried, "Configurations", columns, limit)
