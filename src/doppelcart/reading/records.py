"""JSON: the records of a file as text, nested values in the engine's own types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import ibis.expr.datatypes as dt
import pyarrow as pa

from doppelcart.data.engine import quoted, rows, run, view
from doppelcart.errors import InputError
from doppelcart.reading.declaration import TextColumns
from doppelcart.reading.files import is_gzip, literal_value, opened, unpattern
from doppelcart.reading.types import TEXT, literal

FRACTION: Final = r"-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?"


def read_records(
    connection: Any,
    table: str,
    path: str,
    options: dict[str, Any],
    uses: TextColumns,
    decimal: str = ".",
) -> list[str]:
    """Read a JSON file into a table, its plain fields as text.

    Args:
        connection: DuckDB backend.
        table: Name of the temporary table that is made.
        path: The file, in UTF-8: one object per line, or an array of objects.
        options: What its declaration says.
        uses: Which columns feed texts; of those, numbers are kept as they are written.
        decimal: What stands before the fraction of a number in texts; that of numbers, which JSON
            writes with a point, is made the same.

    Returns:
        Names of the columns of text.

    Raises:
        InputError: If lines would be left out without a trace, or there is no record.
    """
    if options.get("ignore_errors"):
        raise InputError(
            "`ignore_errors` would leave out records of a JSON file without a trace; correct them"
        )
    given = {"compression": "gzip" if is_gzip(path) else "none", **options}
    source = literal(unpattern(path))
    guess = f"read_json({source}, sample_size = -1{_listed(given)})"
    kinds = view(connection, f"{table}_guessed", f"SELECT * FROM {guess}").schema()
    run(connection, f"DROP VIEW {quoted(table + '_guessed')}")
    plain = [name for name, dtype in kinds.items() if not dtype.is_nested()]
    columns = {
        name: TEXT if name in plain else _type_text(dtype, uses) for name, dtype in kinds.items()
    }
    given = {**given, "columns": columns, "auto_detect": True}
    run(
        connection,
        f"CREATE OR REPLACE TEMPORARY TABLE {quoted(table)} AS "
        f"SELECT * FROM read_json({source}{_listed(given)})",
    )
    if rows(connection, f"SELECT count(*) FROM {quoted(table)}") == [(0,)]:
        raise InputError("it holds no record")
    exact = [name for name in plain if uses.holds(name) or uses.joins(name)]
    if exact and _any_fraction(connection, table, exact):
        _write_exactly(connection, table, path, exact)
    valued = [name for name in plain if not uses.needs_no_type(name)]
    if decimal != "." and valued and _any_fraction(connection, table, valued):
        _write_exactly(connection, table, path, valued, decimal)
    return plain


def _listed(options: dict[str, Any]) -> str:
    return "".join(f", {name} = {literal_value(value)}" for name, value in options.items())


def _type_text(dtype: dt.DataType, uses: TextColumns) -> str:
    """SQL of a nested type; fields that feed texts, and moments, are text in it."""
    if isinstance(dtype, dt.Struct):
        fields = {
            name: TEXT if uses.holds(name) and not kind.is_nested() else _type_text(kind, uses)
            for name, kind in dtype.items()
        }
        return f"STRUCT({', '.join(f'{quoted(name)} {kind}' for name, kind in fields.items())})"
    if isinstance(dtype, dt.Array):
        return f"{_type_text(dtype.value_type, uses)}[]"
    if isinstance(dtype, dt.Map):
        key, value = _type_text(dtype.key_type, uses), _type_text(dtype.value_type, uses)
        return f"MAP({key}, {value})"
    if dtype.is_boolean():
        return "BOOLEAN"
    if dtype.is_integer():
        return "BIGINT"
    return "DOUBLE" if dtype.is_floating() else TEXT


def _any_fraction(connection: Any, table: str, columns: list[str]) -> bool:
    """Whether a column holds a number with a fraction or exponent, which the engine rewrites."""
    tests = " OR ".join(
        f"(regexp_full_match({quoted(name)}, {literal(FRACTION)}) "
        f"AND NOT regexp_full_match({quoted(name)}, '-?[0-9]+'))"
        for name in columns
    )
    ((found,),) = rows(connection, f"SELECT bool_or({tests}) FROM {quoted(table)}")
    return bool(found)


def _write_exactly(
    connection: Any, table: str, path: str, columns: list[str], decimal: str = "."
) -> None:
    """Replace columns by their values as the file writes them: ``1.10`` is not ``1.1``.

    Args:
        connection: DuckDB backend.
        table: Name of the table.
        path: The file.
        columns: Names of plain columns.
        decimal: What stands before the fraction of a number.

    Raises:
        InputError: If the records are not those that the engine has read.
    """
    records = list(_objects(path))
    ((count,),) = rows(connection, f"SELECT count(*) FROM {quoted(table)}")
    if count != len(records):
        raise InputError(f"it holds {len(records):,} records, of which {count:,} were read")
    values = {name: [_text(record.get(name), decimal) for record in records] for name in columns}
    exact = f"{table}_exact"
    connection.con.register(
        exact, pa.table({k: pa.array(v, pa.string()) for k, v in values.items()})
    )
    replaced = ", ".join(f"e.{quoted(name)} AS {quoted(name)}" for name in columns)
    run(
        connection,
        f"CREATE OR REPLACE TEMPORARY TABLE {quoted(exact + '_kept')} AS SELECT t.* REPLACE "
        f"({replaced}) FROM {quoted(table)} t POSITIONAL JOIN {quoted(exact)} e",
    )
    connection.con.unregister(exact)
    run(connection, f"DROP TABLE {quoted(table)}")
    run(connection, f"ALTER TABLE {quoted(exact + '_kept')} RENAME TO {quoted(table)}")


def _objects(path: str) -> Iterator[dict[str, Any]]:
    """The objects of a file, numbers as they are written."""
    decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number)
    with opened(path) as file:
        text = file.read().decode("utf-8-sig")
    place = 0
    while place < len(text):
        if text[place] in " \t\r\n,[]":
            place += 1
            continue
        value, place = decoder.raw_decode(text, place)
        if isinstance(value, dict):
            yield value


class _Number(str):
    """A number as it is written, which is told from a text."""


def _text(value: Any, decimal: str) -> str | None:
    """A plain value as text."""
    if isinstance(value, _Number):
        return value.replace(".", decimal)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value)
