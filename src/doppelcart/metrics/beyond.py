"""What top-k lists are like beyond being right: how broad, how known, how varied.

Lists are (n_users, k) catalogue positions, -1 where a list ended early.
"""

import numpy as np

from doppelcart.metrics.ranking import NO_ITEM


def recommended_counts(ranked: np.ndarray, n_items: int) -> np.ndarray:
    """(n_items,) how many lists each item is in."""
    return np.bincount(ranked[ranked != NO_ITEM], minlength=n_items)


def coverage(ranked: np.ndarray, n_items: int) -> float:
    """Share of the catalogue that is in any list; NaN for an empty catalogue.

    >>> coverage(np.array([[0, 1], [1, 2]]), 4)
    0.75
    """
    if n_items == 0:
        return float("nan")
    return float(np.count_nonzero(recommended_counts(ranked, n_items)) / n_items)


def gini(ranked: np.ndarray, n_items: int) -> float:
    """Gini coefficient of how often each catalogue item is recommended.

    0: all items equally often; towards 1: a few items take all. NaN if nothing is recommended.

    >>> gini(np.array([[0, 1], [2, 3]]), 4)
    0.0
    >>> gini(np.array([[0], [0]]), 4)
    0.75
    """
    counts = np.sort(recommended_counts(ranked, n_items)).astype(np.float64)
    if counts.sum() == 0:
        return float("nan")
    weights = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float(weights @ counts / (n_items * counts.sum()))


def _mean_of_listed(ranked: np.ndarray, values: np.ndarray) -> np.ndarray:
    listed = ranked != NO_ITEM
    total = np.where(listed, values[np.where(listed, ranked, 0)], 0.0).sum(axis=1)
    counts = listed.sum(axis=1)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def novelty(ranked: np.ndarray, item_counts: np.ndarray, n_users: int) -> np.ndarray:
    """Mean self-information of a list's items, in bits: -log2 of the share of users who bought.

    Source: Castells, Hurley and Vargas (2015), "Novelty and diversity in recommender
    systems". An item nobody bought counts as bought by one user, which keeps it finite.

    Args:
        ranked: (n_users, k) catalogue positions.
        item_counts: (n_items,) training users of each item.
        n_users: Number of training users.

    Returns:
        (n_users,) float64, NaN for an empty list.
    """
    information = -np.log2(np.maximum(item_counts, 1) / n_users)
    return _mean_of_listed(ranked, information)


def average_popularity(ranked: np.ndarray, item_counts: np.ndarray, n_users: int) -> np.ndarray:
    """(n_users,) mean share of training users who bought a list's items; NaN if it is empty."""
    return _mean_of_listed(ranked, np.asarray(item_counts, dtype=np.float64) / n_users)


def intra_list_diversity(ranked: np.ndarray, features: np.ndarray) -> np.ndarray:
    """One minus the mean cosine over the pairs of a list's items.

    Source: Smyth and McClave (2001), "Similarity vs. diversity". Items whose features are all
    zero have no direction and are left out.

    Args:
        ranked: (n_users, k) catalogue positions.
        features: (n_items, n_features) item features.

    Returns:
        (n_users,) float64, NaN for lists with fewer than two such items.
    """
    features = np.asarray(features, dtype=np.float64)
    norms = np.linalg.norm(features, axis=1)
    units = features / np.where(norms > 0, norms, 1)[:, None]
    used = (ranked != NO_ITEM) & (norms > 0)[ranked]
    total = np.zeros((len(ranked), features.shape[1]))
    for rank in range(ranked.shape[1]):
        total += np.where(used[:, rank, None], units[ranked[:, rank]], 0.0)
    counts = used.sum(axis=1)
    # |sum of unit vectors|^2 is n plus twice the sum of the pairs' cosines.
    cosines = ((total**2).sum(axis=1) - counts) / np.maximum(counts * (counts - 1), 1)
    return np.where(counts > 1, 1 - cosines, np.nan)
