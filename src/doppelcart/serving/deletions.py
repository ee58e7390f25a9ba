"""Without which purchases an item would not be recommended: a set that can be tried, and is.

Purchases go in the order of what they bring to the item beyond what they bring to those that come
next in the list: where scores are sums, that order takes fewest deletions (docs/explanations.md).
The list is made anew without them, by what served it, so that a set is true by trial, whatever
scores: without it the item is gone, and with its last purchase back it is there. No search over all
sets is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from doppelcart.metrics.ranking import NO_ITEM
from doppelcart.serving.model import Model, Strategy
from doppelcart.serving.scorer import histories_of

MOST_DELETED: Final = 10
"""Purchases that are deleted at most: who must forget more has no reason that can be told."""
FIRST: Final = 20
"""Items of a list for which deletions are tried, since each takes several lists."""


def deletions_of(
    model: Model,
    strategy: Strategy,
    known: np.ndarray,
    listed: np.ndarray,
    k: int,
    profile: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
) -> list[np.ndarray | None]:
    """Purchases without which each item is not in the list, and with one less it is.

    What is deleted is still known to the customer, and recommended to nobody.

    Args:
        model: What serves.
        strategy: What made the list.
        known: (n_known,) distinct catalogue positions of the history.
        listed: (n_listed,) the list, best first.
        k: Length that was asked for.
        profile: (1, n_columns) what else is known of the customer.
        hidden: (n_items,) bool of items that may not be listed.

    Returns:
        Catalogue positions by item of ``listed``; None where more than ``MOST_DELETED`` purchases,
        or all of them, are not enough, and beyond the first ``FIRST`` items.
    """
    tried = listed[:FIRST] if len(known) else listed[:0]
    closed = np.zeros(model.n_items, dtype=bool) if hidden is None else hidden.copy()
    closed[known] = True
    orders = _orders(model, strategy, known, tried, k, profile, closed)

    def is_gone(places: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """(n,) whether items are out of the list without so many purchases."""
        rows = [
            np.delete(known, orders[place, :count])
            for place, count in zip(places, counts, strict=True)
        ]
        profiles = None if profile is None else np.repeat(profile, len(rows), axis=0)
        lists, _ = model.rank(
            strategy, histories_of(rows, model.n_items), k, profiles=profiles, hidden=closed
        )
        gone: np.ndarray = ~(lists == tried[places, None]).any(axis=1)
        return gone

    counts = fewest(is_gone, len(tried), orders.shape[1])
    sets = [
        known[order[:count]] if count else None for order, count in zip(orders, counts, strict=True)
    ]
    return sets + [None] * (len(listed) - len(sets))


def fewest(
    is_gone: Callable[[np.ndarray, np.ndarray], np.ndarray], n_items: int, most: int
) -> np.ndarray:
    """(n_items,) deletions by which each item is gone, with one less it is not; 0 where none are.

    The span between is halved, for all items at once.

    Args:
        is_gone: (n,) places of items and (n,) counts to whether each is gone after so many.
        n_items: Items, all of them there without any deletion.
        most: Deletions that are tried.
    """
    low, high = np.zeros(n_items, dtype=np.int64), np.full(n_items, most)
    gone = np.zeros(n_items, dtype=bool)
    if n_items and most:
        gone = is_gone(np.arange(n_items), high)
    while len(open_ones := np.flatnonzero(gone & (high - low > 1))):
        middle = (low[open_ones] + high[open_ones]) // 2
        out = is_gone(open_ones, middle)
        high[open_ones[out]], low[open_ones[~out]] = middle[out], middle[~out]
    return np.where(gone, high, 0)


def _orders(
    model: Model,
    strategy: Strategy,
    known: np.ndarray,
    targets: np.ndarray,
    k: int,
    profile: np.ndarray | None,
    closed: np.ndarray,
) -> np.ndarray:
    """(n_targets, n_deleted) rows of a history, the first to be deleted first."""
    if not len(targets):
        return np.empty((0, 0), dtype=np.int64)
    history = model.history(known)
    twice = min(2 * k, model.n_items)
    lists, _ = model.rank(strategy, history, twice, profiles=profile, hidden=closed)
    following = lists[0][k:]
    following = following[following != NO_ITEM]
    added = model.added(strategy, history, profile)
    both = np.concatenate([targets, following])
    brought = strategy.system.scorer.shares(known, both, added).by_item
    own, others = brought[:, : len(targets)], brought[:, len(targets) :]
    beyond = own - others.mean(axis=1, keepdims=True) if len(following) else own
    return np.argsort(-beyond, axis=0, kind="stable")[:MOST_DELETED].T
