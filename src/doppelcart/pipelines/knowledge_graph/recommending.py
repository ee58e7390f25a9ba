"""Recommenders with vectors of a graph beside what they know: of known and of new items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

from doppelcart.catalogue.item_facts import of_length_one
from doppelcart.catalogue.item_features import ItemFeatures, Weighting
from doppelcart.catalogue.windows import Window
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.pipelines.knowledge_graph.params import RecommendingParams
from doppelcart.recommenders.ease import EASE, EASEConfig

NONE: Final = "none"
KNOWLEDGE: Final = "knowledge"
SHUFFLED: Final = "shuffled"
ATTRIBUTES: Final = "attributes"
ALONE: Final = "_alone"

Sides = Mapping[str, np.ndarray]
"""Vectors of items by arm, (n_items, units) float32 each; zeros where nothing is known."""


class Lists(NamedTuple):
    """What came of one task.

    Attributes:
        accuracy: By arm the (n_users,) accuracy of tested customers.
        levels: By arm the weight of the vectors that was chosen.
        tried: All that was tried: ``arm``, ``config``, ``ndcg``.
    """

    accuracy: dict[str, np.ndarray]
    levels: dict[str, float]
    tried: pd.DataFrame


def attribute_vectors(rows: sparse.csr_matrix, units: int) -> np.ndarray:
    """(n_items, units) float32: attributes by their leading singular vectors, of length 1.

    Args:
        rows: (n_items, n_columns) features.
        units: As many as the vectors of the graph have.
    """
    units = min(units, min(rows.shape) - 1)
    left, sizes, _ = sparse_linalg.svds(
        rows.astype(np.float64), k=units, v0=np.ones(min(rows.shape))
    )
    return np.asarray(of_length_one(left * sizes), dtype=np.float32)


def side_scores(
    train: sparse.csr_matrix, side: np.ndarray, weight: float, l2: float, seen: sparse.csr_matrix
) -> np.ndarray:
    """(n_users, n_items) float32 scores of EASE with vectors of items as further households.

    Every unit of the vectors is a household that has items to some degree, positive or negative,
    and counts ``weight`` times (CEASE: Jeunen, Van Balen and Goethals 2020). Without
    any it is EASE.

    Args:
        train: (n_train, n_items) histories.
        side: (n_items, units).
        weight: How much a unit counts.
        l2: Penalty of EASE.
        seen: (n_users, n_items) histories to score.
    """
    dense = np.asarray(side.T * np.sqrt(weight), dtype=np.float32)
    rows = sparse.vstack([train, sparse.csr_matrix(dense)], format="csr") if weight else train
    gram = (rows @ rows.T).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += l2
    inverse = linalg.inv(gram, overwrite_a=True, check_finite=False).astype(np.float32)
    # l2 P = I - X' A X, as in recommenders.ease, by blocks of items for its diagonal.
    items = rows.T.tocsr()
    diagonal = np.ones(len(side), dtype=np.float32)
    for start in range(0, len(diagonal), 1_024):
        own = items[start : start + 1_024]
        diagonal[start : start + 1_024] -= np.asarray(
            own.multiply(own @ inverse).sum(axis=1)
        ).ravel()
    explained = (rows.T @ ((seen @ rows.T).toarray() @ inverse).T).T
    known = seen.toarray()
    return np.asarray(known - (known - explained) / diagonal, dtype=np.float32)


def recommend_known(
    train: Histories,
    validation: Case,
    test: Case,
    sides: Sides,
    params: RecommendingParams,
    k: int,
) -> Lists:
    """EASE with and without vectors of items, for customers who return.

    Args:
        train: Training customers.
        validation: Customers who choose penalty and weights.
        test: Customers who are tested.
        sides: Vectors by arm.
        params: What to choose from.
        k: Length of the lists.
    """
    matrix, rows = train.matrix, []
    nothing = np.zeros((train.n_items, 1), dtype=np.float32)

    def quality(case: Case, side: np.ndarray, weight: float, l2: float) -> np.ndarray:
        seen = case.seen.matrix
        scores = side_scores(matrix, side, weight, l2, seen)
        return ndcg(top_k(scores, seen, k), case.relevant.matrix, k)

    worth = {l2: _mean(quality(validation, nothing, 0.0, l2)) for l2 in params.l2}
    rows += [{"arm": NONE, "config": f"l2 {l2:g}", "ndcg": value} for l2, value in worth.items()]
    l2 = max(worth, key=lambda one: worth[one])
    values, levels = {NONE: quality(test, nothing, 0.0, l2)}, {}
    for arm, side in sides.items():
        tried = {
            weight: worth[l2] if weight == 0 else _mean(quality(validation, side, weight, l2))
            for weight in params.side_weights
        }
        rows += _told(arm, tried)
        levels[arm] = max(tried, key=lambda one: tried[one])
        values[arm] = quality(test, side, levels[arm], l2) if levels[arm] else values[NONE]
    return Lists(values, levels, pd.DataFrame(rows))


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values))


def _told(arm: str, tried: Mapping[float, float]) -> list[dict[str, object]]:
    return [
        {"arm": arm, "config": f"weight {weight:g}", "ndcg": value}
        for weight, value in tried.items()
    ]


class Launched:
    """A launch window, and scores of its new items by ridge regression from what items are.

    Args:
        window: The window.
        features: Of all items.
        l2: Penalties of EASE, whose scores of old items are learnt.
    """

    def __init__(self, window: Window, features: ItemFeatures, l2: Sequence[float]) -> None:
        self.window = window
        weighting = Weighting.learn(features, window.old, {})
        self.old = weighting.rows(features, window.old)
        self.new = weighting.rows(features, window.new)
        self.bought = window.bought[window.judged]
        history = window.history
        model = EASE().fit(history)
        judged = history[window.judged]
        self.ease = {one: model.score(judged, EASEConfig(l2=one)) for one in l2}

    def scores(self, side: np.ndarray | None, weight: float, l2: float, penalty: float,
               attributes: bool = True) -> np.ndarray:  # fmt: skip
        """(n_judged, n_new) float32 scores of new items.

        Args:
            side: (n_items, units) vectors of all items; None for none.
            weight: Their length beside attributes of length 1.
            l2: Of EASE.
            penalty: Of the ridge.
            attributes: Whether attributes count at all.
        """
        parts = [(self.old, self.new)] if attributes else []
        if side is not None and weight > 0:
            parts.append(
                (
                    sparse.csr_matrix(side[self.window.old] * weight),
                    sparse.csr_matrix(side[self.window.new] * weight),
                )
            )
        old, new = (
            sparse.hstack(own, format="csr", dtype=np.float64) for own in zip(*parts, strict=True)
        )
        gram = (old.T @ old).toarray()
        gram[np.diag_indices_from(gram)] += penalty
        factor = linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
        solved = linalg.cho_solve(factor, new.T.toarray(), check_finite=False)
        return np.asarray(self.ease[l2] @ (old @ solved), dtype=np.float32)

    def quality(self, scores: np.ndarray, k: int) -> np.ndarray:
        """(n_judged,) NDCG of the lists."""
        return ndcg(top_k(scores, None, k), self.bought, k)


def recommend_new(
    windows: tuple[Window, Window],
    features: ItemFeatures,
    sides: tuple[Sides, Sides],
    params: RecommendingParams,
    k: int,
    seed: int,
) -> Lists:
    """New items by ridge regression, with and without vectors of a graph.

    Args:
        windows: The window before the cut, which chooses, and the tested one after it.
        features: Of all items.
        sides: Vectors of all items by arm, as known when each of them opened.
        params: What to choose from.
        k: Length of the lists.
        seed: Of random lists.
    """
    before = Launched(windows[0], features, params.l2)
    rows: list[dict[str, object]] = []
    worth = {}
    for l2 in params.l2:
        for penalty in params.penalties:
            value = _mean(before.quality(before.scores(None, 0, l2, penalty), k))
            worth[l2, penalty] = value
            config = f"l2 {l2:g}, penalty {penalty:g}"
            rows.append({"arm": NONE, "config": config, "ndcg": value})
    l2, penalty = max(worth, key=lambda one: worth[one])
    after = Launched(windows[1], features, [l2])
    values = {NONE: after.quality(after.scores(None, 0, l2, penalty), k)}
    levels = {}
    for arm in sides[0]:
        tried = {
            weight: worth[l2, penalty]
            if weight == 0
            else _mean(before.quality(before.scores(sides[0][arm], weight, l2, penalty), k))
            for weight in params.vector_weights
        }
        rows += _told(arm, tried)
        levels[arm] = max(tried, key=lambda one: tried[one])
        values[arm] = after.quality(after.scores(sides[1][arm], levels[arm], l2, penalty), k)
        values[f"{arm}{ALONE}"] = after.quality(
            after.scores(sides[1][arm], 1.0, l2, penalty, attributes=False), k
        )
    drawn = np.random.default_rng(seed).random(after.bought.shape, dtype=np.float32)
    values["random"] = after.quality(drawn, k)
    return Lists(values, levels, pd.DataFrame(rows))
