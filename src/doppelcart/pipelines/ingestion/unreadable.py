"""What of a table could be read, and what to do about the rest, in words."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from doppelcart.columns import Columns, Tables
from doppelcart.data.engine import first_row
from doppelcart.data.schemas import IDS, REQUIRED, SCHEMAS, TEXT
from doppelcart.pipelines.ingestion.casts import cast
from doppelcart.reading.tolerance import IngestionParams
from doppelcart.reading.types import any_not_so, moment_hint


def measure(
    table: ir.Table, columns: dict[str, ir.Value], read: ir.Table, name: str
) -> dict[str, Any]:
    """Count rows, and per column the values before and after reading.

    Args:
        table: A declared table.
        columns: The casts of its columns.
        read: The table of these casts.
        name: Its canonical name.
    """
    # Anything is an identifier, or missing if blank; nothing is unreadable there.
    converted = [c for c in table.columns if c not in IDS and not columns[c].equals(table[c])]
    figures: dict[str, Any] = {"rows": read.count()}
    # A whole number is always read as a text, which need not be made to be counted.
    plain = [c for c in table.columns if c in IDS and table[c].type().is_integer()]
    figures |= {
        f"read_{column}": read[column].count() for column in table.columns if column not in plain
    }
    if name == Tables.INTERACTIONS:
        figures |= {
            "users": read[Columns.USER].nunique(),
            "items": read[Columns.ITEM].nunique(),
            # as text: an engine's moments reach further than those of Python
            "first": read[Columns.TIMESTAMP].min().cast("string"),
            "last": read[Columns.TIMESTAMP].max().cast("string"),
        }
        if Columns.AMOUNT in table.columns:
            amount = read[Columns.AMOUNT]
            figures |= {"bad_amounts": (amount.isnan() | (amount < 0)).sum()}
    found = first_row(read.aggregate(**figures))
    counts = {c: table[c].count() for c in (*plain, *converted)}
    given = first_row(table.aggregate(**counts)) if counts else {}
    found |= {f"read_{column}": given[column] for column in plain}
    given = {f"given_{c}": given.get(c, found[f"read_{c}"]) for c in table.columns}
    return found | given


def column_faults(
    table: ir.Table, figures: dict[str, Any], name: str, params: IngestionParams
) -> list[str]:
    """What is wrong with single columns of a table."""
    rows = figures["rows"]
    if rows == 0:
        return ["no row at all; check the file, and `where` if there is one"]
    faults = []
    for column in table.columns:
        given, read = figures[f"given_{column}"], figures[f"read_{column}"]
        if column in REQUIRED[name] and given == 0:
            faults.append(f"column {column} is null in all {rows:,} rows; correct its expression")
        elif given - read > params.max_unreadable_share * given:
            faults.append(_unreadable(table, column, given, read, name))
    return faults


def zone_faults(table: ir.Table, name: str) -> list[str]:
    """Columns whose moments carry a zone, which do not say what the shop's clock showed."""
    return [
        f"column {column}: its moments carry a time zone; say what the clock of the shop showed, "
        f"with `timezone('Europe/Berlin', ...)` around the column or "
        f"`timezone('Europe/Berlin', timezone('UTC', ...))`, or `timezone('UTC', ...)` to keep UTC"
        for column, dtype in SCHEMAS[name].items()
        if dtype.is_timestamp() and column in table.columns and _has_zone(table[column].type())
    ]


def _has_zone(dtype: Any) -> bool:
    return dtype.is_timestamp() and dtype.timezone is not None


def _unreadable(table: ir.Table, column: str, given: int, read: int, name: str) -> str:
    """Say how many values of a column cannot be read, and show three of them."""
    dtype = SCHEMAS[name].get(column, TEXT)
    odd = table.filter(table[column].notnull() & cast(table[column], column, dtype).isnull())
    hint = number_hint(odd[column], column)
    if dtype.is_timestamp():
        hint = moment_hint(odd[column], mixed=read > 0)
    advice = f"correct its expression, say with {hint}"
    if any_not_so(odd[column]):
        advice = (
            "correct these values or, if they are right, what the `options` of the file say of its "
            'numbers and moments (a decimal comma may go with `thousands: "."`)'
        )
    return (
        f"column {column}: {given - read:,} of {given:,} values cannot be read as {dtype}, such as "
        f"{shown(odd[column])}; {advice}, or raise ingestion.max_unreadable_share"
    )


def log_faults(figures: dict[str, Any], params: IngestionParams) -> list[str]:
    """What is wrong with the interactions as a whole."""
    rows, faults = figures["rows"], []
    for column in REQUIRED[Tables.INTERACTIONS]:
        absent = rows - figures[f"read_{column}"]
        if absent > params.max_missing_share * rows:
            faults.append(
                f"column {column} is missing in {absent:,} of {rows:,} rows ({absent / rows:.1%}), "
                f"more than ingestion.max_missing_share = {params.max_missing_share:.1%} allows; "
                "repair the file or raise that parameter"
            )
    bad = figures.get("bad_amounts") or 0
    if bad > params.max_bad_amount_share * rows:
        faults.append(
            f"column amount is negative or not a number in {bad:,} of {rows:,} rows "
            f"({bad / rows:.1%}), more than ingestion.max_bad_amount_share = "
            f"{params.max_bad_amount_share:.1%} allows; repair the file or raise that parameter"
        )
    for thing, key in (("user", Columns.USER), ("item", Columns.ITEM)):
        if figures[f"{thing}s"] == 1:
            faults.append(
                f"column {key} holds one {thing} only in {rows:,} rows; a recommender needs many, "
                "check the expression"
            )
    if figures["first"] == figures["last"]:
        faults.append(
            f"column timestamp is {figures['first']} in all {rows:,} rows, so that no split by "
            "time is possible; check the expression"
        )
    return faults


def shown(values: ir.Column) -> str:
    """Three values of a column."""
    name = values.get_name()
    return ", ".join(repr(value) for value in values.as_table().limit(3)[name].to_list())


def number_hint(values: ir.Column, name: str) -> str:
    """What to write where values are no numbers."""
    if with_comma(values):
        grouped = bool(values.contains(".").any().fill_null(False).to_pandas())
        thousands = ', thousands: "."' if grouped else ""
        return f'`options: {{decimal_separator: ","{thousands}}}` for its file, or `replace(...)`'
    return f"`TRY_CAST({name} AS DOUBLE)` or `replace(...)`"


def with_comma(values: ir.Column) -> bool:
    """Whether all values are numbers with a decimal comma."""
    if not values.type().is_string():
        return False
    comma = values.strip().re_search(r"^[+-]?[0-9.]*,[0-9]+$")
    return bool(comma.all().fill_null(False).to_pandas())


def listing(what: str, faults: list[str]) -> str:
    """A message that lists faults, one per line."""
    return f"{what}:\n" + "\n".join(f"  {fault}" for fault in faults)
