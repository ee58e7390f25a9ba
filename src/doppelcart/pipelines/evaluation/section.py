"""The section of the evaluation: verdict, scores, and what synthetic data alone are worth."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_label, slice_order
from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.experiment.outcome import NOT_USED
from doppelcart.pipelines.evaluation.figures import (
    headline_recommender,
    verdict_metric,
)
from doppelcart.pipelines.evaluation.figures import (
    uplift_forest as draw_uplift,
)
from doppelcart.pipelines.evaluation.wording import (
    MEANINGS,
    advise,
    caution,
    in_other_units,
    meaning_of,
    one_training,
    percent_of,
    profile_only,
    strongest_first,
    tell,
    words_of_findings,
)
from doppelcart.recommendation.arms import ARMS, NONE, Kind, controls_of
from doppelcart.recommendation.labels import (
    against_label,
    arm_label,
    arm_order,
    metric_label,
    ordered,
    recommender_label,
    recommender_order,
)
from doppelcart.reporting.blocks import (
    Block,
    Grid,
    GridGroup,
    GridRow,
    People,
    details,
    figure,
    heading,
    paragraph,
    skipped,
    table,
)
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Evidence, Section
from doppelcart.reporting.signals import of_verdict
from doppelcart.reporting.tables import (
    CHANGE,
    Column,
    Table,
    alike,
    count,
    in_percent,
    score,
    share,
    spelled,
    tabulate,
    tabulate_all,
)

NEW_USERS, COMPLETION = "new_users", "completion"
KINDS: Final = {NEW_USERS: Kind.TRAINING, COMPLETION: Kind.COMPLETION}
"""Which arms of the generator put which claim to the test."""

CAPABILITY: Final = Capability(
    name="evaluation",
    rank=10,
    title="How much it changes",
    question="Does synthetic shopping data improve recommendations, for whom, and by how much?",
    claims=(
        Claim(
            name=NEW_USERS,
            text="Customers made by a GAN and added to the real ones improve recommendations.",
            source="Chae, Kim, Chau and Kim 2020, AR-CF: augmenting virtual users and items in "
            "collaborative filtering for addressing cold-start problems (SIGIR)",
        ),
        Claim(
            name=COMPLETION,
            text="Short histories completed by a GAN get better recommendations.",
            source="Chae, Kang, Kim and Choi 2019, Rating augmentation with generative adversarial "
            "networks towards accurate collaborative filtering (WWW)",
        ),
    ),
)

COMPARED: Final = {
    "What was compared": (
        "Each recommender was run as it is, and again with synthetic data, on customers whose "
        "later purchases were kept out of training. Both were tuned on the same settings, on "
        "other customers than those the scores come from."
    ),
    "Controls": (
        "Cheap stand-ins for synthetic data: copies, mixtures, random draws by popularity, and "
        "the same generator without its adversary. If one of them does as well, the gain does "
        "not come from the GAN."
    ),
}
FIGURES: Final = {
    "95 % interval": (
        "Were other customers of the same kind tested, the change would be expected in this "
        "range. A range that includes 0 is compatible with no change at all."
    ),
    "Corrected p": (
        "The probability of so large a difference by chance, corrected (Holm) for the number of "
        "comparisons made. Verdicts are by this figure: an interval alone, which is not "
        "corrected, may exclude 0 without being evidence."
    ),
    "Customers with known items": (
        "New customers were kept out of training altogether. Their first items are shown to the "
        "recommender in the order bought, and it must find the rest."
    ),
}


def how_to_read(metric: str) -> dict[str, str]:
    """What the words of the section mean.

    Args:
        metric: What verdicts were judged by, such as ``ndcg@20``.
    """
    meaning = meaning_of(metric)
    told = f"{meaning[0].upper()}{meaning[1:]}: 1 is perfect, 0 is no hit."
    return COMPARED | {metric_label(metric): told} | FIGURES


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    uplift: pd.DataFrame,
    uplift_against_best: pd.DataFrame,
    metrics: pd.DataFrame,
    chosen_configs: pd.DataFrame,
    tstr: pd.DataFrame,
    ranking_agreement: pd.DataFrame,
    uplift_forest: go.Figure,
    scores_by_slice: go.Figure,
    tstr_shares: go.Figure,
    gains: pd.DataFrame,
    promotion: dict[str, Any],
    customers: list[dict[str, Any]],
    source_summary: dict[str, Any],
    parameters: ReportingParams,
) -> Section:
    """Lay out what the evaluation found; the tables and figures are those that it saves."""
    limit, metric = parameters.table_rows, verdict_metric(uplift, metrics)
    currency = str(source_summary.get("currency") or "")
    story = in_other_units(tell(verdict), verdict, gains, currency).model_copy(
        update={
            "advice": advise(promotion, uplift_against_best),
            "measure": metric_label(metric),
            "words": words_of_findings(metric),
            "examples": tuple(People.model_validate(block) for block in customers),
        }
    )
    return CAPABILITY.section(
        story.headline,
        [
            *verdict_blocks(
                verdict,
                uplift,
                uplift_against_best,
                forests(uplift, uplift_forest),
                limit,
            ),
            heading("Scores of every recommender"),
            *score_blocks(metrics, chosen_configs, scores_by_slice, metric, limit),
            heading("What synthetic customers are worth alone"),
            *alone_blocks(tstr, ranking_agreement, tstr_shares, limit),
        ],
        caveats=[caution(verdict), one_training(verdict)],
        evidence=evidence(verdict),
        story=story,
        facts={"judged by": metric_label(metric)},
        metrics=headline(verdict),
        glossary={f"{signal.shape} {signal.word}": words for signal, words in MEANINGS.items()}
        | how_to_read(metric),
    )


def headline(verdict: pd.DataFrame) -> dict[str, float]:
    """What runs are compared by: how many verdicts of each word, and each group's strongest case.

    Args:
        verdict: As evaluation writes it.

    Returns:
        ``verdicts/<word>``, and by slice the change in percent with the ends of its interval.
    """
    counts = verdict["verdict"].value_counts()
    found = {f"verdicts/{word}": float(count) for word, count in counts.items()}
    for name, rows in verdict.groupby(Columns.SLICE, sort=False):
        best = min(rows.to_dict("records"), key=strongest_first)
        for column in ("relative", "relative_low", "relative_high"):
            part = column.removeprefix("relative").strip("_") or "change"
            found[f"{name}/{part}"] = 100 * float(best[column])
    return found


def evidence(verdict: pd.DataFrame) -> dict[str, Evidence]:
    """By claim its strongest case: what was found best for any customers and recommender.

    Args:
        verdict: As evaluation writes it.
    """
    if verdict.empty:
        return {}
    kinds = verdict[Columns.ARM].map(lambda arm: ARMS[arm].kind)
    found = {name: verdict[kinds == kind].to_dict("records") for name, kind in KINDS.items()}
    return {name: _evidence(rows) for name, rows in found.items() if rows}


def _evidence(rows: Sequence[Mapping[Any, Any]]) -> Evidence:
    row = min(rows, key=strongest_first)
    controls = controls_of(row[Columns.ARM])
    missed = [] if pd.isna(row["not_beaten"]) else str(row["not_beaten"]).split(", ")
    who, recommender = slice_label(row[Columns.SLICE]), recommender_label(row[Columns.RECOMMENDER])
    return Evidence(
        signal=of_verdict(row["verdict"]),
        measure=f"{metric_label(row['metric'])} against the same recommender without",
        unit="%",
        effect=percent_of(row["relative"]),
        low=percent_of(row["relative_low"]),
        high=percent_of(row["relative_high"]),
        where=f"{who}; {recommender}",
        cases=len(rows),
        alike=sum(other["verdict"] == row["verdict"] for other in rows),
        controls=len(controls),
        beaten=len(controls) - len([name for name in missed if name]),
    )


def forests(uplift: pd.DataFrame, first: go.Figure) -> dict[str, go.Figure]:
    """Uplift figures by recommender, the headline one, already drawn, first."""
    if uplift.empty:
        return {}
    headline = headline_recommender(uplift)
    return {headline: first} | {
        name: draw_uplift(uplift, name, verdict_metric(uplift))
        for name in recommender_order(uplift[Columns.RECOMMENDER])
        if name != headline
    }


def verdict_blocks(
    verdict: pd.DataFrame,
    uplift: pd.DataFrame,
    at_best: pd.DataFrame,
    forests: Mapping[str, go.Figure],
    limit: int,
) -> list[Block]:
    """How much the synthetic data changed, by group of customers and recommender.

    Args:
        verdict: As evaluation writes it.
        uplift: As evaluation writes it.
        at_best: Every arm at its best against the best without it, as evaluation writes it.
        forests: Uplift figure by recommender, the headline one first.
        limit: Longest table (rows).
    """
    if uplift.empty or verdict.empty:
        return [skipped("Uplift", "no arm was compared with the plain recommender")]
    first, *others = forests
    return [
        figure(
            "uplift-forest",
            forests[first],
            f"{recommender_label(first)}: change against the plain recommender, with 95 % "
            "intervals. Right of the line is better. Hollow marks compare with the best "
            "recommender of all without synthetic data.",
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


def verdict_grid(verdict: pd.DataFrame) -> Grid:
    """Signals by slice and arm (rows) and recommender (columns)."""
    names = recommender_order(verdict[Columns.RECOMMENDER])
    by_key = {
        (row[Columns.SLICE], row[Columns.ARM], row[Columns.RECOMMENDER]): of_verdict(row["verdict"])
        for row in verdict.to_dict("records")
    }
    arms = arm_order(verdict[Columns.ARM])
    return Grid(
        caption="The verdict for every recommender",
        headings=("Synthetic data", *[recommender_label(name) for name in names]),
        groups=tuple(
            GridGroup(
                label=slice_label(slice_name),
                rows=tuple(
                    GridRow(
                        label=arm_label(arm),
                        cells=tuple(by_key.get((slice_name, arm, name)) for name in names),
                    )
                    for arm in arms
                ),
            )
            for slice_name in slice_order(verdict[Columns.SLICE])
        ),
    )


def at_best_block(at_best: pd.DataFrame, limit: int) -> list[Block]:
    """Arms that are used and tested, with their chosen recommender, against the best without."""
    is_used = at_best["tested"] & (at_best["outcome"] != NOT_USED)
    used = at_best[(at_best["against"] == BEST_BASELINE) & is_used]
    if used.empty:
        return [skipped("Against the best recommender", _why_nothing(at_best))]
    laid_out = tabulate(
        in_percent(ordered(used)),
        "Against the best that can be done without synthetic data",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.ARM, "synthetic data", arm_label, False),
            Column(Columns.RECOMMENDER, "given to", recommender_label, False),
            Column("baseline", "best without", recommender_label, False),
            Column("base", "score without", score),
            Column("value", "score with", score),
            *CHANGE,
        ],
        limit,
        "Validation customers chose the recommender on either side; the scores are those of test "
        "customers. From and to: 95 % interval, not corrected. The p-values are, by Holm's method, "
        "over the comparisons of one group of customers in this table: it is a question of its "
        "own, and a comparison that also stands among all comparisons is corrected for more there. "
        "Verdicts go by those. What validation chose not to use, and what too few customers were "
        "tested for, is left out.",
        grouped=True,
    )
    return [table(laid_out)]


def _why_nothing(at_best: pd.DataFrame) -> str:
    undefined = at_best[(at_best["against"] == BEST_BASELINE) & at_best["p_holm"].isna()]
    if undefined.empty:
        return "validation chose no synthetic data"
    return f"a verdict takes {undefined['least_units'].max()} customers, and fewer were tested"


def uplift_table(uplift: pd.DataFrame, limit: int) -> Table:
    """Every comparison in numbers."""
    return tabulate(
        in_percent(ordered(uplift)),
        f"Change of {metric_label(str(uplift['metric'].iloc[0]))}",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            Column(Columns.ARM, "synthetic data", arm_label, False),
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
        "method over all comparisons of one family in this table, and the verdicts go by them. "
        "Where validation chose to use no synthetic data, both scores are the same and p is 1. "
        "Where fewer customers were tested than a verdict takes, p is undefined.",
        grouped=True,
    )


def score_blocks(
    metrics: pd.DataFrame, chosen: pd.DataFrame, drawn: go.Figure, metric: str, limit: int
) -> list[Block]:
    """Absolute scores by recommender and arm, and the settings that validation chose."""
    rows = metrics[metrics["metric"] == metric] if len(metrics) else metrics
    if rows.empty:
        return [skipped("Scores", "no recommender was evaluated")]
    blocks: list[Block] = [
        figure(
            "scores-by-slice",
            drawn,
            f"{metric_label(metric)} on test customers. A group of customers has one panel; the "
            "scales of the panels differ.",
        ),
        table(score_table(rows, metric, limit)),
        details(
            "Other metrics at the same length of lists (metrics.csv has all)",
            [table(tables) for tables in _other(metrics, metric)],
        ),
    ]
    if len(chosen):
        blocks.append(
            details(
                "Settings chosen on validation customers",
                [table(tabulate_all(ordered(chosen), "Chosen settings", limit))],
            )
        )
    return blocks


def score_table(rows: pd.DataFrame, metric: str, limit: int) -> Table:
    """One row per slice and recommender, one column per arm."""
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
    """Tables of the other metrics at the same length of lists; metrics.csv holds them all."""
    cutoff = metric.partition("@")[2]
    names = [
        name
        for name in metrics["metric"].unique()
        if name != metric and name.partition("@")[2] == cutoff
    ]
    return [score_table(metrics[metrics["metric"] == name], name, 1_000) for name in names]


def alone_blocks(
    tstr: pd.DataFrame, agreement: pd.DataFrame, drawn: go.Figure, limit: int
) -> list[Block]:
    """What recommenders learn from synthetic customers only.

    Args:
        tstr: recommender, slice, arm, value, real, share, low, high.
        agreement: slice, candidates, arm, tau, low, high, ranked, n_users.
        drawn: The figure of ``tstr``.
        limit: Longest table (rows).
    """
    if tstr.empty:
        reason = "no arm of synthetic customers alone was evaluated"
        blocks: list[Block] = [skipped("Training on synthetic customers only", reason)]
    else:
        blocks = [
            figure(
                "tstr-shares",
                drawn,
                "A recommender trained on synthetic customers only, tested on real ones: 100 % "
                "means that nothing was lost.",
            ),
            table(tstr_table(tstr, limit)),
        ]
    if len(agreement):
        blocks.append(table(agreement_table(agreement, limit)))
    return blocks


def tstr_table(tstr: pd.DataFrame, limit: int) -> Table:
    """Training on synthetic customers only, in numbers."""
    return tabulate(
        ordered(tstr),
        "Trained on synthetic customers only, tested on real ones",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            Column(Columns.ARM, "trained on", arm_label, False),
            Column("value", "score", score),
            Column("real", "trained on real ones", score),
            Column("share", "share", share),
            Column("low", "from", share),
            Column("high", "to", share),
        ],
        limit,
        grouped=True,
    )


def agreement_table(agreement: pd.DataFrame, limit: int) -> Table:
    """Agreement of rankings by training on synthetic and on real customers, in numbers."""
    return tabulate(
        ordered(agreement),
        "Would synthetic customers choose the same recommender?",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.ARM, "trained on", arm_label, False),
            Column("candidates", "ranked", spelled, False),
            Column("ranked", "number", count),
            Column("tau", "tau", alike(agreement["tau"])),
            Column("low", "from", alike(agreement["low"])),
            Column("high", "to", alike(agreement["high"])),
        ],
        limit,
        "Kendall's tau-b between the rankings by training on real customers and on these: 1 is the "
        "same order, 0 no relation. Recommenders are ranked on test customers, all their "
        "configurations on validation customers. From and to: 95 % interval by bootstrap over "
        "customers. Two halves of the real customers show what chance leaves of a ranking. They "
        "are half as many, so that to reach them is no proof.",
        grouped=True,
    )
