"""From rows of sales to items by week."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.engine import first_row, unusable
from doppelcart.errors import InputError
from doppelcart.forecasting.units import in_steps, unit_steps
from doppelcart.pipelines.weekly_demand.params import WeeksParams

SOLD, VALUE, LABEL = Columns.SOLD, Columns.VALUE, Columns.LABEL
GENERATED: Final = "gen-"
"""What the id of a generated series begins with."""
WEEK: Final = 7
LEAST_ITEMS: Final = 5
PRICE_WEEKS: Final = 13
"""Weeks whose value and units make the price of an item."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weeks:
    """What was sold of each item, week by week, the last week last.

    Args:
        items: (n_items,) ids.
        labels: (n_items,) what a person calls them; empty where nothing tells.
        starts: (n_weeks,) first day of each week.
        sold: (n_items, n_weeks) units; NaN before the first sale, when an item may not have been
            there; 0 in weeks without a sale.
        prices: (n_items,) money per unit in the last weeks, of rows with both; NaN where nothing
            tells.
        step: (n_items,) unit in which sales of each are counted, such as 1 or .01.
    """

    items: np.ndarray
    labels: np.ndarray
    starts: np.ndarray
    sold: np.ndarray
    prices: np.ndarray
    step: np.ndarray

    @property
    def n_weeks(self) -> int:
        """Weeks in all."""
        return len(self.starts)

    @property
    def counts(self) -> np.ndarray:
        """(n_items, n_weeks) what was sold, in steps."""
        return in_steps(self.sold, self.step[:, None])

    def select(self, rows: np.ndarray) -> Weeks:
        """Some of the items."""
        names = ("items", "labels", "sold", "prices", "step")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


def read_weeks(
    table: ir.Table, params: WeeksParams, least_weeks: int
) -> tuple[Weeks, pd.DataFrame]:
    """Count sales by week, from the last day backwards, and refuse what cannot be foretold.

    Weeks end with the last day there is, so that the last one is whole; days before the first whole
    week are left out. A log may be as long as it likes: it is summed in the engine.

    Args:
        table: ``item_id``, ``timestamp`` (any moment of the week), ``sold``, perhaps ``value`` and
            ``label``.
        params: Which items can be foretold, what is tolerated.
        least_weeks: Weeks that it takes to choose and to judge.

    Returns:
        Every item by week, those included that can no more be foretold, since they could be once;
        and what was counted on the way: ``what``, ``number``, ``of``, ``done``.

    Raises:
        InputError: All faults of a kind at once.
    """
    _refuse(_faults_of_columns(table))
    rows = _usable(table)
    counts, faults = _counted(rows, params)
    _refuse(faults)
    usable = rows.filter(~rows["lacking"] & ~rows["negative"])
    first, last = _ends(usable)
    n_weeks = ((last - first).days + 1) // WEEK
    if n_weeks < least_weeks:
        fault = (
            f"it holds {n_weeks} whole weeks, from {first:%Y-%m-%d} to {last:%Y-%m-%d}, and it "
            f"takes {least_weeks} to choose and to judge. Bring a longer table, or lower "
            "weekly_demand.forecast.horizon and weekly_demand.forecast.origins."
        )
        _refuse([fault])
    weeks = _by_week(usable, last, n_weeks)
    n_live, dropped = int(are_live(weeks, n_weeks, params).sum()), _dropped(weeks, params)
    if n_live < LEAST_ITEMS:
        told = "; ".join(f"{number:,} {why}" for why, number in dropped.items())
        fault = (
            f"{n_live} of {len(weeks.items):,} items can be foretold, and it takes "
            f"{LEAST_ITEMS} ({told}). Bring a longer table, or lower "
            "weekly_demand.weeks.min_weeks_sold."
        )
        _refuse([fault])
    counts += [(f"items {why}", n, len(weeks.items), "no forecast") for why, n in dropped.items()]
    counts += [("items", n_live, len(weeks.items), "foretold")]
    counted = pd.DataFrame(counts, columns=["what", "number", "of", "done"])
    for row in counted.itertuples():
        if row.number:
            log.info("%s: %d of %d, %s.", row.what, row.number, row.of, row.done)
    return weeks, counted


def _refuse(faults: Any) -> None:
    listed = "\n".join(f"  {fault}" for fault in faults)
    if listed:
        raise InputError(f"weekly demand cannot be foretold from the table of sales:\n{listed}")


def _faults_of_columns(table: ir.Table) -> Iterator[str]:
    missing = [n for n in (Columns.ITEM, Columns.TIMESTAMP, SOLD) if n not in table.columns]
    if missing:
        yield (
            f"it has no column {', '.join(missing)}. Give an expression for each under "
            "`sales: table` in conf/<environment>/globals.yml."
        )
        return
    moment = table[Columns.TIMESTAMP].type()
    if not (moment.is_timestamp() or moment.is_date()):
        yield (
            f"`{Columns.TIMESTAMP}` is {moment}, no moment. Correct its expression under `sales: "
            "table`, such as strptime(column, '%d/%m/%Y')."
        )


def _usable(table: ir.Table) -> ir.Table:
    """Rows with what is wrong with them, and whether they tell a price."""
    sold = table[SOLD].try_cast("float64")
    sold = unusable(sold).ifelse(None, sold)
    value = table[VALUE].try_cast("float64") if VALUE in table.columns else ibis.null("float64")
    value = unusable(value).ifelse(None, value)
    item = table[Columns.ITEM].cast("string").strip().nullif("")
    day = table[Columns.TIMESTAMP].cast("timestamp").date()
    label = table[LABEL].cast("string") if LABEL in table.columns else ibis.null("string")
    rows = table.select(item=item, day=day, sold=sold, value=value, label=label)
    lacking = ibis.or_(*(rows[name].isnull() for name in ("item", "day", "sold")))  # noqa: PD003
    negative = (~lacking & (rows["sold"] < 0)).fill_null(False)
    return rows.mutate(
        lacking=lacking,
        negative=negative,
        valued=~lacking & ~negative & rows["value"].notnull(),  # noqa: PD004
        made=rows["item"].startswith(GENERATED).fill_null(False),
    )


def _counted(
    rows: ir.Table, params: WeeksParams
) -> tuple[list[tuple[str, int, int, str]], list[str]]:
    """What was counted, and what of it is too much."""
    sums = rows.aggregate(
        total=rows.count(),
        lacking=rows["lacking"].sum(),
        negative=rows["negative"].sum(),
        made=rows["made"].sum(),
        valued=rows["valued"].sum(),
    )
    found = {name: int(value or 0) for name, value in first_row(sums).items()}
    total = found["total"]
    if not total:
        return [], ["it has no row. Check the files and the `where` of `sales: table`."]
    counts = [
        ("rows without item, moment or number", found["lacking"], total, "left out"),
        ("rows of less than nothing, such as returns", found["negative"], total, "left out"),
    ]
    faults = [
        f"{what}: {number:,} of {of:,}, more than weekly_demand.weeks.refuse_share = "
        f"{100 * params.refuse_share:g} %. Correct the expressions of `sales: table`."
        for what, number, of, _ in counts
        if number > params.refuse_share * of
    ]
    if found["valued"]:
        good = total - found["lacking"] - found["negative"]
        counts.append(("rows without a value", good - found["valued"], good, "left out of prices"))
    if found["made"]:
        faults.append(
            f"{found['made']:,} rows are of items whose id begins with {GENERATED}: they were "
            "generated, and cannot be taken for real ones. Leave them out."
        )
    return counts, faults


def _ends(rows: ir.Table) -> tuple[pd.Timestamp, pd.Timestamp]:
    ends = rows.aggregate(first=rows["day"].min(), last=rows["day"].max()).to_pandas()
    return pd.Timestamp(ends["first"].iloc[0]), pd.Timestamp(ends["last"].iloc[0])


def _by_week(rows: ir.Table, last: pd.Timestamp, n_weeks: int) -> Weeks:
    age = ibis.literal(last.date()).delta(rows["day"], unit="day") // WEEK
    rows = rows.mutate(
        week=n_weeks - 1 - age,
        # Pieces of which nobody knows what was paid would make the others look cheap.
        priced=rows["valued"].ifelse(rows["sold"], 0.0),
        value=rows["value"].fill_null(0.0),
    )
    sums = {name: rows[name].sum() for name in ("sold", "value", "priced")}
    summed = (
        rows.filter(rows["week"] >= 0)
        .group_by(["item", "week"])
        .agg(**sums, label=rows["label"].max())
        .order_by(["item", "week"])
        .to_pandas()
    )
    items, places = np.unique(summed["item"].to_numpy(str), return_inverse=True)
    week = summed["week"].to_numpy(int)
    by_week = np.zeros((len(sums), len(items), n_weeks))
    by_week[:, places, week] = summed[list(sums)].to_numpy(float).T
    sold = by_week[0]
    _, money, units = by_week[:, :, -PRICE_WEEKS:].sum(axis=2)
    before = np.arange(n_weeks) < (sold > 0).argmax(axis=1)[:, None]
    labels = summed.groupby("item", sort=True)["label"].max().fillna("").to_numpy(str)
    starts = last.to_datetime64().astype("datetime64[D]") + 1 - WEEK * np.arange(n_weeks, 0, -1)
    return Weeks(
        items,
        labels,
        starts,
        np.where(before, np.nan, sold),
        np.where(units > 0, money / np.where(units > 0, units, 1), np.nan),
        unit_steps(sold),
    )


def are_live(weeks: Weeks, n_known: int, params: WeeksParams) -> np.ndarray:
    """(n_items,) whether each was sold often and lately enough to be foretold at a moment.

    Args:
        weeks: Items by week.
        n_known: Weeks that are known at that moment; later ones decide nothing.
        params: How often, how lately.
    """
    seldom, gone = _faded(weeks, n_known, params)
    live: np.ndarray = ~(seldom | gone)
    return live


def _faded(weeks: Weeks, n_known: int, params: WeeksParams) -> tuple[np.ndarray, np.ndarray]:
    """(n_items,) whether each was sold in too few weeks; and else whether it is gone."""
    is_sold = np.nan_to_num(weeks.sold[:, :n_known]) > 0
    seldom = is_sold.sum(axis=1) < params.min_weeks_sold
    since = is_sold[:, ::-1].argmax(axis=1)
    return seldom, ~seldom & (since >= params.max_weeks_unsold)


def _dropped(weeks: Weeks, params: WeeksParams) -> dict[str, int]:
    """How many items cannot be foretold today, by reason."""
    seldom, gone = _faded(weeks, weeks.n_weeks, params)
    return {
        f"sold in fewer than {params.min_weeks_sold} weeks": int(seldom.sum()),
        f"not sold for {params.max_weeks_unsold} weeks": int(gone.sum()),
    }
