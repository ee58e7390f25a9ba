"""Plain ways to guess who buys a new item: none of them generates anything.

Each takes a launch window and returns scores of the window's new items for the users of some rows,
(n_rows, n_new) float32, by what was known when the window opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

from doppelcart.catalogue.shares import group_means
from doppelcart.catalogue.windows import Window
from doppelcart.recommenders.ease import EASE, EASEConfig


def recent_means(window: Window, groups: Sequence[np.ndarray], prior: float) -> np.ndarray:
    """(n_items,) mean recent buyers of the old items of an item's finest group.

    Args:
        window: Buyers count of the recent weeks before it.
        groups: As from ``groups_of``.
        prior: Number of items that the group above is worth.
    """
    return group_means(window.old, window.recent[window.old], groups, prior)


def spread_over_items(
    shares: np.ndarray, window: Window, group: np.ndarray, strength: float
) -> np.ndarray:
    """Shares of a group, divided by how many old items it has, to a power.

    A share says how often the group is bought; of a group of a thousand items, each is bought
    seldom.

    Args:
        shares: (n_rows, n_new) of the finest group.
        window: The window.
        group: (n_items,) the finest group.
        strength: 0 leaves the shares as they are, 1 divides by the number of items.
    """
    n_items = np.bincount(group[window.old], minlength=int(group.max()) + 1)[group[window.new]]
    return (shares / np.maximum(n_items, 1) ** strength).astype(np.float32)


def neighbours(
    old: sparse.csr_matrix, new: sparse.csr_matrix, counts: sparse.csr_matrix, n_neighbours: int
) -> np.ndarray:
    """Content kNN: how much a user bought of the old items that a new one is most like.

    Args:
        old: (n_old, n_columns) rows of length 1.
        new: (n_new, n_columns) likewise.
        counts: (n_rows, n_old) lines of each item.
        n_neighbours: Old items that speak for a new one, each by its cosine.
    """
    likeness = (new @ old.T).toarray()
    least = min(n_neighbours, likeness.shape[1])
    bound = np.partition(likeness, -least, axis=1)[:, -least, None]
    nearest = sparse.csr_matrix(np.where(likeness >= np.maximum(bound, 1e-6), likeness, 0.0))
    return np.asarray((counts.log1p() @ nearest.T).toarray(), dtype=np.float32)


def ease_scores(history: sparse.csr_matrix, l2: float) -> np.ndarray:
    """(n_users, n_old) float32 scores that EASE gives old items from histories of them."""
    return EASE().fit(history).score(history, EASEConfig(l2=l2))


def ridge_weights(
    old: sparse.csr_matrix, new: sparse.csr_matrix, penalties: Iterable[float]
) -> Iterator[np.ndarray]:
    """What each old item's score adds to a new one's, by ridge regression on their features.

    ``old (old' old + p I)^-1 new'``, or the same by the kernel of the old items where there are
    fewer of these than of columns (Hoerl and Kennard 1970; from attributes to collaborative scores:
    Gantner et al. 2010, "Learning attribute-to-feature mappings for cold-start recommendations").
    Scores of old items times these weights are what the regression says of new ones.

    Args:
        old: (n_old, n_columns) features.
        new: (n_new, n_columns) features.
        penalties: Values of p.

    Yields:
        (n_old, n_new) float32 for each penalty.
    """
    n_old, n_columns = old.shape
    primal = n_columns <= n_old
    gram = ((old.T @ old) if primal else (old @ old.T)).toarray().astype(np.float64)
    right = (new if primal else new @ old.T).toarray().astype(np.float64)
    diagonal = np.diag(gram).copy()
    for penalty in penalties:
        np.fill_diagonal(gram, diagonal + penalty)
        solved = linalg.cho_solve(linalg.cho_factor(gram, lower=True, check_finite=False), right.T)
        yield np.asarray(old @ solved if primal else solved, dtype=np.float32)


def ridge_values(
    old: sparse.csr_matrix, values: np.ndarray, new: sparse.csr_matrix, penalty: float
) -> np.ndarray:
    """(n_new,) what a ridge regression on features expects of new items, by one value of old ones.

    Args:
        old: (n_old, n_columns) features.
        values: (n_old,) what is known of each.
        new: (n_new, n_columns) features.
        penalty: Of the regression; the mean is not penalised.
    """
    middle = values.mean()
    system = sparse_linalg.aslinearoperator(old.T) @ sparse_linalg.aslinearoperator(old)
    ridged = sparse_linalg.LinearOperator(
        system.shape, matvec=lambda v: system.matvec(v) + penalty * v, dtype=np.float64
    )
    slopes, _ = sparse_linalg.cg(ridged, old.T @ (values - middle), rtol=1e-4)
    return np.asarray(middle + new @ slopes)


def random_scores(shape: tuple[int, int], seed: int) -> np.ndarray:
    """(n_users, n_items) float32 at random."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def for_everybody(scores: np.ndarray, n_users: int) -> np.ndarray:
    """(n_users, n_items) float32: the same scores of items for all."""
    return np.tile(np.asarray(scores, dtype=np.float32), (n_users, 1))
