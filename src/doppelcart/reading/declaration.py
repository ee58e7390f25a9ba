"""What a source's declaration asks of the columns of its files.

A column that feeds an id, a category or any other text of a table is read as text, and so are both
sides of a join, and what a function of texts is applied to. Where such a column also stands in
arithmetic or in a comparison by size, it is converted there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, cast

import ibis.expr.datatypes as dt
import sqlglot
from sqlglot import exp

from doppelcart.columns import Tables
from doppelcart.data.engine import quoted
from doppelcart.data.schemas import IDS, SCHEMAS, TEXTS
from doppelcart.errors import InputError
from doppelcart.reading.types import Notation, as_everywhere, converted, moment

Rewrite = Callable[[exp.Expr], exp.Expr | None]

STRINGS: Final = (
    *(exp.StrToTime, exp.DPipe, exp.Concat, exp.ConcatWs, exp.Substring, exp.Like, exp.ILike),
    *(exp.Upper, exp.Lower, exp.Trim, exp.Length, exp.SplitPart, exp.Replace, exp.Left, exp.Right),
    *(exp.RegexpLike, exp.RegexpExtract, exp.RegexpReplace, exp.StartsWith, exp.Pad, exp.Contains),
    exp.StrPosition,
)
"""Functions of texts."""
STRING_NAMES: Final = {"try_strptime", "strptime", "regexp_full_match", "ends_with", "ltrim"}
"""Functions of texts that the parser knows by name only."""
VALUES: Final = (
    *(exp.Where, exp.And, exp.Or, exp.Not),
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.Pow, exp.Sum, exp.Avg),
    *(exp.Median, exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.GT, exp.GTE, exp.LT, exp.LTE),
    *(exp.Between, exp.Stddev, exp.Variance, exp.Greatest, exp.Least, exp.Ordered),
)
"""Where a column is taken by its value, and not as text."""
COMPARED: Final = (exp.Min, exp.Max, exp.Median, exp.Greatest, exp.Least)
"""What chooses one of several by size."""
PASSED_ON: Final = (
    *(exp.Alias, exp.Paren, exp.Coalesce, exp.Nullif, exp.Case, exp.If, exp.Window),
    *(exp.AnyValue, exp.First, exp.Last, exp.ArgMax, exp.ArgMin, *COMPARED),
)
"""What gives a text as it is, or another one instead."""


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
        valued = {node.name.lower() for node in tree.find_all(exp.Column) if _is_used(node)}
        every = name == Tables.USERS and any(tree.find_all(exp.Star))
        by_order = _names_by_order(tree)
        moments = _feeding(tree, SCHEMAS.get(name, {}))["TIMESTAMP"]
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
        _rewritten(sql, lambda node: read(node) or scope.valued(node, _is_used)),
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
                zip(_listed(table), schemas[known[table.name.lower()]], strict=False)
            )
            for table in tables
        }
        self._schemas, self._kinds = schemas, kinds
        self._notations, self._feeding = notations, _feeding(tree, wanted)

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
        if kind is None or (_is_below_star(node) and node.name.lower() in self._feeding[kind]):
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
        if file is None or select is None or not _is_starred(select):
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
        names = set(_given_as(column))
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
        listed = {new for new, own in self._listed[file].items() if own.lower() == name.lower()}
        return {name.lower(), *listed}

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


def _is_used(column: exp.Column) -> bool:
    """Whether a column is not merely given, grouped by or joined on."""
    parent = column.parent
    if isinstance(parent, exp.EQ) and isinstance(parent.this, exp.Column):
        return not isinstance(parent.expression, exp.Column)
    return not isinstance(parent, (exp.Alias, exp.Select, exp.Group, exp.Join, *STRINGS))


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


def _is_number(node: exp.Expr) -> bool:
    """Whether an expression is a number, whatever its columns are."""
    node = node.unnest()
    if isinstance(node, exp.Neg):
        return _is_number(node.this)
    return isinstance(node, exp.Literal) and not node.is_string


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
    outputs = [(name.lower(), set(_columns(node))) for name, node in _outputs(tree)]
    pairs = list(_pairs(tree))
    before = -1
    while len(text) > before:
        before = len(text)
        for name, columns in outputs:
            text |= columns if every or name in text else set()
        for left, right in pairs:
            text |= {left, right} if text & {left, right} else set()
    return text, {name for pair in pairs for name in pair} - text


def _feeding(tree: exp.Expr, wanted: Mapping[str, dt.DataType]) -> dict[str, set[str]]:
    """Names of columns that are given as numbers and as moments, by the type that they become.

    Args:
        tree: A statement.
        wanted: The types that its columns are to have.
    """
    found = {
        "DOUBLE": {name for name, dtype in wanted.items() if dtype.is_numeric()},
        "TIMESTAMP": {name for name, dtype in wanted.items() if dtype.is_temporal()},
    }
    given = [(column.name.lower(), set(_given_as(column))) for column in tree.find_all(exp.Column)]
    for names in found.values():
        before = -1
        while len(names) > before:
            before = len(names)
            names |= {column for column, outputs in given if outputs & names}
    return found


def _given_as(column: exp.Column) -> list[str]:
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
    return [name.lower() for name in (node.alias_or_name, *_heads(select)[place : place + 1])]


def _is_asked(node: exp.Expr) -> bool:
    """Whether the expression around only asks what something is, and does not give it."""
    if isinstance(node.parent, exp.Nullif | exp.ArgMax | exp.ArgMin | exp.Window):
        return node.arg_key != "this"
    return isinstance(node.parent, exp.If | exp.Case) and node.arg_key == "this"


def _is_starred(select: exp.Expr) -> bool:
    """Whether a SELECT gives all columns of a table."""
    return any(node.is_star for node in select.expressions)


def _is_below_star(column: exp.Column) -> bool:
    """Whether a column stands where all columns of its table are given, and with them itself."""
    select = column.find_ancestor(exp.Select)
    return select is not None and _is_starred(select)


def _outputs(tree: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    """Name and expression of everything that any SELECT gives, under each name that it gets."""
    for select in tree.find_all(exp.Select):
        heads = _heads(select)
        for position, node in enumerate(select.expressions):
            yield node.alias_or_name, node
            if position < len(heads):
                yield heads[position], node
    for star in tree.find_all(exp.Star):
        for renamed in [*(star.args.get("rename") or []), *(star.args.get("replace") or [])]:
            yield renamed.alias, renamed.this
    # Values of several columns become those of one, or the other way round.
    for pivot in tree.find_all(exp.Pivot):
        for name in pivot.find_all(exp.Identifier):
            yield name.name, pivot


def _heads(select: exp.Expr) -> list[str]:
    """The names, by position, of what a SELECT gives to the statement around it.

    They are those that stand in brackets after the name of the whole, as in ``WITH x(c, d) AS``;
    otherwise those of the first of all SELECTs that are put together.
    """
    query = _top(select)
    if names := _listed(query) or _listed(query.parent):
        return names
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return [node.alias_or_name for node in query.expressions]


def _listed(node: exp.Expr | None) -> list[str]:
    """The names in brackets after an alias, in lower case."""
    alias = node.args.get("alias") if node is not None else None
    columns = alias.args.get("columns") or [] if isinstance(alias, exp.TableAlias) else []
    return [column.name.lower() for column in columns]


def _names_by_order(tree: exp.Expr) -> bool:
    """Whether only the order of a file's columns says which names they get.

    So it is where a file is called ``a(c, d)``, where ``SELECT *`` is put together with columns
    that are named, and where ``COLUMNS(...)`` makes names.
    """
    if any(_listed(table) for table in tree.find_all(exp.Table)) or tree.find(exp.Columns):
        return True
    for union in tree.find_all(exp.SetOperation):
        selects = [node for node in union.find_all(exp.Select) if _top(node) is _top(union)]
        stars = [any(node.is_star for node in select.expressions) for select in selects]
        if any(stars) and not all(stars):
            return True
    return False


def _top(query: exp.Expr) -> exp.Expr:
    """The whole that a query is put together to, with others or in brackets."""
    while isinstance(query.parent, exp.SetOperation | exp.Subquery):
        query = query.parent
    return query


def _files(tree: exp.Expr) -> set[str]:
    """Names of what is read from, in lower case."""
    return {table.name.lower() for table in tree.find_all(exp.Table)}


def _pairs(tree: exp.Expr) -> Iterator[tuple[str, str]]:
    """Names of columns that are held equal, by a join or otherwise."""
    for equality in tree.find_all(exp.EQ):
        left, right = equality.this.unnest(), equality.expression.unnest()
        if isinstance(left, exp.Column) and isinstance(right, exp.Column):
            yield left.name.lower(), right.name.lower()
    for join in tree.find_all(exp.Join):
        for name in join.args.get("using") or []:
            yield name.name.lower(), name.name.lower()
    for member in tree.find_all(exp.In):
        query = member.args.get("query")
        select = query.find(exp.Select) if query is not None else None
        if select is not None and isinstance(member.this, exp.Column):
            for name in _columns(select.expressions[0]):
                yield member.this.name.lower(), name


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
