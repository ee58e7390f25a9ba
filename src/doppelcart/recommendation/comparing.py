"""Uplift on test users: every arm against what it must beat."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.errors import InputError, ParameterError
from doppelcart.experiment.significance import (
    LEAST_UNITS,
    holm,
    least_resamples,
    least_units,
    paired_bootstraps,
)
from doppelcart.recommendation.arms import ARMS, NONE, Kind, controls_of
from doppelcart.recommendation.evaluating import by_user, metric_columns
from doppelcart.recommendation.scoring import IGNORE_HISTORY

BEST_BASELINE = "best_baseline"
MOST_POPULAR = "most_popular"
Family = Literal["slice", "table"]
COLUMNS: Final = [
    Columns.SLICE,
    Columns.RECOMMENDER,
    Columns.ARM,
    "against",
    "metric",
    "base",
    "value",
    "difference",
    "relative",
    "low",
    "high",
    "relative_low",
    "relative_high",
    "p_value",
    "p_holm",
    "n_users",
    "least_users",
    "tested",
]
"""Of ``compare``; they stand there even where nothing is compared, so that a file reads back."""

_FIGURES: Final = (
    "base",
    "value",
    "difference",
    "relative",
    "low",
    "high",
    "relative_low",
    "relative_high",
    "p_value",
    "n_users",
)


@dataclass(frozen=True)
class ComparisonSettings:
    """How arms are compared.

    Args:
        metric: Column of the user metrics, such as ``ndcg@20``.
        n_bootstrap: Resamples a seed.
        seeds: Of the resamples; those of all are taken together.
        alpha: Error rate of a family of comparisons; intervals are of 95 % whatever it is.
        family: Over which comparisons Holm's correction runs.
        min_users: Users below which nothing is tested.
    """

    metric: str
    n_bootstrap: int = 10_000
    seeds: tuple[int, ...] = (0,)
    alpha: float = 0.05
    family: Family = "slice"
    min_users: int = LEAST_UNITS

    @property
    def n_resamples(self) -> int:
        """Resamples of all seeds together."""
        return self.n_bootstrap * len(self.seeds)


@dataclass(frozen=True)
class _Comparison:
    recommender: str
    arm: str
    against: str
    reference: tuple[str, str]
    tested: bool


def best_baselines(chosen: pd.DataFrame) -> dict[str, str]:
    """The best un-augmented recommender of each slice, as validation saw it.

    Args:
        chosen: As from ``tuning.choose``.

    Returns:
        Recommender name by slice; ties go to the first in the grid.
    """
    best = _best_recommenders(chosen[chosen[Columns.ARM] == NONE])
    return dict(zip(best[Columns.SLICE], best[Columns.RECOMMENDER], strict=True))


def _best_recommenders(chosen: pd.DataFrame) -> pd.DataFrame:
    """The chosen row of the best recommender of every (slice, arm), as validation saw it."""
    order = chosen["value"].fillna(-np.inf).sort_values(ascending=False, kind="stable").index
    return chosen.loc[order].drop_duplicates([Columns.SLICE, Columns.ARM]).sort_index()


def references(arm: str, run: Collection[str]) -> list[str]:
    """What an arm is compared with.

    Args:
        arm: Name of the arm.
        run: Names of all arms that are run of the same recommender.

    Returns:
        ``none`` for an arm of the verdict, and for the generator's besides it the controls of its
        kind and the best baseline; nothing for ``none`` itself and for synthetic-only arms.
    """
    if arm == NONE or ARMS[arm].kind is Kind.SYNTHETIC_ONLY:
        return []
    if not ARMS[arm].generator:
        return [NONE]
    return [NONE, *(control for control in controls_of(arm) if control in run), BEST_BASELINE]


def largest_family(recommenders: Iterable[str], arms: Collection[str]) -> int:
    """Most comparisons of one slice: those made if validation chooses knob 0 nowhere.

    Args:
        recommenders: Names of the recommenders.
        arms: Names of the arms.
    """
    total = 0
    for recommender in recommenders:
        completes = recommender not in IGNORE_HISTORY
        run = [arm for arm in arms if completes or ARMS[arm].kind is not Kind.COMPLETION]
        total += sum(len(references(arm, run)) for arm in run)
    return total


def check_resamples(comparisons: int, n_resamples: int, alpha: float) -> None:
    """Refuse a family of which no comparison could ever be shown.

    Args:
        comparisons: Most comparisons in the family.
        n_resamples: Resamples of all seeds together.
        alpha: Error rate of the family.

    Raises:
        ParameterError: If there are too few resamples.
    """
    least = least_resamples(comparisons, alpha)
    if n_resamples < least:
        raise ParameterError(
            f"{n_resamples} resamples (evaluation.n_bootstrap times evaluation.n_seeds) cannot "
            f"give a p-value below evaluation.alpha / {comparisons}, {alpha:g} over the most "
            f"comparisons that a family has here. Raise their product to {least} or more, or "
            "compare less."
        )


def compare(
    user_metrics: pd.DataFrame, chosen: pd.DataFrame, settings: ComparisonSettings
) -> pd.DataFrame:
    """Every arm against ``none``; the generator's arms against their controls as well.

    An arm for which validation chose knob 0 *is* ``none``. Nothing is tested there, and the row
    stays out of the family, whose size test data must not influence; against ``none`` its
    difference is 0. Nor is anything tested on too few users.

    Args:
        user_metrics: One row a (slice, arm, recommender, user).
        chosen: As from ``tuning.choose``, for the knobs and the best baselines.
        settings: Metric, resampling and correction.

    Returns:
        One row a (slice, recommender, arm, against): ``base`` and ``value`` (means of what it
        is compared with, and of the arm), ``difference``, ``relative`` (difference / base),
        ``low`` and ``high`` (of the difference, uncorrected), ``relative_low`` and
        ``relative_high``, ``p_value`` (two-sided), ``p_holm`` (NaN on too few users), ``n_users``,
        ``least_users`` that a verdict takes, and ``tested``: whether the row counts in its family.
        No row, where no arm has anything to be compared with.

    Raises:
        InputError: If the user metrics lack the metric.
        ParameterError: If there are too few resamples to reach significance in a family.
    """
    _check_metric(user_metrics, settings.metric)
    knobs = chosen.set_index([Columns.SLICE, Columns.RECOMMENDER, Columns.ARM])["knob"]
    baselines = best_baselines(chosen)
    parts = []
    for name, rows in user_metrics.groupby(Columns.SLICE, sort=False, observed=True):
        wide = by_user(rows, [Columns.RECOMMENDER, Columns.ARM], settings.metric)
        plan = list(_plan(rows, knobs[name], baselines[str(name)]))
        parts.append(_compare_slice(str(name), wide, plan, settings))
    compared = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns=COLUMNS) if compared.empty else correct(compared, settings)


def against_best(
    user_metrics: pd.DataFrame, chosen: pd.DataFrame, settings: ComparisonSettings
) -> pd.DataFrame:
    """Every arm at its best against the best a shop could do without generated data.

    Validation chooses both sides: for the arm its recommender, and for the baseline the best
    recommender without generated data. Beside it stands the comparison with plain popularity,
    which is all there is to recommend to a customer of whom nothing is known.

    Args:
        user_metrics: One row a (slice, arm, recommender, user).
        chosen: As from ``tuning.choose``.
        settings: Metric, resampling and correction. Either kind of baseline is a family of its own.

    Returns:
        One row a (slice, arm, against) as in ``compare``, ``against`` being ``best_baseline`` or
        ``most_popular``, and ``baseline`` the recommender behind it.

    Raises:
        InputError: If the user metrics lack the metric.
    """
    _check_metric(user_metrics, settings.metric)
    best, baselines = _best_recommenders(chosen), best_baselines(chosen)
    parts = []
    for name, rows in user_metrics.groupby(Columns.SLICE, sort=False, observed=True):
        wide = by_user(rows, [Columns.RECOMMENDER, Columns.ARM], settings.metric)
        of_slice = best[best[Columns.SLICE] == name]
        plan = list(_plan_at_best(of_slice, baselines[str(name)], ("popularity", NONE) in wide))
        compared = _compare_slice(str(name), wide, plan, settings)
        parts.append(compared.assign(baseline=[c.reference[0] for c in plan]))
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return pd.DataFrame(columns=[*COLUMNS, "baseline"])
    families = table.groupby("against", sort=False)
    return pd.concat([correct(rows, settings) for _, rows in families]).sort_index()


def _plan_at_best(
    best: pd.DataFrame, baseline: str, with_popularity: bool
) -> Iterator[_Comparison]:
    for row in best.to_dict("records"):
        arm, recommender = str(row[Columns.ARM]), str(row[Columns.RECOMMENDER])
        if arm == NONE or ARMS[arm].kind is Kind.SYNTHETIC_ONLY:
            continue
        against = {BEST_BASELINE: baseline} | (
            {MOST_POPULAR: "popularity"} if with_popularity else {}
        )
        for label, other in against.items():
            differs = float(row["knob"]) > 0 or recommender != other
            yield _Comparison(recommender, arm, label, (other, NONE), differs)


def _check_metric(user_metrics: pd.DataFrame, metric: str) -> None:
    if metric not in user_metrics:
        raise InputError(
            f"user_metrics has no column '{metric}'; it has "
            f"{', '.join(metric_columns(user_metrics))}. Add the cutoff to "
            "evaluation.cutoffs and run evaluate_arms again."
        )


def _plan(rows: pd.DataFrame, knobs: pd.Series, baseline: str) -> Iterator[_Comparison]:
    present = list(
        rows[[Columns.RECOMMENDER, Columns.ARM]].drop_duplicates().itertuples(index=False)
    )
    run: dict[str, set[str]] = {}
    for recommender, arm in present:
        run.setdefault(recommender, set()).add(arm)
    for recommender, arm in present:
        for against in references(arm, run[recommender]):
            best = against == BEST_BASELINE
            reference = (baseline, NONE) if best else (recommender, against)
            tested = float(knobs[recommender, arm]) > 0
            yield _Comparison(recommender, arm, against, reference, tested)


def _compare_slice(
    name: str, wide: pd.DataFrame, plan: list[_Comparison], settings: ComparisonSettings
) -> pd.DataFrame:
    if not plan:
        return pd.DataFrame()
    values = np.column_stack([wide[c.recommender, c.arm] for c in plan])
    bases = np.column_stack([wide[c.reference] for c in plan])
    return pd.DataFrame(
        {
            Columns.SLICE: name,
            Columns.RECOMMENDER: comparison.recommender,
            Columns.ARM: comparison.arm,
            "against": comparison.against,
            "metric": settings.metric,
            **figures,
            "tested": comparison.tested,
        }
        for comparison, figures in zip(plan, bootstrap(values, bases, name, settings), strict=True)
    )


def bootstrap(
    values: np.ndarray, bases: np.ndarray, stream: str, settings: ComparisonSettings
) -> list[dict[str, float]]:
    """The figures of some comparisons over the same users.

    Args:
        values: (n_users, n_comparisons) metric of the arms.
        bases: (n_users, n_comparisons) metric of what they are compared with.
        stream: With the seeds, fixes the resamples.
        settings: Seeds and resamples.

    Returns:
        The figures of ``compare``, one mapping a column.
    """
    results = paired_bootstraps(
        values,
        bases,
        n_resamples=settings.n_resamples,
        rng=np.random.default_rng([*settings.seeds, zlib.crc32(stream.encode())]),
    )
    return [{name: getattr(result, name) for name in _FIGURES} for result in results]


def correct(uplift: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Put Holm's correction beside the p-values of each family.

    Args:
        uplift: One row a comparison, with ``slice``, ``p_value``, ``n_users`` and ``tested``:
            whether there is anything to test.
        settings: Family, error rate, resamples and least users.

    Returns:
        The same rows with ``p_holm``: 1 where there was nothing to test, NaN where there were too
        few users to; with the ``least_users`` that it takes; and ``tested`` only where there were
        as many.

    Raises:
        ParameterError: If there are too few resamples to reach significance in a family.
    """
    if uplift.empty:
        return uplift
    whole = pd.Series("table", index=uplift.index)
    families = uplift[Columns.SLICE] if settings.family == "slice" else whole
    corrected = uplift.assign(p_holm=1.0, least_users=settings.min_users)
    for _, rows in corrected[corrected["tested"]].groupby(families, sort=False):
        least = max(settings.min_users, least_units(len(rows), settings.alpha))
        enough = rows["n_users"] >= least
        tested, few = rows.index[enough], rows.index[~enough]
        check_resamples(len(tested), settings.n_resamples, settings.alpha)
        corrected.loc[rows.index, "least_users"] = least
        corrected.loc[few, "tested"] = False
        corrected.loc[few, "p_holm"] = np.nan
        corrected.loc[tested, "p_holm"] = holm(rows.loc[tested, "p_value"].to_numpy())
    last = ["n_users", "least_users", "tested"]
    return corrected[[*(column for column in corrected if column not in last), *last]]
