"""The SQL of a declaration, made fit for files whose columns are partly text for the sake of ids.

Where a column that is read as text also stands in arithmetic or in a comparison by size, it is
converted there; what is to be a number or a moment is read as it is declared to be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final, cast

import ibis.expr.datatypes as dt
import sqlglot
from sqlglot import exp

from doppelcart.data.engine import quoted
from doppelcart.data.schemas import IDS
from doppelcart.errors import InputError
from doppelcart.reading.selects import (
    COMPARED,
    feeding,
    given_as,
    is_below_star,
    is_starred,
    is_used,
    listed,
)
from doppelcart.reading.types import Notation, as_everywhere, converted, moment

Rewrite = Callable[[exp.Expr], exp.Expr | None]
VALUES: Final = (
    *(exp.Where, exp.And, exp.Or, exp.Not),
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.Pow, exp.Sum, exp.Avg),
    *(exp.Median, exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.GT, exp.GTE, exp.LT, exp.LTE),
    *(exp.Between, exp.Stddev, exp.Variance, exp.Greatest, exp.Least, exp.Ordered),
)
"""Where a column is taken by its value, and not as text."""


def readings(
    sql: str,
    schemas: Mapping[str, Mapping[str, dt.DataType]],
    kinds: Mapping[str, Mapping[str, tuple[str, Notation]]],
    notations: Mapping[str, Mapping[str, Notation]],
    wanted: Mapping[str, dt.DataType],
    strict: bool = False,
) -> list[str]:
    """How a statement may be meant, over files whose columns are partly text for the sake of ids.

    Args:
        sql: The statement.
        schemas: Per file the types of its columns.
        kinds: Per file, of its columns that are text although their values have another type, that
            type and the file's notation.
        notations: Per file, of its columns of text that may be in a notation that is declared,
            that notation.
        wanted: The types that the columns of the statement are to have.
        strict: Whether moments are read as the statement has it, so that the engine stops at one
            that it cannot read; else unreadable ones are null, for whoever counts them, and what is
            to be a number or a moment is read in the notation that is declared, or not at all.

    Returns:
        Statements, of which the first that the engine takes is meant: columns are converted where
        their value counts, then wherever the statement does not give them as they are, then
        nowhere.

    Raises:
        InputError: If texts of a notation that is declared are compared by size.
    """
    if strict and not any(kinds.values()):
        return [sql]
    sql = sql if strict else tolerant(sql)
    scope = _Scope(sqlglot.parse_one(sql, dialect="duckdb"), schemas, kinds, notations, wanted)

    def read(node: exp.Expr) -> exp.Expr | None:
        return None if strict else scope.read(node)

    found = [
        _rewritten(sql, lambda node: read(node) or scope.valued(node, by_value)),
        _rewritten(sql, lambda node: read(node) or scope.valued(node, is_used)),
        sql if strict else _rewritten(sql, scope.noted),
    ]
    return list(dict.fromkeys(found))


class _Scope:
    """What the columns of one statement are.

    Args:
        tree: The statement.
        schemas: As in ``readings``.
        kinds: As in ``readings``.
        notations: As in ``readings``.
        wanted: As in ``readings``.
    """

    def __init__(
        self,
        tree: exp.Expr,
        schemas: Mapping[str, Mapping[str, dt.DataType]],
        kinds: Mapping[str, Mapping[str, tuple[str, Notation]]],
        notations: Mapping[str, Mapping[str, Notation]],
        wanted: Mapping[str, dt.DataType],
    ) -> None:
        """Learn under which names the files stand."""
        known = {name.lower(): name for name in schemas}
        tables = [table for table in tree.find_all(exp.Table) if table.name.lower() in known]
        self._files = {table.alias_or_name.lower(): known[table.name.lower()] for table in tables}
        self._listed = {
            known[table.name.lower()]: dict(
                zip(listed(table), schemas[known[table.name.lower()]], strict=False)
            )
            for table in tables
        }
        self._schemas, self._kinds = schemas, kinds
        self._notations, self._feeding = notations, feeding(tree, wanted)

    def read(self, node: exp.Expr) -> exp.Expr | None:
        """The reading of a moment, or of what is in a notation of its own."""
        return self.moment(node) or self.noted(node)

    def noted(self, node: exp.Expr) -> exp.Expr | None:
        """What is to be a number or a moment, from the notation that is declared for it."""
        if isinstance(node, exp.Table):
            return self._noted_table(node)
        if not isinstance(node, exp.Column):
            return None
        kind = self._becomes(node)
        if kind is None or (is_below_star(node) and node.name.lower() in self._feeding[kind]):
            return None
        text = self._as_everywhere(node, kind)
        if text is None:
            return None
        if isinstance(node.find_ancestor(*COMPARED, exp.Select), COMPARED):
            known = self._kind(node)
            if known is None:
                raise InputError(
                    f"it chooses among texts of column {node.name} by size, since not all of them "
                    "are as the `options` of the file have it; correct these or the `options`"
                )
            text = converted(node.sql(dialect="duckdb"), *known)
        return _expression(text)

    def _noted_table(self, table: exp.Table) -> exp.Expr | None:
        """A file all of whose columns are given, such of them as ``noted`` makes them."""
        select = table.find_ancestor(exp.Select)
        file = self._files.get(table.alias_or_name.lower())
        if file is None or select is None or not is_starred(select):
            return None
        replaced = [
            f"{text} AS {quoted(name)}"
            for name in self._notations.get(file, {})
            for kind, names in self._feeding.items()
            if names & self._names_of(name, file)
            and (text := self._as_everywhere(exp.column(name, quoted=True), kind)) is not None
        ]
        if not replaced:
            return None
        query = f"SELECT * FROM (SELECT * REPLACE ({', '.join(replaced)}) FROM {quoted(file)})"
        whole = _expression(query).args["from_"].this
        whole.set("alias", table.args.get("alias") or exp.TableAlias(this=table.this.copy()))
        return cast(exp.Expr, whole)

    def _becomes(self, column: exp.Column) -> str | None:
        """The type that a column is to have where it stands, None if that is a text or unknown."""
        parent = column.parent
        if isinstance(parent, exp.Cast):
            return "DOUBLE" if parent.to.is_type(*exp.DataType.NUMERIC_TYPES) else None
        names = set(given_as(column))
        return next((kind for kind, wanted in self._feeding.items() if names & wanted), None)

    def _as_everywhere(self, column: exp.Expr, kind: str) -> str | None:
        """SQL of a column of text as it is written everywhere, None if it is written so."""
        if not isinstance(column, exp.Column):
            return None
        text = column.sql(dialect="duckdb")
        for file in self._files_of(column):
            for name, notation in self._notations.get(file, {}).items():
                if name.lower() == self._own_name(column, file):
                    found = as_everywhere(text, kind, notation)
                    return None if found == text else found
        return None

    def _kind(self, column: exp.Column) -> tuple[str, Notation] | None:
        """The type that all values of a column of text have, with their notation."""
        for file in self._files_of(column):
            for name, kind in self._kinds.get(file, {}).items():
                if name.lower() == self._own_name(column, file):
                    return kind
        return None

    def valued(self, node: exp.Expr, where: Callable[[exp.Column], bool]) -> exp.Expr | None:
        """The conversion of a column that is text for the sake of ids, where its value counts."""
        if not isinstance(node, exp.Column) or not where(node):
            return None
        kind = self._kind(node)
        return _expression(converted(node.sql(dialect="duckdb"), *kind)) if kind else None

    def moment(self, node: exp.Expr) -> exp.Expr | None:
        """A reading of moments that holds for columns with and without a zone, and for text."""
        if isinstance(node, exp.Cast) and node.to.sql(dialect="duckdb") in ("TIMESTAMP", "DATE"):
            text = self._type(node.this)
            if text is not None and text.is_string():
                read = moment(self._text(node.this))
                return _expression(f"CAST({read} AS {node.to.sql(dialect='duckdb')})")
            return None
        in_utc = _from_utc(node) is not None
        found = _from_utc(node) or _at_zone(node)
        dtype = self._type(found[1]) if found else None
        if found is None or dtype is None:
            return None
        zone, value = found[0].sql(dialect="duckdb"), self._text(found[1])
        if dtype.is_string():
            return _expression(f"timezone({zone}, {moment(value, zoned=True, utc=in_utc)})")
        if dtype.is_timestamp() and dtype.timezone is not None and in_utc:
            return _expression(f"timezone({zone}, {value})")
        return None

    def _text(self, node: exp.Expr) -> str:
        """SQL of a moment, if a text as it is written everywhere."""
        return self._as_everywhere(node.unnest(), "TIMESTAMP") or node.sql(dialect="duckdb")

    def _type(self, node: exp.Expr) -> dt.DataType | None:
        """The type of a column, None of anything else."""
        column = node.unnest()
        if not isinstance(column, exp.Column):
            return None
        for file in self._files_of(column):
            for name, dtype in self._schemas[file].items():
                if name.lower() == self._own_name(column, file):
                    return dtype
        return None

    def _own_name(self, column: exp.Column, file: str) -> str:
        """What a file calls a column, in lower case."""
        name = column.name.lower()
        return self._listed[file].get(name, name).lower()

    def _names_of(self, name: str, file: str) -> set[str]:
        """What a file and the statement call a column, in lower case."""
        renamed = {new for new, own in self._listed[file].items() if own.lower() == name.lower()}
        return {name.lower(), *renamed}

    def _files_of(self, column: exp.Column) -> list[str]:
        """Files that a column may belong to."""
        if column.table.lower() in self._files:
            return [self._files[column.table.lower()]]
        return list(dict.fromkeys(self._files.values()))


def by_value(column: exp.Column) -> bool:
    """Whether a column's value counts where it stands: in arithmetic, an order, a comparison."""
    node: exp.Expr = column
    parent = column.parent
    while isinstance(parent, exp.Paren):
        node, parent = parent, parent.parent
    if isinstance(parent, exp.If):
        return parent.this is node
    if isinstance(parent, exp.Min | exp.Max):
        alias = parent.find_ancestor(exp.Alias)
        return alias is not None and alias.alias not in IDS
    if isinstance(parent, exp.EQ | exp.NEQ | exp.In):
        others = [parent.this, parent.args.get("expression"), *parent.args.get("expressions", [])]
        return any(_is_number(other) for other in others if other is not None)
    return isinstance(parent, VALUES)


def _is_number(node: exp.Expr) -> bool:
    """Whether an expression is a number, whatever its columns are."""
    node = node.unnest()
    if isinstance(node, exp.Neg):
        return _is_number(node.this)
    return isinstance(node, exp.Literal) and not node.is_string


def tolerant(sql: str) -> str:
    """A statement whose ``strptime`` gives null for what it cannot read.

    So one bad line is quarantined as any other is, and the rest is read.
    """
    tokens = sqlglot.tokenize(sql, read="duckdb")
    for token, following in reversed(list(pairwise(tokens))):
        if token.text.lower() == "strptime" and following.text == "(":
            start, end = token.start, token.end + 1
            if sql[start:end].lower() == "strptime":
                sql = f"{sql[:start]}try_strptime{sql[end:]}"
    return sql


def _from_utc(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    """The outer zone and the moment of ``timezone(zone, timezone('UTC', moment))``.

    ``moment AT TIME ZONE 'UTC' AT TIME ZONE zone`` is the same.
    """
    outer = _at_zone(node)
    inner = _at_zone(outer[1]) if outer else None
    if outer is None or inner is None or not isinstance(inner[0], exp.Literal):
        return None
    return (outer[0], inner[1]) if inner[0].name.upper() in {"UTC", "ETC/UTC", "GMT"} else None


def _at_zone(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    """Zone and moment, if a node is a conversion between zones."""
    node = node.unnest()
    if isinstance(node, exp.AtTimeZone):
        return node.args["zone"], node.this
    if isinstance(node, exp.Anonymous) and node.name.lower() == "timezone":
        arguments = node.expressions
        return (arguments[0], arguments[1]) if len(arguments) == 2 else None
    return None


def _rewritten(sql: str, rewrite: Rewrite) -> str:
    """A statement with some of its expressions replaced; as it was if none is."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    changed = False
    for node in list(tree.walk(bfs=False)):
        new = rewrite(node)
        if new is not None:
            changed = True
            node.replace(new)
    return tree.sql(dialect="duckdb") if changed else sql


def _expression(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="duckdb")
