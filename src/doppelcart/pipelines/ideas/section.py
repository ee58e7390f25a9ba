"""The section on ideas for new products."""

from typing import Any, Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.design import Design
from doppelcart.pipelines.ideas.design import CUT, PLAIN
from doppelcart.pipelines.ideas.imagining_ideas import TRIAL
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
    yes_no,
)

CAPABILITY: Final = Capability(
    name="ideas",
    rank=46,
    title="Ideas for new products",
    question="Which products that the shop lacks are worth launching?",
    claims=(
        Claim(
            name="imagined",
            text="What a GAN imagines that customers would buy are ideas for products that are "
            "worth launching.",
            source="Vo and Soh 2018, Generation meets recommendation: proposing novel items for "
            "groups of users (RecSys 2018)",
        ),
    ),
    command="kedro run --pipelines items,ideas",
)

LISTED: Final = 20
"""Ideas that the section lists."""
UNKNOWN: Final = (
    "A launch of which one part was not known before can be nobody's idea; the table of windows "
    "counts such launches."
)


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    scores: pd.DataFrame,
    sizes: pd.DataFrame,
    rankings: pd.DataFrame,
    audiences: pd.DataFrame,
    ideas: pd.DataFrame,
    became: pd.DataFrame,
    tried: pd.DataFrame,
    training_log: pd.DataFrame,
    parameters: ReportingParams,
) -> Section:
    """Lay out the ideas, and what became of earlier ones.

    Args:
        verdict: One row per window and arm on trial.
        differences: One row per comparison.
        declared: The design.
        scores: One row per (cut, arm, launch).
        sizes: One row per cut.
        rankings: One row per (cut, plain ranking).
        audiences: What the predicted audiences are worth.
        ideas: For tomorrow.
        became: Of before the last cut.
        tried: All that was tried before the cuts.
        training_log: Of the generators.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    limit = parameters.table_rows
    floors = floors_of(training_log, TRIAL, ["opens"])
    real_enough = floor_in_words(floors, "items")
    verdict = told_by_floor(verdict, real_enough, set(verdict["arm"]))
    evidence = with_floor(evidence_of(verdict, design), floors)
    return CAPABILITY.section(
        f"{plain_in_short(scores, sizes, design)} {answer_by_arm(verdict, design)}",
        [
            paragraph(
                "An idea is a type and a manufacturer that the shop knows both and does not sell "
                "together. Every ranking is made of what was known at a moment, and a hit is an "
                "idea that was really launched in the weeks after it."
            ),
            table(ideas_table(ideas.head(LISTED), limit)),
            table(became_table(became, limit)),
            *blocks_of(verdict, differences, design, limit),
            paragraph(real_enough),
            table(arms_table(scores, design, limit)),
            heading("Who would buy"),
            paragraph(
                "Where an idea was launched and bought, the audience that was predicted for it is "
                "held against the households that bought it: how often a buyer stands above "
                "another household."
            ),
            table(audience_table(audiences, limit)),
            details(
                "Windows, plain rankings, what was chosen from before the cuts, and how the "
                "generators were trained",
                [
                    table(sizes_table(sizes, limit)),
                    table(tabulate_all(rankings, "Plain rankings after the cuts", limit)),
                    table(tabulate_all(tried, "Tried before the cuts", limit)),
                    table(tabulate_all(training_log, "Trainings", limit)),
                ],
            ),
        ],
        evidence={"imagined": evidence} if evidence else {},
        caveats=[
            "A launch says that somebody found the product worth launching, not that it sold well.",
            UNKNOWN,
            "Generators are trained with one seed, so that their verdict is indicative.",
        ],
    )


def plain_in_short(scores: pd.DataFrame, sizes: pd.DataFrame, design: Design) -> str:
    """How many launches the best plain ranking foresaw, in one sentence."""
    plain = scores[scores["arm"] == PLAIN]
    # A window of which no launch is scored has ideas all the same.
    windows = [
        (plain.loc[plain[CUT] == f"{cut:g}", "value"], ideas)
        for cut, ideas in zip(sizes[CUT], sizes["ideas"], strict=True)
    ]
    parts = [
        f"{round(found.sum())} of {len(found)} launches among its first "
        f"{count(int(design.metric.removeprefix('recall@')))} of {count(ideas)} ideas"
        for found, ideas in windows
    ]
    return f"The best plain ranking had {', and '.join(parts)}."


def sizes_table(sizes: pd.DataFrame, limit: int) -> Table:
    """The windows."""
    columns = [
        Column(CUT, "lines before", share),
        Column("opens", "opens", text, False),
        Column("types", "types", count),
        Column("manufacturers", "manufacturers", count),
        Column("ideas", "ideas", count),
        Column("launched_items", "items launched", count),
        Column("launched_combinations", "combinations launched", count),
        Column("with_an_unknown_part", "besides, with an unknown part", count),
    ]
    return tabulate(sizes, "Windows", columns, limit)


def arms_table(scores: pd.DataFrame, design: Design, limit: int) -> Table:
    """Hits and AUC of every arm and window."""
    found = scores.groupby(["arm", CUT], sort=False).agg(
        hits=("value", "sum"), auc=("above", "mean"), level=("level", "first")
    )
    order = [name for name in design.by_name if name in found.index.get_level_values("arm")]
    frame = found.loc[order].reset_index()
    columns = [
        Column("arm", "arm", lambda arm: design.by_name[arm].phrase, False),
        Column(CUT, "lines before", text, False),
        Column("hits", "launches among the first ideas", lambda hits: count(round(hits))),
        Column("auc", "AUC", score),
        Column("level", "weight", number),
    ]
    return tabulate(frame, f"{design.metric} and AUC by window", columns, limit)


def ideas_table(ideas: pd.DataFrame, limit: int) -> Table:
    """Ideas in words; columns that the source does not tell are left out."""
    title = "Ideas for tomorrow, by the best plain ranking"
    note = "More of them are in ideas.csv."
    columns = [
        Column("rank", "", count),
        Column(Columns.TYPE, "type", text, False),
        Column(Columns.MANUFACTURER, "manufacturer", text, False),
        Column(Columns.CATEGORY, "category", text, False),
        Column(Columns.DEPARTMENT, "department", text, False),
        Column(Columns.BRAND, "brand", text, False),
        Column(Columns.SIZE, "size", text, False),
        Column("price_from", "price from", number),
        Column("price_to", "to", number),
        Column("households_of_both", "households that bought of both", count),
        Column("households_of_type", "of the type", count),
        Column("nearest_item", "nearest item", text, False),
        Column("nearest_manufacturer", "of manufacturer", text, False),
    ]
    return tabulate(ideas, title, [c for c in columns if c.name in ideas], limit, note)


def became_table(became: pd.DataFrame, limit: int) -> Table:
    """Ideas of before the last cut, and whether they were launched."""
    columns = [
        Column("rank", "", count),
        Column(Columns.TYPE, "type", text, False),
        Column(Columns.MANUFACTURER, "manufacturer", text, False),
        Column("households_of_both", "households that bought of both", count),
        Column("launched", "launched in the weeks after", yes_no, False),
    ]
    title = "What became of the first ideas of the last window"
    return tabulate(became, title, columns, limit)


def audience_table(audiences: pd.DataFrame, limit: int) -> Table:
    """What the predicted audiences are worth."""
    columns = [
        Column(CUT, "lines before", share),
        Column("audience", "audience", lambda name: AUDIENCES[name], False),
        Column("auc", "AUC", score),
        Column("difference", "difference", score),
        Column("low", "from", score),
        Column("high", "to", score),
        Column("p_value", "p", probability),
        Column("launches", "launches", count),
    ]
    note = "From and to: 95 % interval over manufacturers; p-values are not corrected."
    return tabulate(audiences, "Predicted audience and real buyers", columns, limit, note)


AUDIENCES: Final[dict[str, str]] = {
    "lines": "households that buy most",
    "expected": "what the household would be expected to buy of the type",
    "expected_of_maker": "that, times its share of the manufacturer",
    "imagined": "what the GAN imagines for it",
    "without_critic": "what is imagined without a critic",
    "energy_score": "what is imagined by the energy score",
}
