"""The section on the diffusion model."""

from typing import Any, Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_label, slice_order
from doppelcart.experiment.design import BEST_BASELINE, Design
from doppelcart.experiment.outcome import HARMS, HELPS, NOT_USED
from doppelcart.pipelines.diffusion.arms import COMPLETION, LIKE, NEW_USERS, ONLY, PHRASES
from doppelcart.recommendation.arms import (
    ARMS,
    COMPLETED_BY,
    GENERATORS,
    SYNTHETIC_OF,
    Kind,
    controls_of,
)
from doppelcart.recommendation.labels import origin_label, recommender_label
from doppelcart.reporting.blocks import details, paragraph, table
from doppelcart.reporting.experiments import blocks_of, evidence_of, verdict_table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Section
from doppelcart.reporting.tables import (
    CHANGE,
    Column,
    Table,
    alike,
    change,
    count,
    in_percent,
    number,
    score,
    share,
    spelled,
    tabulate,
    text,
)

CAPABILITY: Final = Capability(
    name="diffusion",
    rank=14,
    title="Diffusion in the place of the GAN",
    question="Do histories that a diffusion model completes, or customers that it makes, serve "
    "better than those of a GAN, a VAE and a plain network, and better than none?",
    claims=(
        Claim(
            name=COMPLETION,
            text="Short histories completed by a diffusion model get better recommendations.",
            source="an assumption of this project, after Wang, Xu, Feng, Lin, He and Chua 2023, "
            "Diffusion recommender model (SIGIR)",
        ),
        Claim(
            name=NEW_USERS,
            text="Customers made by diffusion in a latent space and added to the real ones improve "
            "recommendations.",
            source="Lilienthal, Mello, Eirinaki and Tiomkin 2024, Multi-resolution diffusion for "
            "privacy-sensitive recommender systems (IEEE Access)",
        ),
    ),
    command="kedro run --pipelines diffusion",
)

LIKENESS: Final = {
    "detection_auc": "AUC of a classifier that tells them from real ones (0.5 is a guess)",
    "length_mean_ratio": "Mean length of histories, over the real one",
    "length_sd_ratio": "Spread of lengths, over the real one",
    "popularity_pearson": "Popularity of items: correlation with the real one",
    "cooccurrence_lift": "Items bought together more often than by chance: correlation",
    "precision": "Share of them among the real ones",
    "recall": "Share of real customers among them",
    "coverage": "Share of real customers with one of them nearby",
    "duplicate_rate": "Share of them who are there twice",
    "near_copy_rate": "Share who are near copies of a training customer",
    "closer_to_train_share": "Share nearer to a training customer than to one held out "
    "(50 % is chance)",
}
"""What is shown of how real the customers look, and of whom they give away."""

OWN: Final = "diffusion"
_MADE_BY: Final = {
    arm: made[arm]
    for made in (COMPLETED_BY, SYNTHETIC_OF)
    for arm in made
    if made[arm] in GENERATORS and ARMS[arm].kind is not Kind.SYNTHETIC_ONLY
}
"""Arms whose data a network of evaluation makes, and which."""


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    against_best: pd.DataFrame,
    shares: pd.DataFrame,
    likeness: pd.DataFrame,
    monitors: pd.DataFrame,
    parameters: ReportingParams,
) -> Section:
    """Lay out whether diffusion helps, and how its customers compare with those of others.

    Args:
        verdict: One row per slice, recommender and arm on trial.
        differences: One row per comparison.
        declared: The design.
        against_best: Every arm at its best against the best without synthetic data.
        shares: What recommenders trained on synthetic customers alone reach.
        likeness: How real the customers look, and whom they give away.
        monitors: What the monitors found in training.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    limit = parameters.table_rows
    shown = headline(design)
    judged, compared = (rows[rows[Columns.RECOMMENDER] == shown] for rows in (verdict, differences))
    claims = {name: verdict[verdict[Columns.ARM] == name] for name in (COMPLETION, NEW_USERS)}
    found = {name: evidence_of(rows, design) for name, rows in claims.items()}
    return CAPABILITY.section(
        in_short(against_best, verdict),
        [
            paragraph(
                "A diffusion model learns to undo noise step by step. Here it does so in the "
                "latent space of a VAE whose decoder is the network of the GAN, told the profile "
                "and what is known of the history. It is tuned on the same grids and customers as "
                "the GAN, which is a control here, beside the VAE, the network without a critic, "
                f"and plain ones. Figure and verdicts first are of {recommender_label(shown)}."
            ),
            *blocks_of(judged, compared, design, limit),
            details(
                "Every arm and recommender, customers alone, likeness, training",
                [
                    *[table(best_table(against_best, arm, limit)) for arm in claims],
                    table(verdict_table(verdict, design, limit)),
                    table(shares_table(shares, limit)),
                    table(likeness_table(likeness, limit)),
                    table(monitors_table(monitors, limit)),
                ],
            ),
        ],
        shown=[table(short_table(against_best, arm, limit)) for arm in claims],
        caveats=("One seed: the intervals are over customers, and hold for this training.",),
        evidence={name: one for name, one in found.items() if one is not None},
    )


def headline(design: Design) -> str:
    """The recommender that is best without synthetic data in most groups; ties go to the first."""
    return str(pd.Series([best.system for best in design.best]).value_counts(sort=True).idxmax())


def in_short(against_best: pd.DataFrame, verdict: pd.DataFrame) -> str:
    """On how many groups each use beats the best without, and how many verdicts are a win.

    Args:
        against_best: Every arm at its best against the best without synthetic data.
        verdict: One row per slice, recommender and arm on trial.
    """
    if verdict.empty:
        return "Nothing of the diffusion model was compared."
    told = []
    for arm in [name for name in (COMPLETION, NEW_USERS) if (verdict[Columns.ARM] == name).any()]:
        rows = at_best(against_best, [arm])
        better = int((rows["outcome"] == HELPS).sum())
        own = verdict[verdict[Columns.ARM] == arm]
        told.append(
            f"{PHRASES[arm]} beat the best without synthetic data in {better} of {len(rows)} "
            f"groups of customers, and every control in {int(own['win'].sum())} of {len(own)} "
            "cases of a group and a recommender"
        )
    whole = "; ".join(told)
    return f"{whole[0].upper()}{whole[1:]}."


def at_best(against_best: pd.DataFrame, arms: list[str]) -> pd.DataFrame:
    """Rows of some arms against the best recommender without synthetic data."""
    rows = against_best[against_best["against"] == BEST_BASELINE]
    return rows[rows[Columns.ARM].isin(arms)]


def short_table(against_best: pd.DataFrame, arm: str, limit: int) -> Table:
    """An arm beside those of the other networks, each at its best: a row per group.

    Args:
        against_best: Every arm at its best against the best without synthetic data.
        arm: The arm on trial.
        limit: Longest table (rows).
    """
    makers = {arm: OWN} | {name: _MADE_BY[name] for name in _like(arm) if name in _MADE_BY}
    rows = at_best(against_best, [*makers])
    told = rows.assign(told=[_told(row) for row in rows.to_dict("records")])
    wide = told.pivot_table("told", Columns.SLICE, Columns.ARM, aggfunc="first")
    first = rows.drop_duplicates(Columns.SLICE).set_index(Columns.SLICE)[["baseline", "base"]]
    return tabulate(
        first.join(wide).loc[slice_order(wide.index)].reset_index(),
        f"{PHRASES[arm].capitalize()}, beside those of other networks, against the best without "
        "synthetic data",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column("baseline", "best without", recommender_label, False),
            Column("base", "its score", score),
            *[
                Column(name, origin_of(maker), text, False)
                for name, maker in makers.items()
                if name in wide
            ],
        ],
        limit,
        "Each with the recommender that validation chose; 95 % intervals over customers; a star: "
        "the difference survives Holm's correction.",
    )


def _like(arm: str) -> tuple[str, ...]:
    return (LIKE[arm], *controls_of(LIKE[arm]))


def _told(row: dict[Any, Any]) -> str:
    if row["outcome"] == NOT_USED:
        return "not used"
    low, high = (change(100 * row[name]) for name in ("relative_low", "relative_high"))
    star = " *" if row["outcome"] in (HELPS, HARMS) else ""
    return f"{change(100 * row['relative'])} ({low} to {high}){star}"


def best_table(against_best: pd.DataFrame, arm: str, limit: int) -> Table:
    """An arm and its controls, each with its best recommender, group by group.

    Args:
        against_best: Every arm at its best against the best without synthetic data.
        arm: The arm on trial.
        limit: Longest table (rows).
    """
    wanted = [arm, *_like(arm)]
    rows = at_best(against_best, wanted)
    places = {name: number for number, name in enumerate(slice_order(rows[Columns.SLICE]))}
    rows = rows.assign(
        group=rows[Columns.SLICE].map(places), place=rows[Columns.ARM].map(wanted.index)
    ).sort_values(["group", "place"])
    return tabulate(
        in_percent(rows),
        f"{PHRASES[arm].capitalize()} and the controls, against the best without synthetic data",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.ARM, "arm", arm_phrase, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            Column("level", "level", number),
            Column("baseline", "best without", recommender_label, False),
            Column("base", "its score", score),
            *CHANGE,
            Column("outcome", "outcome", text, False),
            Column("n_units", "customers tested", count),
        ],
        limit,
        "Validation chose recommender, configuration and level of each; level 0 is not used.",
        grouped=True,
    )


def arm_phrase(name: str) -> str:
    """An arm in words."""
    return PHRASES[name] if name in PHRASES else ARMS[name].phrase


def shares_table(shares: pd.DataFrame, limit: int) -> Table:
    """What recommenders learn of synthetic customers alone.

    Args:
        shares: The table of ``measure_shares``.
        limit: Longest table (rows).
    """
    order = [ONLY, *ARMS]
    rows = shares.assign(place=shares[Columns.ARM].map(order.index)).sort_values(
        [Columns.SLICE, Columns.RECOMMENDER, "place"], kind="stable"
    )
    return tabulate(
        rows,
        "Recommenders trained on synthetic customers alone",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            Column(Columns.ARM, "trained on", arm_phrase, False),
            Column("real", "score on real ones", score),
            Column("share", "share of it", share),
            Column("low", "from", share),
            Column("high", "to", share),
        ],
        limit,
        grouped=True,
    )


def likeness_table(likeness: pd.DataFrame, limit: int) -> Table:
    """How real the customers look, and whom they give away, beside those of others.

    Args:
        likeness: The table of ``measure_likeness``.
        limit: Longest table (rows).
    """
    rows = likeness[likeness["statistic"].isin(LIKENESS)]
    return tabulate(
        rows.set_index("statistic").reindex([*LIKENESS]).reset_index(),
        "How real they look, and whom they give away",
        [
            Column("statistic", "measure", lambda name: LIKENESS[name], False),
            *[
                Column(str(name), origin_of(str(name)), alike(rows[name]))
                for name in rows.columns.drop("statistic")
            ],
        ],
        limit,
    )


def origin_of(name: str) -> str:
    """Who made customers, in words."""
    known = {OWN: "diffusion", "real_vs_real": "real against other real ones"}
    return known.get(name) or origin_label(name)


def monitors_table(monitors: pd.DataFrame, limit: int) -> Table:
    """What the monitors found in training.

    Args:
        monitors: The table that training leaves.
        limit: Longest table (rows).
    """
    return tabulate(
        monitors,
        "Monitors of the training",
        [
            Column("monitor", "monitor", spelled, False),
            Column("status", "status", text, False),
            Column("value", "value", number),
            Column("limit", "limit", text, False),
            Column("advice", "advice", text, False),
        ],
        limit,
    )
