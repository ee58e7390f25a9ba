"""The verdict a merchandiser reads, and the promotion that depends on it."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.recommendation.arms import ARMS, NONE, controls_of
from doppelcart.recommendation.comparing import BEST_BASELINE

Outcome = Literal["helps", "no evidence", "harms", "undefined"]

NOT_USED: Final = "not used"
UNDEFINED: Final = "undefined"
"""Said where nothing was tested: validation chose knob 0, or a group is too small to tell."""

KEYS = [Columns.SLICE, Columns.RECOMMENDER, Columns.ARM]

FACTS = [
    "knob",
    "metric",
    "base",
    "value",
    "relative",
    "relative_low",
    "relative_high",
    "p_holm",
    "n_users",
    "least_users",
]
"""What the verdict table says of the comparison with ``none``."""


def outcome(difference: float, p_holm: float, alpha: float) -> Outcome:
    """What a comparison shows.

    Args:
        difference: Mean of the arm minus mean of what it is compared with.
        p_holm: Two-sided p-value after Holm's correction; NaN where too few users were tested.
        alpha: Error rate of the family.

    Returns:
        ``helps`` or ``harms`` if the corrected p-value is at most alpha, by the sign of the
        difference; ``undefined`` without one; ``no evidence`` otherwise.
    """
    if math.isnan(p_holm):
        return "undefined"
    if p_holm > alpha or difference == 0:
        return "no evidence"
    return "helps" if difference > 0 else "harms"


def decide(uplift: pd.DataFrame, chosen: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Judge every arm of the generator, for each slice and recommender.

    ``win`` needs *helps* against ``none`` and against every control of its kind; a control
    that was not run is a control not beaten. ``promoted`` needs, besides, *helps* against the
    best un-augmented recommender of the slice: a win over a weak baseline serves nobody.

    Args:
        uplift: As from ``comparing.compare``.
        chosen: As from ``tuning.choose``.
        alpha: Error rate of a family.

    Returns:
        One row a (slice, recommender, arm of the generator): ``verdict``, ``win``,
        ``promoted``, ``reason``, ``not_beaten`` (controls, joined by ", "), ``knob``, ``base``,
        ``value``, ``relative``, ``relative_low``, ``relative_high``, ``p_holm``, ``n_users``,
        ``least_users``.
    """
    columns = [*KEYS, "verdict", "win", "promoted", "reason", "not_beaten", *FACTS]
    if uplift.empty:
        return pd.DataFrame(columns=columns)
    judged = uplift.assign(
        outcome=[
            outcome(difference, p, alpha)
            for difference, p in zip(uplift["difference"], uplift["p_holm"], strict=True)
        ]
    )
    generated = judged[judged[Columns.ARM].map(_is_generator)]
    knobs = chosen.set_index(KEYS)["knob"]
    rows = []
    for labels, comparisons in generated.groupby(KEYS, sort=False, observed=True):
        key = (str(labels[0]), str(labels[1]), str(labels[2]))
        by_reference = {str(row["against"]): dict(row) for _, row in comparisons.iterrows()}
        knob = float(knobs[key])
        rows.append(dict(zip(KEYS, key, strict=True)) | _judge(key, by_reference, knob))
    return pd.DataFrame(rows, columns=columns)


def promotion(verdict: pd.DataFrame, chosen: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """What may go into service: only what won, and beat the best baseline.

    Args:
        verdict: As from ``decide``.
        chosen: As from ``tuning.choose``.
        alpha: Error rate of a family.

    Returns:
        JSON-ready: ``promoted`` (slice, recommender, arm, knob, config, reason of each) and
        ``refused`` (the same without config), with the rule that was applied.
    """
    configs = chosen.set_index(KEYS)["config"]
    promoted, refused = [], []
    for row in verdict.to_dict("records"):
        entry = {key: row[key] for key in [*KEYS, "verdict", "knob", "reason"]}
        if row["promoted"]:
            promoted.append(entry | {"config": configs[tuple(row[key] for key in KEYS)]})
        else:
            refused.append(entry)
    return {
        "rule": "Promoted only if it helps against no augmentation, against every control of its "
        "kind, and against the best recommender of the slice without augmentation; Holm-corrected "
        f"p at most {alpha:g}.",
        "promoted": promoted,
        "refused": refused,
    }


def describe_slice(name: str) -> str:
    """A slice in words: ``cold_5`` is ``new customers with 5 known items``."""
    if name == "warm":
        return "returning customers"
    known = name.removeprefix("cold_")
    if known == name:
        return f"customers of slice {name}"
    if known == "0":
        return "new customers of whom no purchase is known"
    if known.endswith("pct"):
        return f"new customers with {known.removesuffix('pct')} % of their history known"
    return f"new customers with {known} known item{'' if known == '1' else 's'}"


def _is_generator(arm: str) -> bool:
    return ARMS[arm].generator


def _judge(
    key: tuple[str, str, str], by_reference: dict[str, dict[str, Any]], knob: float
) -> dict[str, Any]:
    slice_name, recommender, arm = key
    against_none = by_reference[NONE]
    verdict: Outcome = against_none["outcome"]
    not_run = [c for c in controls_of(arm) if c not in by_reference]
    not_beaten = [
        c for c in controls_of(arm) if c in by_reference and by_reference[c]["outcome"] != "helps"
    ]
    win = verdict == "helps" and not not_beaten and not not_run
    best = by_reference.get(BEST_BASELINE)
    promoted = win and best is not None and best["outcome"] == "helps"
    facts = against_none | {"knob": knob}
    return {
        "verdict": verdict,
        "win": win,
        "promoted": promoted,
        "reason": _reason(slice_name, recommender, arm, facts, by_reference, not_beaten, not_run),
        "not_beaten": ", ".join([*not_beaten, *not_run]),
    } | {name: facts[name] for name in FACTS}


def _reason(
    slice_name: str,
    recommender: str,
    arm: str,
    facts: dict[str, Any],
    by_reference: dict[str, dict[str, Any]],
    not_beaten: list[str],
    not_run: list[str],
) -> str:
    who, phrase = describe_slice(slice_name), ARMS[arm].phrase
    knob = ARMS[arm].knob
    if facts["knob"] == 0:
        return (
            f"On validation, {phrase} brought {recommender} nothing for {who}: {knob} 0 was "
            "chosen, so recommendations stay as they are."
        )
    if facts["outcome"] == UNDEFINED:
        return (
            f"Undefined for {who}: {_customers(facts['n_users'])} tested with {phrase} and "
            f"{recommender}, and a verdict takes {facts['least_users']}."
        )
    measured = (
        f"{facts['metric']} of {recommender} for {who} changed by {_percent(facts['relative'])} "
        f"(95 % interval {_percent(facts['relative_low'])} to {_percent(facts['relative_high'])}, "
        f"{facts['n_users']} customers) with {phrase} at {knob} {facts['knob']:g}"
    )
    if facts["outcome"] == "harms":
        return f"{measured}: recommendations got worse. Do not use it here."
    if facts["outcome"] == "no evidence":
        return f"{measured}: {_doubt(facts)}. No evidence that it helps."
    if not_beaten:
        shown = ", ".join(
            f"{ARMS[c].phrase} ({_percent(by_reference[c]['relative'])} over it)"
            for c in not_beaten
        )
        return (
            f"{measured}: better than without. But it is not shown to beat {shown}, so the gain "
            f"is not the GAN's.{_beside_best(by_reference.get(BEST_BASELINE))}"
        )
    if not_run:
        return (
            f"{measured}: better than without. But these controls were not run: "
            f"{', '.join(not_run)}. Without them it is no win."
        )
    best = by_reference.get(BEST_BASELINE)
    if best is None or best["outcome"] != "helps":
        change = "" if best is None else f" ({_percent(best['relative'])} over it)"
        return (
            f"{measured}: better than without and than every control. But it is not shown to beat "
            f"the best recommender without augmentation{change}, so it is not promoted."
        )
    return f"{measured}: better than without, than every control, and than the best recommender."


def _beside_best(best: dict[str, Any] | None) -> str:
    """How a gain stands to the best recommender without augmentation: a weak one gains easily."""
    if best is None:
        return ""
    return (
        f" Against the best recommender without augmentation it is {_percent(best['relative'])} "
        f"({_percent(best['relative_low'])} to {_percent(best['relative_high'])})."
    )


def _doubt(facts: dict[str, Any]) -> str:
    """Why a comparison is no evidence."""
    if facts["low"] == facts["high"] == 0:
        return "nobody's list became better or worse"
    if facts["low"] > 0 or facts["high"] < 0:
        return "the interval alone excludes 0, but not once corrected for all comparisons made"
    return "the interval includes 0, which is no change at all"


def _customers(number: int) -> str:
    return f"{number} customer was" if number == 1 else f"{number} customers were"


def _percent(share: float | None) -> str:
    return "unknown" if share is None or pd.isna(share) else f"{100 * share:+.1f} %"
