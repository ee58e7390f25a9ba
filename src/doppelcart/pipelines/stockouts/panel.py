"""From a shop's stock table to series of product and store by day and hour, checked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.errors import InputError
from doppelcart.pipelines.stockouts.params import ReadingParams
from doppelcart.reading.stock_hours import Counted, count_hours

NEEDED: Final = (
    Columns.ITEM, Columns.STORE, Columns.TIMESTAMP, Columns.SALES, Columns.IN_STOCK,
)  # fmt: skip
PLANNED: Final = (Columns.DISCOUNT, Columns.HOLIDAY, Columns.ACTIVITY)
"""Known of a day before it begins."""
OBSERVED: Final = (
    Columns.PRECIPITATION, Columns.TEMPERATURE, Columns.HUMIDITY, Columns.WIND,
)  # fmt: skip
"""Known of a day once it is over."""
TRAITS: Final = (*PLANNED, *OBSERVED, Columns.PRICE)

GENERATED: Final = "gen-"
"""What the id of every generated series begins with."""
SHUT: Final = "hours of the day of which no series has a row"
CUT, ALL_ZERO, CONSTANT = "cut short", "never sold", "always the same"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Panel:
    """Series of product and store, hour by hour; what is not known is NaN, never 0.

    Args:
        items: (n_series,) product of each.
        stores: (n_series,) store of each.
        categories: (n_series,) category of each; empty where unknown.
        days: (n_days,) datetime64[D], without a gap.
        sales: (n_series, n_days, n_hours) units sold, by the hours that the shop is open.
        empty: (n_series, n_days, n_hours) 1 where the shelf was empty, 0 where not.
        traits: By name, (n_series, n_days) what else is known of the days.
    """

    items: np.ndarray
    stores: np.ndarray
    categories: np.ndarray
    days: np.ndarray
    sales: np.ndarray
    empty: np.ndarray
    traits: dict[str, np.ndarray]

    @property
    def n_series(self) -> int:
        """Series in all."""
        return len(self.items)

    def select(self, rows: np.ndarray) -> Panel:
        """Some of the series."""
        traits = {name: values[rows] for name, values in self.traits.items()}
        return Panel(
            self.items[rows],
            self.stores[rows],
            self.categories[rows],
            self.days,
            self.sales[rows],
            self.empty[rows],
            traits,
        )


def read_panel(
    table: ir.Table, params: ReadingParams, least_days: int
) -> tuple[Panel, pd.DataFrame]:
    """Read a stock table, and refuse what cannot be learnt from.

    Args:
        table: One row per product, store and hour, with the columns ``NEEDED`` and as many of
            ``TRAITS`` and ``category`` as there are.
        params: Hours, and what is tolerated.
        least_days: Days that it takes to learn, to choose and to judge.

    Returns:
        The series; and what was counted on the way: ``what``, ``number``, ``of``, ``done``.

    Raises:
        InputError: All faults at once.
    """
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise InputError(
            f"the stock table has no column {', '.join(missing)}: stock-outs are learnt from "
            f"{', '.join(NEEDED)}, one row per product, store and hour. Give an expression for "
            "each under `stock: table` in conf/<environment>/globals.yml."
        )
    known = [name for name in TRAITS if name in table.columns]
    found = count_hours(table, known, params.open_hour, params.close_hour)
    _refuse_unusable(found)
    panel = _filled(found.series, found.hours, found.days)
    faults, counts = _judged(found, params)
    kept, dropped = _complete(panel, params)
    faults += list(_faults_of(kept, least_days))
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise InputError(f"stock-outs cannot be learnt from the stock table:\n{listed}")
    gaps = int(np.isnan(kept.empty).all(axis=2).sum())
    n_hours = params.close_hour - params.open_hour
    counts += [
        (SHUT, n_hours - panel.sales.shape[2], n_hours, "taken as closed"),
        ("series read", panel.n_series, panel.n_series, "looked at"),
        *[(f"series {why}", number, panel.n_series, "dropped") for why, number in dropped.items()],
        ("days without rows", gaps, kept.n_series * len(kept.days), "left missing"),
    ]
    table_of_counts = pd.DataFrame(counts, columns=["what", "number", "of", "done"])
    for row in table_of_counts.itertuples():
        if row.number and row.done != "looked at":
            log.info("%s: %d of %d, %s.", row.what, row.number, row.of, row.done)
    return kept, table_of_counts


def _refuse_unusable(found: Counted) -> None:
    series = found.series
    marked = series[Columns.ITEM].astype(str).str.startswith(GENERATED)
    if marked.any():
        raise InputError(
            f"{int(marked.sum())} of {len(series)} series of the stock table have an id that "
            f"begins with {GENERATED}: they were generated, and cannot be taken for real ones. "
            "Leave them out."
        )
    if found.hours.empty:
        raise InputError(
            "the stock table has no row in the hours that count: set stockouts.reading.open_hour "
            "and close_hour to those of the shop, and give `timestamp` the hour of the day. Of its "
            f"{found.n_rows:,} rows {found.n_nowhere:,} have no item, no store or no moment."
        )


def _filled(series: pd.DataFrame, hours: pd.DataFrame, days: pd.DataFrame) -> Panel:
    """Rows put into their places; places without a row, and values that are none, stay NaN.

    An hour of which no series has a row is none of the shop's, and has no place. A day of which
    more than half is unknown is unknown as a whole, by the hours of its own store: one that closes
    earlier than another lacks nothing.
    """
    items, stores, categories = (
        series[name].fillna("").to_numpy(str)
        for name in (Columns.ITEM, Columns.STORE, Columns.CATEGORY)
    )
    dates = pd.to_datetime(hours["day"]).to_numpy().astype("datetime64[D]")
    first, last = dates.min(), dates.max()
    calendar = np.arange(first, last + np.timedelta64(1, "D"))
    opened, hour = np.unique(hours["hour"].to_numpy(int), return_inverse=True)
    shape = len(series), len(calendar), len(opened)
    place = (
        hours["series"].to_numpy(int),
        (dates - first).astype(int),
        hour,
    )
    sales, empty = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    # What was taken back is no sale of that hour.
    sales[place] = np.maximum(hours["sales"].to_numpy(np.float32), 0)
    empty[place] = 1 - hours["in_stock"].to_numpy(np.float32)
    unknown = np.isnan(sales) | np.isnan(empty)
    is_open = _hours_of_stores(stores, place[0], hour, len(opened))
    lacking = (unknown & is_open[:, None]).sum(axis=2)
    unknown |= (lacking > 0.5 * is_open.sum(axis=1, keepdims=True))[..., None]
    sales[unknown] = empty[unknown] = np.nan
    own = pd.to_datetime(days["day"]).to_numpy().astype("datetime64[D]")
    inside = (own >= first) & (own <= last)
    cells = days["series"].to_numpy(int)[inside], (own[inside] - first).astype(int)
    traits = {}
    for name in days.columns.drop(["series", "day"]):
        traits[str(name)] = np.full(shape[:2], np.nan, np.float32)
        traits[str(name)][cells] = days[name].to_numpy(np.float32)[inside]
    return Panel(items, stores, categories, calendar, sales, empty, traits)


def _hours_of_stores(
    stores: np.ndarray, series: np.ndarray, hour: np.ndarray, n_hours: int
) -> np.ndarray:
    """(n_series, n_hours) whether any series of its store ever has a row of an hour.

    Args:
        stores: (n_series,) store of each.
        series: (n_rows,) series of each row.
        hour: (n_rows,) place of its hour.
        n_hours: Hours that any series has.
    """
    found, store = np.unique(stores, return_inverse=True)
    is_open = np.zeros((len(found), n_hours), bool)
    is_open[store[series], hour] = True
    of_series: np.ndarray = is_open[store]
    return of_series


def _judged(
    found: Counted, params: ReadingParams
) -> tuple[list[str], list[tuple[str, int, int, str]]]:
    """Faults of rows beyond what is tolerated, and the counts of all."""
    hours = found.hours
    sold = hours["sales"] > 0
    kinds = {
        "rows without item, store or moment": (
            found.n_nowhere,
            found.n_rows,
            "left out",
            "Correct the expressions of `item_id`, `store_id` and `timestamp`",
        ),
        "hours with sales, though flagged empty": (
            int((sold & (hours["in_stock"] == 0)).sum()),
            int(sold.sum()),
            "taken as they are",
            "Check the expression of `in_stock`, and that both clocks are the same",
        ),
        "hours with negative sales": (
            int((hours["sales"] < 0).sum()),
            len(hours),
            "taken as 0",
            "Leave out returns in the expression of `sales`",
        ),
        "hours that stand there more than once": (
            int((hours["n_rows"] > 1).sum()),
            len(hours),
            "added up",
            "Give `timestamp` in the shop's local time, and every row once",
        ),
        "hours without a number of sales or a flag": (
            int((hours["sales"].isna() | hours["in_stock"].isna()).sum()),
            len(hours),
            "left missing",
            "Correct the expressions of `sales` and `in_stock`",
        ),
    }
    faults = []
    for what, (number, total, done, advice) in kinds.items():
        share = number / max(total, 1)
        if share > params.refuse_share:
            faults.append(f"{what}: {number:,} of {total:,} ({100 * share:.1f} %). {advice}.")
        elif share > params.warn_share:
            log.warning("%s: %d of %d, %s. %s.", what, number, total, done, advice)
    return faults, [(what, *counted[:3]) for what, counted in kinds.items()]


def _complete(panel: Panel, params: ReadingParams) -> tuple[Panel, dict[str, int]]:
    """The series that something can be learnt from, and how many are not, by reason."""
    known = ~np.isnan(panel.empty).all(axis=2)
    cut = ~(known[:, 0] & known[:, -1]) | ((~known).mean(axis=1) > params.max_missing_days)
    sold = np.nansum(panel.sales, axis=2)
    zero = ~cut & (sold.sum(axis=1) == 0)
    low = np.where(known, sold, np.inf).min(axis=1)
    high = np.where(known, sold, -np.inf).max(axis=1)
    # What ran out on some days has something to teach, however evenly it sells.
    same = ~cut & ~zero & (low == high) & ~(panel.empty == 1).any(axis=(1, 2))
    reasons = {CUT: cut, ALL_ZERO: zero, CONSTANT: same}
    return panel.select(~(cut | zero | same)), {why: int(s.sum()) for why, s in reasons.items()}


def _faults_of(panel: Panel, least_days: int) -> Iterator[str]:
    if len(panel.days) < least_days:
        yield (
            f"it covers {len(panel.days)} days, and it takes {least_days} to learn, to choose, and "
            "to judge. Bring a longer table, or lower stockouts.forecast.validation_days and "
            "stockouts.forecast.test_days."
        )
    if panel.n_series < 2:
        yield f"{panel.n_series} series are complete and change at all; it takes at least 2."
        return
    share = float(np.nanmean(panel.empty))
    if share in (0.0, 1.0):
        state = "empty" if share else "in stock"
        yield (
            f"every hour is flagged {state}: there is no stock-out to learn from. Check the "
            "expression of `in_stock`."
        )


def describe(panel: Panel) -> str:
    """The size of a panel, and how often it runs out, in a sentence."""
    known = ~np.isnan(panel.empty).all(axis=2)
    ran_out = (panel.empty == 1).any(axis=2)[known].mean()
    return (
        f"{panel.n_series:,} series of {len(np.unique(panel.items)):,} products in "
        f"{len(np.unique(panel.stores)):,} stores, {len(panel.days)} days from {panel.days[0]} to "
        f"{panel.days[-1]}; {100 * np.nanmean(panel.empty):.1f} % of hours and "
        f"{100 * ran_out:.1f} % of days with an empty shelf"
    )
