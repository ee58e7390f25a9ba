"""Accuracy of top-k lists, per user.

Every metric takes the ranked catalogue positions of ``top_k``, the relevant items and k, and
returns one float64 per user: NaN where the user has no relevant item, since nothing could have
been found.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from scipy import sparse

from doppelcart.errors import InputError

NO_ITEM = -1
GROUPS_PER_PLACE = 16
Metric: TypeAlias = Callable[[np.ndarray, sparse.csr_matrix, int], np.ndarray]


def top_k(scores: np.ndarray, seen: sparse.csr_matrix | None, k: int) -> np.ndarray:
    """The k best items of each user; ties go to the lower catalogue position.

    Args:
        scores: (n_users, n_items) scores, higher is better; minus infinity is never ranked.
        seen: (n_users, n_items) CSR whose non-zero cells are not to be recommended, or None.
        k: Length of the lists.

    Returns:
        (n_users, k) int64 catalogue positions, best first, filled up with -1 where a user has
        fewer than k items left.

    Raises:
        InputError: If k < 1, the shapes differ, or a score is NaN.

    >>> top_k(np.array([[1.0, 3.0, 3.0, 2.0]]), sparse.csr_matrix([[0, 1, 0, 0]]), 2).tolist()
    [[2, 3]]
    """
    scores = np.asarray(scores)
    _check(scores, seen, k)
    n_users, n_items = scores.shape
    open_scores = scores.astype(np.result_type(scores, np.float32))
    if seen is not None:
        rows = np.repeat(np.arange(n_users), np.diff(seen.indptr))
        hidden = seen.data != 0
        open_scores[rows[hidden], seen.indices[hidden]] = -np.inf
    bound = _bound(open_scores, min(k, n_items))
    # Several times as fast as np.nonzero of two dimensions.
    users, items = np.divmod(np.flatnonzero(_reaching(open_scores, bound, k)), n_items)
    best_first = np.lexsort((items, -open_scores[users, items], users))
    users, items = users[best_first], items[best_first]
    place = np.arange(len(users)) - np.searchsorted(users, users)
    ranked = np.full((n_users, k), NO_ITEM, dtype=np.int64)
    listed = place < k
    ranked[users[listed], place[listed]] = items[listed]
    return ranked


def _reaching(scores: np.ndarray, bound: np.ndarray, k: int) -> np.ndarray:
    """(n_users, n_items) bool: the items that can be among each user's k best.

    They reach the bound. Where few items are scored, thousands tie with it at zero: of those
    only the first k can be listed, and sorting the others costs twenty times the rest of it.
    """
    reached = scores >= bound
    if np.count_nonzero(reached) > 2 * k * len(scores):
        tied = scores == bound
        reached &= ~tied | (np.cumsum(tied, axis=1, dtype=np.int32) <= k)
    return reached


def _bound(scores: np.ndarray, k: int) -> np.ndarray:
    """(n_users, 1) finite scores that each user's k best items reach, and few others.

    The k-th largest of the maxima of groups of items is such a bound, since k groups hold an
    item that reaches it; it costs a fraction of partitioning all items.
    """
    n_users, n_items = scores.shape
    n_groups = min(n_items, GROUPS_PER_PLACE * k)
    size = n_items // n_groups
    maxima = scores[:, : n_groups * size].reshape(n_users, size, n_groups).max(axis=1)
    bound = np.partition(maxima, n_groups - k, axis=1)[:, n_groups - k, None]
    return np.maximum(bound, np.finfo(bound.dtype).min)


def _check(scores: np.ndarray, seen: sparse.csr_matrix | None, k: int) -> None:
    if k < 1:
        raise InputError(f"top_k: k is {k}; it must be 1 or more")
    if seen is not None and seen.shape != scores.shape:
        raise InputError(f"top_k: scores are {scores.shape} but seen items are {seen.shape}")
    if scores.size and np.isnan(scores.min()):
        wrong = np.isnan(scores).any(axis=1).sum()
        raise InputError(f"top_k: scores of {wrong} of {len(scores)} users hold NaN")


def hits(ranked: np.ndarray, relevant: sparse.csr_matrix) -> np.ndarray:
    """(n_users, k) bool: whether the item at a rank is relevant."""
    relevant = sparse.csr_matrix(relevant)
    found = np.zeros(ranked.shape, dtype=bool)
    users, ranks = np.nonzero(ranked != NO_ITEM)
    if len(users):
        cells = relevant[users, ranked[users, ranks]]
        found[users, ranks] = np.asarray(cells).ravel() != 0
    return found


def sales(
    ranked: np.ndarray, relevant: sparse.csr_matrix, k: int, prices: np.ndarray
) -> np.ndarray:
    """What the hits cost, one piece of each: purchases that the list foresaw, not ones it made.

    Args:
        ranked: (n_users, >= k) catalogue positions.
        relevant: (n_users, n_items) CSR, non-zero where relevant.
        k: Length to cut the lists at.
        prices: (n_items,) currency units a piece; an item whose price is NaN counts nothing.

    Returns:
        (n_users,) currency units; NaN where a user has no relevant item.
    """
    ranked = ranked[:, :k]
    worth = np.nan_to_num(np.asarray(prices, dtype=np.float64))[ranked]
    paid = np.where(hits(ranked, relevant), worth, 0.0).sum(axis=1)
    return np.where(np.asarray((relevant != 0).sum(axis=1)).ravel() > 0, paid, np.nan)


def _ndcg(found: np.ndarray, reachable: np.ndarray) -> np.ndarray:
    discounts = 1 / np.log2(np.arange(2, found.shape[1] + 2))
    return np.asarray((found @ discounts) / np.cumsum(discounts)[reachable - 1])


def _recall(found: np.ndarray, reachable: np.ndarray) -> np.ndarray:
    return np.asarray(found.sum(axis=1) / reachable)


def _precision(found: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.asarray(found.mean(axis=1))


def _average_precision(found: np.ndarray, reachable: np.ndarray) -> np.ndarray:
    precisions = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    return np.asarray((precisions * found).sum(axis=1) / reachable)


def _hit_rate(found: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.asarray(found.any(axis=1), dtype=np.float64)


def _reciprocal_rank(found: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.where(found.any(axis=1), 1 / (found.argmax(axis=1) + 1), 0.0)


# Each takes the hits, (n_users, k) bool, and min(k, number of relevant items), at least 1.
_KERNELS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ndcg": _ndcg,
    "recall": _recall,
    "precision": _precision,
    "average_precision": _average_precision,
    "hit_rate": _hit_rate,
    "reciprocal_rank": _reciprocal_rank,
}


def per_user(
    ranked: np.ndarray,
    relevant: sparse.csr_matrix,
    ks: Iterable[int],
    names: Iterable[str] = tuple(_KERNELS),
) -> dict[str, np.ndarray]:
    """Several metrics at several lengths from one look-up of the hits.

    Args:
        ranked: (n_users, k) catalogue positions, at least as long as the largest of ``ks``.
        relevant: (n_users, n_items) CSR, non-zero where relevant.
        ks: Lengths to cut the lists at.
        names: Among ndcg, recall, precision, average_precision, hit_rate, reciprocal_rank.

    Returns:
        ``{"ndcg@10": (n_users,) float64, ...}``.

    Raises:
        InputError: If the lists are too short, or do not fit the users.
    """
    ks, names = tuple(ks), tuple(names)
    longest = max(ks)
    if min(ks) < 1 or longest > ranked.shape[1]:
        raise InputError(
            f"metrics at {min(ks)}..{longest} need lists that long; they have {ranked.shape[1]}"
        )
    if len(ranked) != relevant.shape[0]:
        raise InputError(f"{len(ranked)} ranked lists but relevant items of {relevant.shape[0]}")
    found = hits(ranked[:, :longest], relevant)
    counts = np.asarray((relevant != 0).sum(axis=1)).ravel()
    return {
        f"{name}@{k}": np.where(
            counts > 0, _KERNELS[name](found[:, :k], np.clip(counts, 1, k)), np.nan
        )
        for k in ks
        for name in names
    }


def _single(name: str, ranked: np.ndarray, relevant: sparse.csr_matrix, k: int) -> np.ndarray:
    return per_user(ranked, relevant, (k,), (name,))[f"{name}@{k}"]


def ndcg(ranked: np.ndarray, relevant: sparse.csr_matrix, k: int) -> np.ndarray:
    """Discounted cumulative gain, 1 / log2(rank + 1), over that of an ideal list.

    Source: Järvelin and Kekäläinen (2002), with binary relevance.
    """
    return _single("ndcg", ranked, relevant, k)


def recall(ranked: np.ndarray, relevant: sparse.csr_matrix, k: int) -> np.ndarray:
    """Hits over min(k, number of relevant items): 1 is always reachable."""
    return _single("recall", ranked, relevant, k)


def precision(ranked: np.ndarray, relevant: sparse.csr_matrix, k: int) -> np.ndarray:
    """Hits over k."""
    return _single("precision", ranked, relevant, k)


def average_precision(ranked: np.ndarray, relevant: sparse.csr_matrix, k: int) -> np.ndarray:
    """Sum of the precisions at the hits over min(k, number of relevant items)."""
    return _single("average_precision", ranked, relevant, k)


def hit_rate(ranked: np.ndarray, relevant: sparse.csr_matrix, k: int) -> np.ndarray:
    """1 if any of the k items is relevant, else 0."""
    return _single("hit_rate", ranked, relevant, k)


def reciprocal_rank(ranked: np.ndarray, relevant: sparse.csr_matrix, k: int) -> np.ndarray:
    """1 over the rank of the first hit, 0 without one."""
    return _single("reciprocal_rank", ranked, relevant, k)


METRICS: dict[str, Metric] = {
    "ndcg": ndcg,
    "recall": recall,
    "precision": precision,
    "average_precision": average_precision,
    "hit_rate": hit_rate,
    "reciprocal_rank": reciprocal_rank,
}
