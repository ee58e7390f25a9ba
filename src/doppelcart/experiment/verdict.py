"""The verdict on what is on trial, and the promotion that depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.experiment.comparison import CLOSED, LEVEL
from doppelcart.experiment.design import BEST_BASELINE, Design, Role
from doppelcart.experiment.outcome import HARMS, HELPS, NO_EVIDENCE, NOT_USED, UNDEFINED

BEST_NOT_BEATEN: Final = "best not beaten"
NOT_PROVEN: Final = "not proven"

VERDICTS: Final[dict[str, str]] = {
    HELPS: "better than the same without it, than every control, and than the best there is "
    "without it. Only this may go into service.",
    BEST_NOT_BEATEN: "better than the same without it and than every control, but not shown to be "
    "better than the best there is without it.",
    NOT_PROVEN: "better than the same without it, but a control may do as well, so the gain is not "
    "shown to come from what is on trial.",
    HARMS: "worse than the same without it.",
    NO_EVIDENCE: "the difference is within what chance alone would give.",
    UNDEFINED: "too few were tested for any verdict, or the experiment failed its own check.",
    NOT_USED: "on validation nothing was gained, so all was left as it is.",
}
"""Every verdict and what it means, the strongest case first: the words of tables, terminal, report
and tracked runs alike."""

FACTS: Final = (
    LEVEL,
    "metric",
    "base",
    "value",
    "relative",
    "relative_low",
    "relative_high",
    "p_holm",
    "n_units",
    "least_units",
)
"""What the verdict says of the comparison with the baseline."""

Comparisons = Mapping[str, Mapping[Any, Any]]
"""The comparisons of one arm, by what it is compared with."""


def judge(compared: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Judge every arm on trial, for each group and system.

    ``win`` needs *helps* against the baseline and against every rival; a rival that was not run is
    one not beaten. ``promoted`` needs, besides, *helps* against the best baseline of the group,
    where the design names one: a win over a weak baseline serves nobody. Where the experiment
    failed its own check (an arm that cannot help did, or one that must did not), every verdict of
    the group and system is undefined; and so it is in a group of too few units, whether the arm is
    used there or not.

    Args:
        compared: As from ``comparison.compare``.
        design: The experiment.

    Returns:
        One row per (group, system, arm on trial): ``verdict``, ``win``, ``promoted``, ``reason``,
        ``not_beaten`` (rivals, joined by ", "), the facts of the comparison with the baseline, with
        a margin ``not_worse``, and with an oracle the share of the gap that was closed.
    """
    keys = design.key_columns
    closed = CLOSED if design.of_role(Role.ORACLE) else ()
    not_worse = ("not_worse",) if design.margin is not None else ()
    columns = [*keys, "verdict", "outcome", "win", "promoted", "reason", "not_beaten", *FACTS]
    columns += [*not_worse, *closed]
    rows = []
    of_trials = compared[compared["arm"].isin(design.of_role(Role.TRIAL))]
    for labels, comparisons in of_trials.groupby(keys, sort=False, observed=True):
        names = tuple(map(str, labels if isinstance(labels, tuple) else (labels,)))
        key = dict(zip(keys, names, strict=True))
        by_reference = {str(row["against"]): row for row in comparisons.to_dict("records")}
        broken = failed_checks(_beside(compared, key, design), design)
        rows.append(key | _judge(key, by_reference, broken, design))
    return pd.DataFrame(rows, columns=columns)


def failed_checks(compared: pd.DataFrame, design: Design) -> list[str]:
    """What shows that an experiment cannot be believed, in words.

    Args:
        compared: Comparisons of one group and system.
        design: The experiment.
    """
    found = []
    for row in compared[compared["against"].isin(design.of_role(Role.BASELINE))].to_dict("records"):
        arm = design.by_name[row["arm"]]
        if arm.role is Role.MUST_FAIL and row["outcome"] == HELPS:
            found.append(f"{arm.phrase} cannot help, and does")
        if arm.role is Role.MUST_WIN and row["outcome"] != HELPS:
            found.append(f"{arm.phrase} must help, and is not shown to ({row['outcome']})")
    return found


def promotion(verdict: pd.DataFrame, design: Design, rule: str) -> dict[str, Any]:
    """What may go into service: only what won, and beat the best baseline.

    Args:
        verdict: As from ``judge``.
        design: The experiment.
        rule: The rule in words.

    Returns:
        JSON-ready: the ``rule``; ``promoted`` and ``refused``, each with keys, verdict, level and
        reason.
    """
    told = [*design.key_columns, "verdict", LEVEL, "reason"]
    entries = [({k: row[k] for k in told}, row["promoted"]) for row in verdict.to_dict("records")]
    return {
        "rule": rule,
        "promoted": [entry for entry, wins in entries if wins],
        "refused": [entry for entry, wins in entries if not wins],
    }


def _beside(compared: pd.DataFrame, key: Mapping[str, str], design: Design) -> pd.DataFrame:
    """Comparisons of the same group and system, of any arm."""
    same = np.ones(len(compared), dtype=bool)
    for column in [*design.groups, *([design.system] if design.system else [])]:
        same &= (compared[column].astype(str) == key[column]).to_numpy()
    return compared[same]


def _judge(
    key: Mapping[str, str], by_reference: Comparisons, broken: list[str], design: Design
) -> dict[str, Any]:
    baseline = next(name for name in design.of_role(Role.BASELINE) if name in by_reference)
    facts, rivals = by_reference[baseline], _rivals(key, design)
    not_run = [name for name in rivals if name not in by_reference]
    not_beaten = [
        name for name in rivals if name in by_reference and by_reference[name]["outcome"] != HELPS
    ]
    helps = facts["outcome"] == HELPS and not broken
    win = helps and not not_beaten and not not_run
    best = by_reference.get(BEST_BASELINE)
    promoted = win and best is not None and best["outcome"] == HELPS
    if broken:
        verdict = UNDEFINED
    elif helps and not win:
        verdict = NOT_PROVEN
    elif win and design.best and not promoted:
        verdict = BEST_NOT_BEATEN
    elif win:
        verdict = HELPS
    elif facts["n_clusters"] < facts["least_units"]:
        # Of a group that is too small to tell, nobody can tell that nothing was found either.
        verdict = UNDEFINED
    else:
        verdict = facts["outcome"]
    told_by = (
        _broken(broken)
        if broken
        else _reason(key, facts, by_reference, not_beaten, not_run, design)
    )
    told = {"verdict": verdict, "outcome": facts["outcome"], "win": win, "promoted": promoted}
    told |= {"reason": "".join(told_by)}
    told |= {"not_beaten": ", ".join([*not_beaten, *not_run])}
    told |= {name: facts[name] for name in FACTS}
    if design.margin is not None:
        told["not_worse"] = _not_worse(facts, design.margin, design.higher_is_better)
    return told | {name: facts[name] for name in CLOSED if name in facts}


def _rivals(key: Mapping[str, str], design: Design) -> tuple[str, ...]:
    """Rivals of an arm; none in a group that it is not meant for."""
    aside = design.bystanders and all(key[c] == value for c, value in design.bystanders.items())
    return () if aside else design.rivals_of(key["arm"])


def _not_worse(facts: Mapping[Any, Any], margin: float, higher_is_better: bool) -> bool:
    """Whether the interval of the relative difference ends above the loss that is allowed."""
    if facts["outcome"] == UNDEFINED:
        return False
    worst = facts["relative_low"] if higher_is_better else -facts["relative_high"]
    return bool(worst > -margin)


def _broken(broken: list[str]) -> Iterator[str]:
    yield f"The experiment failed its own check: {'; '.join(broken)}. Nothing here can be believed."


def _reason(
    key: Mapping[str, str],
    facts: Mapping[Any, Any],
    by_reference: Comparisons,
    not_beaten: list[str],
    not_run: list[str],
    design: Design,
) -> Iterator[str]:
    """Sentences that say why a verdict is what it is."""
    words, arm = design.words, design.by_name[key["arm"]]
    who = words.of([key[column] for column in design.groups])
    for_whom = f" for {who}" if who else ""
    system = key[design.system] if design.system else ""
    if facts[LEVEL] == 0:
        target = f" {system}" if system else ""
        yield (
            f"On validation, {arm.phrase} brought{target} nothing{for_whom}: {arm.level} 0 was "
            f"chosen, so {words.unchanged}."
        )
        if facts["n_clusters"] < facts["least_units"]:
            yield f" {_too_few(facts, words)}."
        return
    if facts["outcome"] == UNDEFINED:
        with_system = f" and {system}" if system else ""
        yield (
            f"Undefined{for_whom}: {_too_few(facts, words, f' with {arm.phrase}{with_system}')}."
        )
        return
    of_system = f" of {system}" if system else ""
    at_level = f" at {arm.level} {facts[LEVEL]:g}" if not pd.isna(facts[LEVEL]) else ""
    yield (
        f"{facts['metric']}{of_system}{for_whom} changed by {_percent(facts['relative'])} "
        f"(95 % interval {_percent(facts['relative_low'])} to {_percent(facts['relative_high'])}, "
        f"{facts['n_units']} {words.units}) with {arm.phrase}{at_level}: "
    )
    yield _judgement(facts, by_reference, not_beaten, not_run, design)


def _judgement(
    facts: Mapping[Any, Any],
    by_reference: Comparisons,
    not_beaten: list[str],
    not_run: list[str],
    design: Design,
) -> str:
    """What the measured change amounts to."""
    words, best = design.words, by_reference.get(BEST_BASELINE)
    if facts["outcome"] == HARMS:
        return f"{words.worse}. Do not use it here."
    if facts["outcome"] == NO_EVIDENCE:
        return f"{_doubt(facts, words.nobody)}. No evidence that it helps."
    if not_beaten:
        shown = ", ".join(
            f"{design.by_name[name].phrase} ({_percent(by_reference[name]['relative'])} over it)"
            for name in not_beaten
        )
        return (
            f"better than without. But it is not shown to beat {shown}, so the gain is not "
            f"{words.trial}'s.{_beside_best(best, words.best)}"
        )
    if not_run:
        return (
            f"better than without. But these controls were not run: {', '.join(not_run)}. Without "
            "them it is no win."
        )
    if not design.best:
        if len(by_reference) > 1:
            return "better than without and than every control."
        return f"better than {design.by_name[facts['against']].phrase}."
    if best is None or best["outcome"] != HELPS:
        change = "" if best is None else f" ({_percent(best['relative'])} over it)"
        return (
            f"better than without and than every control. But it is not shown to beat {words.best}"
            f"{change}, so it is not promoted."
        )
    return f"better than without, than every control, and than {words.best}."


def _beside_best(best: Mapping[Any, Any] | None, name: str) -> str:
    """How a gain stands to the best baseline: a weak one gains easily."""
    if best is None:
        return ""
    return (
        f" Against {name} it is {_percent(best['relative'])} "
        f"({_percent(best['relative_low'])} to {_percent(best['relative_high'])})."
    )


def _doubt(facts: Mapping[Any, Any], nobody: str) -> str:
    """Why a comparison is no evidence."""
    if facts["low"] == facts["high"] == 0:
        return nobody
    if facts["low"] > 0 or facts["high"] < 0:
        return "the interval alone excludes 0, but not once corrected for all comparisons made"
    return "the interval includes 0, which is no change at all"


def _too_few(facts: Mapping[Any, Any], words: Any, tested_with: str = "") -> str:
    """How many were tested, and how many it takes: of clusters, where units are resampled so."""
    n_units, n_clusters = int(facts["n_units"]), int(facts["n_clusters"])
    whole = f"{_counted(n_units, words)} tested{tested_with}"
    if n_clusters < n_units:
        whole += f", in {n_clusters} clusters that are resampled whole"
    return f"{whole}, and a verdict takes {facts['least_units']}"


def _counted(number: int, words: Any) -> str:
    return f"{number} {words.unit} was" if number == 1 else f"{number} {words.units} were"


def _percent(share: float | None) -> str:
    return "unknown" if share is None or pd.isna(share) else f"{100 * share:+.1f} %"
