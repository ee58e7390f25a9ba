"""The verdict in plain words: what a merchandiser reads first."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_label, slice_order
from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.experiment.outcome import NOT_USED
from doppelcart.experiment.verdict import VERDICTS
from doppelcart.recommendation.arms import ARMS, Kind
from doppelcart.recommendation.design import MOST_POPULAR
from doppelcart.recommendation.gains import HITS
from doppelcart.recommendation.labels import (
    is_generator,
    metric_label,
    recommender_label,
)
from doppelcart.reporting.phrases import joined
from doppelcart.reporting.section import Finding, Story
from doppelcart.reporting.signals import (
    BEST_NOT_BEATEN,
    LEVEL,
    NOT_PROVEN,
    PROVEN,
    TOLD_FIRST,
    UNDEFINED,
    WORSE,
    Signal,
    of_verdict,
)
from doppelcart.reporting.tables import change, score, signed

GIVEN: Final = {Kind.TRAINING: "customers added", Kind.COMPLETION: "histories completed"}
"""What a recommender got of the generator, in two words."""

CUSTOMERS: Final = 1_000
"""Customers by whom money is counted."""

MATCHES: Final = (
    "how well the first {k} recommended items match what the customer really bought next"
)
MEASURES: Final = {
    "ndcg": f"{MATCHES}, hits near the top counting more",
    "map": f"{MATCHES}, hits near the top counting more",
    "recall": "which share of what the customer really bought next is among the first {k} "
    "recommended items",
    "precision": "which share of the first {k} recommended items the customer really bought next",
    "hit_rate": "whether any of the first {k} recommended items is one that the customer really "
    "bought next",
    "mrr": "how near the top of the first {k} recommended items the first one stands that the "
    "customer really bought next",
}
"""What a metric says of a list, by its name."""

MEANINGS: Final = {of_verdict(word): meaning for word, meaning in VERDICTS.items()}


def meaning_of(metric: str) -> str:
    """What a metric says, to stand after "says".

    Examples:
        >>> meaning_of("precision@5")
        'which share of the first 5 recommended items the customer really bought next'
    """
    stem, _, k = metric.partition("@")
    return MEASURES[stem].format(k=k)


def words_of_findings(metric: str) -> str:
    """What the figures of the findings mean.

    Args:
        metric: What verdicts were judged by, such as ``ndcg@20``.
    """
    return (
        f"Of each group the strongest case. {metric_label(metric)} says {meaning_of(metric)}. The "
        "line is the 95 % interval: a line across 0 is compatible with no change at all. Hits are "
        "items of the list that were bought. Purchases foreseen are what these cost, one piece of "
        "each: they were made without any list, so they are no sales won."
    )


def tell(verdict: pd.DataFrame) -> Story:
    """Turn the verdict table into words.

    The headline says yes only where an arm may be promoted: where it beats the plain recommender,
    every control, and the best recommender without synthetic data.

    Args:
        verdict: slice, recommender, arm, verdict, win, promoted, level, metric, value, reason.
    """
    rows = verdict[verdict[Columns.ARM].map(is_generator).astype(bool)] if len(verdict) else verdict
    if rows.empty:
        headline = "No verdict: synthetic data was not compared with anything in this run."
        return Story(signal=LEVEL, headline=headline, findings=())
    signals = [of_verdict(word) for word in rows["verdict"]]
    slices = slice_order(rows[Columns.SLICE])
    findings = tuple(_finding(name, rows[rows[Columns.SLICE] == name]) for name in slices)
    where = {
        signal: slice_order(rows.loc[[found == signal for found in signals], Columns.SLICE])
        for signal in TOLD_FIRST
    }
    return _story(slices, where, findings)


def _story(
    slices: list[str], where: Mapping[Signal, list[str]], findings: tuple[Finding, ...]
) -> Story:
    better = {name for signal in (PROVEN, BEST_NOT_BEATEN, NOT_PROVEN) for name in where[signal]}
    worse = [name for name in where[WORSE] if name not in better]
    but = f" It makes them worse for {slice_phrases(worse)}." if worse else ""
    claim = "synthetic shopping data improves recommendations"
    if where[PROVEN] == slices and len(slices) > 1:
        headline = f"Yes: {claim} for every group of customers tested."
        return Story(signal=PROVEN, headline=headline, findings=findings)
    if where[PROVEN]:
        start = "Yes" if len(slices) == 1 else "Yes, for some"
        return Story(
            signal=PROVEN,
            headline=f"{start}: {claim} for {slice_phrases(where[PROVEN])}.{but}",
            findings=findings,
        )
    if where[BEST_NOT_BEATEN]:
        headline = (
            f"Not yet: {claim} of some methods for {slice_phrases(where[BEST_NOT_BEATEN])}, but "
            "not beyond the best method without it."
        )
        return Story(signal=BEST_NOT_BEATEN, headline=headline + but, findings=findings)
    if where[NOT_PROVEN]:
        headline = (
            f"Not proven: {claim} for {slice_phrases(where[NOT_PROVEN])}, but a simpler control "
            "may do as well."
        )
        return Story(signal=NOT_PROVEN, headline=headline + but, findings=findings)
    if worse:
        headline = (
            "No: synthetic shopping data makes recommendations worse for "
            f"{slice_phrases(worse)}, and improves them for nobody."
        )
        return Story(signal=WORSE, headline=headline, findings=findings)
    if where[UNDEFINED] and not where[LEVEL]:
        headline = (
            "Undefined: too few customers were tested for a verdict on "
            f"{slice_phrases(where[UNDEFINED])}."
        )
        return Story(signal=UNDEFINED, headline=headline, findings=findings)
    headline = "No: there is no evidence that synthetic shopping data improves recommendations."
    return Story(signal=LEVEL, headline=headline, findings=findings)


def _finding(name: str, rows: pd.DataFrame) -> Finding:
    row = min(rows.to_dict("records"), key=strongest_first)
    given = GIVEN[ARMS[row[Columns.ARM]].kind]
    return Finding(
        who=slice_label(name),
        signal=of_verdict(row["verdict"]),
        sentence=_readable(row),
        what=f"{recommender_label(row[Columns.RECOMMENDER])}, {given}",
        effect=percent_of(row["relative"]),
        low=percent_of(row["relative_low"]),
        high=percent_of(row["relative_high"]),
    )


def in_other_units(
    story: Story, verdict: pd.DataFrame, gains: pd.DataFrame, currency: str
) -> Story:
    """Say beside every finding what it is worth in hits and, where items have prices, in money.

    Args:
        story: As from ``tell``.
        verdict: As evaluation writes it.
        gains: As from ``recommendation.gains``.
        currency: Of the prices; empty where the source names none.
    """
    if gains.empty or not story.findings:
        return story
    metrics = list(dict.fromkeys(gains["metric"]))
    keys = [Columns.SLICE, Columns.RECOMMENDER, Columns.ARM, "metric"]
    by_key = {tuple(row[key] for key in keys): row for row in gains.to_dict("records")}
    rows = [row for row in verdict.to_dict("records") if is_generator(row[Columns.ARM])]
    slices = slice_order(row[Columns.SLICE] for row in rows)
    findings = []
    for finding, name in zip(story.findings, slices, strict=True):
        best = min((row for row in rows if row[Columns.SLICE] == name), key=strongest_first)
        key = (name, best[Columns.RECOMMENDER], best[Columns.ARM])
        told = tuple(
            gain_in_words(by_key[*key, metric], metric) if best["level"] > 0 else "none"
            for metric in metrics
        )
        findings.append(finding.model_copy(update={"gains": told}))
    return story.model_copy(
        update={
            "findings": tuple(findings),
            "units": tuple(unit_of(metric, currency) for metric in metrics),
        }
    )


def unit_of(metric: str, currency: str) -> str:
    """The heading of a gain.

    Examples:
        >>> unit_of("hits@20", ""), unit_of("sales@20", "US dollars")
        ('Hits in a list of 20', 'Purchases foreseen per 1,000 customers, US dollars')
    """
    stem, _, k = metric.partition("@")
    if stem == HITS:
        return f"Hits in a list of {k}"
    return f"Purchases foreseen per {CUSTOMERS:,} customers" + (f", {currency}" if currency else "")


def gain_in_words(row: Mapping[Any, Any], metric: str) -> str:
    """A gain with its interval: hits of one customer, money of a thousand.

    Args:
        row: base, difference, low, high.
        metric: ``hits@k`` or ``sales@k``.
    """
    per, digits = (1, 2) if metric.startswith(f"{HITS}@") else (CUSTOMERS, 0)
    change_, low, high = (
        signed(f"{per * row[name]:+,.{digits}f}") for name in ("difference", "low", "high")
    )
    return f"{change_} on {per * row['base']:,.{digits}f} ({low} to {high})"


def strongest_first(row: Mapping[Any, Any]) -> tuple[int, float]:
    """Sorts rows of the verdict: the strongest word first, then the best score."""
    return TOLD_FIRST.index(of_verdict(row["verdict"])), -float(row["value"])


def percent_of(value: float) -> float | None:
    """A share in percent; None where it is undefined."""
    return None if pd.isna(value) else 100 * float(value)


def advise(promotion: Mapping[str, Any], at_best: pd.DataFrame) -> str:
    """What to do now: what the server does, in one sentence a kind.

    Args:
        promotion: What may go into service: generated data, or a control that helps.
        at_best: Every arm at its best against the best without it: slice, against, baseline.
    """
    wins, helps = (
        slice_order({entry[Columns.SLICE] for entry in promotion[part]})
        for part in ("promoted", "admitted")
    )
    helps = [name for name in helps if name not in wins]
    served = [*wins, *helps]
    rest = at_best[(at_best["against"] == BEST_BASELINE) & ~at_best[Columns.SLICE].isin(served)]
    best = rest.drop_duplicates(Columns.SLICE)["baseline"].map(recommender_label).value_counts()
    named = joined([f"{name} for {_groups(count)}" for name, count in best.items()], "and")
    plain = f"recommend without synthetic data{': ' if named else ''}{named}"
    told = []
    if wins:
        told.append(f"use it for {slice_phrases(wins)}, as promotion.json says.")
    if helps:
        told.append(
            f"use a control in place of the GAN for {slice_phrases(helps)}: promotion.json names "
            "it. It is shown to help, and the GAN is not shown to do better."
        )
    if len(rest) or not told:
        told.append(f"for the others, {plain}." if told else f"{plain}.")
    first, *more = told
    return " ".join([first, *(part[0].upper() + part[1:] for part in more)])


def _groups(count: int) -> str:
    return "1 group" if count == 1 else f"{count} groups"


def _readable(row: Mapping[Any, Any]) -> str:
    """The reason with recommender and metric written as their field writes them."""
    metric, recommender = str(row["metric"]), str(row[Columns.RECOMMENDER])
    return (
        str(row["reason"])
        .replace(" %", "\N{NO-BREAK SPACE}%")
        .replace(
            f"{metric} of {recommender} ",
            f"{metric_label(metric)} of {recommender_label(recommender)} ",
            1,
        )
        .replace(f" brought {recommender} ", f" brought {recommender_label(recommender)} ", 1)
    )


def caution(verdict: pd.DataFrame) -> str:
    """What to mind where groups of customers are too small for a verdict; else nothing.

    Args:
        verdict: slice, n_units, least_units.
    """
    if verdict.empty:
        return ""
    sizes = verdict.groupby(Columns.SLICE, sort=False)[["n_units", "least_units"]].max()
    few = sizes[sizes["n_units"] < sizes["least_units"]]
    small, least = few["n_units"].astype(int).tolist(), few["least_units"].max()
    if not small:
        return ""
    shown = f"{min(small)}" if min(small) == max(small) else f"{min(small)} to {max(small)}"
    tested = "customer was" if max(small) == 1 else "customers were"
    groups = "every group" if len(small) == len(sizes) else f"{len(small)} of {len(sizes)} groups"
    return (
        f"In {groups} only {shown} {tested} tested, and a verdict takes {least:.0f}. So few "
        "can neither show a real gain nor rule one out: their verdicts are undefined. Bring a "
        "longer log."
    )


def one_training(verdict: pd.DataFrame) -> str:
    """What to mind where the generator beats its controls, which are trained once as it is.

    Args:
        verdict: win.
    """
    if verdict.empty or not verdict["win"].astype(bool).any():
        return ""
    return (
        "Every generator was trained once, and the intervals are over customers. That the GAN "
        "beats the non-adversarial model or the VAE by a few per cent may be the luck of one "
        "training: before you believe it, run again with gan.training.seed=1, 2 and so on."
    )


def profile_only(at_best: pd.DataFrame) -> list[str]:
    """How brand-new customers fare with what their profile suggests, against plain popularity.

    Args:
        at_best: slice, arm, recommender, against, base, value, relative and its interval, p_holm,
            n_units, least_units, outcome.
    """
    if at_best.empty:
        return []
    asked = (at_best[Columns.SLICE] == "cold_0") & (at_best["against"] == MOST_POPULAR)
    rows = at_best[asked & at_best[Columns.ARM].map(_completes).astype(bool)]
    return [_profile_only(row) for row in rows.to_dict("records")]


def _profile_only(row: Mapping[Any, Any]) -> str:
    start = "Customers of whom nothing but a profile is known"
    if pd.isna(row["p_holm"]):
        return (
            f"{start}: undefined, with {row['n_units']} of the {row['least_units']} customers that "
            "it takes."
        )
    if row["outcome"] == NOT_USED:
        return f"{start}: validation chose no synthetic data, so they get what is popular."
    return (
        f"{start}: {arm_phrase(row[Columns.ARM])} and given to "
        f"{recommender_label(row[Columns.RECOMMENDER])}, score {score(row['value'])} against "
        f"{score(row['base'])} of plain popularity, {change(100 * row['relative'])} (95 % interval "
        f"{change(100 * row['relative_low'])} to {change(100 * row['relative_high'])})."
    )


def _completes(arm: str) -> bool:
    return is_generator(arm) and ARMS[arm].kind is Kind.COMPLETION


def slice_phrases(names: Sequence[str]) -> str:
    """Several slices inside one sentence.

    Examples:
        >>> slice_phrases(["warm", "cold_1", "cold_5"])
        'returning customers and new customers with 1 or 5 known items'
        >>> slice_phrases(["cold_0"])
        'new customers who bought nothing yet'
    """
    phrases, counts, shares = [], [], []
    for name in names:
        if match := re.fullmatch(r"cold_(\d+(?:\.\d+)?)pct", name):
            shares.append(match[1])
        elif (match := re.fullmatch(r"cold_(\d+)", name)) and match[1] != "0":
            counts.append(match[1])
        elif name == "cold_0":
            phrases.append("new customers who bought nothing yet")
        else:
            phrases.append(slice_label(name)[0].lower() + slice_label(name)[1:])
    if counts:
        items = "item" if counts == ["1"] else "items"
        phrases.append(f"new customers with {joined(counts, 'or')} known {items}")
    if shares:
        phrases.append(f"new customers with {joined(shares, 'or')} % of their history known")
    return joined(phrases, "and")


def arm_phrase(name: str) -> str:
    """What an arm is, to stand in a sentence."""
    return ARMS[name].phrase if name in ARMS else name
