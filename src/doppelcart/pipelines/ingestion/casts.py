"""What a source gives, read as the types of the canonical tables."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from doppelcart.columns import Columns, Tables
from doppelcart.data.schemas import IDS, SCHEMAS, TEXT
from doppelcart.reading.types import MOMENT

MONEY = (Columns.AMOUNT, Columns.DISCOUNT, Columns.COUPON_AMOUNT, Columns.PRICE)
AFTER_BLANKS = "!"
"""The first text, in the order of bytes, that begins with no blank and is not empty."""


def expressions(table: ir.Table, name: str, factor: float) -> dict[str, ir.Value]:
    """Per canonical column, the cast of what the source gives; null where a value has no cast."""
    schema = dict(SCHEMAS[name])
    if name == Tables.USERS:
        schema |= {column: TEXT for column in table.columns if column not in schema}
    columns = {
        column: cast(table[column], column, dtype) if column in table.columns else ibis.null(dtype)
        for column, dtype in schema.items()
    }
    if factor != 1:
        columns |= {money: columns[money] * factor for money in MONEY if money in columns}
    if name == Tables.INTERACTIONS and Columns.QUANTITY not in table.columns:
        # A literal 1.0 would be a decimal in the Parquet file.
        columns[Columns.QUANTITY] = ibis.literal(1).cast("float64")
    if name == Tables.INTERACTIONS and Columns.BASKET not in table.columns:
        moment = columns[Columns.TIMESTAMP].cast("string")
        columns[Columns.BASKET] = columns[Columns.USER].concat("@", moment)
    return columns


def cast(column: ir.Column, name: str, dtype: Any) -> ir.Value:
    """Read a column as a type; blank ids are null, and whole numbers lose their `.0`."""
    if name in IDS:
        if column.type().is_floating():
            return _floating_id(column)
        text = column.cast("string")
        return _stripped(text) if column.type().is_string() else text
    if dtype.is_timestamp() and not column.type().is_temporal():
        return _moment(column, dtype)
    return column if column.type() == dtype else column.try_cast(dtype)


def _stripped(text: ir.StringColumn) -> ir.Value:
    """A text without blanks around it, null if nothing is left."""
    # Only where there are any: stripping itself is most of the work of reading ids.
    blank = (text < AFTER_BLANKS) | (text.right(1) < AFTER_BLANKS)
    return blank.ifelse(text.strip().nullif(""), text)


def _moment(column: ir.Column, dtype: Any) -> ir.Value:
    """Read text that can be read in one way only as a moment; a number is none."""
    text = column.cast("string").strip()
    return text.re_search(f"^({MOMENT})$").ifelse(text.try_cast(dtype), ibis.null(dtype))


def _floating_id(column: ir.Column) -> ir.Value:
    """A number as an id: NaN is a missing one, and a fraction tells two ids apart."""
    present = column.isnan().ifelse(None, column)
    whole = present.try_cast("int64")
    return (present == whole).ifelse(whole.cast("string"), present.cast("string"))
