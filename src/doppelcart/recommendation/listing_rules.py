"""Rules of a shop about what may stand in a list, whatever a recommender thinks of it."""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.config.base import Parameters
from doppelcart.errors import InputError
from doppelcart.metrics.ranking import NO_ITEM
from doppelcart.recommendation.fusing import Candidates

logger = logging.getLogger(__name__)

_NAMED = 3


class Quota(Parameters):
    """At most so many items of a kind in one list."""

    column: str = Field(default="category", description="Column of the items that tells the kind.")
    most: int = Field(ge=1, le=1000, description="Items of one kind in a list at most.")


class RulesParams(Parameters):
    """What may stand in a list. Every arm keeps to it, what is fused and what is not."""

    exclude: tuple[str, ...] = Field(default=(), description="Items that are never listed.")
    in_stock: str | None = Field(
        default=None,
        description="Column of the items that is true where an item can be had; null asks nothing.",
    )
    quota: Quota | None = Field(default=None, description="Most items of a kind; null: any number.")


class Rules(NamedTuple):
    """Rules over a catalogue.

    Attributes:
        allowed: (n_items,) bool, whether an item may be listed.
        kinds: (n_items,) int, the kind of each item, -1 for one of no kind, which is not counted.
        most: Items of one kind in a list at most; None for any number.
    """

    allowed: np.ndarray
    kinds: np.ndarray
    most: int | None


def rules_of(params: RulesParams, items: pd.DataFrame) -> Rules:
    """The rules over a catalogue.

    Args:
        params: What is asked.
        items: What is known of the items, by ``item_id``, in catalogue order.

    Raises:
        InputError: If the items have not a column that a rule is about, it does not say whether
            they are in stock, or nothing may be listed.
    """
    wanted = [params.in_stock, params.quota.column if params.quota else None]
    if missing := [name for name in wanted if name is not None and name not in items]:
        raise InputError(
            f"{len(missing)} rules are about columns that the items do not have: "
            f"{', '.join(missing)}; they have {', '.join(map(str, items))}. Name one of these, or "
            "leave the rule out."
        )
    names = items.index.astype(str)
    unknown = sorted(set(params.exclude) - set(names))
    if unknown:
        logger.warning(
            "%d of %d excluded items are not in the catalogue, such as %s: they are never listed "
            "anyhow.",
            len(unknown),
            len(params.exclude),
            ", ".join(unknown[:_NAMED]),
        )
    allowed = ~names.isin(params.exclude)
    if params.in_stock is not None:
        allowed &= _is_true(items[params.in_stock])
    if len(allowed) and not allowed.any():
        raise InputError(
            f"The rules leave none of {len(allowed)} items to list. Exclude fewer, or look at what "
            "is in stock."
        )
    kinds = np.full(len(items), -1)
    if params.quota is not None:
        kinds = pd.factorize(items[params.quota.column])[0]
    return Rules(allowed, kinds, params.quota.most if params.quota else None)


def _is_true(column: pd.Series) -> np.ndarray:
    """(n_items,) bool: where nobody knows whether an item is there, it is not promised."""
    known = column.dropna()
    if not known.isin([True, False]).all():
        wrong = known[~known.isin([True, False])]
        raise InputError(
            f"Column '{column.name}' of the items is to say whether they are in stock, and "
            f"{len(wrong)} of {len(column)} values are neither true nor false, such as "
            f"{wrong.iloc[0]!r}. Name another column for the rule."
        )
    return column.eq(True).fillna(False).to_numpy(bool)


def bought_since(
    lines: pd.DataFrame, since: pd.Timestamp, user_ids: np.ndarray, item_ids: np.ndarray
) -> sparse.csr_matrix:
    """What each user bought from a moment on, and is not to be offered again yet.

    Args:
        lines: Interactions: user_id, item_id, timestamp.
        since: The moment.
        user_ids: Users, one per row.
        item_ids: The catalogue, one per column.

    Returns:
        (n_users, n_items) CSR of bool; users and items that are unknown are left out.
    """
    recent = lines[lines[Columns.TIMESTAMP] >= since]
    rows = pd.Index(user_ids).get_indexer(recent[Columns.USER])
    columns = pd.Index(item_ids).get_indexer(recent[Columns.ITEM])
    known = (rows >= 0) & (columns >= 0)
    found = sparse.coo_matrix(
        (np.ones(known.sum(), bool), (rows[known], columns[known])),
        shape=(len(user_ids), len(item_ids)),
    )
    return found.tocsr()


def allow(
    rules: Rules, candidates: Candidates, forbidden: sparse.csr_matrix | None = None
) -> Candidates:
    """The candidates that may be listed at all; nobody votes for the others.

    Args:
        rules: The rules.
        candidates: What the sources list.
        forbidden: (n_users, n_items) CSR, non-zero for what a user must not be offered, such as
            from ``bought_since``; None forbids nothing.
    """
    items = np.maximum(candidates.items, 0)
    is_open = (candidates.items != NO_ITEM) & rules.allowed[items]
    if forbidden is not None:
        users = np.repeat(np.arange(len(items)), items.shape[1])
        is_open &= ~np.asarray(forbidden[users, items.ravel()]).reshape(items.shape).astype(bool)
    votes = np.where(is_open, candidates.votes, np.float32(0))
    return Candidates(np.where(is_open, candidates.items, NO_ITEM), votes, candidates.names)


def within_quota(rules: Rules, candidates: Candidates, scores: np.ndarray) -> np.ndarray:
    """The scores of each user's best items of a kind; of the others minus infinity.

    So the list is the one that is got by going down the ranking and leaving out what its kind has
    no room for.

    Args:
        rules: The rules.
        candidates: What is scored.
        scores: (n_users, width), minus infinity for what must not be listed.

    Returns:
        (n_users, width); the scores themselves where there is no quota.
    """
    if rules.most is None:
        return scores
    best_first = np.argsort(-scores, axis=1, kind="stable")
    kinds = np.where(np.isfinite(scores), rules.kinds[np.maximum(candidates.items, 0)], -1)
    ordered = np.take_along_axis(kinds, best_first, axis=1)
    # Within a kind the order stays, so that the place in it counts those that stand above.
    grouped = np.argsort(ordered, axis=1, kind="stable")
    in_groups = np.take_along_axis(ordered, grouped, axis=1)
    places = np.arange(scores.shape[1])
    begins = np.diff(in_groups, axis=1, prepend=-2) != 0
    starts = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    over = np.zeros(scores.shape, dtype=bool)
    cells = np.take_along_axis(best_first, grouped, axis=1)
    np.put_along_axis(over, cells, (places - starts >= rules.most) & (in_groups >= 0), axis=1)
    return np.where(over, -np.inf, scores)
