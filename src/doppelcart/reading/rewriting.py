"""The SQL of a declaration, made fit for files whose columns are partly text for the sake of ids.

Where a column that is read as text also stands in arithmetic or in a comparison by size, it is
converted there; what is to be a number or a moment is read as it is declared to be written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple, cast

import ibis.expr.datatypes as dt
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from doppelcart.data.engine import quoted
from doppelcart.data.schemas import IDS
from doppelcart.errors import InputError
from doppelcart.reading.selects import (
    chooses_by_size,
    feeding,
    given_as,
    is_below_star,
    is_starred,
    is_used,
    listed,
    top,
)
from doppelcart.reading.types import TEXT, Notation, as_everywhere, converted, moment

NOTED: Final = ("DOUBLE", "TIMESTAMP")
"""Types that are read in the notation of a file."""
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
            that it cannot read; else unreadable ones are null, for whoever counts them. Either way
            what is to be a number, or in ``wanted`` a moment, is read in the notation that is
            declared, or not at all.

    Returns:
        Statements, of which the first that the engine takes is meant: columns are converted where
        their value counts, then wherever the statement does not give them as they are, then
        nowhere.

    Raises:
        InputError: If texts are compared by size, or columns of other names are put below each
            other.
    """
    if strict and not any(kinds.values()) and not any(notations.values()):
        return [sql]
    sql = sql if strict else tolerant(sql)
    files = _Files(schemas, kinds, notations)

    def read(scope: _Scope, node: exp.Expr) -> exp.Expr | None:
        return scope.noted(node) if strict else scope.read(node)

    def unless_text(scope: _Scope, column: exp.Column) -> bool:
        return by_value(column) or (is_used(column) and not scope.is_text(column))

    found = [
        _rewritten(sql, files, wanted, rewrite)
        for rewrite in (
            lambda scope, node: read(scope, node) or scope.valued(node, by_value),
            lambda scope, node: (
                read(scope, node) or scope.valued(node, partial(unless_text, scope))
            ),
            lambda scope, node: scope.noted(node),
        )
    ]
    return list(dict.fromkeys(found))


class _Files(NamedTuple):
    """What is known of the files.

    Attributes:
        schemas: As in ``readings``.
        kinds: As in ``readings``.
        notations: As in ``readings``.
    """

    schemas: Mapping[str, Mapping[str, dt.DataType]]
    kinds: Mapping[str, Mapping[str, tuple[str, Notation]]]
    notations: Mapping[str, Mapping[str, Notation]]

    def called(self, name: str) -> str | None:
        """The file of a name, in whatever case."""
        return next((file for file in self.schemas if file.lower() == name.lower()), None)


class _Source(NamedTuple):
    """A file as a SELECT reads from it.

    Attributes:
        file: Its name.
        listed: Its own names of columns by those that the SELECT gives them, in lower case.
    """

    file: str
    listed: Mapping[str, str]

    def own(self, name: str) -> str:
        """What the file calls a column, in lower case."""
        return self.listed.get(name.lower(), name.lower())

    def names(self, name: str) -> set[str]:
        """What the file and the SELECT call a column of the file, in lower case."""
        renamed = {new for new, own in self.listed.items() if own == name.lower()}
        return {name.lower(), *renamed}


class _Scope:
    """What the columns of one statement are.

    A column belongs to the files of its own SELECT, or of one around it. What a subquery or another
    part of the statement gives is of no file: it was converted there.

    Args:
        tree: The statement.
        files: What is known of the files.
        wanted: As in ``readings``.
    """

    def __init__(self, tree: exp.Expr, files: _Files, wanted: Mapping[str, dt.DataType]) -> None:
        """Learn to which file each column belongs."""
        self._files, self._feeding = files, feeding(tree, wanted)
        self._tables: dict[int, _Source] = {}
        self._sources: dict[int, list[_Source]] = {}
        for scope in traverse_scope(tree):
            for node, source in scope.selected_sources.values():
                if isinstance(source, exp.Table) and (file := files.called(source.name)):
                    own = [name.lower() for name in files.schemas[file]]
                    self._tables[id(node)] = _Source(
                        file, dict(zip(listed(source), own, strict=False))
                    )
            # Those of the innermost SELECT come first, and again in each around it.
            for column in scope.columns:
                found = None if id(column) in self._sources else self._found(column, scope)
                if found is not None:
                    self._sources[id(column)] = found

    def _found(self, column: exp.Column, scope: Scope) -> list[_Source] | None:
        """The files that a column belongs to by what one SELECT reads; None if it has no such."""
        read = {alias.lower(): id(node) for alias, (node, _) in scope.selected_sources.items()}
        if column.table:
            if column.table.lower() not in read:
                return None
            found = self._tables.get(read[column.table.lower()])
            return [found] if found else []
        files = [self._tables[node] for node in read.values() if node in self._tables]
        having = [
            source
            for source in files
            if source.own(column.name) in map(str.lower, self._files.schemas[source.file])
        ]
        return having or (None if len(files) == len(read) else [])

    def read(self, node: exp.Expr) -> exp.Expr | None:
        """The reading of a moment, or of what is in a notation of its own."""
        return self.moment(node) or self.noted(node)

    def noted(self, node: exp.Expr) -> exp.Expr | None:
        """What is to be a number or a moment, from the notation that is declared for it."""
        if isinstance(node, exp.Table):
            return self._noted_table(node)
        if not isinstance(node, exp.Column):
            return None
        chosen = chooses_by_size(node)
        if chosen and self._feeds_a_number(node) and self._is_odd(node):
            raise InputError(
                f"it chooses among texts of column {node.name} by size, since not all of them are "
                "numbers as the file writes them; correct these or the `options` of the file, or "
                f"write `TRY_CAST({node.name} AS DOUBLE)` there"
            )
        kind = self._becomes(node)
        if kind is None or (is_below_star(node) and node.name.lower() in self._feeding[kind]):
            return None
        text = self._as_everywhere(node, kind, self._sources_of(node))
        if text is None:
            return None
        if chosen:
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
        source = self._tables.get(id(table))
        if source is None or select is None or not is_starred(select):
            return None
        replaced = [
            f"{text} AS {quoted(name)}"
            for name in self._files.notations.get(source.file, {})
            for kind in NOTED
            if self._feeding[kind] & source.names(name)
            and (text := self._as_everywhere(exp.column(name, quoted=True), kind, [source]))
        ]
        if not replaced:
            return None
        query = (
            f"SELECT * FROM (SELECT * REPLACE ({', '.join(replaced)}) FROM {quoted(source.file)})"
        )
        whole = _expression(query).args["from_"].this
        alias = table.args.get("alias") or exp.TableAlias(this=table.this)
        whole.set("alias", alias.copy())
        return cast(exp.Expr, whole)

    def _becomes(self, column: exp.Column) -> str | None:
        """The type that a column is to have where it stands, None if that is a text or unknown."""
        parent = column.parent
        if isinstance(parent, exp.Cast):
            return "DOUBLE" if parent.to.is_type(*exp.DataType.NUMERIC_TYPES) else None
        names = set(given_as(column))
        return next((kind for kind in NOTED if names & self._feeding[kind]), None)

    def _feeds_a_number(self, column: exp.Column) -> bool:
        """Whether a column is to be a number where it stands, or elsewhere in the statement."""
        return self._becomes(column) == "DOUBLE" or column.name.lower() in self._feeding["DOUBLE"]

    def is_text(self, column: exp.Column) -> bool:
        """Whether a column is given as a text where it stands."""
        return bool(set(given_as(column)) & self._feeding[TEXT])

    def _as_everywhere(self, column: exp.Expr, kind: str, sources: Iterable[_Source]) -> str | None:
        """SQL of a column of text as it is written everywhere, None if it is written so."""
        text = column.sql(dialect="duckdb")
        for source in sources:
            for name, notation in self._files.notations.get(source.file, {}).items():
                if name.lower() == source.own(column.name):
                    found = as_everywhere(text, kind, notation)
                    return None if found == text else found
        return None

    def _kind(self, column: exp.Column) -> tuple[str, Notation] | None:
        """The type that all values of a column of text have, with their notation."""
        for source in self._sources_of(column):
            for name, kind in self._files.kinds.get(source.file, {}).items():
                if name.lower() == source.own(column.name):
                    return kind
        return None

    def _is_odd(self, column: exp.Column) -> bool:
        """Whether a column is text since not all of its values are of another type."""
        dtype = self._type(column)
        return dtype is not None and dtype.is_string() and self._kind(column) is None

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
        column = node.unnest()
        sources = self._sources_of(column)
        return self._as_everywhere(column, "TIMESTAMP", sources) or node.sql(dialect="duckdb")

    def _type(self, node: exp.Expr) -> dt.DataType | None:
        """The type of a column, None of anything else."""
        column = node.unnest()
        for source in self._sources_of(column):
            for name, dtype in self._files.schemas[source.file].items():
                if name.lower() == source.own(column.name):
                    return dtype
        return None

    def _sources_of(self, node: exp.Expr) -> list[_Source]:
        """The files that a column may belong to; none of anything else."""
        return self._sources.get(id(node), [])


def by_value(column: exp.Column) -> bool:
    """Whether a column's value counts where it stands: in arithmetic, an order, a comparison."""
    node: exp.Expr = column
    parent = column.parent
    while isinstance(parent, exp.Paren):
        node, parent = parent, parent.parent
    if isinstance(parent, exp.If):
        return parent.this is node
    if isinstance(parent, exp.ArgMax | exp.ArgMin):
        return parent.expression is node
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


def _rewritten(
    sql: str,
    files: _Files,
    wanted: Mapping[str, dt.DataType],
    rewrite: Callable[[_Scope, exp.Expr], exp.Expr | None],
) -> str:
    """A statement with some of its expressions replaced; as it was if none is."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    changed = _spell_out_stars(tree, files)
    scope = _Scope(tree, files, wanted)
    for node, new in [(node, rewrite(scope, node)) for node in tree.walk(bfs=False)]:
        if new is None:
            continue
        changed = True
        if isinstance(node, exp.Column) and node.arg_key == "expressions":
            # What is given without a name is known by that of its column.
            new = exp.alias_(new, node.name, quoted=True) if _is_output(node) else new
        if isinstance(node, exp.Table):
            for key in ("joins", "pivots", "sample"):
                new.set(key, node.args.get(key))
        node.replace(new)
    return tree.sql(dialect="duckdb") if changed else sql


def _is_output(node: exp.Expr) -> bool:
    """Whether a SELECT gives an expression as it stands."""
    return isinstance(node.parent, exp.Select)


def _spell_out_stars(tree: exp.Expr, files: _Files) -> bool:
    """Name the columns that ``SELECT *`` gives where others are put below them by their place.

    Returns:
        Whether there was such a star.

    Raises:
        InputError: If only the place says which columns of two files are the same.
    """
    changed = False
    for whole in {id(top(union)): top(union) for union in tree.find_all(exp.SetOperation)}.values():
        if any(union.args.get("by_name") for union in whole.find_all(exp.SetOperation)):
            continue
        selects = [select for select in whole.find_all(exp.Select) if top(select) is whole]
        stars = {id(select): _columns_of_star(select, files) for select in selects}
        if all(stars.values()):
            _refuse_other_names([names for names in stars.values() if names])
        elif any(stars.values()):
            for select in selects:
                if names := stars[id(select)]:
                    select.set("expressions", [exp.column(name, quoted=True) for name in names])
                    changed = True
    return changed


def _columns_of_star(select: exp.Select, files: _Files) -> list[str] | None:
    """The columns that ``SELECT * FROM file`` gives; None of any other SELECT."""
    source = select.args.get("from_")
    if len(select.expressions) != 1 or source is None or select.args.get("joins"):
        return None
    star, table = select.expressions[0], source.this
    if not isinstance(star, exp.Star) or any(star.args.values()):
        return None
    within = {cte.alias.lower() for cte in select.root().find_all(exp.CTE)}
    if not isinstance(table, exp.Table) or table.name.lower() in within or listed(table):
        return None
    file = files.called(table.name)
    return list(files.schemas[file]) if file else None


def _refuse_other_names(given: list[list[str]]) -> None:
    """Refuse to put columns of other names below each other in silence."""
    for names in given[1:]:
        for first, other in zip(given[0], names, strict=False):
            if first.lower() != other.lower():
                raise InputError(
                    f"`SELECT *` of several files puts column {other} below column {first}, by "
                    "their place alone; name the columns of each (`SELECT a AS x, ...`), or write "
                    "`UNION ALL BY NAME` where only their order differs"
                )


def _expression(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="duckdb")
