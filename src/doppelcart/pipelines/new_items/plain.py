"""Plain ways to guess who buys a new item: none of them generates anything.

Each takes a launch window and returns scores of the window's new items for the users of some rows,
(n_rows, n_new) float32, by what was known when the window opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.columns import Columns
from doppelcart.pipelines.new_items.launches import Window
from doppelcart.recommenders.ease import EASE, EASEConfig

LEVELS: Final = (Columns.DEPARTMENT, Columns.CATEGORY, Columns.TYPE)
"""Attributes by which items are grouped, from coarse to fine."""


def groups_of(features: ItemFeatures) -> list[np.ndarray]:
    """By level from coarse to fine, the (n_items,) group of each item.

    Groups are nested: one of a finer level is that of the level above with the item's value, which
    may be none.
    """
    found, above = [], np.zeros(features.n_items, dtype=np.int64)
    for level in LEVELS:
        own = features.values(level) if level in features.block_names else np.full(len(above), -1)
        _, above = np.unique(np.column_stack([above, own]), axis=0, return_inverse=True)
        above = above.ravel()
        found.append(above)
    return found


def recent_means(window: Window, groups: Sequence[np.ndarray], prior: float) -> np.ndarray:
    """(n_items,) mean recent buyers of the old items of an item's finest group.

    Args:
        window: Buyers count of the recent weeks before it.
        groups: As from ``groups_of``.
        prior: Number of items that the group above is worth.
    """
    return group_means(window.old, window.recent[window.old], groups, prior)


def group_means(
    rows: np.ndarray, values: np.ndarray, groups: Sequence[np.ndarray], prior: float
) -> np.ndarray:
    """(n_items,) for every item the mean of its finest group, drawn towards the groups above.

    Args:
        rows: (n,) items whose values are known.
        values: (n,) their values.
        groups: As from ``groups_of``.
        prior: Number of items that the group above is worth.
    """
    means = np.full(len(groups[0]), values.mean() if len(values) else 0.0)
    for group in groups:
        n_groups = int(group.max()) + 1
        total = np.bincount(group[rows], weights=values, minlength=n_groups)[group]
        known = np.bincount(group[rows], minlength=n_groups)[group]
        means = (total + prior * means) / (known + prior)
    return means


def group_shares(
    window: Window, groups: Sequence[np.ndarray], users: np.ndarray, prior: float
) -> list[np.ndarray]:
    """By level, each user's share of lines in a new item's group, with back-off.

    A user's share of a group is drawn towards what its share of the group above leads one to
    expect, as by ``prior`` lines: of a department first towards everybody's share, of a category
    towards the user's share of the department times everybody's share of the category in it.

    Args:
        window: The window.
        groups: As from ``groups_of``.
        users: Rows of users.
        prior: Lines that the level above is worth.

    Returns:
        One (n_rows, n_new) float32 array a level, from coarse to fine.
    """
    counts = window.counts[users]
    totals = np.asarray(window.counts.sum(axis=0)).ravel()
    length = np.asarray(counts.sum(axis=1)).ravel()[:, None]
    above = np.ones((len(users), len(window.new)))
    total_above = np.full(len(window.new), max(totals.sum(), 1.0))
    found = []
    for group in groups:
        n_groups = int(group.max()) + 1
        total = np.bincount(group[window.old], weights=totals, minlength=n_groups)[
            group[window.new]
        ]
        own = (counts @ membership(group[window.old], n_groups))[:, group[window.new]].toarray()
        usual = np.divide(total, total_above, out=np.zeros_like(total), where=total_above > 0)
        above = (own + prior * above * usual) / (length + prior)
        total_above = total
        found.append(above.astype(np.float32))
    return found


def membership(group: np.ndarray, n_groups: int) -> sparse.csr_matrix:
    """(n, n_groups) CSR float32 of ones where an item is in a group."""
    n = len(group)
    return sparse.csr_matrix((np.ones(n, np.float32), group, np.arange(n + 1)), (n, n_groups))


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
