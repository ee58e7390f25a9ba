"""Histories folded into a fitted factorisation, by the exact normal equations."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

_BLOCK = 1024
_ROWS = 16


def times(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n_rows, n_columns) product whose rows do not depend on how many there are.

    BLAS adds up in another order for a vector than for a matrix, so that one user alone would be
    scored otherwise than among others, in the last bits: ties would be broken otherwise, too. So
    the last rows of too few are filled up.

    Args:
        left: (n_rows, n) of users.
        right: (n, n_columns).
    """
    missing = -len(left) % _ROWS
    if not missing:
        return np.asarray(left @ right)
    filled = np.zeros((len(left) + missing, left.shape[1]), dtype=left.dtype)
    filled[: len(left)] = left
    return np.asarray(filled @ right)[: len(left)]


def fold_in(
    seen: sparse.csr_matrix | np.ndarray, items: np.ndarray, alpha: float, shared: np.ndarray
) -> np.ndarray:
    """Latent vectors of users: the solution of each user's normal equations.

    Source: Hu, Koren and Volinsky (2008), equation 4, with the expected loss where a weight is a
    probability.

    Args:
        seen: (n_users, n_items) weights in [0, 1].
        items: (n_items, factors) float32 latent vectors.
        alpha: Confidence of a purchase is 1 + alpha.
        shared: (factors, factors) as from ``shared_squares``.

    Returns:
        (n_users, factors) float64.
    """
    systems = shared + alpha * weighted_squares(seen, items)
    targets = (1 + alpha) * (seen @ items).astype(np.float64)
    solution: np.ndarray = np.linalg.solve(systems, targets[:, :, None])[:, :, 0]
    return solution


def shared_squares(items: np.ndarray, regularization: float) -> np.ndarray:
    """(factors, factors) float64: what the normal equations of all users have in common.

    Args:
        items: (n_items, factors) float32 latent vectors.
        regularization: L2 penalty on a latent vector.
    """
    squares: np.ndarray = items.T @ items + regularization * np.eye(items.shape[1])
    return squares


def weighted_squares(seen: sparse.csr_matrix | np.ndarray, items: np.ndarray) -> np.ndarray:
    """(n_users, factors, factors) float32 sum over items of ``x_i y_i y_i^T``.

    Args:
        seen: (n_users, n_items) weights in [0, 1].
        items: (n_items, factors) float32 latent vectors.
    """
    factors = items.shape[1]
    squares = np.zeros((seen.shape[0], factors, factors), dtype=np.float32)
    if not isinstance(seen, np.ndarray):
        # The products are too small to share; for one user, to look for the threads takes longer.
        with nullcontext() if seen.shape[0] == 1 else threadpool_limits(1, "blas"):
            for user in range(seen.shape[0]):
                row = slice(seen.indptr[user], seen.indptr[user + 1])
                known = items[seen.indices[row]]
                squares[user] = (known.T * seen.data[row]) @ known
        return squares
    # With every item weighted, one product with the items' own squares replaces a loop.
    first, second = np.triu_indices(factors)
    upper = np.zeros((seen.shape[0], len(first)), dtype=np.float32)
    for start in range(0, len(items), _BLOCK):
        block = items[start : start + _BLOCK]
        upper += seen[:, start : start + _BLOCK] @ (block[:, first] * block[:, second])
    squares[:, first, second] = upper
    squares[:, second, first] = upper
    return squares
