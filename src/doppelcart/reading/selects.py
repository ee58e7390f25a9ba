"""What the SELECTs of a statement give, under which names, and what their columns are there for.

All names are in lower case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Final

import ibis.expr.datatypes as dt
from sqlglot import exp

STRINGS: Final = (
    *(exp.StrToTime, exp.DPipe, exp.Concat, exp.ConcatWs, exp.Substring, exp.Like, exp.ILike),
    *(exp.Upper, exp.Lower, exp.Trim, exp.Length, exp.SplitPart, exp.Replace, exp.Left, exp.Right),
    *(exp.RegexpLike, exp.RegexpExtract, exp.RegexpReplace, exp.StartsWith, exp.Pad, exp.Contains),
    exp.StrPosition,
)
"""Functions of texts."""
COMPARED: Final = (
    *(exp.Min, exp.Max, exp.Median, exp.Greatest, exp.Least, exp.Quantile, exp.PercentileDisc),
)
"""What chooses one of several by size."""
CHOSEN: Final = (
    *(exp.Window, exp.ArgMax, exp.ArgMin, exp.Order, exp.Lag, exp.Lead, exp.NthValue),
    *(exp.Nullif, exp.Quantile, exp.PercentileDisc),
)
"""What gives its first argument as it is, and uses the others to choose."""
PASSED_ON: Final = (
    *(exp.Alias, exp.Paren, exp.Coalesce, exp.Case, exp.If, exp.IgnoreNulls, exp.RespectNulls),
    *(exp.AnyValue, exp.First, exp.Last, exp.FirstValue, exp.LastValue, exp.Mode),
    *CHOSEN,
    *COMPARED,
)
"""What gives a text as it is, or another one instead."""


def is_used(column: exp.Column) -> bool:
    """Whether a column is not merely given, grouped by or joined on."""
    parent = column.parent
    if isinstance(parent, exp.EQ) and isinstance(parent.this, exp.Column):
        return not isinstance(parent.expression, exp.Column)
    return not isinstance(parent, (exp.Alias, exp.Select, exp.Group, exp.Join, *STRINGS))


def feeding(tree: exp.Expr, wanted: Mapping[str, dt.DataType]) -> dict[str, set[str]]:
    """Names of columns that are given as numbers, moments or texts, by the type that they become.

    Args:
        tree: A statement.
        wanted: The types that its columns are to have.
    """
    found = {
        "DOUBLE": {name for name, dtype in wanted.items() if dtype.is_numeric()},
        "TIMESTAMP": {name for name, dtype in wanted.items() if dtype.is_temporal()},
        "VARCHAR": {name for name, dtype in wanted.items() if dtype.is_string()},
    }
    given = [(column.name.lower(), set(given_as(column))) for column in tree.find_all(exp.Column)]
    for names in found.values():
        before = -1
        while len(names) > before:
            before = len(names)
            names |= {column for column, called in given if called & names}
    return found


def given_as(column: exp.Column) -> list[str]:
    """The names, in lower case, under which a SELECT gives a column's own texts."""
    node: exp.Expr = column
    while isinstance(node.parent, PASSED_ON) and not _is_asked(node):
        node = node.parent
    select = node.parent
    if isinstance(select, exp.Star):
        return [node.alias.lower()]
    if not isinstance(select, exp.Select) or node.arg_key != "expressions":
        return []
    place = node.index or 0
    return [name.lower() for name in (node.alias_or_name, *heads(select)[place : place + 1])]


def chooses_by_size(column: exp.Column) -> bool:
    """Whether the size of a column's values decides which of several is given."""
    node = column.find_ancestor(
        *COMPARED, exp.ArgMax, exp.ArgMin, exp.Ordered, exp.Cast, exp.Select
    )
    if isinstance(node, exp.ArgMax | exp.ArgMin):
        return node.expression.unnest() is column
    if not isinstance(node, exp.Ordered):
        return isinstance(node, COMPARED)
    order = node.parent
    ordered = order.parent if order is not None else None
    # The order of a whole statement's rows says nothing, unless some of them are taken.
    taken = isinstance(ordered, exp.Query) and (
        ordered.args.get("limit") or ordered.args.get("distinct")
    )
    return node.this.unnest() is column and (bool(taken) or not isinstance(ordered, exp.Query))


def _is_asked(node: exp.Expr) -> bool:
    """Whether the expression around only asks what something is, and does not give it."""
    if isinstance(node.parent, CHOSEN):
        return node.arg_key != "this"
    return isinstance(node.parent, exp.If | exp.Case) and node.arg_key == "this"


def is_starred(select: exp.Expr) -> bool:
    """Whether a SELECT gives all columns of a table."""
    return any(node.is_star for node in select.expressions)


def given_to(tree: exp.Expr, names: Set[str]) -> set[str]:
    """Names of the columns that a statement gives under some names as they are."""
    columns = tree.find_all(exp.Column)
    return {column.name.lower() for column in columns if names & set(given_as(column))}


def is_below_star(column: exp.Column) -> bool:
    """Whether a column stands where all columns of its table are given, and with them itself."""
    select = column.find_ancestor(exp.Select)
    return select is not None and is_starred(select)


def outputs(tree: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    """Name and expression of everything that any SELECT gives, under each name that it gets."""
    for select in tree.find_all(exp.Select):
        names = heads(select)
        for position, node in enumerate(select.expressions):
            yield node.alias_or_name, node
            if position < len(names):
                yield names[position], node
    for star in tree.find_all(exp.Star):
        for renamed in [*(star.args.get("rename") or []), *(star.args.get("replace") or [])]:
            yield renamed.alias, renamed.this
    # Values of several columns become those of one, or the other way round.
    for pivot in tree.find_all(exp.Pivot):
        for name in pivot.find_all(exp.Identifier):
            yield name.name, pivot


def heads(select: exp.Expr) -> list[str]:
    """The names, by position, of what a SELECT gives to the statement around it.

    They are those that stand in brackets after the name of the whole, as in ``WITH x(c, d) AS``;
    otherwise those of the first of all SELECTs that are put together, unless these are by name.
    """
    query = top(select)
    if any(union.args.get("by_name") for union in query.find_all(exp.SetOperation)):
        return [node.alias_or_name for node in select.expressions]
    if names := listed(query) or listed(query.parent):
        return names
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return [node.alias_or_name for node in query.expressions]


def listed(node: exp.Expr | None) -> list[str]:
    """The names in brackets after an alias, in lower case."""
    alias = node.args.get("alias") if node is not None else None
    columns = alias.args.get("columns") or [] if isinstance(alias, exp.TableAlias) else []
    return [column.name.lower() for column in columns]


def top(query: exp.Expr) -> exp.Expr:
    """The whole that a query is put together to, with others or in brackets."""
    while isinstance(query.parent, exp.SetOperation | exp.Subquery):
        query = query.parent
    return query
