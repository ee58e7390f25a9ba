"""Groups of items by what they are, and what users' purchases say of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.windows import Window
from doppelcart.columns import Columns

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


def categories_of(window: Window, features: ItemFeatures) -> np.ndarray:
    """(n_items,) category of each item among those of a window's old items; -1 for none.

    It is 0 for all where the source has no categories.

    Args:
        window: The window.
        features: Of all items.
    """
    if Columns.CATEGORY not in features.block_names:
        return np.zeros(features.n_items, dtype=np.int64)
    values = features.values(Columns.CATEGORY)
    known = np.unique(values[window.old][values[window.old] >= 0])
    if not len(known):
        return np.zeros(features.n_items, dtype=np.int64)
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[place] == values, place, -1)


def household_vectors(window: Window, units: int) -> np.ndarray:
    """(n_users, n_units) float32: what households bought, by its leading singular vectors.

    Args:
        window: The window.
        units: Vectors; fewer where there are fewer users or items.
    """
    history = window.history.astype(np.float64)
    units = min(units, min(history.shape) - 1)
    start = np.ones(min(history.shape))
    left, sizes, _ = sparse_linalg.svds(history, k=units, v0=start)
    vectors = left * sizes
    return (vectors / (vectors.std(axis=0) + 1e-9)).astype(np.float32)
