"""Scoring of cases: full ranking of the catalogue, metrics a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from scipy import sparse

from doppelcart.arms.completion import completed
from doppelcart.metrics import ranking
from doppelcart.recommenders import Recommender, RecommenderConfig

METRICS: Final[dict[str, str]] = {
    "ndcg": "ndcg",
    "recall": "recall",
    "precision": "precision",
    "map": "average_precision",
    "hit_rate": "hit_rate",
    "mrr": "reciprocal_rank",
}
"""Names in the tables, and in ``metrics.ranking``."""

AFFINE: Final = frozenset({"popularity", "itemknn", "puresvd", "ease"})
"""Recommenders whose scores are an affine function of the history."""

IGNORE_HISTORY: Final = frozenset({"popularity"})
"""Recommenders that give everyone the same list: completing a history changes nothing."""

BATCH_USERS: Final = 2048
"""Users scored at once: at 10,000 items one float32 block of scores is then 85 MB."""


def batches(n_users: int) -> Iterator[slice]:
    """Slices of at most ``BATCH_USERS`` users that cover all of them."""
    for start in range(0, n_users, BATCH_USERS):
        yield slice(start, min(start + BATCH_USERS, n_users))


def rank(
    recommender: Recommender,
    config: RecommenderConfig,
    seen: sparse.csr_matrix,
    known: sparse.csr_matrix,
    k: int,
) -> np.ndarray:
    """The best ``k`` unknown items of each user.

    Args:
        recommender: Fitted recommender.
        config: One configuration of it.
        seen: (n_users, n_items) CSR handed to the recommender, perhaps completed.
        known: (n_users, n_items) CSR of the items really known, never recommended.
        k: Length of the lists.

    Returns:
        (n_users, k) catalogue positions, best first.
    """
    blocks = []
    for part in batches(seen.shape[0]):
        scores = or_popular(recommender.score(seen[part], config), seen[part], recommender)
        blocks.append(ranking.top_k(scores, known[part], k))
    return np.concatenate(blocks)


def or_popular(scores: np.ndarray, seen: sparse.csr_matrix, recommender: Recommender) -> np.ndarray:
    """Scores, with popularity for users of whom nothing is known.

    Most recommenders score every item alike for an empty history. Their list would then be the
    beginning of the catalogue, and anything at all would look like an improvement on it.

    Args:
        scores: (n_users, n_items) scores of the recommender.
        seen: (n_users, n_items) CSR that they were made from.
        recommender: The fitted recommender.

    Returns:
        The scores themselves if every user has a history, else a copy with rows replaced.
    """
    unknown = np.diff(seen.indptr) == 0
    if not unknown.any():
        return scores
    return np.where(unknown[:, None], recommender.popularity, scores)


def values_at_strengths(
    recommender: Recommender,
    config: RecommenderConfig,
    known: sparse.csr_matrix,
    added: dict[str, sparse.csr_matrix],
    strengths: Sequence[float],
    relevant: sparse.csr_matrix,
    metric: str,
    k: int,
) -> dict[tuple[str, float], np.ndarray]:
    """A metric a user, with the known histories and with them completed at each strength.

    An affine recommender is scored once a completion rather than once a strength, since
    ``f(x + s d) = (1 - s) f(x) + s f(x + d)``.

    Args:
        recommender: Fitted recommender.
        config: One configuration of it.
        known: (n_users, n_items) CSR of known items.
        added: By completion arm: (n_users, n_items) CSR of probabilities of unknown items.
        strengths: Strengths above 0.
        relevant: (n_users, n_items) CSR of what the users bought next.
        metric: Name in ``METRICS``.
        k: Length of the lists.

    Returns:
        By (arm, strength), with ``("", 0.0)`` for the known histories: (n_users,) values.
    """
    values = {("", 0.0): np.full(known.shape[0], np.nan)}
    values |= {(arm, s): np.full(known.shape[0], np.nan) for arm in added for s in strengths}
    for part in batches(known.shape[0]):
        seen, truth = known[part], relevant[part]
        measure = _measure(seen, truth, metric, k)
        base = recommender.score(seen, config)
        values["", 0.0][part] = measure(or_popular(base, seen, recommender))
        for arm, probabilities in added.items():
            extra = probabilities[part]
            if recommender.name in AFFINE:
                change = recommender.score(completed(seen, extra, 1.0), config) - base
                for s in strengths:
                    values[arm, s][part] = measure(base + np.float32(s) * change)
            else:
                for s in strengths:
                    scores = recommender.score(completed(seen, extra, s), config)
                    values[arm, s][part] = measure(scores)
    return values


def _measure(
    seen: sparse.csr_matrix, relevant: sparse.csr_matrix, metric: str, k: int
) -> Callable[[np.ndarray], np.ndarray]:
    by_user = ranking.METRICS[METRICS[metric]]

    def measure(scores: np.ndarray) -> np.ndarray:
        return by_user(ranking.top_k(scores, seen, k), relevant, k)

    return measure
