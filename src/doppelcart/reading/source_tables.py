"""A source's files as tables of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from doppelcart.data.engine import quoted, rows, run, view
from doppelcart.errors import InputError
from doppelcart.reading.declaration import TextColumns, joined_columns
from doppelcart.reading.delimited import NUMBER, read_delimited
from doppelcart.reading.files import in_utf_8, literal_value, unpattern
from doppelcart.reading.records import read_records
from doppelcart.reading.types import (
    PLAIN,
    TEXT,
    Notation,
    as_everywhere,
    converted,
    infer,
    literal,
    whole_numbers,
    with_moments,
)
from doppelcart.reading.workbook import read_workbook

ALIASES: Final = {
    "sep": "delim",
    "separator": "delim",
    "delimiter": "delim",
    "null": "nullstr",
    "column_names": "names",
    "dtypes": "types",
    "column_types": "types",
    "columns": "types",
    "date_format": "dateformat",
    "timestamp_format": "timestampformat",
}
"""Options of the engine's readers that have several names."""
NEEDLESS: Final = ("sample_size", "auto_detect", "auto_type_candidates")
"""Options about guessing types, which is not done from a sample here."""
MOMENTS: Final = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")


class RawTables(dict[str, ir.Table]):
    """Tables by file name, and what is known of how they were read.

    Attributes:
        left_out: Per file the lines that are no rows of it, by reason, where there are any.
        kinds: Per file, of the columns that were read as text although all their values have
            another type, that type and the notation of the file.
        notations: Per file, of the columns of text that may be in a notation of its own, which its
            declaration gives, that notation.
    """

    def __init__(self) -> None:
        """Begin without a file."""
        super().__init__()
        self.left_out: dict[str, dict[str, Any]] = {}
        self.kinds: dict[str, dict[str, tuple[str, Notation]]] = {}
        self.notations: dict[str, dict[str, Notation]] = {}


def open_file(
    connection: Any, name: str, spec: Mapping[str, Any], uses: TextColumns, opened: RawTables
) -> None:
    """Register one file as a table of the engine, and add it to those that are open.

    Args:
        connection: Ibis backend of all tables.
        name: Name of the file, and of its table.
        spec: Its ``path``, ``format`` and ``options``.
        uses: Which of its columns feed texts.
        opened: Where it is added.

    Raises:
        InputError: If it is not what its declaration says.
    """
    path, kind, options = str(spec["path"]), spec["format"], dict(spec.get("options") or {})
    if kind != "xlsx":
        # A source may name a workbook, or a sheet of it that was saved in another format.
        options.pop("sheet_name", None)
    if kind == "parquet":
        opened[name] = _open_parquet(connection, name, path, options)
    else:
        opened[name] = _Text(name, path, kind, options, uses).open(connection, opened)


def close_file(connection: Any, name: str) -> None:
    """Let go of the rows of a file."""
    if connection.name == "duckdb":
        run(connection, f"DROP TABLE IF EXISTS {quoted(_kept(name))}")


def join_alike(opened: RawTables, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Make text of columns of numbers that are joined to columns of another type.

    Args:
        opened: All files; those with such columns are replaced.
        tables: The declarations of the canonical tables.
    """
    numbers: dict[str, set[str]] = {}
    by_name = {name.lower(): name for name in opened}
    for files, names in joined_columns(tables):
        sides = [
            (file, column)
            for file in (by_name[name] for name in files & set(by_name))
            for column in opened[file].columns
            if column.lower() in names
        ]
        kinds = {str(opened[file][column].type().copy(nullable=True)) for file, column in sides}
        for file, column in sides if len(kinds) > 1 else []:
            if opened[file][column].type().is_numeric():
                numbers.setdefault(file, set()).add(column)
    for file, columns in numbers.items():
        opened[file] = _as_text(opened, file, sorted(columns))


def noted_numbers(opened: Mapping[str, ir.Table], name: str, column: str) -> ir.Column:
    """A column of text, its numbers from the notation of its file to that of everywhere else.

    Args:
        opened: All files.
        name: The file.
        column: One of its columns.
    """
    known = opened.notations.get(name, {}) if isinstance(opened, RawTables) else {}
    text = as_everywhere(quoted(column), "DOUBLE", known.get(column, PLAIN))
    query = f"SELECT {text} AS {quoted(column)} FROM {quoted(name)}"
    return view(opened[name].get_backend(), f"{_kept(name)}_noted", query)[column]


class _Text:
    """One file whose rows are text.

    Args:
        name: Its name.
        path: Where it is.
        kind: Its format.
        options: What its declaration says.
        uses: Which of its columns feed texts.
    """

    def __init__(
        self, name: str, path: str, kind: str, options: dict[str, Any], uses: TextColumns
    ) -> None:
        """Take the options apart: what concerns types is not for the reader."""
        options = {ALIASES.get(key, key): value for key, value in options.items()}
        if kind == "tsv":
            options = {"delim": "\t", **options}
        self._name, self._path, self._kind, self._uses = name, path, kind, uses
        self._types = options.pop("types", {}) if kind != "xlsx" else {}
        self._all_text = bool(options.pop("all_varchar", False))
        self._encoding = str(options.pop("encoding", "utf-8"))
        self._notation = Notation(
            decimal=options.pop("decimal_separator", "."),
            thousands=options.pop("thousands", None),
            date=options.pop("dateformat", None),
            timestamp=options.pop("timestampformat", None),
        )
        self._options = {k: value for k, value in options.items() if k not in NEEDLESS}

    def open(self, connection: Any, opened: RawTables) -> ir.Table:
        """Read the file, and register its rows with the types that they have."""
        reader = connection if connection.name == "duckdb" else _private_engine()
        # Moments that carry a zone are the same on every machine.
        run(reader, "SET TimeZone = 'UTC'")
        text, numbers = self._read(reader, opened)
        table = _kept(self._name)
        columns = reader.table(table).columns
        kinds: dict[str, tuple[str, Notation]] = {}
        if not self._all_text:
            asked = [c for c in text if not self._uses.needs_no_type(c)]
            left = {c for c in asked if self._uses.holds(c) or self._uses.joins(c)}
            moments = [c for c in asked if self._uses.is_moment(c)]
            kinds = infer(reader, table, asked, self._notation, left, moments)
        kinds |= self._given_types(columns, reader)
        typed = {
            c: kind for c, kind in kinds.items() if c in text and not self._is_text(c, kind[0])
        }
        opened.kinds[self._name] = {
            c: kind for c, kind in kinds.items() if c not in typed and kind[0] != TEXT
        }
        _convert(reader, table, typed)
        opened.notations[self._name] = self._notations(reader, [c for c in text if c not in typed])
        whole = whole_numbers(reader, table, numbers)
        replaced = ", ".join(f"CAST({quoted(c)} AS BIGINT) AS {quoted(c)}" for c in whole)
        stars = f"* REPLACE ({replaced})" if whole else "*"
        named = view(reader, self._name, f"SELECT {stars} FROM {quoted(table)}")
        if reader is connection:
            return named
        rows_read = ibis.memtable(named.to_pyarrow())
        return connection.create_view(self._name, rows_read, overwrite=True)

    def _read(self, reader: Any, opened: RawTables) -> tuple[list[str], list[str]]:
        """Read all rows into one table; returns the names of the columns of text, of numbers."""
        table = _kept(self._name)
        if self._kind == "xlsx":
            decimal = self._notation.decimal
            frame = read_workbook(self._name, self._path, self._options, decimal)
            reader.con.register("doppelcart_cells", frame)
            run(
                reader,
                f"CREATE OR REPLACE TEMPORARY TABLE {quoted(table)} AS FROM doppelcart_cells",
            )
            reader.con.unregister("doppelcart_cells")
            return list(frame.columns), []
        with in_utf_8(self._path, self._encoding) as path:
            if self._kind == "json":
                decimal = self._notation.decimal
                return read_records(reader, table, path, self._options, self._uses, decimal), []
            left_out, typed = read_delimited(
                reader, table, path, self._options, self._may_have_type
            )
            if left_out:
                opened.left_out[self._name] = left_out
            columns = reader.table(table).columns
            numbers = sorted(c for c, kind in typed.items() if kind == NUMBER)
            return [c for c in columns if c not in typed], numbers

    def _may_have_type(self, column: str) -> bool:
        """Whether a column is read as what it holds, be it numbers or moments, as most are."""
        plain = self._notation == PLAIN and not self._all_text and not self._types
        return plain and not self._uses.holds(column) and not self._uses.joins(column)

    def _notations(self, reader: Any, columns: list[str]) -> dict[str, Notation]:
        """How columns of text may be written, where not as everywhere.

        Moments are as declared in all of a column or in none of it; one without any may be
        another one, as everywhere.
        """
        if self._notation == PLAIN or self._all_text:
            return {}
        table = _kept(self._name)
        moments = with_moments(reader, table, columns, self._notation)
        others = replace(self._notation, date=None, timestamp=None)
        return {c: self._notation if c in moments else others for c in columns}

    def _given_types(self, columns: Iterable[str], reader: Any) -> dict[str, tuple[str, Notation]]:
        """The types that the declaration gives, which every value has to have."""
        given = self._types
        if not isinstance(given, Mapping):
            given = dict(zip(columns, given, strict=False))
        table = quoted(_kept(self._name))
        for column, kind in given.items():
            read = converted(quoted(column), str(kind).upper(), self._notation)
            ((lost,),) = rows(
                reader,
                f"SELECT count(*) FROM {table} WHERE trim({quoted(column)}) <> '' "
                f"AND {read} IS NULL",
            )
            if lost:
                raise InputError(
                    f"{lost:,} values of column {column} are no {kind}, as `options: {{types: "
                    "...}` has it"
                )
        return {column: (str(kind).upper(), self._notation) for column, kind in given.items()}

    def _is_text(self, column: str, kind: str) -> bool:
        """Whether a column is left as text, whatever its values are."""
        if self._all_text or kind == TEXT:
            return True
        if isinstance(self._types, Mapping) and column in self._types:
            return False
        return self._uses.holds(column) or (self._uses.joins(column) and kind not in MOMENTS)


def _convert(connection: Any, table: str, kinds: Mapping[str, tuple[str, Notation]]) -> None:
    """Give columns of text their types, once, as every later query reads them."""
    for column, (kind, notation) in kinds.items():
        read = converted(quoted(column), kind, notation)
        run(
            connection,
            f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column)} TYPE {kind} USING {read}",
        )


def _private_engine() -> Any:
    """A DuckDB of its own, to read texts for an engine that reads them in another way."""
    return ibis.duckdb.connect()


def _kept(name: str) -> str:
    """Name of the engine's table that holds the text of a file."""
    return f"doppelcart_text_{name}"


def _open_parquet(connection: Any, name: str, path: str, options: dict[str, Any]) -> ir.Table:
    """Register a Parquet file, which is not read."""
    if connection.name != "duckdb":
        return connection.read_parquet(path, table_name=name, **options)
    run(connection, "SET TimeZone = 'UTC'")
    listed = "".join(f", {key} = {literal_value(value)}" for key, value in options.items())
    source = f"read_parquet({literal(unpattern(path))}{listed})"
    kinds = rows(connection, f"DESCRIBE SELECT * FROM {source}")
    # pandas writes moments with a zone in nanoseconds, a type that the engine can hardly compute.
    fine = [column for column, kind, *_ in kinds if kind == "TIMESTAMPTZ_NS"]
    replaced = ", ".join(f"CAST({quoted(c)} AS TIMESTAMPTZ) AS {quoted(c)}" for c in fine)
    stars = f"* REPLACE ({replaced})" if fine else "*"
    view(connection, _native(name), f"SELECT {stars} FROM {source}")
    return view(connection, name, f"SELECT * FROM {quoted(_native(name))}")


def _as_text(opened: RawTables, name: str, columns: list[str]) -> ir.Table:
    """A Parquet file's table with columns of numbers as text; whole ones lose their fraction."""
    table, kinds = opened[name], opened.kinds.setdefault(name, {})
    replaced = []
    for column in columns:
        value = quoted(column)
        if table[column].type().is_floating():
            whole = f"TRY_CAST({value} AS BIGINT)"
            text = (
                f"CASE WHEN isnan({value}) THEN NULL WHEN {value} = {whole} "
                f"THEN CAST({whole} AS VARCHAR) ELSE CAST({value} AS VARCHAR) END"
            )
            kinds[column] = ("DOUBLE", PLAIN)
        else:
            text = f"CAST({value} AS VARCHAR)"
            kinds[column] = ("BIGINT" if table[column].type().is_integer() else "DOUBLE", PLAIN)
        replaced.append(f"{text} AS {value}")
    query = f"SELECT * REPLACE ({', '.join(replaced)}) FROM {quoted(_native(name))}"
    return view(table.get_backend(), name, query)


def _native(name: str) -> str:
    """Name of the view of a Parquet file with the types that it has."""
    return f"doppelcart_native_{name}"
