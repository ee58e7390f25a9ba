"""Which items lie in one basket more often than by chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.columns import Columns

ROWS: Final = 1_000


def visits_of(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines with a whole number for each visit: a basket number of a user on a day.

    Args:
        lines: ``user_id``, ``item_id``, ``timestamp``, ``basket_id``, which may be empty.

    Returns:
        ``basket``, ``item_id``, ``timestamp``.
    """
    day = lines[Columns.TIMESTAMP].dt.normalize()
    keys = [lines[Columns.USER], day, lines[Columns.BASKET].fillna("")]
    basket = lines.groupby(keys, sort=False).ngroup()
    return lines[[Columns.ITEM, Columns.TIMESTAMP]].assign(basket=basket)


def pairs_together(
    visits: pd.DataFrame, min_baskets: int, min_lift: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of items that lie in one basket more often than by chance.

    Args:
        visits: ``basket`` (whole numbers) and ``item_id``; a basket's item may be there twice.
        min_baskets: Baskets that must hold both.
        min_lift: How many times as often as if they were bought independently.

    Returns:
        (n_pairs,) names of the first items and of the second ones; each pair once, the lower
        first.
    """
    item, names = pd.factorize(visits[Columns.ITEM].astype(str), sort=True)
    basket, baskets = pd.factorize(visits["basket"])
    cells = (np.ones(len(visits), np.float32), (basket, item))
    held = sparse.coo_matrix(cells, shape=(len(baskets), len(names))).tocsr()
    held.data[:] = 1
    counts = np.bincount(held.indices, minlength=len(names)).astype(np.float64)
    pairs = list(_pairs_above_chance(held.tocsc(), counts, min_baskets, min_lift))
    first, second = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), dtype=np.int64)
    named = np.asarray(names)
    return named[first], named[second]


def _pairs_above_chance(
    held: sparse.csc_matrix, counts: np.ndarray, min_baskets: int, min_lift: float
) -> Iterator[np.ndarray]:
    """(2, n) items of each pair, the lower first, a thousand of the lower at a time."""
    n_baskets = held.shape[0]
    for start in range(0, len(counts), ROWS):
        both = (held[:, start : start + ROWS].T @ held).tocoo()
        first, second = both.row + start, both.col
        lift = both.data * n_baskets / (counts[first] * counts[second])
        kept = (second > first) & (both.data >= min_baskets) & (lift >= min_lift)
        yield np.vstack([first[kept], second[kept]])
