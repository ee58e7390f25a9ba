"""A stock table summed up by the engine: series, their hours, what is known of their days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import ibis.expr.types as ir
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.engine import GREATEST, quoted, view
from doppelcart.errors import InputError
from doppelcart.reading.files import plain

SERIES: Final = "stock_series"
"""Name of the view that numbers the series."""


HAS_IDS: Final = " AND ".join(
    f"trim(CAST({name} AS VARCHAR)) <> ''" for name in (Columns.ITEM, Columns.STORE)
)
"""True of no row without an id, nor of one whose id is blank."""


class Counted(NamedTuple):
    """A stock table, summed up.

    Attributes:
        series: One row per series, by number, with ids and category.
        hours: One row per series, day and open hour with ``sales`` (NaN where they are no
            number of a shop), ``in_stock`` (1, 0 or null) and ``n_rows``.
        days: One row per series and day with the means of its traits, NaN where they are no
            figures of a shop.
        n_rows: Rows of the table.
        n_nowhere: Rows without item, store or moment, which are in none of these.
    """

    series: pd.DataFrame
    hours: pd.DataFrame
    days: pd.DataFrame
    n_rows: int
    n_nowhere: int


def count_hours(table: ir.Table, traits: Sequence[str], open_hour: int, close_hour: int) -> Counted:
    """Sum up the rows of a stock table.

    Args:
        table: A view with ``item_id``, ``store_id``, ``timestamp``, ``sales``, ``in_stock``, and
            perhaps ``category``.
        traits: Columns with numbers that are known of a day.
        open_hour: First hour that counts.
        close_hour: Hour from which on none counts any more.

    Raises:
        InputError: The engine cannot compute it, such as where sales are no numbers.
    """
    try:
        series, n_rows, n_nowhere = _series(table), *_rows_in_all(table)
        hours, days = _hours(table, open_hour, close_hour), _days(table, traits)
    except Exception as error:
        raise InputError(
            f"the engine cannot sum up the stock table: {plain(error)}. Under `stock: table` in "
            "conf/<environment>/globals.yml, give `timestamp` as a moment, `sales` as a number and "
            "`in_stock` as true or false."
        ) from error
    hours = hours.assign(sales=_of_a_shop(hours[Columns.SALES]))
    days = days.assign(**{name: _of_a_shop(days[name]) for name in traits})
    return Counted(series, hours, days, n_rows, n_nowhere)


def _of_a_shop(numbers: pd.Series) -> pd.Series:
    """Numbers, NaN where they are no figures of a shop."""
    numbers = numbers.astype(float)
    return numbers.where(numbers.abs() <= GREATEST)


def _rows_in_all(table: ir.Table) -> tuple[int, int]:
    """Rows in all, and those that cannot be put anywhere."""
    placed = f"{HAS_IDS} AND CAST(timestamp AS TIMESTAMP) IS NOT NULL"
    query = (
        f"SELECT count(*) AS n_rows, count(*) FILTER (WHERE {placed}) AS placed "
        f"FROM {quoted(table.get_name())}"
    )
    found = view(table.get_backend(), "stock_rows_in_all", query).to_pandas().iloc[0]
    return int(found["n_rows"]), int(found["n_rows"] - found["placed"])


def _series(table: ir.Table) -> pd.DataFrame:
    has = Columns.CATEGORY in table.columns
    category = "min(CAST(category AS VARCHAR))" if has else "''"
    query = (
        "SELECT *, row_number() OVER (ORDER BY store_id, item_id) - 1 AS series FROM "
        "(SELECT CAST(store_id AS VARCHAR) AS store_id, CAST(item_id AS VARCHAR) AS item_id, "
        f"{category} AS category FROM {quoted(table.get_name())} WHERE {HAS_IDS} GROUP BY 1, 2)"
    )
    return view(table.get_backend(), SERIES, query).to_pandas()


def _rows(table: ir.Table) -> str:
    """The rows with the number of their series and their moment."""
    return (
        "(SELECT s.series, CAST(t.timestamp AS TIMESTAMP) AS moment, t.* "
        f"FROM {quoted(table.get_name())} AS t JOIN {quoted(SERIES)} AS s "
        "ON CAST(t.store_id AS VARCHAR) = s.store_id AND CAST(t.item_id AS VARCHAR) = s.item_id)"
    )


def _hours(table: ir.Table, open_hour: int, close_hour: int) -> pd.DataFrame:
    query = (
        "SELECT series, CAST(moment AS DATE) AS day, hour(moment) AS hour, "
        "sum(CAST(sales AS DOUBLE)) AS sales, "
        "max(CAST(CAST(in_stock AS BOOLEAN) AS INTEGER)) AS in_stock, count(*) AS n_rows "
        f"FROM {_rows(table)} WHERE hour(moment) >= {open_hour} AND hour(moment) < {close_hour} "
        "GROUP BY 1, 2, 3"
    )
    return view(table.get_backend(), "stock_hours", query).to_pandas()


def _days(table: ir.Table, traits: Sequence[str]) -> pd.DataFrame:
    means = "".join(f", avg(CAST({name} AS DOUBLE)) AS {name}" for name in traits)
    query = (
        f"SELECT series, CAST(moment AS DATE) AS day{means} FROM {_rows(table)} "
        "WHERE moment IS NOT NULL GROUP BY 1, 2"
    )
    return view(table.get_backend(), "stock_days", query).to_pandas()
