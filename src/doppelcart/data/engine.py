"""What the table pipelines need of the Ibis engine besides expressions.

Views and kept tables are made by plain SQL here, which both DuckDB and Spark understand, because
two releases have left Ibis 12 behind:

- sqlglot, from 30.18 on, takes what is dropped from the argument ``tables`` of its ``Drop``. Ibis
  still gives ``this``, so the statement comes out as ``DROP TABLE IF EXISTS``, without a name (Ibis
  issues 12101 and 12124): ``create_table(overwrite=True)``, ``drop_table`` and ``drop_view`` fail,
  and so does what ``.cache()`` kept, once it is let go;
- DuckDB 2 has no ``fetch_arrow_table``, by which ``.sql()`` asks for the columns of a query.
"""

from __future__ import annotations

from typing import Any, Final, cast

import ibis.expr.types as ir
import sqlglot

GREATEST: Final = 1e12
"""Numbers beyond it, in currency units or pieces, are no figures of a shop, and sums of them leave
what a computer can hold."""


def quoted(name: str) -> str:
    """An identifier in double quotes, for DuckDB's dialect."""
    return '"' + name.replace('"', '""') + '"'


def run(connection: Any, statement: str) -> None:
    """Run one statement that is written in DuckDB's dialect, and leave no result open."""
    if connection.name != "duckdb":
        connection.raw_sql(sqlglot.transpile(statement, read="duckdb", write=connection.name)[0])
        return
    connection.raw_sql(statement).fetchall()


def view(connection: Any, name: str, query: str) -> ir.Table:
    """Name a query, which is not run now.

    Args:
        connection: Ibis backend.
        name: Name of the view; a view of that name is replaced.
        query: A SELECT in DuckDB's dialect.
    """
    run(connection, f"CREATE OR REPLACE TEMPORARY VIEW {quoted(name)} AS {query}")
    return connection.table(name)


def materialise(table: ir.Table, name: str) -> ir.Table:
    """Run an expression once and keep its rows in the engine, for as long as the process lives.

    Args:
        table: The expression.
        name: Name of the kept table; one of that name is replaced, so memory stays bounded;
            the expression must not read from it.
    """
    connection = table.get_backend()
    if connection.name != "duckdb":
        return table.cache()
    kept = f"doppelcart_{name}"
    run(connection, f"DROP TABLE IF EXISTS {quoted(kept)}")
    return connection.create_table(kept, table, temp=True)


def forget(kept: ir.Table) -> None:
    """Give back the memory of a table that ``materialise`` kept."""
    connection = kept.get_backend()
    if connection.name == "duckdb":
        run(connection, f"DROP TABLE {quoted(cast(Any, kept.op()).name)}")


def first_row(table: ir.Table) -> dict[str, Any]:
    """The one row of an aggregated table, as plain Python values."""
    return table.to_pandas().iloc[0].to_dict()


def unusable(number: ir.Value) -> ir.Value:
    """Whether a number is infinite, not a number, or greater than any shop's; false for null."""
    beyond = number.isnan() | number.isinf() | (number.abs() > GREATEST)
    return beyond.fill_null(False)


def counted(table: ir.Table, key: str) -> ir.Table:
    """Each value of a column that is not null, with its number of rows as ``row_count``."""
    known = table.filter(table[key].notnull())
    return known.group_by(key).aggregate(row_count=known.count())


def rows(connection: Any, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query that is written in DuckDB's dialect, for a DuckDB backend."""
    found: list[tuple[Any, ...]] = connection.raw_sql(query).fetchall()
    return found
