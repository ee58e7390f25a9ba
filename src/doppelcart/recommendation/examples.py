"""A few customers before and after: what was known, what is recommended, what was bought."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import Slice
from doppelcart.metrics import ranking
from doppelcart.recommendation.arms import ARMS, NONE, Kind
from doppelcart.recommendation.completion import Completer, strongest_of
from doppelcart.recommendation.scoring import rank
from doppelcart.recommendation.training_sets import training_matrix
from doppelcart.recommenders import RECOMMENDERS, Recommender
from doppelcart.serving.history_completer import completed

PLACES: Final = {
    0.9: "one of the tenth that gained most",
    0.5: "one in the middle",
    0.1: "one of the tenth that lost most",
}
"""Which customers stand for all: the quantile of the change, and what is said of it."""

LEAST_BOUGHT: Final = 5
"""Items that a synthetic customer keeps for later, at least."""


class Lists(NamedTuple):
    """Some customers of one case, with their lists as catalogue positions.

    Attributes:
        case: What is known of them, and what they bought.
        before: (n_users, k) recommended without synthetic data, -1 where a list is shorter.
        after: (n_users, k) recommended with it.
        expected: (n_users, k) what the generator expects besides what is known.
    """

    case: Case
    before: np.ndarray
    after: np.ndarray
    expected: np.ndarray


def strongest_case(
    verdict: pd.DataFrame, told: Callable[[Mapping[Any, Any]], Any]
) -> dict[Any, Any] | None:
    """The row of the verdict whose customers are shown; None where nothing is used.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        told: Sorts rows, the strongest first.

    Returns:
        Of the arms that are used, the strongest on customers of whom something is known.
    """
    rows = [
        row
        for row in verdict.to_dict("records")
        if row["level"] > 0 and Slice.of(str(row[Columns.SLICE])).known_items != 0
    ]
    return min(rows, key=told, default=None)


def typical(case: Case, users: pd.DataFrame, row: Mapping[Any, Any]) -> Case:
    """Customers who stand for all: near the quantiles ``PLACES`` of the change.

    Args:
        case: All customers of the slice.
        users: One row per (slice, arm, recommender, user), with the metric of the row.
        row: slice, recommender, arm and metric.

    Returns:
        They, in the order of ``PLACES``; fewer where there are fewer customers.
    """
    keys = [Columns.SLICE, Columns.RECOMMENDER]
    same = users[(users[keys] == [row[key] for key in keys]).all(axis=1)]
    before, after = (
        same[same[Columns.ARM] == arm].set_index(Columns.USER)[row["metric"]]
        for arm in (NONE, row[Columns.ARM])
    )
    changed = (after - before).dropna().reset_index(name="change")
    ordered = changed.sort_values(["change", Columns.USER])[Columns.USER].astype(str).tolist()
    places = [round(quantile * (len(ordered) - 1)) for quantile in PLACES] if ordered else []
    rows = {user: place for place, user in enumerate(case.user_ids.astype(str))}
    return case.select(np.array([rows[ordered[p]] for p in dict.fromkeys(places)], dtype=int))


def synthetic_case(synthetic: Histories, like: Case, n_users: int) -> Case:
    """Synthetic customers in the place of real ones: as much is known of them.

    Args:
        synthetic: The generator's customers.
        like: The customers in whose place they stand.
        n_users: How many.
    """
    known = int(np.median(like.seen.lengths)) if like.n_users else 1
    rows = np.flatnonzero(synthetic.lengths >= known + LEAST_BOUGHT)[:n_users]
    chosen = synthetic.select(rows)
    return Case(like.name, chosen.first(known), chosen.rest(known))


def list_items(
    cases: Sequence[Case],
    row: Mapping[Any, Any],
    configs: Mapping[str, str],
    train: Histories,
    synthetic: Mapping[str, Histories],
    completer: Completer | None,
    expecting: Completer | None,
    *,
    k: int,
    top: int | None,
) -> list[Lists]:
    """Recommend to the customers of some cases without synthetic data, and with it.

    What is trained on the same data is trained once for all of them.

    Args:
        cases: Customers of one group.
        row: Their recommender, arm and level.
        configs: The recommender's configuration by arm, as JSON.
        train: Real training users.
        synthetic: Sets of synthetic users by name.
        completer: What completes histories; None where the arm completes none.
        expecting: The generator's own completion; None where nothing can be expected.
        k: Length of the lists.
        top: Items per user that a completion keeps; None keeps all.
    """
    name, arm, level = str(row[Columns.RECOMMENDER]), str(row[Columns.ARM]), float(row["level"])
    kind = RECOMMENDERS[name]
    with_synthetic = (arm, level) if ARMS[arm].kind is Kind.TRAINING else (NONE, 0.0)

    @cache
    def fitted(trained_on: str, ratio: float) -> Recommender:
        return kind().fit(training_matrix(trained_on, ratio, train, synthetic, kind))

    def lists(case: Case) -> Lists:
        known = seen = kind.matrix_of(case.seen)
        if completer is not None:
            seen = completed(known, strongest_of(completer, case.seen, top), level)
        expected = np.full((case.n_users, k), ranking.NO_ITEM)
        if expecting is not None:
            expected = ranking.top_k(strongest_of(expecting, case.seen, top).toarray(), known, k)
        before, after = (
            rank(fitted(*data), kind.Config.model_validate_json(configs[of]), shown, known, k)
            for data, of, shown in (((NONE, 0.0), NONE, known), (with_synthetic, arm, seen))
        )
        return Lists(case, before, after, expected)

    return [lists(case) for case in cases]
