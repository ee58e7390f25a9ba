"""Differences between the arms of an experiment, with intervals and corrected p-values."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.errors import InputError, ParameterError
from doppelcart.experiment.design import Design, Pair, Role, pairs
from doppelcart.experiment.families import holm, least_resamples, least_units
from doppelcart.experiment.outcome import NOT_USED, outcome
from doppelcart.experiment.resampling import Difference, paired_bootstraps
from doppelcart.progress import tracked

VALUE: Final = "value"
LEVEL: Final = "level"
"""Optional column of the scores: what validation chose of the arm. At 0 it is not used at all."""

FIGURES: Final = (
    "base",
    "value",
    "difference",
    "relative",
    "low",
    "high",
    "relative_low",
    "relative_high",
    "p_value",
    "n_units",
    "n_clusters",
)
CLOSED: Final = ("gap_closed", "gap_closed_low", "gap_closed_high")
"""Columns that only an experiment with an oracle has."""


def columns_of(design: Design) -> list[str]:
    """Columns of ``compare``, which stand there even where nothing is compared."""
    closed = CLOSED if design.of_role(Role.ORACLE) else ()
    middle = [name for name in FIGURES if name not in ("n_units", "n_clusters")]
    return [
        *[*design.key_columns, "against", "metric", LEVEL],
        *[*middle, "p_holm", "n_units", "n_clusters", "least_units", "tested", "outcome"],
        *closed,
    ]


def compare(
    scores: pd.DataFrame, design: Design, plan: Iterable[Pair] | None = None
) -> pd.DataFrame:
    """Compare the arms of an experiment over the same units.

    An arm at level 0 *is* the baseline. Nothing is tested there, and the row stays out of its
    family, whose size no test unit may influence. Nor is anything tested on too few units.

    Args:
        scores: One row per (group, system, arm, unit) with the ``value`` of the unit (NaN where
            undefined) and, where validation chose one, the ``level`` of the arm.
        design: The experiment.
        plan: The comparisons to make; by default those of ``design.pairs``.

    Returns:
        One row per comparison: its keys, ``against``, ``level``; ``base`` and ``value`` (means of
        what it is compared with, and of the arm), ``difference``, ``relative``, their intervals
        (95 %, not corrected), ``p_value`` (two-sided), ``p_holm`` (NaN on too few units),
        ``n_units``, ``n_clusters``, the ``least_units`` that a verdict takes, ``tested``, the
        ``outcome``, and with an oracle the share of the gap to it that a trial closed (NaN where
        the oracle is no better than the baseline).

    Raises:
        InputError: If the scores are not what the design says; all faults at once.
        ParameterError: If there are too few resamples for a family to show anything.
    """
    check_scores(scores, design)
    by_group = {
        _group(labels): rows
        for labels, rows in (
            scores.groupby(list(design.groups), sort=False, observed=True)
            if design.groups
            else [((), scores)]
        )
    }
    if plan is None:
        plan = [
            pair
            for group, rows in by_group.items()
            for pair in pairs(design, group, levels_of(rows, design))
        ]
    planned: dict[tuple[str, ...], list[Pair]] = {}
    for pair in plan:
        planned.setdefault(pair.group, []).append(pair)
    parts = [
        _compare_group(by_group[group], own, design)
        for group, own in tracked(planned.items(), "comparing arms", "group")
    ]
    if not parts:
        return pd.DataFrame(columns=columns_of(design))
    compared = correct(pd.concat(parts, ignore_index=True), design)
    return compared[columns_of(design)]


def correct(compared: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Put Holm's correction and the outcome beside the p-values of each family.

    Args:
        compared: One row per comparison, with ``p_value``, ``difference``, ``n_clusters`` and
            ``tested``: whether there is anything to test.
        design: Families, error rate, resamples and least units.

    Returns:
        The same rows with ``p_holm``: 1 where there was nothing to test, NaN where there were too
        few units to; with the ``least_units`` that it takes; ``tested``; and ``outcome``.

    Raises:
        ParameterError: If there are too few resamples for a family to show anything.
    """
    used = compared["tested"]
    corrected = compared.assign(p_holm=1.0, least_units=design.min_units)
    family: Any = list(design.family) or (lambda _: 0)
    for _, rows in corrected[used].groupby(family, sort=False):
        least = max(design.min_units, least_units(len(rows), design.alpha))
        enough = rows["n_clusters"] >= least
        tested, few = rows.index[enough], rows.index[~enough]
        check_resamples(len(tested), design.n_resamples, design.alpha, design.name)
        corrected.loc[rows.index, "least_units"] = least
        corrected.loc[few, "tested"] = False
        corrected.loc[few, "p_holm"] = np.nan
        corrected.loc[tested, "p_holm"] = holm(rows.loc[tested, "p_value"].to_numpy())
    sign = 1 if design.higher_is_better else -1
    found = zip(corrected["difference"], corrected["p_holm"], used, strict=True)
    return corrected.assign(
        outcome=[
            outcome(sign * difference, p, design.alpha) if is_used else NOT_USED
            for difference, p, is_used in found
        ]
    )


def check_resamples(comparisons: int, n_resamples: int, alpha: float, where: str) -> None:
    """Refuse a family of which no comparison could ever be shown.

    Args:
        comparisons: Most comparisons in the family.
        n_resamples: Resamples of all seeds together.
        alpha: Error rate of the family.
        where: Name of the experiment, for the message.

    Raises:
        ParameterError: If there are too few resamples.
    """
    least = least_resamples(comparisons, alpha)
    if n_resamples < least:
        raise ParameterError(
            f"Experiment {where}: {n_resamples} resamples (those of each seed times the number of "
            f"seeds) cannot give a p-value below {alpha:g} / {comparisons}, the error rate over "
            f"the comparisons of its largest family. Raise them to {least} or more, or compare "
            "less."
        )


def check_scores(scores: pd.DataFrame, design: Design) -> None:
    """Refuse scores that are not what the design says.

    Raises:
        InputError: Lists every fault.
    """
    wanted = [*design.key_columns, design.unit, VALUE, design.cluster, design.weight]
    faults = [f"there is no column {name}" for name in wanted if name and name not in scores]
    if not faults:
        unknown = [str(arm) for arm in scores["arm"].unique() if arm not in design.by_name]
        if unknown:
            faults.append(f"arms that the design does not know: {', '.join(unknown)}")
        if not scores["arm"].isin(design.of_role(Role.BASELINE)).any():
            faults.append("no baseline was scored")
        twice = scores.duplicated([*design.key_columns, design.unit]).sum()
        if twice:
            faults.append(f"{twice} rows repeat a {design.unit} of the same arm")
        faults += _uneven(scores, design)
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise InputError(f"The scores of experiment {design.name} cannot be compared:\n{listed}")


def _uneven(scores: pd.DataFrame, design: Design) -> list[str]:
    """Levels that differ within an arm; clusters and weights that differ between its arms."""
    faults = []
    if LEVEL in scores and _differs(scores, design.key_columns, LEVEL):
        faults.append("an arm has several levels in one group")
    per_unit = [*design.groups, design.unit]
    faults += [
        f"column {name} is missing for a {design.unit}, or differs between arms"
        for name in filter(None, (design.cluster, design.weight))
        if scores[name].isna().any() or _differs(scores, per_unit, name)
    ]
    return faults


def _differs(scores: pd.DataFrame, keys: list[str], column: str) -> bool:
    """Whether a column has several values within a key."""
    return bool(scores[[*keys, column]].drop_duplicates().duplicated(keys).any())


def _group(labels: Any) -> tuple[str, ...]:
    return tuple(map(str, labels if isinstance(labels, tuple) else (labels,)))


def levels_of(rows: pd.DataFrame, design: Design) -> dict[tuple[str, str], float]:
    """The level of every (system, arm) of one group, in the order of the rows.

    Args:
        rows: Scores of the group.
        design: The experiment.
    """
    columns = [design.system, "arm"] if design.system else ["arm"]
    first = rows.drop_duplicates(columns)
    systems = first[design.system].astype(str) if design.system else [""] * len(first)
    levels = first[LEVEL] if LEVEL in first else [math.nan] * len(first)
    return {
        (system, str(arm)): float(level)
        for system, arm, level in zip(systems, first["arm"], levels, strict=True)
    }


def _compare_group(rows: pd.DataFrame, plan: Sequence[Pair], design: Design) -> pd.DataFrame:
    """The comparisons of one group, over its units."""
    columns = [design.system, "arm"] if design.system else ["arm"]
    parts = {
        _group(key) if design.system else ("", *_group(key)): part.set_index(design.unit)
        for key, part in rows.groupby(columns, sort=False, observed=True)
    }
    # Signs are drawn unit by unit, so that their order must not be that of the rows.
    wide = pd.concat({key: part[VALUE] for key, part in parts.items()}, axis=1).sort_index()
    units = rows.drop_duplicates(design.unit).set_index(design.unit).reindex(wide.index)
    values = np.column_stack([wide[pair.system, pair.arm] for pair in plan])
    bases = np.column_stack([wide[pair.reference] for pair in plan])
    group = plan[0].group
    results, levels = _bootstrap(values, bases, units, group, design), levels_of(rows, design)
    table = pd.DataFrame(
        {
            **dict(zip(design.groups, pair.group, strict=True)),
            **({design.system: pair.system} if design.system else {}),
            "arm": pair.arm,
            "against": pair.against,
            "metric": design.metric,
            LEVEL: levels[pair.system, pair.arm],
            **{name: getattr(result, name) for name in FIGURES},
            "tested": pair.tested,
        }
        for pair, result in zip(plan, results, strict=True)
    )
    return table.assign(**_gap_closed(wide, units, plan, design))


def _bootstrap(
    values: np.ndarray,
    bases: np.ndarray,
    units: pd.DataFrame,
    group: tuple[str, ...],
    design: Design,
) -> list[Difference]:
    # The group's name makes its resamples other ones than those of the next group.
    stream = zlib.crc32(" / ".join(group).encode())
    return paired_bootstraps(
        values,
        bases,
        n_resamples=design.n_resamples,
        rng=np.random.default_rng([*design.seeds, stream]),
        clusters=units[design.cluster].to_numpy() if design.cluster else None,
        weights=units[design.weight].to_numpy() if design.weight else None,
    )


def _gap_closed(
    wide: pd.DataFrame, units: pd.DataFrame, plan: Sequence[Pair], design: Design
) -> dict[str, list[float]]:
    """Which share of the way from the baseline to the oracle each trial went, with intervals.

    It is a ratio of two means over the same units, as a relative difference is: the gain of the
    trial over the gain of the oracle. Where the oracle is no better than the baseline there is no
    way to go, and no share of it.
    """
    sign = 1 if design.higher_is_better else -1
    oracles = design.of_role(Role.ORACLE)
    if not oracles:
        return {}
    found: dict[str, list[float]] = {name: [] for name in CLOSED}
    for pair in plan:
        known = (pair.system, oracles[0]) in wide
        is_gain = design.by_name[pair.arm].role is Role.TRIAL and pair.against in design.of_role(
            Role.BASELINE
        )
        figures = [np.nan] * 3
        if known and is_gain:
            base = wide[pair.reference].to_numpy()
            gap = (wide[pair.system, oracles[0]].to_numpy() - base)[:, None]
            gain = (wide[pair.system, pair.arm].to_numpy() - base)[:, None]
            (share,) = _bootstrap(gap + gain, gap, units, pair.group, design)
            if sign * share.base > 0:
                figures = [share.relative, share.relative_low, share.relative_high]
        for name, figure in zip(CLOSED, figures, strict=True):
            found[name].append(figure)
    return found
