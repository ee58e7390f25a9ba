"""The section on fusion."""

from typing import Any, Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_label
from doppelcart.experiment.design import Design
from doppelcart.experiment.outcome import HELPS
from doppelcart.pipelines.fusion.arms import BEST, GENERATED, PLAIN, source_label
from doppelcart.reporting.blocks import details, figure, paragraph, table
from doppelcart.reporting.experiments import blocks_of, evidence_of
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Evidence, Section
from doppelcart.reporting.signals import TOLD_FIRST, of_verdict
from doppelcart.reporting.tables import (
    Column,
    Table,
    number,
    score,
    tabulate,
    text,
)

FUSED: Final = "fused"
GENERATED_HELPS: Final = "generated"

METHODS: Final = {
    "single": "the best one alone",
    "reciprocal_rank": "all alike, by reciprocal rank",
    "weighted_sum": "weighted scores",
    "learned": "weights learned",
}

NO_CHOICE: Final = (
    "In no group of customers were there enough validation customers to choose how to fuse: the "
    "best recommender stands, alone."
)

CAPABILITY: Final = Capability(
    name="fusion",
    rank=12,
    title="Recommenders fused",
    question="Do several recommenders make a better list together than the best of them alone, and "
    "does what the GAN makes add to it?",
    claims=(
        Claim(
            name=FUSED,
            text="Several recommenders fused into one ranking serve better than the best of them.",
            source="Cormack, Clarke and Buettcher 2009, Reciprocal rank fusion outperforms "
            "Condorcet and individual rank learning methods",
        ),
        Claim(
            name=GENERATED_HELPS,
            text="What a GAN completes and adds makes the fusion of recommenders better.",
            source="an assumption of this project: what errs otherwise is worth fusing",
        ),
    ),
    command="kedro run --pipelines fusion",
)


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    tried: pd.DataFrame,
    weights: pd.DataFrame,
    curve: go.Figure,
    parameters: ReportingParams,
) -> Section:
    """Lay out whether fusion helps, and whether what is generated helps in it.

    Args:
        verdict: One row per slice.
        differences: One row per comparison.
        declared: The design.
        tried: Methods that validation tried, as ``choose_weights`` writes them; without rows
            where no group had the customers to try any.
        weights: What it chose.
        curve: The figure of ``draw_trade_off``.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    limit = parameters.table_rows
    found = {FUSED: evidence_of_fusion(differences, design)}
    found |= {GENERATED_HELPS: evidence_of(verdict, design)}
    chosen = details(
        "How validation chose",
        [table(tried_table(tried, limit)), table(weights_table(weights, limit))],
    )
    return CAPABILITY.section(
        NO_CHOICE if tried.empty else in_short(differences),
        [
            paragraph(
                "Each recommender lists its best items for a customer; the lists are fused into "
                "one, with weights that validation customers chose, slice by slice. Where these "
                "gained no more than chance would give, or too few could choose, the best "
                "recommender stands alone."
            ),
            *blocks_of(verdict, differences, design, limit),
            figure(
                "fusion-trade-off",
                curve,
                "What variety costs: lists of the fusion of plain recommenders, re-ranked by "
                "maximal marginal relevance. The more to the right, the more varied; the first "
                "mark is the ranking as it is.",
            ),
            *([] if tried.empty else [chosen]),
        ],
        evidence={name: one for name, one in found.items() if one is not None},
    )


def in_short(differences: pd.DataFrame) -> str:
    """On how many slices fusion beat the best single recommender, and what the GAN added."""
    plain = against(differences, PLAIN, BEST)
    with_gan = against(differences, GENERATED, BEST)
    added = against(differences, GENERATED, PLAIN)
    helped = [int((rows["outcome"] == HELPS).sum()) for rows in (plain, with_gan, added)]
    return (
        f"The fusion of plain recommenders beats the best of them on {helped[0]} of {len(plain)} "
        f"groups of customers; with what the GAN makes on {helped[1]} of {len(with_gan)}, and on "
        f"{helped[2]} that is better than without it."
    )


def against(differences: pd.DataFrame, arm: str, other: str) -> pd.DataFrame:
    """Comparisons of one arm with another."""
    return differences[(differences["arm"] == arm) & (differences["against"] == other)]


def evidence_of_fusion(differences: pd.DataFrame, design: Design) -> Evidence | None:
    """The strongest case for the fusion of plain recommenders.

    Args:
        differences: One row per comparison.
        design: The design.
    """
    rows = against(differences, PLAIN, BEST).to_dict("records")
    if not rows:
        return None
    best = min(
        rows,
        key=lambda row: (
            TOLD_FIRST.index(of_verdict(row["outcome"])),
            -(0.0 if pd.isna(row["relative"]) else row["relative"]),
        ),
    )
    told = {"effect": "relative", "low": "relative_low", "high": "relative_high"}
    return Evidence(
        signal=of_verdict(best["outcome"]),
        measure=f"{design.metric} against {design.by_name[BEST].phrase}",
        unit="%",
        where=design.words.of([str(best[Columns.SLICE])]),
        cases=len(rows),
        alike=sum(row["outcome"] == best["outcome"] for row in rows),
        **{n: None if pd.isna(best[c]) else 100 * float(best[c]) for n, c in told.items()},
    )


def tried_table(tried: pd.DataFrame, limit: int) -> Table:
    """What validation tried, and what it took."""
    return tabulate(
        tried.assign(taken=tried["chosen"].map({True: "yes", False: ""})),
        "Ways to fuse, on validation customers whose weights were found on others",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column("arm", "arm", text, False),
            Column("method", "way", lambda name: METHODS[name], False),
            Column("value", "score", score),
            Column("gain", "gain on the best alone", score),
            Column("error", "standard error", score),
            Column("taken", "taken", text, False),
        ],
        limit,
        "The largest gain is taken if it is more than its standard error.",
        grouped=True,
    )


def weights_table(weights: pd.DataFrame, limit: int) -> Table:
    """Weights of the arms that fuse as validation chose."""
    rows = weights[weights["arm"].isin([PLAIN, GENERATED])]
    return tabulate(
        rows,
        "Weights",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column("arm", "arm", text, False),
            Column("source", "source", source_label, False),
            Column("vote", "votes by", text, False),
            Column("weight", "weight", number),
        ],
        limit,
        grouped=True,
    )
