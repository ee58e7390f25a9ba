"""Scoring of the chosen configurations on test users, each distinct computation once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.metrics import beyond, ranking
from doppelcart.progress import progress
from doppelcart.recommendation.arms import ARMS, NONE, Kind
from doppelcart.recommendation.completion import Completer, Completions, complete_case
from doppelcart.recommendation.parallel import side_by_side
from doppelcart.recommendation.scoring import METRICS, rank
from doppelcart.recommendation.training_sets import training_matrix
from doppelcart.recommenders import RECOMMENDERS, Recommender
from doppelcart.serving.history_completer import completed

_Measured = tuple[pd.DataFrame, dict[str, float]]


class _Items(NamedTuple):
    """What is known of items: (n_items, n_features) features, and (n_items,) prices or None."""

    features: np.ndarray
    prices: np.ndarray | None


KEYS = [Columns.SLICE, Columns.ARM, Columns.RECOMMENDER]


@dataclass(frozen=True)
class _Job:
    """One computation; arms whose level is 0 share the job of ``none``."""

    recommender: str
    trained_on: str
    ratio: float
    completion: str
    strength: float
    config: str
    slice: str

    @property
    def fit(self) -> tuple[str, str, float]:
        return self.recommender, self.trained_on, self.ratio


def evaluate(
    train: Histories,
    synthetic: Mapping[str, Histories],
    completers: Mapping[str, Completer],
    cases: Mapping[str, Case],
    chosen: pd.DataFrame,
    item_features: np.ndarray,
    cutoffs: Sequence[int],
    completion_top: int | None = None,
    workers: int = 1,
    prices: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics of every chosen arm on the test users of its slice.

    Args:
        train: Real training users.
        synthetic: Sets of synthetic users by name.
        completers: Completer by completion arm.
        cases: Test cases by slice.
        chosen: As from ``tuning.choose``.
        item_features: (n_items, n_features), for the diversity of lists.
        cutoffs: Lengths of lists at which accuracy is measured; what lies beyond accuracy
            is measured at the longest.
        completion_top: Items per user that a completion keeps; None keeps all.
        workers: Fits made side by side.
        prices: (n_items,) price a piece, for what the hits of the longest list cost
            (``sales@20``); None leaves it out.

    Returns:
        User metrics: one row per (slice, arm, recommender, user), one column per metric
        (``ndcg@20``, ...). List metrics: one row per (slice, arm, recommender, metric) for what
        only all lists together have, coverage and Gini.

    Raises:
        InputError: If no slice was both tuned and has test users.
    """
    jobs = [_job(row) for _, row in chosen.iterrows()]
    usable = {name: case for name, case in cases.items() if case.n_users}
    distinct = [job for job in dict.fromkeys(jobs) if job.slice in usable]
    measured = _run(
        distinct,
        train,
        synthetic,
        completers,
        usable,
        _Items(item_features, prices),
        cutoffs,
        completion_top,
        workers,
    )
    user_rows, list_rows = [], []
    for job, arm in zip(jobs, chosen[Columns.ARM], strict=True):
        if job in measured:
            users, lists = measured[job]
            labels = {
                Columns.SLICE: job.slice,
                Columns.ARM: arm,
                Columns.RECOMMENDER: job.recommender,
            }
            user_rows.append(users.assign(**labels))
            list_rows += [labels | {"metric": name, "value": v} for name, v in lists.items()]
    if not user_rows:
        raise InputError(
            f"No slice was both tuned ({', '.join(chosen[Columns.SLICE].unique())}) and has test "
            f"users ({', '.join(usable) or 'none has'}). Run the split and the tuning again."
        )
    users = pd.concat(user_rows, ignore_index=True)
    labelled = [*KEYS, Columns.USER, *metric_columns(users)]
    return users[labelled], pd.DataFrame(list_rows)


def summarise(user_metrics: pd.DataFrame, list_metrics: pd.DataFrame) -> pd.DataFrame:
    """Means over users, undefined values counted, beside the metrics of whole lists.

    Args:
        user_metrics: As from ``evaluate``.
        list_metrics: As from ``evaluate``.

    Returns:
        One row per (slice, arm, recommender, metric): ``value``, ``n_users`` over whom the mean
        was taken, ``n_undefined`` left out of it. Synthetic-only arms are not in it.
    """
    names = metric_columns(user_metrics)
    in_verdict = user_metrics[Columns.ARM].map(_in_verdict)
    grouped = user_metrics[in_verdict].groupby(KEYS, sort=False, observed=True)
    sizes = grouped.size().reset_index(name="size")
    means = grouped[names].mean().reset_index().melt(KEYS, var_name="metric")
    counts = grouped[names].count().reset_index().melt(KEYS, None, "metric", "n_users")
    of_lists = list_metrics.merge(sizes, on=KEYS).rename(columns={"size": "n_users"})
    table = pd.concat([means.merge(counts, on=[*KEYS, "metric"]), of_lists])
    table = sizes.merge(table, on=KEYS)
    table["n_undefined"] = table["size"] - table["n_users"]
    return table[[*KEYS, "metric", "value", "n_users", "n_undefined"]]


def metric_columns(user_metrics: pd.DataFrame) -> list[str]:
    """Columns that hold a metric, such as ``ndcg@20``."""
    return [str(column) for column in user_metrics if "@" in str(column)]


def by_user(users: pd.DataFrame, keys: str | list[str], metric: str) -> pd.DataFrame:
    """One metric with users in rows and groups in columns.

    Args:
        users: One row per (group, user).
        keys: Column, or columns, that make a group.
        metric: Column of the metric.

    Returns:
        (n_users, n_groups), columns labelled by the values of ``keys``.
    """
    groups = users.groupby(keys, sort=False, observed=True)
    columns = {key: rows.set_index(Columns.USER)[metric] for key, rows in groups}
    return pd.concat(columns, axis=1)


def _in_verdict(arm: str) -> bool:
    return ARMS[arm].kind is not Kind.SYNTHETIC_ONLY


def _job(row: pd.Series) -> _Job:
    arm, level = str(row[Columns.ARM]), float(row["level"])
    kind = ARMS[arm].kind
    trains = kind in (Kind.TRAINING, Kind.SYNTHETIC_ONLY) and level > 0
    completes = kind is Kind.COMPLETION and level > 0
    return _Job(
        recommender=str(row[Columns.RECOMMENDER]),
        trained_on=arm if trains else NONE,
        ratio=level if trains else 0.0,
        completion=arm if completes else "",
        strength=level if completes else 0.0,
        config=str(row["config"]),
        slice=str(row[Columns.SLICE]),
    )


def _run(
    jobs: Sequence[_Job],
    train: Histories,
    synthetic: Mapping[str, Histories],
    completers: Mapping[str, Completer],
    cases: Mapping[str, Case],
    items: _Items,
    cutoffs: Sequence[int],
    completion_top: int | None,
    workers: int,
) -> dict[_Job, _Measured]:
    added: dict[str, Completions] = {}
    for name, case in cases.items():
        needed = {job.completion for job in jobs if job.slice == name and job.completion}
        wanted = {arm: completers[arm] for arm in completers if arm in needed}
        added[name] = complete_case(case, wanted, completion_top)
    total = sum(cases[job.slice].n_users for job in jobs)
    with progress(total, "testing", "user") as bar:

        def score_fit(fit: tuple[str, str, float]) -> dict[_Job, _Measured]:
            name, arm, ratio = fit
            kind = RECOMMENDERS[name]
            recommender = kind().fit(training_matrix(arm, ratio, train, synthetic, kind))
            scored = {}
            for job in (job for job in jobs if job.fit == fit):
                case, extra = cases[job.slice], added[job.slice]
                scored[job] = _score_job(job, recommender, case, extra, train, items, cutoffs)
                bar.update(case.n_users)
            return scored

        fits = dict.fromkeys(job.fit for job in jobs)
        parts = side_by_side(score_fit, fits, workers)
        return {job: measured for part in parts for job, measured in part.items()}


def _score_job(
    job: _Job,
    recommender: Recommender,
    case: Case,
    added: Completions,
    train: Histories,
    items: _Items,
    cutoffs: Sequence[int],
) -> tuple[pd.DataFrame, dict[str, float]]:
    known = seen = recommender.matrix_of(case.seen)
    if job.completion:
        seen = completed(known, added[job.completion], job.strength)
    config = recommender.Config.model_validate_json(job.config)
    ranked = rank(recommender, config, seen, known, max(cutoffs))
    longest_first = sorted(cutoffs, reverse=True)
    accuracy = ranking.per_user(ranked, case.relevant.matrix, longest_first, METRICS.values())
    renamed = {
        f"{own}@{k}": accuracy[f"{METRICS[own]}@{k}"] for k in longest_first for own in METRICS
    }
    users, lists = _beyond_accuracy(ranked, train, items.features)
    if items.prices is not None:
        k = longest_first[0]
        users[f"sales@{k}"] = ranking.sales(ranked, case.relevant.matrix, k, items.prices)
    return pd.DataFrame({Columns.USER: case.user_ids} | renamed | users), lists


def _beyond_accuracy(
    ranked: np.ndarray, train: Histories, item_features: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    k = ranked.shape[1]
    counts = np.bincount(train.items, minlength=train.n_items)
    by_user = {
        f"novelty@{k}": beyond.novelty(ranked, counts, train.n_users),
        f"diversity@{k}": beyond.intra_list_diversity(ranked, item_features),
        f"average_popularity@{k}": beyond.average_popularity(ranked, counts, train.n_users),
    }
    lists = {
        f"coverage@{k}": beyond.coverage(ranked, train.n_items),
        f"gini@{k}": beyond.gini(ranked, train.n_items),
    }
    return by_user, lists
