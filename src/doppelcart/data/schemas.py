"""Schemas of the canonical tables, once for all; tables are checked as they cross a border.

Every canonical column is always there: one that a source does not have is all null. So no later
step asks which columns exist. What each column means:

- ``interactions``: one row per item in a basket. ``timestamp`` is the shop's local time;
  ``amount`` is what the customer paid for the line and ``discount`` what was taken off, both in
  currency units, so ``amount + discount`` is the shelf price of the line; ``coupon_amount`` is the
  part of ``discount`` that came from coupons. ``amount`` is all null where nothing is sold (films
  watched, articles read).
- ``items``: one row per item; ``price`` in currency units, null where the source states none
  (profiles then estimate it from training rows).
- ``users``: ``user_id`` and any number of demographic columns, each a text category.
- ``promotions``: an item promoted in a store, or without one in all, during a week; ``week`` is the
  day on which the week begins, ``display`` and ``mailer`` say whether it was on display or in the
  mailer.
- ``coupons``, ``campaigns``, ``redemptions``, ``reviews``: as named; ``campaigns`` has a row per
  campaign and addressed user.
- ``pictures``: one row per picture of an item, by its path within the folder of pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from doppelcart.columns import Columns, Tables
from doppelcart.errors import InputError

if TYPE_CHECKING:
    from pandera.errors import SchemaErrors

TEXT: Final = dt.string
NUMBER: Final = dt.float64
TIME: Final = dt.Timestamp(scale=6)
FLAG: Final = dt.boolean

SCHEMAS: Final[dict[str, dict[str, dt.DataType]]] = {
    Tables.INTERACTIONS: {
        Columns.USER: TEXT,
        Columns.ITEM: TEXT,
        Columns.TIMESTAMP: TIME,
        Columns.QUANTITY: NUMBER,
        Columns.AMOUNT: NUMBER,
        Columns.DISCOUNT: NUMBER,
        Columns.BASKET: TEXT,
        Columns.STORE: TEXT,
        Columns.COUPON_AMOUNT: NUMBER,
    },
    Tables.ITEMS: {
        Columns.ITEM: TEXT,
        Columns.DEPARTMENT: TEXT,
        Columns.CATEGORY: TEXT,
        Columns.TYPE: TEXT,
        Columns.BRAND: TEXT,
        Columns.MANUFACTURER: TEXT,
        Columns.SIZE: TEXT,
        Columns.TITLE: TEXT,
        Columns.DESCRIPTION: TEXT,
        Columns.PRICE: NUMBER,
    },
    Tables.USERS: {Columns.USER: TEXT},
    Tables.PROMOTIONS: {
        Columns.ITEM: TEXT,
        Columns.STORE: TEXT,
        Columns.WEEK: TIME,
        Columns.DISPLAY: FLAG,
        Columns.MAILER: FLAG,
    },
    Tables.COUPONS: {Columns.COUPON: TEXT, Columns.ITEM: TEXT, Columns.CAMPAIGN: TEXT},
    Tables.CAMPAIGNS: {
        Columns.CAMPAIGN: TEXT,
        Columns.TYPE: TEXT,
        Columns.START: TIME,
        Columns.END: TIME,
        Columns.USER: TEXT,
    },
    Tables.REDEMPTIONS: {
        Columns.USER: TEXT,
        Columns.COUPON: TEXT,
        Columns.CAMPAIGN: TEXT,
        Columns.TIMESTAMP: TIME,
    },
    Tables.REVIEWS: {
        Columns.USER: TEXT,
        Columns.ITEM: TEXT,
        Columns.TIMESTAMP: TIME,
        Columns.RATING: NUMBER,
        Columns.TEXT: TEXT,
    },
    Tables.PICTURES: {Columns.ITEM: TEXT, Columns.PATH: TEXT},
    Tables.FACTS: {Columns.HEAD: TEXT, Columns.RELATION: TEXT, Columns.TAIL: TEXT},
}
"""Columns of each canonical table, in order, with their types."""

BESIDE: Final[dict[str, dict[str, dt.DataType]]] = {
    Tables.STOCK: {
        Columns.ITEM: TEXT,
        Columns.STORE: TEXT,
        Columns.CATEGORY: TEXT,
        Columns.SALES: NUMBER,
    },
    Tables.SALES: {
        Columns.ITEM: TEXT,
        Columns.LABEL: TEXT,
        Columns.SOLD: NUMBER,
        Columns.VALUE: NUMBER,
    },
    Tables.RATINGS: {Columns.USER: TEXT, Columns.ITEM: TEXT, Columns.RATING: NUMBER},
    Tables.LABELLED_REVIEWS: dict.fromkeys(
        (Columns.REVIEW, Columns.TEXT, Columns.PLACE, Columns.PART, Columns.REVIEWER), TEXT
    ),
    Tables.PHOTOGRAPHS: dict.fromkeys(
        (Columns.PICTURE, Columns.PRODUCT, Columns.GROUP, Columns.SPLIT, Columns.PATH), TEXT
    ),
}
"""Texts and numbers of each table that is declared beside the source; moments are as their
expressions have them."""

TEXTS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(column for column, dtype in columns.items() if dtype == TEXT)
    for name, columns in (SCHEMAS | BESIDE).items()
}
"""Columns that are texts, of each canonical table and of each table that is declared beside the
source: they are read as the file writes them."""

IDS: Final = frozenset(
    {
        Columns.USER,
        Columns.ITEM,
        Columns.BASKET,
        Columns.STORE,
        Columns.COUPON,
        Columns.CAMPAIGN,
        Columns.MANUFACTURER,
        Columns.REVIEW,
        Columns.PLACE,
        Columns.REVIEWER,
        Columns.PICTURE,
        Columns.PRODUCT,
    }
)
"""Columns that hold identifiers, exactly as the source writes them."""

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    Tables.INTERACTIONS: (Columns.USER, Columns.ITEM, Columns.TIMESTAMP),
    Tables.ITEMS: (Columns.ITEM,),
    Tables.USERS: (Columns.USER,),
    Tables.PROMOTIONS: (Columns.ITEM, Columns.WEEK),
    Tables.COUPONS: (Columns.COUPON, Columns.ITEM),
    Tables.CAMPAIGNS: (Columns.CAMPAIGN,),
    Tables.REDEMPTIONS: (Columns.USER, Columns.COUPON),
    Tables.REVIEWS: (Columns.USER, Columns.ITEM),
    Tables.PICTURES: (Columns.ITEM, Columns.PATH),
    Tables.FACTS: (Columns.HEAD, Columns.RELATION, Columns.TAIL),
}
"""Columns that a source must give for a table to be of use."""

ORDER: Final = (
    Columns.USER,
    Columns.TIMESTAMP,
    *(
        name
        for name in SCHEMAS[Tables.INTERACTIONS]
        if name not in (Columns.USER, Columns.TIMESTAMP)
    ),
)
"""How interactions are sorted where they are written, so that a second run writes the same."""


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
    import pandera.ibis as pa
    from pandera.errors import SchemaErrors

    required = REQUIRED[table] if cleaned else ()
    schema = pa.DataFrameSchema(
        {
            name: pa.Column(dtype, nullable=name not in required)
            for name, dtype in SCHEMAS[table].items()
        },
        strict=table != Tables.USERS,
        unique=list(REQUIRED[table]) if cleaned and table in (Tables.ITEMS, Tables.USERS) else None,
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
    """One line per fault, without the sample of rows that Pandera adds."""
    return [
        str(fault.args[0] if fault.args else fault).split(" failure cases:")[0].splitlines()[0]
        for fault in error.schema_errors
    ]
