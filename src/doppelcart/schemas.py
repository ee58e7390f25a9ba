"""Schemas of the canonical tables, once for all; tables are checked as they cross a border.

Every canonical column is always there: one that a source does not have is all null. So no later
step asks which columns exist. What each column means:

- ``interactions``: one row an item in a basket. ``timestamp`` is the shop's local time;
  ``amount`` is what the customer paid for the line and ``discount`` what was taken off, both in
  currency units, so ``amount + discount`` is the shelf price of the line; ``coupon_amount`` is the
  part of ``discount`` that came from coupons. ``amount`` is all null where nothing is sold (films
  watched, articles read).
- ``items``: one row an item; ``price`` in currency units, null where the source states none
  (profiles then estimate it from training rows).
- ``users``: ``user_id`` and any number of demographic columns, each a text category.
- ``promotions``: an item promoted in a store during a week; ``week`` is the Monday on which the
  week begins, ``display`` and ``mailer`` say whether it was on display or in the mailer.
- ``coupons``, ``campaigns``, ``redemptions``, ``reviews``: as named; ``campaigns`` has a row a
  campaign and addressed user.
"""

from __future__ import annotations

from typing import Final, cast

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandera.ibis as pa
from pandera.errors import SchemaErrors

from doppelcart.columns import Columns as C
from doppelcart.columns import Tables as T
from doppelcart.errors import InputError

TEXT: Final = dt.string
NUMBER: Final = dt.float64
TIME: Final = dt.Timestamp(scale=6)
FLAG: Final = dt.boolean

SCHEMAS: Final[dict[str, dict[str, dt.DataType]]] = {
    T.INTERACTIONS: {
        C.USER: TEXT,
        C.ITEM: TEXT,
        C.TIMESTAMP: TIME,
        C.QUANTITY: NUMBER,
        C.AMOUNT: NUMBER,
        C.DISCOUNT: NUMBER,
        C.BASKET: TEXT,
        C.STORE: TEXT,
        C.COUPON_AMOUNT: NUMBER,
    },
    T.ITEMS: {
        C.ITEM: TEXT,
        C.DEPARTMENT: TEXT,
        C.CATEGORY: TEXT,
        C.TYPE: TEXT,
        C.BRAND: TEXT,
        C.MANUFACTURER: TEXT,
        C.SIZE: TEXT,
        C.TITLE: TEXT,
        C.DESCRIPTION: TEXT,
        C.PRICE: NUMBER,
    },
    T.USERS: {C.USER: TEXT},
    T.PROMOTIONS: {C.ITEM: TEXT, C.STORE: TEXT, C.WEEK: TIME, C.DISPLAY: FLAG, C.MAILER: FLAG},
    T.COUPONS: {C.COUPON: TEXT, C.ITEM: TEXT, C.CAMPAIGN: TEXT},
    T.CAMPAIGNS: {C.CAMPAIGN: TEXT, C.TYPE: TEXT, C.START: TIME, C.END: TIME, C.USER: TEXT},
    T.REDEMPTIONS: {C.USER: TEXT, C.COUPON: TEXT, C.CAMPAIGN: TEXT, C.TIMESTAMP: TIME},
    T.REVIEWS: {C.USER: TEXT, C.ITEM: TEXT, C.TIMESTAMP: TIME, C.RATING: NUMBER, C.TEXT: TEXT},
}
"""Columns of each canonical table, in order, with their types."""

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    T.INTERACTIONS: (C.USER, C.ITEM, C.TIMESTAMP),
    T.ITEMS: (C.ITEM,),
    T.USERS: (C.USER,),
    T.PROMOTIONS: (C.ITEM, C.WEEK),
    T.COUPONS: (C.COUPON, C.ITEM),
    T.CAMPAIGNS: (C.CAMPAIGN,),
    T.REDEMPTIONS: (C.USER, C.COUPON),
    T.REVIEWS: (C.USER, C.ITEM),
}
"""Columns that a source must give for a table to be of use."""


def empty(table: str) -> ir.Table:
    """A canonical table without rows."""
    return ibis.memtable([], schema=ibis.schema(SCHEMAS[table]))


def check(data: ir.Table, table: str, cleaned: bool = False) -> ir.Table:
    """Check a table against its canonical schema.

    Args:
        data: The table.
        table: Canonical name, one of ``Tables``.
        cleaned: Whether the rows have been cleaned: then the required columns hold no null, and
            the keys of items and users are unique.

    Returns:
        The same table.

    Raises:
        InputError: If a column is missing, has another type, or holds what it must not.
    """
    required = REQUIRED[table] if cleaned else ()
    schema = pa.DataFrameSchema(
        {
            name: pa.Column(dtype, nullable=name not in required)
            for name, dtype in SCHEMAS[table].items()
        },
        strict=table != T.USERS,
        unique=list(REQUIRED[table]) if cleaned and table in (T.ITEMS, T.USERS) else None,
        name=table,
    )
    try:
        return cast(ir.Table, schema.validate(data, lazy=True))
    except SchemaErrors as error:
        faults = "\n".join(f"  {fault}" for fault in _faults(error))
        raise InputError(
            f"table {table} does not have its canonical form:\n{faults}\nCorrect the expressions "
            f"of `source: tables: {table}`, or switch the cleaning rule concerned on again."
        ) from error


def _faults(error: SchemaErrors) -> list[str]:
    """One line a fault, without the sample of rows that Pandera adds."""
    return [
        str(fault.args[0] if fault.args else fault).split(" failure cases:")[0].splitlines()[0]
        for fault in error.schema_errors
    ]
