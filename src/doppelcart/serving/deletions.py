"""Without which purchases an item would not be recommended: a set that can be tried, and is.

Purchases go in the order of what they bring to the item beyond what they bring to those that come
next in the list: where scores are sums, that order takes fewest deletions (docs/explanations.md).
After every deletion the list is made anew, by what served it, so that a set is true by trial,
whatever scores. It is the shortest in that order: no search over all sets is made.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from doppelcart.metrics.ranking import NO_ITEM
from doppelcart.serving.model import Model, Strategy
from doppelcart.serving.scorer import histories_of

MOST_DELETED: Final = 10
"""Purchases that are deleted at most: who must forget more has no reason that can be told."""
FIRST: Final = 20
"""Items of a list for which deletions are tried, since each takes as many lists as deletions."""


def deletions_of(
    model: Model,
    strategy: Strategy,
    known: np.ndarray,
    listed: np.ndarray,
    k: int,
    profile: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
) -> list[np.ndarray | None]:
    """The fewest purchases, in the order tried, without which each item is not in the list.

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
    found: list[np.ndarray | None] = [None] * len(listed)
    for place, order in enumerate(orders):
        rows = [np.delete(known, order[:count]) for count in range(1, len(order) + 1)]
        profiles = None if profile is None else np.repeat(profile, len(rows), axis=0)
        lists, _ = model.rank(
            strategy, histories_of(rows, model.n_items), k, profiles=profiles, hidden=closed
        )
        gone = np.flatnonzero(~(lists == listed[place]).any(axis=1))
        if len(gone):
            found[place] = known[order[: gone[0] + 1]]
    return found


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
