"""What is said of whether a generator is real enough for its verdict to count."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import pandas as pd

from doppelcart.metrics.fidelity.floor import BY_REAL, COVERED
from doppelcart.reporting.section import Evidence
from doppelcart.reporting.tables import share

LEAST_SHARE: Final = 0.5
"""Of what other real examples reach: what a generator has to reach."""
NOT_RULED_OUT: Final = "so that a better generator is not ruled out"


def floors_of(log: pd.DataFrame, trial: str, training: Sequence[str]) -> pd.DataFrame:
    """Whether each training of what is on trial passed its floor.

    Args:
        log: One row per training and epoch, with ``arm``.
        trial: The arm.
        training: Columns that tell its trainings apart; none if there is one.

    Returns:
        ``COVERED``, ``BY_REAL`` and ``passed``, one row per training; what is unknown has not.
    """
    told = [name for name in (COVERED, BY_REAL) if name not in log]
    own = log[log["arm"] == trial].reindex(columns=[*log.columns, *told])
    found = own.drop_duplicates(list(training) or ["arm"])[[COVERED, BY_REAL]]
    return found.assign(passed=found[COVERED] >= LEAST_SHARE * found[BY_REAL])


def floor_in_words(floors: pd.DataFrame, what: str) -> str:
    """What is said of the floor.

    Args:
        floors: As from ``floors_of``.
        what: What is made, such as "items".
    """
    if floors.empty:
        return "No GAN was trained."
    known = floors.dropna()
    if known.empty:
        return f"Whether the GAN passed its fidelity floor is unknown, {NOT_RULED_OUT}."
    passed, number = int(floors["passed"].sum()), len(floors)
    made, real = (_range(known[name]) for name in (COVERED, BY_REAL))
    verb, counted = ("passed", passed) if passed else ("missed", number)
    trained = "its one training" if number == 1 else f"{counted} of {number} trainings"
    ending = "" if passed == number else f", {NOT_RULED_OUT}"
    return (
        f"The GAN {verb} its fidelity floor in {trained}: {made} of real {what} have one in their "
        f"neighbourhood that it made, where other real {what} reach {real} and half of that is "
        f"asked{ending}."
    )


def told_by_floor(verdict: pd.DataFrame, sentence: str, arms: Collection[str]) -> pd.DataFrame:
    """The verdicts, of which those on a generator say whether it passed its floor.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        sentence: As from ``floor_in_words``.
        arms: Those of the generator.
    """
    is_own = verdict["arm"].isin(list(arms))
    return verdict.assign(
        reason=verdict["reason"].where(~is_own, verdict["reason"] + f" {sentence}")
    )


def with_floor(evidence: Evidence | None, floors: pd.DataFrame) -> Evidence | None:
    """Evidence that says where it is of whether the floor was passed.

    Args:
        evidence: As from ``evidence_of``.
        floors: As from ``floors_of``.
    """
    if evidence is None:
        return None
    said = "passed" if len(floors) and floors["passed"].all() else "not passed"
    where = "; ".join(part for part in (evidence.where, f"fidelity floor {said}") if part)
    return evidence.model_copy(update={"where": where})


def _range(values: pd.Series) -> str:
    low, high = share(values.min()), share(values.max())
    return low if low == high else f"{low} to {high}"
