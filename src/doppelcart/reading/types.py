"""The types of text columns, from all of their values.

Files such as CSV hold text only, and an engine that guesses types from the first lines merges ids
(``007`` and ``7``), cuts what comes later (``3.49`` below 20,480 whole numbers) and takes 24/02/24
for the year 2024 or 2002 as it likes. So here a column has a type only if every value of it reads
as that type in one way; whatever else is text, and its expression has to say how to read it.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from doppelcart.data.engine import quoted, rows, view

TEXT: Final = "VARCHAR"
CANDIDATES: Final[tuple[str, ...]] = (
    "BIGINT",
    "DOUBLE",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMPTZ",
)
"""Types in the order in which they are tried; a later one takes all that an earlier one takes
(fractions after whole numbers, times after days), or nothing of it."""

SAMPLE: Final = 20_480
"""Rows from which the first candidate is chosen, so that all rows are asked about it only."""

DAY: Final = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
CLOCK: Final = r"[ T]\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?"
ZONE: Final = r"(Z| UTC|[+-]\d{2}(:?\d{2})?)"
MOMENT: Final = rf"{DAY}({CLOCK})?"
"""Days and times that can be read in one way only: the year first, in four digits (ISO 8601)."""
ZONED: Final = rf"{DAY}{CLOCK}{ZONE}"
SHAPES: Final = {"DATE": DAY, "TIMESTAMP": MOMENT, "TIMESTAMPTZ": ZONED}
"""What text has to look like to be of a type of moments."""

LIKE_A_MOMENT: Final = r"(\d{1,4}|[A-Za-z]{3,9})[-/. ][0-9A-Za-z]{1,9}[-/., ]{1,2}\d{2,4}.*"
"""Three parts of a day, in any order."""

FORMATS: Final = tuple(
    day + clock
    for day in (
        *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
        *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%y/%m/%d"),
        *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%Y%m%d", "%Y.%m.%d"),
        "%Y-%m-%d",
    )
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S", "%H%M%S")
)
"""Formats of moments that are looked for where a column cannot be read, to name those that fit."""

NEARLY_ALL: Final = 0.95
"""The share of a column's unreadable values that a format has to read to be proposed."""

EXACT: Final = 2**53
"""From here on not every whole number can be told apart from the next."""
FEW_YEARS: Final = 10
"""Years that most logs do not exceed; days taken for years spread over thirty."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notation:
    """How a file writes numbers and moments; None where it is as everywhere.

    Attributes:
        decimal: What stands before the fraction of a number.
        thousands: What stands between groups of digits.
        date: Format of days.
        timestamp: Format of moments.
    """

    decimal: str = "."
    thousands: str | None = None
    date: str | None = None
    timestamp: str | None = None


PLAIN: Final = Notation()
NOT_SO: Final = " (not as declared)"
"""Stands after a text that would be read in another way than the notation of its file asks for."""


def converted(column: str, kind: str, notation: Notation = PLAIN) -> str:
    """The expression that reads text as a type; null where it cannot be read so.

    Args:
        column: SQL of the text.
        kind: One of ``CANDIDATES``, or any other type of the engine.
        notation: How the file writes numbers and moments.
    """
    if kind == TEXT:
        return column
    if kind in ("BIGINT", "DOUBLE"):
        return f"TRY_CAST({_number(column, notation)} AS {kind})"
    value = f"trim({column})"
    given = notation.date if kind == "DATE" else notation.timestamp
    if given and kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        return f"CAST(try_strptime({value}, {literal(given)}) AS {kind})"
    return f"TRY_CAST({value} AS {kind})"


def as_everywhere(column: str, kind: str, notation: Notation) -> str:
    """The expression that gives text in the notation of a file as it is written everywhere.

    What is not in that notation stays as it is. If it would be read all the same, and so in
    another way than was declared, it is marked, so that it is not read at all.

    Args:
        column: SQL of the text.
        kind: ``DOUBLE`` or ``TIMESTAMP``: what it is to be.
        notation: How the file writes numbers and moments.
    """
    if kind == "DOUBLE":
        if (notation.decimal, notation.thousands) == (PLAIN.decimal, PLAIN.thousands):
            return column
        read, plain = converted(column, kind, notation), converted(column, kind)
    else:
        if not notation.date and not notation.timestamp:
            return column
        days, plain = _declared_or(column, "DATE", notation, DAY), moment(column)
        read = f"coalesce({days}, {_declared_or(column, 'TIMESTAMP', notation, DAY + CLOCK)})"
    return (
        f"CASE WHEN {read} IS NOT NULL THEN CAST({read} AS VARCHAR) "
        f"WHEN {plain} IS NOT NULL THEN {column} || {literal(NOT_SO)} ELSE {column} END"
    )


def _declared_or(column: str, kind: str, notation: Notation, shape: str) -> str:
    """Text as a moment, by the declared format of its kind or, without one, by its shape."""
    if notation.date if kind == "DATE" else notation.timestamp:
        return f"CAST({converted(column, kind, notation)} AS TIMESTAMP)"
    match = f"regexp_full_match(trim({column}), {literal(shape)})"
    return f"CASE WHEN {match} THEN {converted(column, 'TIMESTAMP')} END"


def with_moments(
    connection: Any, table: str, columns: Iterable[str], notation: Notation
) -> set[str]:
    """Columns of text of which the declared formats of moments read a value."""
    kinds = [
        kind for kind, form in (("DATE", notation.date), ("TIMESTAMP", notation.timestamp)) if form
    ]
    names = list(columns) if kinds else []
    if not names:
        return set()
    tests = ", ".join(
        f"bool_or({' OR '.join(f'{converted(quoted(c), k, notation)} IS NOT NULL' for k in kinds)})"
        for c in names
    )
    found = rows(connection, f"SELECT {tests} FROM {quoted(table)}")[0]
    return {name for name, some in zip(names, found, strict=True) if some}


def moment(text: str, zoned: bool = False, utc: bool = True) -> str:
    """The expression that reads text as a moment if that is possible in one way only, else null.

    Args:
        text: SQL of the text.
        zoned: Whether a zone is read too, and the result is a TIMESTAMPTZ.
        utc: Whether, if so, text without a zone is taken to be in UTC; else it is not read.
    """
    value = f"trim({text})"
    shape = "|".join([MOMENT] * (not zoned or utc) + [ZONED] * zoned)
    kind = "TIMESTAMPTZ" if zoned else "TIMESTAMP"
    return (
        f"CASE WHEN regexp_full_match({value}, {literal(shape)}) "
        f"THEN TRY_CAST({value} AS {kind}) END"
    )


def strictly(column: str, kind: str) -> str:
    """The expression that reads text as a day or moment, and stops at one that it cannot read.

    Args:
        column: Name of the column of text, in which blanks are null.
        kind: ``DATE`` or ``TIMESTAMP``.
    """
    text = quoted(column)
    return (
        f"coalesce({_moment_of(text, kind)}, "
        f"CASE WHEN trim({text}) <> '' THEN CAST(error('no {kind}') AS {kind}) END)"
    )


def _moment_of(text: str, kind: str) -> str:
    """The expression that reads text in the one way of a type of moments, else null."""
    shape = literal(rf"\s*({SHAPES[kind]})\s*")
    usual = ""
    if kind == "TIMESTAMP":
        # Nearly all moments look like this one, which is asked at a fifth of the cost.
        alike = f"{text} LIKE '____-__-__ __:__:__' AND {text}[-1] BETWEEN '0' AND '9'"
        usual = f"WHEN {alike} THEN TRY_CAST({text} AS TIMESTAMP) "
    read = converted(text, kind)
    return f"CASE {usual}WHEN regexp_full_match({text}, {shape}) THEN {read} END"


def infer(
    connection: Any,
    table: str,
    columns: Iterable[str],
    notation: Notation = PLAIN,
    left_text: Iterable[str] = (),
    moments: Iterable[str] = (),
) -> dict[str, tuple[str, Notation]]:
    """Find the type of each text column that all of its values have.

    Args:
        connection: DuckDB backend.
        table: Name of the table that holds the text.
        columns: Its columns.
        notation: How the file writes numbers and moments.
        left_text: Columns that stay text, in which no format of moments is looked for.
        moments: Columns that are no numbers if the notation has a format, such as ``%Y%m%d``.

    Returns:
        Per column one of ``CANDIDATES``, or ``VARCHAR``, and how it is written; a column without
        any value is text.
    """
    relations = (f"(SELECT * FROM {quoted(table)} LIMIT {SAMPLE})", quoted(table))
    left = dict.fromkeys(columns, CANDIDATES)
    if notation.date or notation.timestamp:
        left |= dict.fromkeys(set(moments) & set(left), tuple(SHAPES))
    for relation in relations:
        asked = {column: kinds for column, kinds in left.items() if kinds}
        while asked:
            unfit = _unfit(connection, relation, asked, notation)
            left |= {column: left[column][1:] for column in unfit}
            asked = {column: left[column] for column in unfit if left[column]}
    empty = _without_values(connection, relations, left)
    kinds = {
        column: (TEXT if column in empty or not open_ else open_[0], notation)
        for column, open_ in left.items()
    }
    unknown = [c for c in left if not left[c] and c not in set(left_text)]
    # Where the declared format reads some values, another that reads all is not what was meant.
    declared = with_moments(connection, table, unknown, notation)
    for column in [c for c in unknown if c not in declared]:
        if found := _only_format(connection, relations, column):
            log.info("column %s is read as %s, which alone fits all its values", column, found)
            clock = "%H" in found or "%I" in found
            kinds[column] = (
                ("TIMESTAMP", replace(notation, timestamp=found))
                if clock
                else ("DATE", replace(notation, date=found))
            )
    return kinds


def _only_format(connection: Any, relations: Iterable[str], column: str) -> str | None:
    """The one format of moments in which all values of a text column can be read."""
    value = f"nullif(trim({quoted(column)}), '')"
    formats: dict[str, int] = dict.fromkeys(FORMATS, 0)
    others = f"{value} IS NOT NULL AND NOT regexp_full_match({value}, {literal(LIKE_A_MOMENT)})"
    for relation in relations:
        # Most texts are nothing like a moment, which is quicker asked than every format.
        unlike = f"SELECT count(*) FROM (SELECT 1 FROM {relation} WHERE {others} LIMIT 1)"
        if not formats or rows(connection, unlike) != [(0,)]:
            return None
        total, found = _readable(connection, value, relation, formats)
        formats = {form: span for form, (count, span) in found.items() if count == total}
    # Read with the year first what has it last, and the years are the days of the month.
    if min(formats.values(), default=0) <= FEW_YEARS:
        formats = {form: span for form, span in formats.items() if span <= FEW_YEARS}
    return next(iter(formats)) if len(formats) == 1 else None


def _readable(
    connection: Any, value: str, relation: str, formats: Iterable[str]
) -> tuple[int, dict[str, tuple[int, int]]]:
    """How many different texts there are; and how many a format reads, over how many years.

    Moments outside of 1900 to 2100 do not count as read.
    """
    formats = _plausible(connection, value, relation, formats)
    counts = "".join(
        f", count(*) FILTER (WHERE {year} BETWEEN 1900 AND 2100), max({year}) - min({year})"
        for year in (f"year(try_strptime(text, {literal(form)}))" for form in formats)
    )
    different = f"(SELECT DISTINCT {value} AS text FROM {relation})"
    total, *found = rows(connection, f"SELECT count(text){counts} FROM {different}")[0]
    pairs = zip(found[::2], found[1::2], strict=True)
    return total, {
        form: (count, span or 0) for form, (count, span) in zip(formats, pairs, strict=True)
    }


def _plausible(connection: Any, value: str, relation: str, formats: Iterable[str]) -> list[str]:
    """The formats that read one of some texts, which spares asking all of them of all texts."""
    some = rows(
        connection, f"SELECT DISTINCT {value} FROM {relation} WHERE {value} IS NOT NULL LIMIT 20"
    )
    return [form for form in formats if any(_reads(text, form) for (text,) in some)]


def _reads(text: str, form: str) -> bool:
    """Whether a text is a moment in a format."""
    try:
        time.strptime(text, form)
    except ValueError:
        return False
    return True


def any_not_so(values: ir.Column) -> bool:
    """Whether one of some values is marked as not in the notation of its file."""
    text = values.type().is_string()
    return text and bool(values.endswith(NOT_SO).any().fill_null(False).to_pandas())


def moment_hint(values: ir.Column, mixed: bool) -> str:
    """What to write where values are no moments that can be read in one way only.

    Args:
        values: Such values, of one column.
        mixed: Whether other values of that column are.

    Returns:
        The expressions that read (nearly) all of them, where there are any.
    """
    if values.type().is_numeric():
        return _hint_for_number(abs(float(values.median().to_pandas())))
    if not values.type().is_string():
        return "`CAST(... AS TIMESTAMP)`"
    text = values.strip()
    if text.re_search(f"^({ZONED})$").all().to_pandas():
        return "`timezone('Europe/Berlin', timezone('UTC', column))`, as they carry a zone"
    fits = _fitting_formats(text)
    others = [f"strptime(column, {literal(form)})" for form in fits]
    if mixed:
        others = [f"coalesce({other}, CAST(column AS TIMESTAMP))" for other in others]
    if not others:
        return (
            "`strptime(column, '%d/%m/%Y %H:%M')` with the format that they have; more than one is "
            "a list, `strptime(column, ['%d/%m/%Y', '%d.%m.%Y'])`"
        )
    if len(others) == 1:
        return f"`{others[0]}`"
    return (
        " or ".join(f"`{other}`" for other in others)
        + ": all of these fit, and only who wrote the file knows which is meant"
    )


def _hint_for_number(size: float) -> str:
    """How to read numbers of a size as moments."""
    if size > 1e17:
        return "`make_timestamp(CAST(column / 1000 AS BIGINT))` for nanoseconds since 1970"
    if size > 1e14:
        return "`make_timestamp(CAST(column AS BIGINT))` for microseconds since 1970"
    if size > 1e11:
        return "`make_timestamp(CAST(column * 1e3 AS BIGINT))` for milliseconds since 1970"
    if 19_000_101 <= size <= 21_001_231:
        return "`strptime(CAST(column AS VARCHAR), '%Y%m%d')`"
    if size < 1e5:
        return (
            "`TIMESTAMP '1899-12-30' + to_seconds(CAST(round(column * 86400) AS BIGINT))` for the "
            "days of a spreadsheet"
        )
    return "`make_timestamp(CAST(column * 1e6 AS BIGINT))` for seconds since 1970"


def _fitting_formats(text: ir.Column) -> list[str]:
    """The formats in which (nearly) all values of a text column are moments of our time."""
    connection, name = text.get_backend(), "doppelcart_unread_moments"
    query = str(ibis.to_sql(text.name("text").as_table(), dialect="duckdb"))
    view(connection, name, query)
    formats = list(FORMATS)
    for relation in (f"(SELECT text FROM {name} LIMIT {SAMPLE})", name):
        if formats:
            total, found = _readable(connection, "text", relation, formats)
            formats = [form for form, (count, _) in found.items() if count >= NEARLY_ALL * total]
    return formats


def literal(text: str) -> str:
    """A string in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _number(value: str, notation: Notation) -> str:
    """Text of a number as the engine writes numbers; null where it mixes two notations.

    Thousands are told only where two or three digits follow each separator, three the last one
    (1.234,50; in India 1,23,456): 3.50 with a point between thousands is no 350.
    """
    written = value
    if notation.thousands:
        groups = rf"[+-]?\d{{1,3}}({re.escape(notation.thousands)}\d{{2,3}})*"
        last = rf"{re.escape(notation.thousands)}\d{{3}}({re.escape(notation.decimal)}\d*)?"
        grouped = f"regexp_full_match(trim({value}), {literal(groups + last)})"
        bare = f"NOT contains(trim({value}), {literal(notation.thousands)})"
        without = f"replace({value}, {literal(notation.thousands)}, '')"
        written = f"CASE WHEN {bare} OR {grouped} THEN {without} END"
    if notation.decimal == ".":
        return written
    return (
        f"CASE WHEN NOT contains({written}, '.') "
        f"THEN replace({written}, {literal(notation.decimal)}, '.') END"
    )


def _fits(column: str, kind: str, notation: Notation) -> str:
    """Whether a text is of a type, and of that type only in one way."""
    text = quoted(column)
    read = converted(text, kind, notation)
    if kind == "BIGINT":
        # 1.5 is read as a whole number too, but as another one.
        return f"{read} = {converted(text, 'DOUBLE', notation)}"
    if kind == "BOOLEAN":
        return f"lower(trim({text})) IN ('true', 'false')"
    given = notation.date if kind == "DATE" else notation.timestamp
    if kind not in SHAPES or given:
        return f"{read} IS NOT NULL"
    if kind == "TIMESTAMP" and notation.date:
        # A day that is not in the format of days must not be read after all.
        return f"{_declared_or(text, kind, notation, DAY + CLOCK)} IS NOT NULL"
    return f"{_moment_of(text, kind)} IS NOT NULL"


def whole_numbers(connection: Any, table: str, columns: list[str]) -> list[str]:
    """Columns of a table that hold whole numbers only, though they are read with fractions."""
    if not columns:
        return []
    tests = ", ".join(
        f"bool_and({quoted(column)} = TRY_CAST({quoted(column)} AS BIGINT) "
        f"AND abs({quoted(column)}) < {EXACT})"
        for column in columns
    )
    found = rows(connection, f"SELECT {tests} FROM {quoted(table)}")[0]
    return [column for column, whole in zip(columns, found, strict=True) if whole]


def _unfit(
    connection: Any, relation: str, candidates: Mapping[str, tuple[str, ...]], notation: Notation
) -> list[str]:
    """Columns with a value that is not of their first candidate."""
    tests = ", ".join(
        f"count(*) FILTER (WHERE {quoted(column)} IS NOT NULL "
        f"AND ({_fits(column, kinds[0], notation)}) IS NOT TRUE AND trim({quoted(column)}) <> '')"
        for column, kinds in candidates.items()
    )
    counts = rows(connection, f"SELECT {tests} FROM {relation}")[0]
    return [column for column, count in zip(candidates, counts, strict=True) if count]


def _without_values(
    connection: Any, relations: Iterable[str], kinds: Mapping[str, tuple[str, ...]]
) -> set[str]:
    """Columns that are blank throughout; most show a value in the sample."""
    empty = {column for column, left in kinds.items() if left}
    for relation in relations:
        if empty:
            columns = sorted(empty)
            tests = ", ".join(f"bool_or(trim({quoted(column)}) <> '')" for column in columns)
            filled = rows(connection, f"SELECT {tests} FROM {relation}")[0]
            empty = {column for column, some in zip(columns, filled, strict=True) if not some}
    return empty
