"""Scoring of cases: full ranking of the catalogue, metrics per user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from scipy import sparse

from doppelcart.metrics import ranking
from doppelcart.recommenders import Recommender, RecommenderConfig
from doppelcart.serving.history_completer import completed

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
"""A completion arm and its strength."""

PLAIN: Final[Level] = ("", 0.0)
"""The known histories as they are."""


def values_at_levels(
    recommender: Recommender,
    configs: Sequence[RecommenderConfig],
    known: sparse.csr_matrix,
    added: Mapping[str, sparse.csr_matrix],
    levels: Sequence[Level],
    relevant: sparse.csr_matrix,
    metric: str,
    k: int,
) -> list[dict[Level, np.ndarray]]:
    """A metric per user, with the known histories as they are and as completions make them.

    An affine recommender is scored once a completion rather than once a strength, since
    ``f(x + s d) = (1 - s) f(x) + s f(x + d)``.

    Args:
        recommender: Fitted recommender.
        configs: Configurations of it.
        known: (n_users, n_items) CSR of known items.
        added: By completion arm: (n_users, n_items) CSR of probabilities of unknown items.
        levels: What is measured: ``PLAIN``, and arms of ``added`` with a strength above 0.
        relevant: (n_users, n_items) CSR of what the users bought next.
        metric: Name in ``METRICS``.
        k: Length of the lists.

    Returns:
        For each config, by level: (n_users,) values.
    """
    parts = []
    for part in batches(known.shape[0]):
        extra = {arm: probabilities[part] for arm, probabilities in added.items()}
        measure = _measure(known[part], relevant[part], metric, k)
        scored = _scores_at_levels(recommender, configs, known[part], extra, levels)
        parts.append([{level: measure(scores) for level, scores in each} for each in scored])
    return [
        {level: np.concatenate([values[level] for values in blocks]) for level in blocks[0]}
        for blocks in zip(*parts, strict=True)
    ]


def _scores_at_levels(
    recommender: Recommender,
    configs: Sequence[RecommenderConfig],
    seen: sparse.csr_matrix,
    added: Mapping[str, sparse.csr_matrix],
    levels: Sequence[Level],
) -> Iterator[Iterator[tuple[Level, np.ndarray]]]:
    """For each config: scores by arm and strength, made as they are asked for."""
    completions = [level for level in levels if level != PLAIN]
    if not recommender.is_affine:
        each = [
            recommender.score_each(completed(seen, added[arm], strength), configs)
            for arm, strength in completions
        ]
        plain = recommender.score_each(seen, configs) if PLAIN in levels else None
        for _ in configs:
            yield _one_by_one(plain, dict(zip(completions, each, strict=True)), seen, recommender)
        return
    arms = dict.fromkeys(arm for arm, _ in completions)
    whole = {arm: recommender.score_each(completed(seen, added[arm], 1.0), configs) for arm in arms}
    for base in recommender.score_each(seen, configs):
        yield _along_a_line(base, whole, levels, seen, recommender)


def _one_by_one(
    plain: Iterator[np.ndarray] | None,
    completions: Mapping[Level, Iterator[np.ndarray]],
    seen: sparse.csr_matrix,
    recommender: Recommender,
) -> Iterator[tuple[Level, np.ndarray]]:
    if plain is not None:
        yield PLAIN, or_popular(next(plain), seen, recommender)
    for level, scores in completions.items():
        yield level, next(scores)


def _along_a_line(
    base: np.ndarray,
    whole: Mapping[str, Iterator[np.ndarray]],
    levels: Sequence[Level],
    seen: sparse.csr_matrix,
    recommender: Recommender,
) -> Iterator[tuple[Level, np.ndarray]]:
    """Between the scores of a history and those of the whole completion of it."""
    if PLAIN in levels:
        yield PLAIN, or_popular(base, seen, recommender)
    for arm, scores in whole.items():
        change = next(scores) - base
        for level in levels:
            if level[0] == arm:
                yield level, base + np.float32(level[1]) * change


def _measure(
    seen: sparse.csr_matrix, relevant: sparse.csr_matrix, metric: str, k: int
) -> Callable[[np.ndarray], np.ndarray]:
    by_user = ranking.METRICS[METRICS[metric]]

    def measure(scores: np.ndarray) -> np.ndarray:
        return by_user(ranking.top_k(scores, seen, k), relevant, k)

    return measure
