"""What a source's declaration asks of the columns of its files.

A column that feeds an id, a category or any other text of a table is read as text, and so are both
sides of a join, and what a function of texts is applied to. ``rewriting`` converts such a column
where its value counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlglot
from sqlglot import exp

from doppelcart.columns import Tables
from doppelcart.data.engine import quoted
from doppelcart.data.schemas import SCHEMAS, TEXTS
from doppelcart.reading.selects import (
    STRINGS,
    feeding,
    given_to,
    is_used,
    listed,
    outputs,
    top,
)

STRING_NAMES: Final = {"try_strptime", "strptime", "regexp_full_match", "ends_with", "ltrim"}
"""Functions of texts that the parser knows by name only."""


@dataclass
class TextColumns:
    """Which columns of one file are read as text, by names in lower case.

    Attributes:
        text: Names of columns that feed texts, or that functions of texts are applied to.
        keys: Names of columns that are joined on and feed no text.
        valued: Names of columns that are computed or compared with, besides.
        moments: Names of columns that feed moments.
        every: Whether each column feeds a text, as in ``SELECT *`` of the users.
        by_order: Whether each may feed a text, or be computed with, as only the order of the
            file's columns says what the statement calls them.
    """

    text: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    valued: set[str] = field(default_factory=set)
    moments: set[str] = field(default_factory=set)
    every: bool = False
    by_order: bool = False

    def holds(self, column: str) -> bool:
        """Whether a column feeds a text."""
        return self.every or self.by_order or column.lower() in self.text

    def needs_no_type(self, column: str) -> bool:
        """Whether nobody asks what type the values of a column have."""
        return self.holds(column) and not self.by_order and column.lower() not in self.valued

    def joins(self, column: str) -> bool:
        """Whether a column is joined on."""
        return column.lower() in self.keys

    def is_moment(self, column: str) -> bool:
        """Whether a column feeds a moment."""
        return column.lower() in self.moments


def statement(spec: Mapping[str, Any]) -> str:
    """The SELECT that the declaration of a table stands for.

    Args:
        spec: Its ``from``, ``columns``, ``where`` and ``group_by``, or its ``sql``.
    """
    if spec.get("sql") is not None:
        return str(spec["sql"])
    columns = ", ".join(f"{text} AS {quoted(name)}" for name, text in spec["columns"].items())
    where = f" WHERE {spec['where']}" if spec.get("where") else ""
    groups = f" GROUP BY {', '.join(spec['group_by'])}" if spec.get("group_by") else ""
    return f"SELECT {columns} FROM {quoted(str(spec['from']))}{where}{groups}"


def text_columns(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, TextColumns]:
    """Find the columns that are to be read as text.

    Args:
        tables: The declarations by the name of the table, one of ``TEXTS``.

    Returns:
        Per file name in lower case. A statement that cannot be parsed asks for nothing here, and
        is refused where it is run. Within one statement a name counts for all files that have it:
        a column more that is read as text does no harm, one less would.
    """
    found: dict[str, TextColumns] = {}
    for name, spec in tables.items():
        tree = _parsed(spec)
        if tree is None:
            continue
        text, keys = _names(tree, name)
        valued = {node.name.lower() for node in tree.find_all(exp.Column) if is_used(node)}
        every = name == Tables.USERS and any(tree.find_all(exp.Star))
        by_order = _names_by_order(tree)
        moments = feeding(tree, SCHEMAS.get(name, {}))["TIMESTAMP"]
        if not by_order and not any(tree.find_all(exp.Star)):
            moments = given_to(tree, moments)
        for file in _files(tree):
            columns = found.setdefault(file, TextColumns())
            columns.text |= text
            columns.keys |= keys
            columns.valued |= valued
            columns.moments |= moments
            columns.every |= every
            columns.by_order |= by_order
    return found


def joined_columns(
    tables: Mapping[str, Mapping[str, Any]],
) -> list[tuple[frozenset[str], frozenset[str]]]:
    """Find what is joined.

    Args:
        tables: The declarations by the name of the table.

    Returns:
        Per pair of columns held equal, the files of the statement, and the two names; all in lower
        case.
    """
    found = []
    for spec in tables.values():
        tree = _parsed(spec)
        if tree is not None:
            files = frozenset(_files(tree))
            found += [(files, frozenset(pair)) for pair in _pairs(tree)]
    return found


def _parsed(spec: Mapping[str, Any]) -> exp.Expr | None:
    """The tree of a declaration, None if it has none."""
    try:
        return sqlglot.parse_one(statement(spec), dialect="duckdb")
    except (sqlglot.errors.SqlglotError, KeyError):
        return None


def _names(tree: exp.Expr, table: str) -> tuple[set[str], set[str]]:
    """Names of the columns that feed texts of a table, and of those joined on."""
    every = table == Tables.USERS
    text = {*TEXTS[table], *_columns_under_strings(tree)}
    given = [(name.lower(), set(_columns(node))) for name, node in outputs(tree)]
    pairs = list(_pairs(tree))
    before = -1
    while len(text) > before:
        before = len(text)
        for name, columns in given:
            text |= columns if every or name in text else set()
        for left, right in pairs:
            text |= {left, right} if text & {left, right} else set()
    return text, {name for pair in pairs for name in pair} - text


def _names_by_order(tree: exp.Expr) -> bool:
    """Whether only the order of a file's columns says which names they get.

    So it is where a file is called ``a(c, d)``, as is ``SELECT *`` of it, where ``SELECT *`` is
    put together with columns that are named, and where ``COLUMNS(...)`` makes names. What a
    ``NATURAL JOIN`` goes by is known to the files alone, too.
    """
    if any(listed(table) for table in tree.find_all(exp.Table)) or tree.find(exp.Columns):
        return True
    if any(listed(part) and part.find(exp.Star) for part in tree.find_all(exp.CTE, exp.Subquery)):
        return True
    if any(join.args.get("method") == "NATURAL" for join in tree.find_all(exp.Join)):
        return True
    for union in tree.find_all(exp.SetOperation):
        selects = [node for node in union.find_all(exp.Select) if top(node) is top(union)]
        stars = [any(node.is_star for node in select.expressions) for select in selects]
        if any(stars) and not all(stars):
            return True
    return False


def _files(tree: exp.Expr) -> set[str]:
    """Names of what is read from, in lower case."""
    return {table.name.lower() for table in tree.find_all(exp.Table)}


def _pairs(tree: exp.Expr) -> Iterator[tuple[str, str]]:
    """Names of columns that are held equal, by a join or otherwise."""
    for equality in tree.find_all(exp.EQ, exp.NullSafeEQ):
        left, right = equality.this.unnest(), equality.expression.unnest()
        if isinstance(left, exp.Column) and isinstance(right, exp.Column):
            yield left.name.lower(), right.name.lower()
    for join in tree.find_all(exp.Join):
        for name in join.args.get("using") or []:
            yield name.name.lower(), name.name.lower()
    for member in tree.find_all(exp.In):
        query = member.args.get("query")
        select = query.find(exp.Select) if query is not None else None
        if select is not None:
            whole = member.this.unnest()
            sought = whole.expressions if isinstance(whole, exp.Tuple) else [whole]
            for left, right in zip(sought, select.expressions, strict=False):
                if isinstance(left, exp.Column):
                    yield from ((left.name.lower(), name) for name in _columns(right))


def _columns(node: exp.Expr) -> Iterator[str]:
    """Names of the columns in an expression, in lower case."""
    return (column.name.lower() for column in node.find_all(exp.Column))


def _columns_under_strings(tree: exp.Expr) -> Iterator[str]:
    """Names of columns that a function of texts is applied to."""
    for column in tree.find_all(exp.Column):
        parent = column.parent
        named = isinstance(parent, exp.Anonymous) and parent.name.lower() in STRING_NAMES
        if named or isinstance(parent, STRINGS):
            yield column.name.lower()
