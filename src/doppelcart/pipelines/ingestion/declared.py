"""The views that a source's declaration stands for, and what is wrong with it."""

from __future__ import annotations

import ibis.expr.types as ir
import sqlglot
from sqlglot import exp

from doppelcart.data.schemas import REQUIRED
from doppelcart.errors import InputError
from doppelcart.pipelines.ingestion.params import Source, TableSpec, names_taken
from doppelcart.pipelines.ingestion.unreadable import listing, number_hint, shown, with_comma
from doppelcart.reading.declared_table import as_meant
from doppelcart.reading.files import plain
from doppelcart.reading.source_tables import noted_numbers


def declare_tables(raw_tables: dict[str, ir.Table], source: Source) -> dict[str, ir.Table]:
    """Apply the source's expressions; nothing is computed yet.

    Args:
        raw_tables: The files' tables by file name, on one connection.
        source: The declaration.

    Returns:
        Per declared canonical table, its columns in whatever type the expressions give.

    Raises:
        InputError: If expressions name columns that the files lack, or are no valid SQL, or
            columns have names that are used later on; all such faults at once.
    """
    faults: list[str] = []
    declared: dict[str, ir.Table] = {}
    for name, spec in source.tables.items():
        wrong = _missing_columns(name, spec, raw_tables, source)
        if not wrong:
            try:
                declared[name] = as_meant(raw_tables, name, spec.model_dump(by_alias=True))
            except Exception as error:  # noqa: BLE001 - every engine has errors of its own
                wrong = [f"table {name}: the engine refuses its expressions: {plain(error)}"]
                wrong += _texts_in(spec, raw_tables)
        faults.extend(wrong)
    for name, table in declared.items():
        absent = [column for column in REQUIRED[name] if column not in table.columns]
        faults.extend(f"table {name}: its `sql` gives no column {column}" for column in absent)
        if taken := names_taken(name, table.columns):
            faults.append(taken)
    if faults:
        raise InputError(listing("the source's tables cannot be made of its files", faults))
    return declared


def _texts_in(spec: TableSpec, raw_tables: dict[str, ir.Table]) -> list[str]:
    """Columns of text that an expression computes with, and what in them is no number."""
    if spec.from_ is None:
        return []
    table, lines = raw_tables[spec.from_], []
    for column in _used_columns(spec):
        name = next((known for known in table.columns if known.lower() == column.lower()), None)
        if name is None or not table[name].type().is_string():
            continue
        given = noted_numbers(raw_tables, spec.from_, name)
        odd = given.as_table().filter(given.notnull() & given.try_cast("float64").isnull())[name]
        count = int(odd.count().to_pandas())
        if 0 < count < table[name].count().to_pandas() or with_comma(odd):
            lines.append(
                f"  column {name} is text, as {count:,} of its values are no numbers, such as "
                f"{shown(odd)}; {number_hint(odd, name)}"
            )
    return lines


def _missing_columns(
    name: str, spec: TableSpec, raw_tables: dict[str, ir.Table], source: Source
) -> list[str]:
    """Columns that expressions use and the file lacks, one line per column."""
    if spec.from_ is None:
        return []
    known = {column.lower() for column in raw_tables[spec.from_].columns}
    try:
        used = _used_columns(spec)
    except sqlglot.errors.SqlglotError as error:
        return [f"table {name}, {error.args[0]}"]
    return [
        f"table {name}, {target}: file {spec.from_} ({source.files[spec.from_].path}) has no "
        f"column '{column}'; it has {', '.join(raw_tables[spec.from_].columns)}"
        for column, target in used.items()
        if column.lower() not in known
    ]


def _used_columns(spec: TableSpec) -> dict[str, str]:
    """Columns of the file that expressions use, each with where it is used last.

    Raises:
        sqlglot.errors.SqlglotError: If an expression is no SQL.
    """
    used: dict[str, str] = {}
    for target, text in [*spec.columns.items(), ("where", spec.where or "TRUE")]:
        try:
            parsed = sqlglot.parse_one(text, dialect="duckdb")
        except sqlglot.errors.SqlglotError as error:
            raise sqlglot.errors.SqlglotError(
                f"{target}: `{text}` is not valid SQL: {error}"
            ) from error
        if parsed.find(exp.Select) is None:
            names = (_outermost(column, spec) for column in parsed.find_all(exp.Column))
            used |= dict.fromkeys(names, target)
    return used


def _outermost(column: exp.Column, spec: TableSpec) -> str:
    """The file's column in ``file.column.field``, of which file and field may be absent."""
    parts = [part.name for part in column.parts]
    return parts[1] if len(parts) > 1 and parts[0] == spec.from_ else parts[0]
