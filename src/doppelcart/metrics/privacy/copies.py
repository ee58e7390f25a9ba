"""Whether synthetic users give real ones away: a smoke test, not a proof.

A distance to the closest record, or a share of copies, finds a generator that repeats its training
users. It does not show that one is private: Yao et al., "The DCR Delusion: Measuring the Privacy
Risk of Synthetic Data" (2025), find data that passes such tests and still gives members away to
a membership inference attack. Read a bad figure as an alarm and a good one as nothing.

All functions take binary histories as CSR matrices with the same columns. What is undefined is NaN.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy import sparse

from doppelcart.metrics.summaries import lengths, row_keys

NAN: Final = float("nan")
CHUNK_CELLS: Final = 4_000_000


def exact_copy_rate(synthetic: sparse.csr_matrix, train: sparse.csr_matrix) -> float:
    """Share of synthetic users, empty ones left out, whose items are exactly a training user's."""
    keys = [key for key in row_keys(synthetic) if key]
    real = set(row_keys(train))
    return float(np.mean([key in real for key in keys])) if keys else NAN


def near_copy_rate(
    synthetic: sparse.csr_matrix, train: sparse.csr_matrix, threshold: float = 0.8
) -> float:
    """Share of synthetic users whose Jaccard similarity to a training user reaches a threshold."""
    similarity = _defined(nearest_similarity(synthetic, train))
    return float((similarity >= threshold).mean()) if len(similarity) else NAN


def nearest_similarity(queries: sparse.csr_matrix, reference: sparse.csr_matrix) -> np.ndarray:
    """Jaccard similarity of each user to the most similar one of a reference.

    Args:
        queries: (n_queries, n_items) CSR of ones.
        reference: (n_reference, n_items) CSR of ones.

    Returns:
        (n_queries,) float64 between 0 and 1: items in common over items of either. NaN for a user
        without items, and for all where the reference is empty.
    """
    nearest = np.full(queries.shape[0], NAN)
    if reference.shape[0]:
        for rows, similarity in _similarities(queries, reference):
            nearest[rows] = similarity.max(axis=1)
    nearest[lengths(queries) == 0] = NAN
    return nearest


def distance_to_closest(queries: sparse.csr_matrix, reference: sparse.csr_matrix) -> np.ndarray:
    """(n_queries,) Jaccard distance of each user to the closest one of a reference."""
    return 1 - nearest_similarity(queries, reference)


def closer_to_train_share(
    synthetic: sparse.csr_matrix,
    train: sparse.csr_matrix,
    holdout: sparse.csr_matrix,
    rng: np.random.Generator,
    n_draws: int = 10,
) -> float:
    """Share of synthetic users that lie closer to a training user than to any held-out one.

    The larger of two sets is closer by mere number, so the training users are compared in random
    draws of as many as are held out (or the other way round), and the shares averaged. A tie
    counts one half. A generator that has learnt the population and no one in it is at 0.5, give
    or take the error of sampling; one that copies is above.

    Args:
        synthetic: (n_synthetic, n_items) CSR of ones.
        train: (n_train, n_items) CSR of ones: what the generator was trained on.
        holdout: (n_holdout, n_items) CSR of ones: real users it never saw, drawn like the others.
        rng: Draws the subsets.
        n_draws: Number of draws.

    Returns:
        Between 0 and 1; NaN if a side has no user with items.
    """
    train, holdout, synthetic = (
        data[np.flatnonzero(lengths(data))] for data in (train, holdout, synthetic)
    )
    size = min(train.shape[0], holdout.shape[0])
    if not size or not synthetic.shape[0]:
        return NAN
    draws = [
        (_draw(train.shape[0], size, rng), train.shape[0] + _draw(holdout.shape[0], size, rng))
        for _ in range(n_draws)
    ]
    won = 0.0
    for _, similarity in _similarities(synthetic, sparse.vstack([train, holdout], format="csr")):
        for ours, theirs in draws:
            margin = similarity[:, ours].max(axis=1) - similarity[:, theirs].max(axis=1)
            won += float((margin > 0).sum() + (margin == 0).sum() / 2)
    return won / (synthetic.shape[0] * n_draws)


def privacy(
    synthetic: sparse.csr_matrix,
    train: sparse.csr_matrix,
    holdout: sparse.csr_matrix,
    rng: np.random.Generator,
    threshold: float = 0.8,
) -> dict[str, float]:
    """All figures of this module.

    Args:
        synthetic: (n_synthetic, n_items) CSR of ones.
        train: (n_train, n_items) CSR of ones: what the generator was trained on.
        holdout: (n_holdout, n_items) CSR of ones: real users it never saw.
        rng: Draws the subsets of ``closer_to_train_share``.
        threshold: Jaccard similarity from which a user is a near copy.

    Returns:
        ``exact_copy_rate``, ``near_copy_rate``, ``closer_to_train_share``; the median and the 5 %
        quantile of the distance to the closest record, from synthetic to training users
        (``dcr_train_*``), synthetic to held-out (``dcr_holdout_*``), and, as the reference, from
        held-out to training users (``dcr_reference_*``).
    """
    distances = {
        "train": distance_to_closest(synthetic, train),
        "holdout": distance_to_closest(synthetic, holdout),
        "reference": distance_to_closest(holdout, train),
    }
    near = _defined(1 - distances["train"])
    figures = {
        "exact_copy_rate": exact_copy_rate(synthetic, train),
        "near_copy_rate": float((near >= threshold).mean()) if len(near) else NAN,
        "closer_to_train_share": closer_to_train_share(synthetic, train, holdout, rng),
    }
    for name, values in distances.items():
        known = _defined(values)
        for label, quantile in {"p05": 0.05, "median": 0.5}.items():
            value = float(np.quantile(known, quantile)) if len(known) else NAN
            figures[f"dcr_{name}_{label}"] = value
    return figures


def _similarities(
    queries: sparse.csr_matrix, reference: sparse.csr_matrix
) -> Iterator[tuple[slice, np.ndarray]]:
    """Jaccard similarities in blocks of rows, so that memory stays bounded."""
    size = lengths(reference).astype(np.float32)
    transposed = reference.astype(np.float32).T.tocsc()
    step = max(1, CHUNK_CELLS // max(reference.shape[0], 1))
    for start in range(0, queries.shape[0], step):
        rows = slice(start, min(start + step, queries.shape[0]))
        block = queries[rows].astype(np.float32)
        common = (block @ transposed).toarray()
        union = lengths(block)[:, None] + size - common
        yield rows, np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def _draw(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(n, size, replace=False)


def _defined(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]
