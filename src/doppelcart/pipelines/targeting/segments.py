"""Segments of users, and which of them are short of data. Pure functions."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.histories import Histories
from doppelcart.errors import ParameterError
from doppelcart.pipelines.targeting.params import (
    NamedValues,
    NewStores,
    RareValues,
    SegmentsParams,
    TailBuyers,
)

STORE: Final = Columns.STORE
TAIL: Final = "tail_share"
RARE, TAIL_BUYERS, NEW_STORES, NAMED = "rare values", "tail buyers", "new stores", "named"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Segment:
    """Users who have something in common.

    Args:
        name: Its name in every table.
        kind: What it was looked for as.
        reason: Why it is one, in words.
        column: The trait that decides.
        values: Values of the trait.
        others: Whether it is every known value but those.
        least: Where given, the trait is a number, and this its least.
    """

    name: str
    kind: str
    reason: str
    column: str
    values: frozenset[str] = frozenset()
    others: bool = False
    least: float | None = None

    def holds(self, traits: pd.DataFrame) -> np.ndarray:
        """(n_users,) whether each user is in it; nobody is of whom the trait is unknown."""
        column = traits[self.column]
        if self.least is not None:
            return (column >= self.least).to_numpy(bool)
        found = column.isin(self.values).to_numpy(bool)
        return column.notna().to_numpy(bool) & (found != self.others)


def describe(
    known: Histories, users: pd.DataFrame, stores: pd.Series, tail: np.ndarray
) -> pd.DataFrame:
    """Traits of users, from what is known of them when they are served.

    Args:
        known: What is revealed of each user.
        users: Demographics, indexed by user_id, as text.
        stores: By user_id, the store in which the user was first seen.
        tail: (n_items,) whether an item is in the tail.

    Returns:
        Indexed by user_id, in the order of the histories: the demographics, ``store_id``, and
        ``tail_share``, the share of tail items among the known ones (NaN without any).
    """
    rows = pd.Index(known.user_ids.astype(str), name=Columns.USER)
    in_tail = np.concatenate([[0], np.cumsum(tail[known.items])])
    counts = in_tail[known.indptr[1:]] - in_tail[known.indptr[:-1]]
    shares = np.divide(counts, known.lengths, np.full(len(rows), np.nan), where=known.lengths > 0)
    return users.reindex(rows).assign(**{STORE: stores.reindex(rows), TAIL: shares})


def tail_items(train: Histories, item_share: float) -> np.ndarray:
    """(n_items,) whether an item is among that share of the catalogue which fewest users have."""
    order = np.argsort(np.bincount(train.items, minlength=train.n_items), kind="stable")
    return np.isin(np.arange(train.n_items), order[: round(item_share * train.n_items)])


def find(traits: pd.DataFrame, params: SegmentsParams) -> list[Segment]:
    """Every segment that is short of data, then those that are asked for by name.

    Args:
        traits: Of the training users.
        params: What to look for.

    Raises:
        ParameterError: If a column or a named value is unknown, no training user is in a named
            segment, or no segment is short of data at all.
    """
    found = [
        *_rare_values(traits, params.rare_values),
        *_tail_buyers(traits, params.tail_buyers),
        *_new_stores(traits, params.new_stores),
        *_named(traits, params.named),
    ]
    if not found:
        raise ParameterError(
            "No segment of the training users is short of data: "
            f"{_smallest(traits)}. Raise targeting.segments.rare_values.max_share or "
            "targeting.segments.new_stores.max_share, or name a segment in "
            "targeting.segments.named."
        )
    return found


def _rare_values(traits: pd.DataFrame, params: RareValues | None) -> Iterator[Segment]:
    if params is None:
        return
    columns = _texts(traits) if params.columns is None else params.columns
    for column in columns:
        _check_column(traits, column, "targeting.segments.rare_values.columns")
        segment = _below(traits, column, params.max_share, f"{column}: rare", RARE)
        if segment is not None:
            yield segment


def _new_stores(traits: pd.DataFrame, params: NewStores | None) -> Iterator[Segment]:
    if params is None:
        return
    segment = _below(traits, STORE, params.max_share, "stores with few customers", NEW_STORES)
    if segment is not None:
        yield segment


def _below(
    traits: pd.DataFrame, column: str, max_share: float, name: str, kind: str
) -> Segment | None:
    """Everybody whose value is rare, also those whose value no training user has."""
    counts = traits[column].value_counts()
    common = counts.index[counts >= max_share * len(traits)]
    rare = counts.index.difference(common)
    # where every value is rare it is an identifier, and says nothing of who is short of data
    if rare.empty or common.empty:
        return None
    words = (
        f"values of fewer than {_percent(max_share)} of the training users each, {len(rare)} here"
    )
    listed = f": {', '.join(rare)}" if kind == RARE else ""
    return Segment(name, kind, words + listed, column, frozenset(common), others=True)


def _tail_buyers(traits: pd.DataFrame, params: TailBuyers | None) -> Iterator[Segment]:
    if params is None:
        return
    shares = traits[TAIL].dropna()
    more = shares[shares > shares.min()]
    if more.empty:
        logger.info("buyers of tail items are left out: everybody has as many of them")
        return
    least = float(shares.quantile(1 - params.user_share))
    # where few have any, the quantile is 0, which everybody reaches
    if least == shares.min():
        least = float(more.min())
    yield Segment(
        "buyers of tail items",
        TAIL_BUYERS,
        f"at least {_percent(least)} of the known items are among the "
        f"{_percent(params.item_share)} that are least popular",
        TAIL,
        least=least,
    )


def _named(traits: pd.DataFrame, named: Mapping[str, NamedValues]) -> Iterator[Segment]:
    for name, wanted in named.items():
        parameter = f"targeting.segments.named.{name}"
        _check_column(traits, wanted.column, parameter)
        segment = Segment(
            name,
            NAMED,
            f"{wanted.column} is {' or '.join(wanted.values)}",
            wanted.column,
            frozenset(wanted.values),
        )
        if not segment.holds(traits).any():
            counts = traits[wanted.column].value_counts()
            existing = ", ".join(f"{value} ({n})" for value, n in counts.items())
            raise ParameterError(
                f"{parameter}: no training user is in this segment ({segment.reason}), so there is "
                f"no profile to invent users of. Values of {wanted.column}, with their training "
                f"users: {existing or 'none'}."
            )
        yield segment


def _check_column(traits: pd.DataFrame, column: str, parameter: str) -> None:
    known = [*_texts(traits), STORE]
    if column not in known:
        raise ParameterError(
            f"{parameter}: the users have no column {column!r}; there are {', '.join(known)}."
        )


def _texts(traits: pd.DataFrame) -> list[str]:
    """Demographic columns of which anything is known."""
    columns = traits.columns.difference([STORE, TAIL], sort=False)
    return [str(column) for column in columns if traits[column].notna().any()]


def _smallest(traits: pd.DataFrame) -> str:
    """The rarest value of each column, with its share."""
    shares = {
        column: traits[column].value_counts().div(len(traits))
        for column in [*_texts(traits), STORE]
    }
    rarest = [
        f"the rarest {column} is {found.index[-1]} ({_percent(found.iloc[-1])})"
        for column, found in shares.items()
        if len(found)
    ]
    return ", ".join(rarest) or "nothing is known of them"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
