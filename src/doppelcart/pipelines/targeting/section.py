"""The section on users made for segments that are short of data."""

from typing import Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_label
from doppelcart.experiment.outcome import HARMS, HELPS, UNDEFINED
from doppelcart.experiment.verdict import NOT_PROVEN
from doppelcart.recommendation.arms import NONE, TARGETED_ON_TRIAL
from doppelcart.recommendation.labels import (
    against_label,
    arm_label,
    customers_label,
    metric_label,
    recommender_label,
)
from doppelcart.reporting.blocks import details, figure, paragraph, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Evidence, Section
from doppelcart.reporting.signals import TOLD_FIRST, Signal, of_verdict
from doppelcart.reporting.tables import (
    CHANGE,
    Column,
    Table,
    count,
    in_percent,
    number,
    score,
    tabulate,
    text,
)

SEGMENTS: Final = "segments"
CASE: Final = ["segment", Columns.SLICE, Columns.RECOMMENDER]

CAPABILITY: Final = Capability(
    name="targeting",
    rank=20,
    title="Customers added where they are short",
    question="Do customers made for the segments of which little is known help these, and harm "
    "nobody else?",
    claims=(
        Claim(
            name=SEGMENTS,
            text="Customers generated for a segment that is short of data improve its "
            "recommendations.",
            source="Mariani, Scheidegger, Istrate, Bekas and Malossi 2018, BAGAN: data "
            "augmentation with balancing GAN (arXiv 1803.09655)",
        ),
    ),
    command="kedro run --pipelines targeting",
)


@CAPABILITY.written_by
def write_section(
    results: pd.DataFrame, segments: pd.DataFrame, forest: go.Figure, parameters: ReportingParams
) -> Section:
    """Lay out whether users made for segments short of data help them, and harm nobody else.

    Args:
        results: One row per comparison, as ``compare_segments`` writes it.
        segments: One row per segment and slice, as ``describe_segments`` writes it.
        forest: The figure of the results.
        parameters: Longest table.
    """
    limit = parameters.table_rows
    return CAPABILITY.section(
        in_short(results),
        [
            paragraph(
                "Customers are generated for the segments of which little is known, instead of "
                "for all alike."
            ),
            figure(
                "targeting-forest",
                forest,
                "Change against no added customers, with 95 % intervals. Right of the line is "
                "better. No mark: validation chose to add nobody. Hollow mark: undefined, too few "
                "customers to tell.",
            ),
            table(segments_table(segments, limit)),
            details("All comparisons in numbers", [table(results_table(results, limit))]),
        ],
        evidence=evidence(results),
    )


def in_short(results: pd.DataFrame) -> str:
    """The verdicts on the arm on trial, and how often it harmed the others."""
    inside, others = on_trial(results)
    words = [_signal(rows).word for _, rows in inside.groupby(CASE, sort=False)]
    told = ", ".join(f"{word} {words.count(word)}" for word in dict.fromkeys(words))
    unknown = int((others["outcome"] == UNDEFINED).sum())
    harm = [f"{int((others['outcome'] == HARMS).sum())}"] if unknown < len(others) else []
    harm += [f"undefined {unknown}, too few customers to tell"] if unknown else []
    return (
        f"{arm_label(TARGETED_ON_TRIAL)}, against no added customers and every control: {told}. "
        f"Harm to everybody else: {'; '.join(harm) or 0}."
    )


def on_trial(results: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the arm on trial: on the customers of its segments, and on everybody else."""
    trial = results[results[Columns.ARM] == TARGETED_ON_TRIAL]
    is_inside = trial["customers"] == "segment"
    return trial[is_inside], trial[~is_inside]


def evidence(results: pd.DataFrame) -> dict[str, Evidence]:
    """The strongest case: the segment that the arm on trial helped most surely.

    Args:
        results: As of ``write_section``.
    """
    cases = [_evidence(rows) for _, rows in on_trial(results)[0].groupby(CASE, sort=False)]
    if not cases:
        return {}
    best = min(cases, key=lambda case: (TOLD_FIRST.index(case.signal), -(case.effect or 0)))
    alike = sum(case.signal == best.signal for case in cases)
    return {SEGMENTS: best.model_copy(update={"cases": len(cases), "alike": alike})}


def _evidence(rows: pd.DataFrame) -> Evidence:
    (plain,) = in_percent(rows[rows["against"] == NONE]).to_dict("records")
    controls = rows[rows["against"] != NONE]
    beaten = int((controls["outcome"] == HELPS).sum())
    defined = {
        name: None if pd.isna(plain[column]) else float(plain[column])
        for name, column in (
            ("effect", "percent"),
            ("low", "percent_low"),
            ("high", "percent_high"),
        )
    }
    return Evidence(
        signal=_signal(rows),
        measure=f"{metric_label(str(plain['metric']))} against no added customers",
        unit="%",
        where=f"{plain['segment']}; {slice_label(plain[Columns.SLICE])}; "
        f"{recommender_label(plain[Columns.RECOMMENDER])}",
        controls=len(controls),
        beaten=beaten,
        **defined,
    )


def _signal(rows: pd.DataFrame) -> Signal:
    """The verdict of one case: no best recommender is named here, so it helps where it wins."""
    outcomes = rows.set_index("against")["outcome"]
    if outcomes[NONE] == HELPS and not (outcomes == HELPS).all():
        return of_verdict(NOT_PROVEN)
    return of_verdict(outcomes[NONE])


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
            Column("outcome", "outcome", text, False),
        ],
        limit,
        "From and to: 95 % interval of one comparison over customers, by Student's t with and "
        "without its skewness; the p-values are corrected by Holm's method, and the verdict goes "
        "by them. It is undefined where fewer customers were tested than it takes.",
        grouped=True,
    )
