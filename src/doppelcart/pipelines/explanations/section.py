"""The section on explanations."""

from typing import Any, Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.experiment.design import Design
from doppelcart.pipelines.explanations.design import (
    COSINE,
    LEFT_OUT,
    MARGIN,
    MEASURE,
    NETWORKS,
    TRIAL,
)
from doppelcart.recommendation.labels import recommender_label
from doppelcart.reporting.blocks import details, figure, heading, paragraph, table
from doppelcart.reporting.experiments import blocks_of, evidence_of
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Section
from doppelcart.reporting.style import (
    Mark,
    as_text,
    empty_figure,
    finish,
    height_of,
    line_of,
    panels,
)
from doppelcart.reporting.tables import (
    Column,
    Table,
    count,
    number,
    score,
    share,
    tabulate,
    text,
    yes_no,
)
from doppelcart.serving.reasons import RELATIONS

CAPABILITY: Final = Capability(
    name="explanations",
    rank=49,
    title="Why an item is recommended",
    question="Which purchases carry a recommendation, and can that be said in words?",
    claims=(
        Claim(
            name="slopes",
            text="The slopes of a generative network name the purchases that a recommendation "
            "rests on, better than what is most similar does.",
            source="Barkan, Schein, Elisha, Bogina, Baklanov and Koenigstein 2025, Fidelity-aware "
            "recommendation explanations via stochastic path integration (arXiv 2511.18047)",
        ),
    ),
    command="kedro run --pipelines explanations",
)

SIZES: Final = "items to delete"
LINES: Final = {
    TRIAL: Mark("#0b6e99", "circle"),
    COSINE: Mark("#b3541e", "square-open", "dash"),
    "popular": Mark("#8a6d1b", "diamond", "dot"),
    "recent": Mark("#5b8c5a", "cross", "dashdot"),
    "random": Mark("#5b6672", "x-thin-open", "dot"),
    LEFT_OUT: Mark("#6a4c93", "diamond-open", "longdash"),
}
"""How the orders of the curves are drawn."""
TAUTOLOGY: Final = (
    "Where a score is a sum, what an item brings is what its deletion takes: to delete by "
    "contribution cannot but lower a score fastest. That is a test of the code, no finding, so "
    "these recommenders stand apart and nothing of them is judged. How many deletions move an item "
    "out of the list still depends on what other items lose."
)
WORDS: Final = {
    "type": "same type",
    "bought_with": "bought together",
    "manufacturer": "same manufacturer",
    "brand": "same brand",
    "category": "same category",
}


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    deletions: pd.DataFrame,
    curves: pd.DataFrame,
    sums: pd.DataFrame,
    paths: pd.DataFrame,
    examples: pd.DataFrame,
    tried: pd.DataFrame,
    parameters: ReportingParams,
) -> Section:
    """Lay out which purchases carry recommendations, and what is said of it.

    Args:
        verdict: One row per measure, slice and network.
        differences: One row per comparison.
        declared: The design.
        deletions: One row per (slice, network, arm, recommendation).
        curves: One row per (slice, network, arm, share of a history).
        sums: As ``deletions``, of recommenders whose scores are sums.
        paths: One row per slice.
        examples: One row per made-up customer.
        tried: All slopes that were tried.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    limit = parameters.table_rows
    sizes = verdict[verdict[MEASURE] == SIZES]
    evidence = evidence_of(sizes, design)
    return CAPABILITY.section(
        f"{sizes_in_short(sizes)} {paths_in_short(paths)}".strip(),
        [
            paragraph(
                "Every recommendation that is served comes with the purchases that carry its score "
                "and with a sentence. The sentence names a purchase that carries a tenth or more "
                "of what speaks for the item, and what the two have in common in the shop's graph; "
                "where there is no such purchase, it says so."
            ),
            table(examples_table(examples, limit)),
            table(paths_table(paths, limit)),
            heading("Do these purchases carry it?"),
            paragraph(
                "The purchases of tested customers are deleted in an order, until the item falls "
                "out of the list. A good order takes few deletions, leaves little of the score, "
                "and brings most of it back when its first purchases alone are there."
            ),
            figure(
                "explanations-curves",
                draw_curves(curves),
                "What is left of the score as purchases are deleted, by the order of deletion. "
                "The lower the better.",
            ),
            *blocks_of(verdict, differences, design, limit),
            table(
                deletions_table(
                    deletions, "Networks, by order of deletion", NETWORKS, PHRASES, limit
                )
            ),
            heading("Recommenders whose scores are sums"),
            paragraph(TAUTOLOGY),
            table(sums_table(sums, limit)),
            details("Which slopes validation customers chose", [table(tried_table(tried, limit))]),
        ],
        evidence={"slopes": evidence} if evidence else {},
        caveats=[
            "Networks are trained with one seed, so that the verdict is indicative.",
            "A purchase carries a score of the model; why a customer buys is another question.",
        ],
    )


def sizes_in_short(sizes: pd.DataFrame) -> str:
    """By how many deletions the item falls out of the list, in one sentence."""
    if sizes.empty:
        return "Nothing was compared."
    told = [
        f"{row[Columns.RECOMMENDER]} ({row[Columns.SLICE]}) {row['verdict']}, "
        f"{1 + row['relative']:.2f} times as many"
        for row in sizes.to_dict("records")
    ]
    return f"Deletions by slopes against deletions by cosine: {'; '.join(told)}."


def paths_in_short(paths: pd.DataFrame) -> str:
    """How many recommendations have a path, in one sentence."""
    told = [f"{share(row['with_path'])} ({row[Columns.SLICE]})" for row in paths.to_dict("records")]
    return f"Recommendations with a path in words: {', '.join(told)}." if told else ""


def draw_curves(curves: pd.DataFrame) -> go.Figure:
    """What is left of a score along the deletions: a panel per slice and network.

    Args:
        curves: One row per (slice, network, arm, share of a history).
    """
    if curves.empty:
        return empty_figure("No recommendation was tested.")
    place = curves[Columns.RECOMMENDER].map(NETWORKS) + "; " + curves[Columns.SLICE]
    titles = list(dict.fromkeys(place))
    height = height_of(titles, 240)
    drawn = panels(titles, height)
    for number_of, title in enumerate(titles):
        for arm, mark in LINES.items():
            rows = curves[(place == title) & (curves["arm"] == arm)]
            drawn.add_trace(
                go.Scatter(
                    x=[0, *(100 * rows["share"])],
                    y=[100, *(100 * rows["left"])],
                    mode="lines",
                    line=line_of(mark),
                    name=as_text(PHRASES[arm]),
                    legendgroup=arm,
                    showlegend=number_of == 0,
                    hovertemplate="%{x:.0f} % deleted: %{y:.0f} % left<extra></extra>",
                ),
                row=number_of // 2 + 1,
                col=number_of % 2 + 1,
            )
    drawn.update_xaxes(ticksuffix=" %", title="of the purchases deleted")
    drawn.update_yaxes(ticksuffix=" %", rangemode="tozero")
    half = curves[(curves["share"] == 0.5) & curves["arm"].isin([TRIAL, COSINE])]
    alt = "What is left of the score after half of the purchases were deleted. " + " ".join(
        f"{NETWORKS[row[Columns.RECOMMENDER]]}, {row[Columns.SLICE]}, {PHRASES[row['arm']]}: "
        f"{100 * row['left']:.0f} %."
        for row in half.to_dict("records")
    )
    return finish(drawn, height, alt, legend=True)


PHRASES: Final = {
    TRIAL: "by slopes",
    MARGIN: "by contribution beyond that to the next items",
    COSINE: "most similar first",
    "popular": "most popular first",
    "recent": "most recent first",
    "random": "at random",
    LEFT_OUT: "left out one by one",
    "reversed": "by slopes, last first",
}


def examples_table(examples: pd.DataFrame, limit: int) -> Table:
    """Made-up customers, what they are recommended first, and why."""
    columns = [
        Column("bought", "purchases known", count),
        Column(Columns.TITLE, "recommended", text, False),
        Column("words", "why", text, False),
    ]
    return tabulate(examples, "Customers whom the GAN made, as they come", columns, limit)


def paths_table(paths: pd.DataFrame, limit: int) -> Table:
    """How many recommendations have a purchase that carries a tenth, and a path to one."""
    columns = [
        Column(Columns.SLICE, "customers", text, False),
        Column("recommendations", "recommendations", count),
        Column("carried", "a purchase carries a tenth", share),
        Column("with_path", "and has a path", share),
        Column("related_by_chance", "purchases at random that are related", share),
        *(Column(name, WORDS[name], count) for name in RELATIONS),
    ]
    there = [column for column in columns if column.name in paths]
    return tabulate(paths, "Recommendations that are served, and their paths", there, limit)


def deletions_table(
    deletions: pd.DataFrame,
    title: str,
    labels: dict[str, str],
    phrases: dict[str, str],
    limit: int,
) -> Table:
    """Means by slice, recommender and order."""
    keys = [Columns.RECOMMENDER, Columns.SLICE, "arm"]
    wanted = ["set_size", "flips_within_5", "left", "back", "listed", "returned"]
    wanted += ["left_5", "back_5", "listed_5"]
    means = deletions.groupby(keys, sort=False, as_index=False)[wanted].mean()
    columns = [
        Column(Columns.RECOMMENDER, "what recommends", lambda name: labels[name], False),
        Column(Columns.SLICE, "customers", text, False),
        Column("arm", "deleted", lambda arm: phrases[arm], False),
        Column("set_size", SIZES, number),
        Column("flips_within_5", "out of the list within 5", share),
        Column("left", "score left", score),
        Column("back", "score back", score),
        Column("listed", "still listed", share),
        Column("returned", "listed again", share),
        Column("left_5", "DEL@5", score),
        Column("back_5", "INS@5", score),
        Column("listed_5", "POS@5", share),
    ]
    note = (
        "Score left and score back: of what it was, mean over a tenth to nine tenths of the "
        "history deleted, or put back alone. DEL@5, INS@5: the same after 5 purchases. Still "
        "listed: share of these deletions after which the item is in the list (POS@5: after 5); "
        "listed again: the same where these purchases alone are there."
    )
    return tabulate(means, title, columns, limit, note)


def sums_table(sums: pd.DataFrame, limit: int) -> Table:
    """The same of recommenders whose scores are sums."""
    labels = {name: recommender_label(name) for name in set(sums[Columns.RECOMMENDER])}
    title = "Contributions are exact here: no contest"
    if sums.empty:
        return tabulate(sums, title, [], limit, "Nothing that was tuned comes to sums.")
    return deletions_table(sums, title, labels, PHRASES | {TRIAL: "by contribution"}, limit)


def tried_table(tried: pd.DataFrame, limit: int) -> Table:
    """All slopes that were tried on validation customers."""
    columns = [
        Column(Columns.RECOMMENDER, "network", lambda name: NETWORKS[name], False),
        Column("where", "slopes at", text, False),
        Column("contrast", "less the items that come next", yes_no, False),
        Column("set_size", SIZES, number),
        Column("recommendations", "recommendations", count),
    ]
    return tabulate(tried, "Slopes tried on validation customers", columns, limit)
