"""The section on users added for a segment, where that pipeline was run."""

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.pipelines.reporting.figures import in_percent
from doppelcart.pipelines.reporting.labels import (
    against_label,
    arm_label,
    customers_label,
    metric_label,
    recommender_label,
    slice_label,
)
from doppelcart.pipelines.reporting.report.blocks import (
    Section,
    details,
    figure,
    paragraph,
    skipped,
    table,
)
from doppelcart.pipelines.reporting.tables import (
    CHANGE,
    Column,
    Table,
    count,
    number,
    score,
    tabulate,
    text,
)
from doppelcart.recommendation.arms import NONE, TARGETED_ON_TRIAL

NAME, TITLE = "targeting", "Customers added where they are short"


def targeting_section(
    results: pd.DataFrame, segments: pd.DataFrame, forest: go.Figure, limit: int
) -> Section:
    """Whether users made for segments short of data help them, and harm nobody else.

    Args:
        results: As the targeting pipeline writes it; empty if it was not run on these data.
        segments: As the targeting pipeline writes it.
        forest: The figure of the results.
        limit: Longest table (rows).
    """
    if results.empty:
        reason = "the pipeline targeting was not run on this run's generated customers"
        return Section(NAME, TITLE, (skipped("Customers added for segments", reason),))
    blocks = (
        paragraph(
            "Customers are generated for the segments of which little is known, instead of for all "
            f"alike. {in_short(results)}"
        ),
        figure(
            "targeting-forest",
            forest,
            "Change against no added customers, with 95 % intervals. Right of the line is better. "
            "No mark: validation chose to add nobody. Hollow mark: undefined, too few customers to "
            "tell.",
        ),
        table(segments_table(segments, limit)),
        details("All comparisons in numbers", [table(results_table(results, limit))]),
    )
    return Section(NAME, TITLE, blocks)


def in_short(results: pd.DataFrame) -> str:
    """How often the arm on trial helped, harmed, beat its controls, and harmed the others."""
    trial = results[results[Columns.ARM] == TARGETED_ON_TRIAL]
    is_inside, is_plain = trial["customers"] == "segment", trial["against"] == NONE
    inside, others = trial[is_inside & is_plain]["verdict"], trial[~is_inside]["verdict"]
    keys = ["segment", Columns.SLICE, Columns.RECOMMENDER]
    beaten = trial.assign(helps=trial["verdict"] == "helps")[is_inside].groupby(keys)["helps"].all()
    told = ", ".join(f"{word} {n}" for word, n in inside.value_counts().items())
    return (
        f"{arm_label(TARGETED_ON_TRIAL)}, against no added customers: {told}. Better than every "
        f"control as well: {int(beaten.sum())}. Harm to everybody else: "
        f"{int((others == 'harms').sum())}."
    )


def segments_table(segments: pd.DataFrame, limit: int) -> Table:
    """Who is in which segment, and why it is one."""
    return tabulate(
        segments,
        "Segments",
        [
            Column("segment", "segment", text, False),
            Column(Columns.SLICE, "customers", slice_label, False),
            Column("train_users", "training customers", count),
            Column("validation_users", "validation customers", count),
            Column("test_users", "test customers", count),
            Column("reason", "why", text, False),
        ],
        limit,
        "New customers are counted by what is known of them: of few items, more are buyers of the "
        "tail than of many.",
        grouped=True,
    )


def results_table(results: pd.DataFrame, limit: int) -> Table:
    """Every comparison in numbers."""
    return tabulate(
        in_percent(results),
        f"Change of {metric_label(str(results['metric'].iloc[0]))}",
        [
            Column("segment", "segment", text, False),
            Column(Columns.SLICE, "customers", slice_label, False),
            Column("customers", "of them", customers_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            Column(Columns.ARM, "added", arm_label, False),
            Column("against", "against", against_label, False),
            Column("ratio", "added a real one", number),
            Column("base", "score without", score),
            *CHANGE,
            Column("n_units", "customers tested", count),
            Column("least_units", "a verdict takes", count),
            Column("verdict", "verdict", text, False),
        ],
        limit,
        "From and to: 95 % interval of one comparison over customers, by Student's t with and "
        "without its skewness; the p-values are corrected by Holm's method, and the verdict goes "
        "by them. It is undefined where fewer customers were tested than it takes.",
        grouped=True,
    )
