"""CSV and its like: the whole of the file as text, every line accounted for."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import duckdb

from doppelcart.data.engine import quoted, rows, run
from doppelcart.errors import InputError
from doppelcart.reading.files import (
    count_lines,
    first_text,
    is_gzip,
    literal_value,
    unpattern,
)
from doppelcart.reading.types import PLAIN, SAMPLE, TEXT, infer, literal, strictly

DELIMITERS: Final = (",", ";", "\t", "|")
LOOKED_AT: Final = 200
"""Records from which the delimiter and the beginning of the table are told."""
SHOWN: Final = 3
NUMBER: Final = "DOUBLE"
AT_ONCE: Final = {"BIGINT": NUMBER, "DOUBLE": NUMBER, "DATE": "DATE", "TIMESTAMP": "TIMESTAMP"}
"""Types that are read at once, and as which."""
VALUE: Final = re.compile(r"[+-]?\d+([.,]\d+)*|\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*")
"""What stands in a row and in no header: a number, a day."""


QUOTES: Final = (
    "look for quotes that are not closed, or set `options` such as {quote: '', escape: ''}"
)


@dataclass(frozen=True)
class Record:
    """One record: its fields, and the physical lines from ``begin`` until before ``end``."""

    fields: tuple[str, ...]
    begin: int
    end: int

    def is_blank(self) -> bool:
        """Whether none of its fields has a value."""
        return not any(field.strip() for field in self.fields)


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Attributes:
        delimiter: What stands between two fields.
        quote: What stands around a field that holds a delimiter or a line break; may be empty.
        escape: What stands before a quote inside of a quoted field.
        skip: Lines before the first row, header included.
        names: Names of the columns.
        preamble: Lines before the header that are not empty.
        header: Lines of the header that are not empty; 0 without one.
    """

    delimiter: str
    quote: str
    escape: str
    skip: int
    names: tuple[str, ...]
    preamble: int
    header: int


def find_dialect(path: str, options: dict[str, Any]) -> Dialect:
    """Tell from the beginning of a file how it is written.

    Args:
        path: The file, in UTF-8.
        options: What its declaration says; taken out of it are ``delim``, ``quote``, ``escape``,
            ``skip``, ``header`` and ``names``.

    Raises:
        InputError: If the file is empty, two columns have one name, or lines before the table
            look like rows of another one.
    """
    quote, escape = options.pop("quote", '"'), options.pop("escape", '"')
    given, skip = options.pop("delim", None), options.pop("skip", None)
    header, names = options.pop("header", None), options.pop("names", None)
    lines = list(io.StringIO(first_text(path), newline=""))
    text = "".join(lines[skip or 0 :])
    found = {
        delimiter: _records(text, delimiter, quote, escape)
        for delimiter in ([given] if given else DELIMITERS)
    }
    delimiter = max(found, key=lambda candidate: _regularity(found[candidate]))
    records = found[delimiter]
    start = 0 if skip is not None else _start(records)
    if start >= len(records):
        raise InputError("it holds no table: no line of it has a value")
    first = records[start]
    if names and header is None:
        raise InputError("with `names`, say whether its first line is a header: `header: false`")
    if header is None:
        header = not any(VALUE.fullmatch(field.strip()) for field in first.fields)
    columns = tuple(names or (first.fields if header else _numbered(len(first.fields))))
    columns = tuple(str(name).strip() or f"column{place}" for place, name in enumerate(columns))
    check_names(columns)
    return Dialect(
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        skip=(skip or 0) + (first.end if header else first.begin),
        names=columns,
        preamble=sum(bool(line.strip("\r\n")) for line in lines[: (skip or 0) + first.begin]),
        header=sum(
            bool(line.strip("\r\n"))
            for line in lines[(skip or 0) + first.begin : (skip or 0) + first.end]
            if header
        ),
    )


def read_delimited(
    connection: Any,
    table: str,
    path: str,
    options: dict[str, Any],
    typed: Callable[[str], bool],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read a delimited file into a table of text, and of other types where that loses nothing.

    Args:
        connection: DuckDB backend.
        table: Name of the temporary table that is made.
        path: The file, in UTF-8.
        options: What its declaration says, without what concerns types.
        typed: Whether a column, if it holds numbers or moments, is to be read as such.

    Returns:
        What is no row of the table: ``preamble`` and ``repeated_headers`` (lines left out), and
        ``rejected`` (lines that cannot be read, only with ``ignore_errors``, and those that an open
        quote swallows), where there are any, with ``such_as``, the first of them; and of the
        columns that are no text, the type.

    Raises:
        InputError: If the file cannot be read, or not every line of it.
    """
    options = dict(options)
    ignore = options.pop("ignore_errors", False)
    dialect = find_dialect(path, options)
    # Parsing at once is twice as fast as text first. What the first rows suggest is tried, and
    # columns in which it fails anywhere are read as text.
    _load(connection, table, path, dialect, options, {}, limit=SAMPLE)
    sample = infer(connection, table, [name for name in dialect.names if typed(name)])
    kinds = {
        name: AT_ONCE[kind]
        for name, (kind, notation) in sample.items()
        if kind in AT_ONCE and notation == PLAIN
    }
    kinds = _load_typed(connection, table, path, dialect, options, kinds)
    rejected = _rejected(connection, table)
    if rejected and not ignore:
        raise InputError(_refusal(rejected))
    missing = _missing(connection, table, path, dialect, rejected, options.get("comment"))
    return {
        **({"preamble": dialect.preamble} if dialect.preamble else {}),
        **_without_headers(connection, table, dialect, kinds),
        **({"rejected": missing, "such_as": rejected[:SHOWN]} if rejected else {}),
    }, kinds


def _load_typed(
    connection: Any,
    table: str,
    path: str,
    dialect: Dialect,
    options: dict[str, Any],
    kinds: Mapping[str, str],
) -> dict[str, str]:
    """Read the rows into a table, and return the types that hold throughout the file.

    Args:
        connection: DuckDB backend.
        table: Name of the table.
        path: The file.
        dialect: How it is written.
        options: What else its declaration says.
        kinds: The types to try, one of ``AT_ONCE`` per column; all others are text.
    """
    kinds = dict(kinds)
    while True:
        try:
            _load(connection, table, path, dialect, options, kinds)
        except duckdb.Error:
            # An unreadable moment stops the engine, which does not say of which column it is.
            unfit = {name for name, kind in kinds.items() if kind != NUMBER}
            if not unfit:
                raise
        else:
            unfit = _failed(connection, table) & set(kinds)
            if not unfit:
                return kinds
        kinds = {name: kind for name, kind in kinds.items() if name not in unfit}


def _load(
    connection: Any,
    table: str,
    path: str,
    dialect: Dialect,
    options: dict[str, Any],
    kinds: Mapping[str, str],
    limit: int | None = None,
) -> None:
    """Read the rows into a table, and the lines that cannot be read into another.

    Raises:
        duckdb.Error: If a column of moments holds anything else, or the file cannot be read.
    """
    arguments = {
        "auto_detect": False,
        "delim": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "header": False,
        "skip": dialect.skip,
        "columns": {name: NUMBER if kinds.get(name) == NUMBER else TEXT for name in dialect.names},
        "compression": "gzip" if is_gzip(path) else "none",
        "store_rejects": True,
        "rejects_table": _rejects(table),
        "rejects_scan": f"{table}_scans",
        **options,
    }
    for name in (_rejects(table), f"{table}_scans"):
        run(connection, f"DROP TABLE IF EXISTS {quoted(name)}")
    listed = ", ".join(f"{name} = {literal_value(value)}" for name, value in arguments.items())
    # The reader itself would take more for a moment than can be read in one way only.
    replaced = ", ".join(
        f"{strictly(name, kind)} AS {quoted(name)}"
        for name, kind in kinds.items()
        if kind != NUMBER
    )
    stars = f"* REPLACE ({replaced})" if replaced else "*"
    run(
        connection,
        f"CREATE OR REPLACE TEMPORARY TABLE {quoted(table)} AS "
        f"SELECT {stars} FROM read_csv({literal(unpattern(path))}, {listed})"
        + (f" LIMIT {limit}" if limit else ""),
    )


def _rejects(table: str) -> str:
    """Name of the table of the lines of a file that could not be read."""
    return f"{table}_rejects"


def _failed(connection: Any, table: str) -> set[str]:
    """Columns with a value that is no number."""
    found = rows(
        connection,
        f"SELECT DISTINCT column_name FROM {quoted(_rejects(table))} WHERE error_type = 'CAST'",
    )
    return {name for (name,) in found}


def check_names(names: tuple[str, ...]) -> None:
    """Stop if two columns have one name, which the engine tells apart by nothing.

    Args:
        names: The header.

    Raises:
        InputError: If a name stands twice, capitals aside.
    """
    counts = Counter(name.lower() for name in names)
    if twice := sorted({name for name in names if counts[name.lower()] > 1}):
        raise InputError(
            f"its header has {', '.join(repr(name) for name in twice)} more than once (capitals "
            "do not tell names apart); rename all but one of them in the file"
        )


def table_start(records: list[tuple[str, ...]]) -> int:
    """The place of the first record that is one of the table, and no title above it.

    Args:
        records: Fields of the first records of a file or sheet, blank ones included.

    Returns:
        The first record with two values at least, or with one in a table of one column.
    """
    wide = max((sum(bool(field.strip()) for field in fields) for fields in records), default=0) > 1
    for place, fields in enumerate(records):
        if sum(bool(field.strip()) for field in fields) > int(wide):
            return place
    return len(records)


def _records(text: str, delimiter: str, quote: str, escape: str) -> list[Record]:
    """The first records of a text, under one delimiter; none if it cannot be cut so."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        doublequote=escape == quote,
        escapechar=escape if escape and escape != quote else None,
    )
    records, begin = [], 0
    try:
        for fields in islice(reader, LOOKED_AT):
            records.append(Record(tuple(fields), begin, reader.line_num))
            begin = reader.line_num
    except csv.Error:
        pass
    return records


def _regularity(records: list[Record]) -> tuple[int, int]:
    """How many records have as many fields as most have, if these are several; and how many."""
    widths = Counter(len(record.fields) for record in records if not record.is_blank())
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return (count, width) if width > 1 else (0, 0)


def _start(records: list[Record]) -> int:
    """Where the table begins, below titles and blank lines."""
    return table_start([record.fields for record in records])


def _numbered(count: int) -> list[str]:
    """Names of the columns of a file without a header, as DuckDB gives them."""
    digits = len(str(count - 1))
    return [f"column{place:0{digits}}" for place in range(count)]


def _rejected(connection: Any, table: str) -> list[str]:
    """The lines that could not be read, each with what is wrong with it."""
    found = rows(
        connection,
        f"SELECT line, min(CAST(error_type AS VARCHAR)), any_value(csv_line) "
        f"FROM {quoted(_rejects(table))} GROUP BY line ORDER BY line",
    )
    return [f"line {line} ({kind.lower()}): {text!s:.80}" for line, kind, text in found]


def _refusal(rejected: list[str]) -> str:
    """Say which lines are wrong, and what to do about them."""
    advice = (
        "correct them, or leave them out with `options: {ignore_errors: true}`, which counts "
        "them in source_summary.json"
    )
    if any("(unquoted value)" in line for line in rejected):
        # It swallows what follows, so that leaving it out would leave out far more.
        advice = QUOTES
    if any("(invalid encoding)" in line for line in rejected):
        advice = "set `options: {encoding: cp1252}`, or the encoding that it was written in"
    number = "1 line is" if len(rejected) == 1 else f"{len(rejected):,} lines are"
    shown = "; ".join(rejected[:SHOWN])
    return f"{number} not as the others or not readable, such as {shown}; {advice}"


def _without_headers(
    connection: Any, table: str, dialect: Dialect, kinds: Mapping[str, str]
) -> dict[str, int]:
    """Take out headers that stand among the rows, as where two exports were put together.

    Raises:
        InputError: If such a header names the columns in another order.
    """
    # A name is no number and no moment, so that no header is among the rows where there are any.
    if not dialect.header or kinds:
        return {}
    listed = ", ".join(literal(name) for name in dialect.names)
    alike = " AND ".join(f"{quoted(name)} IN ({listed})" for name in dialect.names[:3])
    same = " AND ".join(
        f"coalesce({quoted(name)}, {literal(name)}) = {literal(name)}" for name in dialect.names
    )
    whole = quoted(table)
    found, equal = rows(
        connection,
        f"SELECT count(*), count(*) FILTER (WHERE {same}) FROM {whole} WHERE {alike}",
    )[0]
    if found == 0 or len(dialect.names) == 1:
        return {}
    if found > equal:
        raise InputError(
            f"{found - equal} of its rows hold names of columns, in another order than the header "
            f"({', '.join(dialect.names)}): exports of different columns were put together; "
            "declare each as a file of its own"
        )
    run(connection, f"DELETE FROM {whole} WHERE {alike}")
    return {"repeated_headers": int(found)}


def _missing(
    connection: Any, table: str, path: str, dialect: Dialect, rejected: list[str], comment: Any
) -> int:
    """How many lines of the file are no part of what was read of it.

    A quote that is not closed is one line to the engine, whatever it swallows: so the lines are
    counted, and not what the engine says of them.

    Args:
        connection: DuckDB backend.
        table: What was read.
        path: The file.
        dialect: How it is written.
        rejected: The lines that the engine says it could not read.
        comment: The sign of lines that are no rows, if it has one.

    Raises:
        InputError: If lines are missing of which the engine says nothing, or may be.
    """
    if comment:
        if rejected:
            raise InputError(
                f"besides {rejected[0]}, other lines may be missing, which `comment` does not let "
                "tell apart; correct them, or take the comments out of the file"
            )
        return 0
    lines = count_lines(path)
    ((count,),) = rows(connection, f"SELECT count(*) FROM {quoted(table)}")
    missing = lines - dialect.preamble - dialect.header - count
    if missing > 0:
        breaks = " + ".join(
            f"coalesce(len(regexp_extract_all(CAST({quoted(name)} AS VARCHAR), '[\\r\\n]+')), 0)"
            for name in dialect.names
        )
        ((within,),) = rows(connection, f"SELECT coalesce(sum({breaks}), 0) FROM {quoted(table)}")
        missing -= int(within)
    if missing > 0 and not rejected:
        raise InputError(
            f"of its {lines:,} lines that are not empty {missing:,} were not read; {QUOTES}"
        )
    return max(missing, len(rejected))
