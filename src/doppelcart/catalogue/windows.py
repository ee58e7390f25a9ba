"""Launch windows: what was known at a moment, and which items were first sold after it."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.columns import Columns
from doppelcart.errors import InputError

SUPPORT_RULES = ("item_support", "user_support")
"""Rules of cleaning that take lines only because few bought the item, as few do a new one."""
PRICE = "unit_price"


@dataclass(frozen=True, eq=False)
class Window:
    """A launch window: everything before it opens is known, nothing after is.

    Args:
        opens: The moment that parts known from unknown.
        closes: Until when purchases of new items are counted.
        user_ids: (n_users,) users with an old item before the window.
        old: (n_old,) rows of the features: items with enough buyers before the window.
        new: (n_new,) rows of the features: items first sold in it, with enough buyers in it.
        launched: (n_launched,) rows of the features: all items first sold in it.
        counts: (n_users, n_old) CSR float32: lines of each item before the window.
        bought: (n_users, n_new) CSR float32: 1 where a user bought the item in the window.
        buyers: (n_launched,) users who bought each launched item in the window.
        recent: (n_items,) buyers of every item in the last weeks before the window.
        recent_launch: (n_items,) whether it was first sold in those weeks.
        prices: (n_items,) median price of a piece on the first day that it was sold, in currency
            units; NaN where none is known, and for items that are launched after the window.
    """

    opens: pd.Timestamp
    closes: pd.Timestamp
    user_ids: np.ndarray
    old: np.ndarray
    new: np.ndarray
    launched: np.ndarray
    counts: sparse.csr_matrix
    bought: sparse.csr_matrix
    buyers: np.ndarray
    recent: np.ndarray
    recent_launch: np.ndarray
    prices: np.ndarray

    @property
    def judged(self) -> np.ndarray:
        """Rows of the users who bought a new item: those whose list can be right or wrong."""
        return np.flatnonzero(np.diff(self.bought.indptr))

    @property
    def history(self) -> sparse.csr_matrix:
        """(n_users, n_old) CSR float32 of ones where a user bought an item before the window."""
        ones = self.counts.copy()
        ones.data[:] = 1
        return ones


def lines_of(interactions: ir.Table, quarantine: ir.Table) -> pd.DataFrame:
    """Clean lines, those of items and users of little support among them.

    Args:
        interactions: Clean interactions, which hold items that many bought.
        quarantine: What cleaning took, with its rule.

    Returns:
        Categorical ``user_id`` and ``item_id``, ``timestamp`` and the price of a piece, in order
        of time.

    Raises:
        InputError: No line has a time.
    """
    wanted = [Columns.USER, Columns.ITEM, Columns.TIMESTAMP, Columns.AMOUNT, Columns.QUANTITY]
    few = quarantine.filter(quarantine[Columns.RULE].isin(SUPPORT_RULES))
    frame = interactions.select(wanted).union(few.select(wanted)).to_pandas()
    frame = frame[frame[Columns.TIMESTAMP].notna()]
    if frame.empty:
        raise InputError(
            "No clean line has a time, so that nobody can tell new items from old ones. Declare "
            "`timestamp` in `source: tables: interactions`."
        )
    price = (frame[Columns.AMOUNT] / frame[Columns.QUANTITY]).astype(np.float64)
    lines = frame[wanted[:3]].assign(**{PRICE: price.where(np.isfinite(price))})
    lines = lines.sort_values([Columns.TIMESTAMP, Columns.USER, Columns.ITEM])
    return lines.astype(dict.fromkeys(wanted[:2], "category")).reset_index(drop=True)


def moment_at(times: pd.Series, share: float) -> pd.Timestamp:
    """The beginning of the day by which that share of the lines lies behind.

    Args:
        times: (n_lines,) sorted.
        share: Between 0 and 1; 1 gives a moment after the last line.
    """
    if share >= 1:
        return times.iloc[-1].normalize() + pd.Timedelta(days=1)
    return times.iloc[min(int(share * len(times)), len(times) - 1)].normalize()


def open_window(
    lines: pd.DataFrame,
    firsts: pd.DataFrame,
    features: ItemFeatures,
    opens: pd.Timestamp,
    closes: pd.Timestamp,
    *,
    min_buyers_before: int,
    min_buyers_after: int,
    recent_weeks: int,
) -> Window:
    """Part what was known when a window opened from what came in it.

    Args:
        lines: As from ``lines_of``; those from ``closes`` on play no part.
        firsts: As from ``first_prices``.
        features: Of the items.
        opens: Beginning of the window.
        closes: Its end.
        min_buyers_before: Buyers that make an item old.
        min_buyers_after: Buyers in the window that a new item must have to be ranked.
        recent_weeks: Weeks before the window that count as recent.
    """
    until = lines[(lines[Columns.TIMESTAMP] < closes).to_numpy()]
    item = rows_of(until, features)
    user_ids = until[Columns.USER].cat.categories.to_numpy(dtype=str)
    user = until[Columns.USER].cat.codes.to_numpy()
    time = until[Columns.TIMESTAMP]
    before = (time < opens).to_numpy()
    late = before & (time >= opens - pd.Timedelta(weeks=recent_weeks)).to_numpy()
    shape = (len(user_ids), features.n_items)
    known = firsts[PRICE].where(firsts["day"] < closes)
    prices = known.reindex(features.item_ids).to_numpy(dtype=np.float64)
    past = _counted(user[before], item[before], shape)
    then = _counted(user[~before], item[~before], shape)
    buyers_before, buyers_in = _buyers(past), _buyers(then)
    sold_earlier = _buyers(_counted(user[before & ~late], item[before & ~late], shape)) > 0
    recent = _buyers(_counted(user[late], item[late], shape))
    old = np.flatnonzero(buyers_before >= min_buyers_before)
    launched = np.flatnonzero((buyers_before == 0) & (buyers_in > 0))
    new = launched[buyers_in[launched] >= min_buyers_after]
    counts = past[:, old]
    users = np.flatnonzero(np.diff(counts.indptr))
    bought = then[users][:, new].tocsr()
    bought.data[:] = 1
    return Window(
        opens,
        closes,
        user_ids[users],
        old,
        new,
        launched,
        counts[users],
        bought,
        buyers_in[launched],
        recent,
        (recent > 0) & ~sold_earlier,
        prices,
    )


def _counted(users: np.ndarray, items: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Lines by user and item."""
    return sparse.coo_matrix(
        (np.ones(len(users), dtype=np.float32), (users, items)), shape=shape
    ).tocsr()


def _buyers(counts: sparse.csr_matrix) -> np.ndarray:
    """(n_items,) users who have each item."""
    return np.bincount(counts.indices, minlength=counts.shape[1])


def rows_of(lines: pd.DataFrame, features: ItemFeatures) -> np.ndarray:
    """(n_lines,) row of the features that each line's item has.

    Args:
        lines: With a categorical ``item_id``.
        features: Of the items.

    Raises:
        InputError: Items were sold that have no features.
    """
    item = lines[Columns.ITEM].cat
    rows = pd.Index(features.item_ids).get_indexer(item.categories.astype(str))[item.codes]
    if (rows < 0).any():
        raise InputError(
            f"{lines[Columns.ITEM][rows < 0].nunique():,} items were sold that have no features: "
            "run the pipelines items and new_items over the same source."
        )
    return rows


def first_prices(lines: pd.DataFrame) -> pd.DataFrame:
    """The day on which each item was first sold, and the median price of a piece on that day.

    Args:
        lines: As from ``lines_of``.

    Returns:
        Columns ``day`` and ``unit_price``, in currency units, by item_id.
    """
    days = lines.assign(day=lines[Columns.TIMESTAMP].dt.normalize())
    item = days[Columns.ITEM].cat.codes.to_numpy()
    # Lines are in order of time, so that the first one of an item is of its first day.
    firsts = days["day"].to_numpy()[np.unique(item, return_index=True)[1]]
    places = np.unique(item, return_inverse=True)[1]
    on_first = days[days["day"].to_numpy() == firsts[places]]
    return on_first.groupby(Columns.ITEM, observed=True).agg(
        day=("day", "first"), **{PRICE: (PRICE, "median")}
    )
