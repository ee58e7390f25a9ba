"""What is counted of binary histories, CSR matrices of ones; what is undefined is NaN."""

from typing import Final

import numpy as np
from scipy import sparse

NAN: Final = float("nan")


def lengths(histories: sparse.csr_matrix) -> np.ndarray:
    """(n_users,) distinct items per user."""
    return np.diff(histories.indptr)


def popularity(histories: sparse.csr_matrix) -> np.ndarray:
    """(n_items,) share of users who have each item; zeros where there are no users."""
    counts = np.bincount(histories.indices, minlength=histories.shape[1])
    return counts / max(histories.shape[0], 1)


def density(histories: sparse.csr_matrix) -> float:
    """Share of cells that are filled."""
    return ratio(histories.nnz, histories.shape[0] * histories.shape[1])


def row_keys(histories: sparse.csr_matrix) -> list[bytes]:
    """One key per user, equal if and only if the sets of items are."""
    ordered = histories.sorted_indices()
    indices = ordered.indices.astype(np.int64)
    pairs = zip(ordered.indptr[:-1], ordered.indptr[1:], strict=True)
    return [indices[start:stop].tobytes() for start, stop in pairs]


def category_counts(histories: sparse.csr_matrix, codes: np.ndarray) -> np.ndarray:
    """(n_categories,) interactions by category; items of code -1 are left out."""
    found = codes[histories.indices]
    return np.bincount(found[found >= 0], minlength=int(codes.max(initial=-1)) + 1)


def correlation(left: np.ndarray, right: np.ndarray) -> float:
    """Pearson's correlation; NaN where a side does not vary."""
    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return NAN
    return float(np.corrcoef(left, right)[0, 1])


def total_variation(left: np.ndarray, right: np.ndarray) -> float:
    """Half the L1 distance between two sets of counts taken as shares; NaN if one is empty."""
    if left.sum() == 0 or right.sum() == 0:
        return NAN
    return float(np.abs(left / left.sum() - right / right.sum()).sum() / 2)


def ratio(value: float, base: float) -> float:
    """One over the other; NaN over 0."""
    return float(value / base) if base else NAN
