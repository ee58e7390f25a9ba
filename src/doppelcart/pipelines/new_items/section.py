"""The section on new items."""

from typing import Any, Final

import pandas as pd

from doppelcart.experiment.design import Design
from doppelcart.pipelines.new_items.demand import ALL_LAUNCHES, POOLED
from doppelcart.pipelines.new_items.design import CUT, TRIAL
from doppelcart.reporting.blocks import details, heading, paragraph, table
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
    Column,
    Table,
    count,
    number,
    probability,
    score,
    share,
    tabulate,
    tabulate_all,
    text,
)

CAPABILITY: Final = Capability(
    name="new_items",
    rank=45,
    title="New items",
    question="Who will buy an item that nobody bought yet, and how well will it sell?",
    claims=(
        Claim(
            name="imagined",
            text="Items that a GAN imagines for a customer find the new items that the customer "
            "will buy.",
            source="Huynh, Ciptadi, Tyagi and Agrawal 2018, CRAFT: complementary recommendations "
            "using adversarial feature transformer (arXiv 1804.10871)",
        ),
    ),
    command="kedro run --pipelines items,new_items",
)

OVERLAPPING: Final = (
    "Windows go on to the end of the log, so that an item launched late is new in several of them; "
    "households are resampled with all their windows, items are not."
)
SELECTED: Final = (
    "A new item is ranked if enough households bought it, which nobody knows at launch; its "
    "forecast is judged on all launches as well."
)


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    scores: pd.DataFrame,
    sizes: pd.DataFrame,
    demand: pd.DataFrame,
    tried: pd.DataFrame,
    training_log: pd.DataFrame,
    parameters: ReportingParams,
) -> Section:
    """Lay out who buys new items, and which of them sell.

    Args:
        verdict: One row per arm on trial.
        differences: One row per comparison.
        declared: The design.
        scores: One row per (arm, household, cut).
        sizes: One row per cut.
        demand: What the forecasts are worth.
        tried: All configurations that were tried.
        training_log: Of the generators.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    limit = parameters.table_rows
    floors = floors_of(training_log, TRIAL, [CUT, "window"])
    real_enough = floor_in_words(floors, "items")
    verdict = told_by_floor(verdict, real_enough, set(verdict["arm"]))
    evidence = with_floor(evidence_of(verdict, design), floors)
    return CAPABILITY.section(
        f"{answer_by_arm(verdict, design)} {demand_in_short(demand)}",
        [
            paragraph(
                "The log is parted at moments: what was sold before one is known, and items first "
                "sold after it are new. Every system is tuned on the items launched before that "
                "moment, and ranks the new ones for every household that bought one."
            ),
            table(sizes_table(sizes, limit)),
            *blocks_of(verdict, differences, design, limit),
            paragraph(real_enough),
            table(scores_table(scores, design, limit)),
            heading("How well new items sell"),
            paragraph(
                "Forecasts from attributes, price at launch, and how items of the type and of the "
                "manufacturer sold in the weeks before, held against the mean of the type."
            ),
            table(demand_table(demand, limit)),
            details(
                "What was chosen from before the cuts, and how the generators were trained",
                [
                    table(tried_table(tried, limit)),
                    table(tabulate_all(training_log, "Trainings", limit)),
                ],
            ),
        ],
        evidence={"imagined": evidence} if evidence else {},
        caveats=[
            OVERLAPPING,
            SELECTED,
            "Generators are trained with one seed, so that their verdict is indicative.",
        ],
    )


def demand_in_short(demand: pd.DataFrame) -> str:
    """What the forecast of sales is worth, in one sentence: pooled, or of the last window."""
    rows = demand[(demand["items"] == ALL_LAUNCHES) & (demand["metric"] == "spearman")]
    pooled = rows[rows["cut"] == POOLED]
    (row,) = (pooled if len(pooled) else rows.tail(1)).to_dict("records")
    return (
        f"Forecast sales of launches agree with real ones by a rank correlation of "
        f"{number(row['forecast'])}, where the mean of the type reaches {number(row['type_mean'])} "
        f"(difference {number(row['low'])} to {number(row['high'])})."
    )


def sizes_table(sizes: pd.DataFrame, limit: int) -> Table:
    """The launch windows."""
    columns = [
        Column("cut", "lines before", share),
        Column("opens", "opens", text, False),
        Column("old_items", "old items", count),
        Column("launched_items", "launched", count),
        Column("new_items", "of them ranked", count),
        Column("without_features", "without any feature", count),
        Column("households", "households", count),
        Column("new_items_each", "new items each", number),
    ]
    return tabulate(sizes, "Launch windows", columns, limit)


def scores_table(scores: pd.DataFrame, design: Design, limit: int) -> Table:
    """Mean accuracy by arm and window."""
    means = scores.pivot_table(index="arm", columns=CUT, values="value", sort=False)
    order = [name for name in design.by_name if name in means.index]
    frame = means.loc[order].reset_index()
    frame.columns = frame.columns.map(str)
    columns = [Column("arm", "arm", lambda arm: design.by_name[arm].phrase, False)]
    columns += [Column(str(cut), f"{cut:.0%}", score) for cut in means.columns]
    note = "By the share of lines before the window."
    return tabulate(frame, f"{design.metric} by window", columns, limit, note)


def demand_table(demand: pd.DataFrame, limit: int) -> Table:
    """What the forecasts are worth."""
    columns = [
        Column("cut", "lines before", text, False),
        Column("items", "items", text, False),
        Column("metric", "metric", text, False),
        Column("type_mean", "mean of the type", score),
        Column("forecast", "forecast", score),
        Column("difference", "difference", score),
        Column("low", "from", score),
        Column("high", "to", score),
        Column("p_value", "p", probability),
        Column("n_items", "items tested", count),
        Column("model", "model", text, False),
    ]
    note = "From and to: 95 % interval over items; p-values are not corrected."
    return tabulate(demand, "Which launches will sell", columns, limit, note)


def tried_table(tried: pd.DataFrame, limit: int) -> Table:
    """All that was tried on the windows before the cuts."""
    columns = [
        Column("cut", "lines before", share),
        Column("system", "system", text, False),
        Column("config", "configuration", text, False),
        Column("ndcg", "NDCG before the cut", score),
    ]
    return tabulate(tried, "Configurations", columns, limit)
