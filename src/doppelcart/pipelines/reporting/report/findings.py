"""Sections on what was found: the change that generated data made, and all scores."""

from collections.abc import Mapping

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.pipelines.reporting.figures import in_percent
from doppelcart.pipelines.reporting.labels import (
    against_label,
    arm_label,
    arm_order,
    metric_label,
    recommender_label,
    recommender_order,
    slice_label,
    slice_order,
)
from doppelcart.pipelines.reporting.report.blocks import (
    Block,
    Section,
    details,
    figure,
    ordered,
    paragraph,
    skipped,
    table,
)
from doppelcart.pipelines.reporting.tables import (
    CHANGE,
    Column,
    Table,
    count,
    score,
    tabulate,
    tabulate_all,
)
from doppelcart.pipelines.reporting.words import profile_only, signal_of
from doppelcart.recommendation.arms import NONE


def verdict_section(
    verdict: pd.DataFrame,
    uplift: pd.DataFrame,
    at_best: pd.DataFrame,
    forests: Mapping[str, go.Figure],
    limit: int,
) -> Section:
    """How much the generated data changed, by group of customers and recommender.

    Args:
        verdict: As evaluation writes it.
        uplift: As evaluation writes it.
        at_best: Every arm at its best against the best without it, as evaluation writes it.
        forests: Uplift figure by recommender, the headline one first.
        limit: Longest table (rows).
    """
    if uplift.empty or verdict.empty:
        return Section(
            "uplift",
            "How much it changes",
            (skipped("Uplift", "no arm was compared with the plain recommender"),),
        )
    first, *others = forests
    blocks = [
        figure(
            "uplift-forest",
            forests[first],
            f"{recommender_label(first)}: change against the plain recommender, with 95 % "
            "intervals. Right of the line is better. Hollow marks compare with the best "
            "recommender of all without generated data.",
        ),
        verdict_grid(verdict),
        *[paragraph(sentence) for sentence in profile_only(at_best)],
        *at_best_block(at_best, limit),
        details(
            "The same figure for the other recommenders",
            [figure(f"uplift-{name}", forests[name], recommender_label(name)) for name in others],
        ),
        details("All comparisons in numbers", [table(uplift_table(uplift, limit))]),
    ]
    return Section("uplift", "How much it changes", tuple(blocks))


def verdict_grid(verdict: pd.DataFrame) -> Block:
    """Signals by slice and arm (rows) and recommender (columns)."""
    names = recommender_order(verdict[Columns.RECOMMENDER])
    by_key = {
        (row[Columns.SLICE], row[Columns.ARM], row[Columns.RECOMMENDER]): signal_of(row)
        for row in verdict.to_dict("records")
    }
    arms = arm_order(verdict[Columns.ARM])
    return {
        "kind": "grid",
        "caption": "The verdict for every recommender",
        "headings": ["Generated data", *[recommender_label(name) for name in names]],
        "groups": [
            {
                "label": slice_label(slice_name),
                "rows": [
                    {
                        "label": arm_label(arm),
                        "cells": [by_key.get((slice_name, arm, name)) for name in names],
                    }
                    for arm in arms
                ],
            }
            for slice_name in slice_order(verdict[Columns.SLICE])
        ],
    }


def at_best_block(at_best: pd.DataFrame, limit: int) -> list[Block]:
    """Arms that are used and tested, with their chosen recommender, against the best without."""
    used = at_best[(at_best["against"] == BEST_BASELINE) & at_best["tested"]]
    if used.empty:
        return [skipped("Against the best recommender", _why_nothing(at_best))]
    laid_out = tabulate(
        in_percent(ordered(used)),
        "Against the best that can be done without generated data",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.ARM, "generated data", arm_label, False),
            Column(Columns.RECOMMENDER, "given to", recommender_label, False),
            Column("baseline", "best without", recommender_label, False),
            Column("base", "score without", score),
            Column("value", "score with", score),
            *CHANGE,
        ],
        limit,
        "Validation customers chose the recommender on either side; the scores are those of test "
        "customers. From and to: 95 % interval, not corrected; p is, by Holm's method. What "
        "validation chose not to use, and what too few customers were tested for, is left out.",
        grouped=True,
    )
    return [table(laid_out)]


def _why_nothing(at_best: pd.DataFrame) -> str:
    undefined = at_best[(at_best["against"] == BEST_BASELINE) & at_best["p_holm"].isna()]
    if undefined.empty:
        return "validation chose no generated data"
    return f"a verdict takes {undefined['least_units'].max()} customers, and fewer were tested"


def uplift_table(uplift: pd.DataFrame, limit: int) -> Table:
    """Every comparison in numbers."""
    return tabulate(
        in_percent(ordered(uplift)),
        f"Change of {metric_label(str(uplift['metric'].iloc[0]))}",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            Column(Columns.ARM, "generated data", arm_label, False),
            Column("against", "against", against_label, False),
            Column("base", "score without", score),
            Column("value", "score with", score),
            *CHANGE,
            Column("n_units", "customers tested", count),
            Column("least_units", "a verdict takes", count),
        ],
        limit,
        "From and to: 95 % interval of the change over customers, by Student's t with and without "
        "its skewness, not corrected for the number of comparisons; the p-values are, by Holm's "
        "method. Where validation chose to use no generated data, both scores are the same and p "
        "is 1. Where fewer customers were tested than a verdict takes, p is undefined.",
        grouped=True,
    )


def scores_section(
    metrics: pd.DataFrame, chosen: pd.DataFrame, drawn: go.Figure, metric: str, limit: int
) -> Section:
    """Absolute scores by recommender and arm, and the settings that validation chose."""
    rows = metrics[metrics["metric"] == metric] if len(metrics) else metrics
    if rows.empty:
        return Section("scores", "Scores", (skipped("Scores", "no recommender was evaluated"),))
    blocks = [
        figure(
            "scores-by-slice",
            drawn,
            f"{metric_label(metric)} on test customers. A group of customers has one panel; the "
            "scales of the panels differ.",
        ),
        table(score_table(rows, metric, limit)),
        details("Other metrics", [table(tables) for tables in _other(metrics, metric)]),
    ]
    if len(chosen):
        blocks.append(
            details(
                "Settings chosen on validation customers",
                [table(tabulate_all(ordered(chosen), "Chosen settings", limit))],
            )
        )
    return Section("scores", "Scores of every recommender", tuple(blocks))


def score_table(rows: pd.DataFrame, metric: str, limit: int) -> Table:
    """One row a slice and recommender, one column an arm."""
    arms = arm_order(rows[Columns.ARM])
    arms = [NONE, *[arm for arm in arms if arm != NONE]] if NONE in arms else arms
    wide = rows.pivot_table(
        index=[Columns.SLICE, Columns.RECOMMENDER], columns=Columns.ARM, values="value"
    ).reset_index()
    sizes = rows.groupby(Columns.SLICE)["n_users"].max()
    wide = ordered(wide.assign(n_users=wide[Columns.SLICE].map(sizes)))
    return tabulate(
        wide,
        metric_label(metric),
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            *[Column(arm, arm_label(arm), score) for arm in arms if arm in wide],
            Column("n_users", "customers tested", count),
        ],
        limit,
        grouped=True,
    )


def _other(metrics: pd.DataFrame, metric: str) -> list[Table]:
    names = [name for name in metrics["metric"].unique() if name != metric]
    return [score_table(metrics[metrics["metric"] == name], name, 1_000) for name in names]
