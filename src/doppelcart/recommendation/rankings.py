"""Do synthetic users rank recommenders, and their configurations, as real users do?"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.experiment.families import LEAST_UNITS
from doppelcart.experiment.resampling import CONFIDENCE
from doppelcart.progress import tracked
from doppelcart.recommendation.arms import NONE, Kind, of_kind
from doppelcart.recommendation.evaluating import by_user
from doppelcart.recommendation.parallel import side_by_side
from doppelcart.recommendation.scoring import PLAIN, values_at_levels
from doppelcart.recommenders import RECOMMENDERS, RecommenderConfig

REAL_HALVES: Final = "real_halves"
"""The reference: two halves of the real users.

They differ by chance alone, but each has half as many users as what it is the reference for, and
fewer users rank less surely: it is what can be expected at the least, not at the most.
"""

N_RESAMPLES: Final = 1000
"""Resamples of users behind an interval; each costs a ranking of everything compared."""

Candidates = Literal["recommenders", "configurations"]

COLUMNS = [
    Columns.SLICE,
    "candidates",
    Columns.ARM,
    "metric",
    "tau",
    "low",
    "high",
    "ranked",
    "n_users",
]


@dataclass(frozen=True)
class Agreement:
    """Agreement of two rankings.

    Args:
        tau: Kendall's tau-b: 1 is the same order, 0 no relation, -1 the reverse.
        low: Lower end of its interval.
        high: Upper end of its interval.
        ranked: How many things are ranked.
        n_users: Users over whom the means behind the rankings are taken.
    """

    tau: float
    low: float
    high: float
    ranked: int
    n_users: int


def agreement(first: np.ndarray, second: np.ndarray, rng: np.random.Generator) -> Agreement:
    """Kendall's tau-b of the rankings by two sets of means over the same users.

    Users are resampled, the same for both rankings, and the interval is the percentile one.

    Args:
        first: (n_users, n_ranked) metric of each user under everything that is ranked.
        second: The same, learned from other data.
        rng: Source of the resamples.

    Returns:
        The agreement, over the users for whom everything is defined; NaN without any of them, or
        where there is nothing to rank. Fewer than 30 users give no interval.
    """
    defined = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    first, second = first[defined], second[defined]
    n_users, ranked = first.shape
    if not n_users or ranked < 2:
        return Agreement(np.nan, np.nan, np.nan, ranked, 0)
    tau = float(kendall_tau(first.mean(axis=0), second.mean(axis=0)))
    if n_users < LEAST_UNITS:
        return Agreement(tau, np.nan, np.nan, ranked, n_users)
    drawn = rng.multinomial(n_users, np.full(n_users, 1 / n_users), size=N_RESAMPLES)
    resampled = kendall_tau(drawn @ first, drawn @ second)
    low, high = np.nanquantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Agreement(tau, float(low), float(high), ranked, n_users)


def kendall_tau(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of many pairs of rankings at once, as ``scipy.stats.kendalltau`` has of one.

    Of some ten things a ranking all pairs are held against each other, since a call of SciPy's
    costs more than the count.

    Args:
        first: (..., n_ranked) figures to rank by.
        second: The same, by the other ranking.

    Returns:
        (...) agreement; NaN where a ranking has but one place.
    """
    one, other = np.triu_indices(first.shape[-1], k=1)
    signs = [np.sign(means[..., one] - means[..., other]) for means in (first, second)]
    ordered = [np.abs(of_pairs).sum(axis=-1) for of_pairs in signs]
    with np.errstate(invalid="ignore"):
        tau: np.ndarray = (signs[0] * signs[1]).sum(axis=-1) / np.sqrt(ordered[0] * ordered[1])
    return tau


def tabulate(
    tables: Mapping[str, pd.DataFrame],
    halves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    candidates: Candidates,
    metric: str,
    seed: int,
) -> pd.DataFrame:
    """Agreement of every synthetic-only arm with the real users, and of two halves of these.

    Args:
        tables: By slice: the metric of each user (rows) by what is ranked and arm (columns,
            the arm last); what an arm lacks is not ranked.
        halves: By slice: (n_users, n_ranked) metric after training on either half.
        candidates: What is ranked.
        metric: Name of the metric.
        seed: With the slice, fixes the resamples.

    Returns:
        One row per (slice, arm), and one of the reference ``real_halves``.
    """
    rows = []
    title = f"comparing rankings of {candidates}"
    for name, table in tracked(tables.items(), title, "slice"):
        pairs = _pairs(table) | {REAL_HALVES: halves[name]}
        for arm, (first, second) in pairs.items():
            rng = np.random.default_rng([seed, zlib.crc32(f"{name}/{candidates}".encode())])
            labels = {
                Columns.SLICE: name,
                "candidates": candidates,
                Columns.ARM: arm,
                "metric": metric,
            }
            rows.append(labels | asdict(agreement(first, second, rng)))
    return pd.DataFrame(rows, columns=COLUMNS)


def by_recommender(
    user_metrics: pd.DataFrame, slices: Iterable[str], metric: str
) -> dict[str, pd.DataFrame]:
    """The metric of test users by (recommender, arm), each as validation configured it.

    Args:
        user_metrics: As from ``evaluating.evaluate``.
        slices: Slices on which synthetic-only arms were measured.
        metric: Column of the user metrics.

    Returns:
        By slice that has users, for ``tabulate``.
    """
    return _by_slice(user_metrics, slices, [Columns.RECOMMENDER, Columns.ARM], metric)


def by_config(user_scores: pd.DataFrame, slices: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The metric of validation users by (recommender, config, arm).

    Args:
        user_scores: As from ``tuning.tune_by_user``.
        slices: Slices on which synthetic-only arms were measured.

    Returns:
        By slice that has users, for ``tabulate``.
    """
    keys = [Columns.RECOMMENDER, "config", Columns.ARM]
    return _by_slice(user_scores, slices, keys, "value")


def halves_of(
    train: Histories,
    metric: str,
    k: int,
    workers: int,
    cases: Mapping[str, Case],
    configs: Mapping[str, Mapping[str, Sequence[RecommenderConfig]]],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A metric of users after training on either half of the real users.

    Args:
        train: Real training users; every other one makes a half.
        metric: Name in ``scoring.METRICS``.
        k: Length of the lists.
        workers: Fits made side by side.
        cases: Users to score, by slice.
        configs: By slice, by recommender: what is ranked.

    Returns:
        By slice: (n_users, n_ranked) of either half, in the order of ``configs``.
    """
    tasks = [(half, name) for half in (0, 1) for name in dict.fromkeys(_names(configs))]

    def score_fit(task: tuple[int, str]) -> dict[tuple[str, int, str], np.ndarray]:
        half, name = task
        kind = RECOMMENDERS[name]
        fitted = kind().fit(kind.matrix_of(train)[half::2])
        scored = {}
        for slice_name, of_slice in configs.items():
            case = cases[slice_name]
            by_config = values_at_levels(
                fitted,
                of_slice.get(name, []),
                kind.matrix_of(case.seen),
                {},
                [PLAIN],
                case.relevant.matrix,
                metric,
                k,
            )
            values = [found[PLAIN] for found in by_config]
            scored[slice_name, half, name] = np.array(values).reshape(-1, case.n_users)
        return scored

    parts = side_by_side(score_fit, tasks, workers)
    scored = tracked(parts, "ranking by halves of the users", "fit", len(tasks))
    found = {key: values for part in scored for key, values in part.items()}
    return {
        name: (
            np.concatenate([found[name, 0, recommender] for recommender in of_slice]).T,
            np.concatenate([found[name, 1, recommender] for recommender in of_slice]).T,
        )
        for name, of_slice in configs.items()
    }


def chosen_configs(
    chosen: pd.DataFrame, slices: Iterable[str]
) -> dict[str, dict[str, list[RecommenderConfig]]]:
    """By slice and recommender: the configuration chosen without synthetic data."""
    none = chosen[chosen[Columns.ARM] == NONE]
    return {
        name: {
            str(row[Columns.RECOMMENDER]): [
                RECOMMENDERS[str(row[Columns.RECOMMENDER])].Config.model_validate_json(
                    str(row["config"])
                )
            ]
            for row in none[none[Columns.SLICE] == name].to_dict("records")
        }
        for name in slices
    }


def _names(configs: Mapping[str, Mapping[str, object]]) -> Iterable[str]:
    return (name for of_slice in configs.values() for name in of_slice)


def _by_slice(
    rows: pd.DataFrame, slices: Iterable[str], keys: list[str], value: str
) -> dict[str, pd.DataFrame]:
    measured = rows[rows[Columns.ARM].isin(of_kind(Kind.SYNTHETIC_ONLY))][Columns.SLICE].unique()
    return {
        name: by_user(rows[rows[Columns.SLICE] == name], keys, value)
        for name in slices
        if name in measured
    }


def _pairs(table: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By synthetic-only arm: what real users and those of the arm give, in one order."""
    by_arm = {arm: table.xs(arm, axis=1, level=-1) for arm in table.columns.unique(level=-1)}
    real = by_arm[NONE]
    pairs = {}
    for arm in [arm for arm in of_kind(Kind.SYNTHETIC_ONLY) if arm in by_arm]:
        shared = real.columns.intersection(by_arm[arm].columns, sort=False)
        pairs[arm] = real[shared].to_numpy(), by_arm[arm][shared].to_numpy()
    return pairs
