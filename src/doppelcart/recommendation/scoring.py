"""Scoring of cases: full ranking of the catalogue, metrics per user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from scipy import sparse

from doppelcart.metrics import ranking
from doppelcart.recommendation.completion import completed
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

BATCH_USERS: Final = 512
"""Users scored at once: at 10,000 items one float32 block of scores is then 21 MB."""


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


Level = tuple[str, float]
"""A completion arm and its strength; ``("", 0.0)`` is the known histories alone."""


def values_at_strengths(
    recommender: Recommender,
    configs: Sequence[RecommenderConfig],
    known: sparse.csr_matrix,
    added: dict[str, sparse.csr_matrix],
    strengths: Sequence[float],
    relevant: sparse.csr_matrix,
    metric: str,
    k: int,
) -> list[dict[Level, np.ndarray]]:
    """A metric per user, with the known histories and with them completed at each strength.

    An affine recommender is scored once a completion rather than once a strength, since
    ``f(x + s d) = (1 - s) f(x) + s f(x + d)``.

    Args:
        recommender: Fitted recommender.
        configs: Configurations of it.
        known: (n_users, n_items) CSR of known items.
        added: By completion arm: (n_users, n_items) CSR of probabilities of unknown items.
        strengths: Strengths above 0.
        relevant: (n_users, n_items) CSR of what the users bought next.
        metric: Name in ``METRICS``.
        k: Length of the lists.

    Returns:
        For each config, by (arm, strength), with ``("", 0.0)`` for the known histories:
        (n_users,) values.
    """
    parts = []
    for part in batches(known.shape[0]):
        extra = {arm: probabilities[part] for arm, probabilities in added.items()}
        measure = _measure(known[part], relevant[part], metric, k)
        scored = _scores_at_strengths(recommender, configs, known[part], extra, strengths)
        parts.append([{level: measure(scores) for level, scores in each} for each in scored])
    return [
        {level: np.concatenate([values[level] for values in blocks]) for level in blocks[0]}
        for blocks in zip(*parts, strict=True)
    ]


def _scores_at_strengths(
    recommender: Recommender,
    configs: Sequence[RecommenderConfig],
    seen: sparse.csr_matrix,
    added: dict[str, sparse.csr_matrix],
    strengths: Sequence[float],
) -> Iterator[Iterator[tuple[Level, np.ndarray]]]:
    """For each config: scores by arm and strength, made as they are asked for."""
    affine = recommender.is_affine
    scored = {
        (arm, s): recommender.score_each(completed(seen, extra, s), configs)
        for arm, extra in added.items()
        for s in ([1.0] if affine else strengths)
    }

    def of_config(base: np.ndarray) -> Iterator[tuple[Level, np.ndarray]]:
        yield ("", 0.0), or_popular(base, seen, recommender)
        for (arm, strength), scores in scored.items():
            if not affine:
                yield (arm, strength), next(scores)
                continue
            change = next(scores) - base
            for s in strengths:
                yield (arm, s), base + np.float32(s) * change

    for base in recommender.score_each(seen, configs):
        yield of_config(base)


def _measure(
    seen: sparse.csr_matrix, relevant: sparse.csr_matrix, metric: str, k: int
) -> Callable[[np.ndarray], np.ndarray]:
    by_user = ranking.METRICS[METRICS[metric]]

    def measure(scores: np.ndarray) -> np.ndarray:
        return by_user(ranking.top_k(scores, seen, k), relevant, k)

    return measure
