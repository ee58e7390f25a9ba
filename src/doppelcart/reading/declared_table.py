"""A table that a shop declares beside its log: files, and how the columns come from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

import ibis.expr.types as ir
from pydantic import Field, model_validator

from doppelcart.config.base import Parameters
from doppelcart.data.engine import view
from doppelcart.data.schemas import BESIDE, SCHEMAS
from doppelcart.errors import InputError
from doppelcart.reading.declaration import statement
from doppelcart.reading.files import plain
from doppelcart.reading.rewriting import readings
from doppelcart.reading.source_tables import RawTables

SYNTHETIC: Final = "synthetic"
"""Column by which a table says which of its rows were generated."""
TRUE: Final = ("true", "t", "yes", "y", "1", "1.0")


class DeclaredTable(Parameters):
    """A table as globals.yml declares it."""

    name: str = Field(min_length=1, description="what the data are called in the section")
    licence: str = Field("", description="licence of the data")
    files: dict[str, dict[str, Any]] = Field(
        min_length=1, description="per file name its path, format and options"
    )
    table: dict[str, Any] = Field(
        description="`from` a file with one SQL expression per column, or a whole `sql`"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if ("sql" in self.table) == ("from" in self.table):
            raise ValueError("table: give either `from` with `columns`, or `sql`")
        return self


def declared(raw_tables: Mapping[str, ir.Table], source: DeclaredTable, key: str) -> ir.Table:
    """The table that a declaration stands for.

    Args:
        raw_tables: The files' tables by file name.
        source: The declaration.
        key: Where a person gives it in globals.yml.

    Raises:
        InputError: The expressions do not fit the files.
    """
    try:
        return as_meant(raw_tables, key, source.table, strict=True)
    except Exception as error:
        raise InputError(
            f"the table of {source.name} cannot be made of its files: {plain(error)}. Correct the "
            f"expressions of `{key}: table` in conf/<environment>/globals.yml."
        ) from error


def as_meant(
    raw_tables: Mapping[str, ir.Table], name: str, spec: Mapping[str, Any], strict: bool = False
) -> ir.Table:
    """The view that a declaration stands for: the first of its readings that the engine takes.

    Args:
        raw_tables: The files' tables by file name, on one connection.
        name: Of the declared table.
        spec: Its ``from`` and ``columns``, or its ``sql``.
        strict: As of ``readings``.

    Raises:
        Exception: The engine's own, if it takes none of them.
    """
    connection = next(iter(raw_tables.values())).get_backend()
    schemas = {file: dict(table.schema().items()) for file, table in raw_tables.items()}
    known = raw_tables if isinstance(raw_tables, RawTables) else RawTables()
    wanted = (SCHEMAS | BESIDE).get(name, {})
    refusal: Exception | None = None
    for query in readings(statement(spec), schemas, known.kinds, known.notations, wanted, strict):
        try:
            return view(connection, f"declared_{name}", query)
        except Exception as error:  # noqa: BLE001 - every engine has errors of its own
            refusal = refusal or error
    raise refusal or InputError("it has no reading")


def named_files(source: DeclaredTable, key: str) -> str:
    """Where a declaration's rows come from, as messages name it.

    Args:
        source: The declaration.
        key: Where a person gives it in globals.yml.

    Examples:
        >>> files = {"said": {"path": "said.csv"}}
        >>> named_files(DeclaredTable(name="a", files=files, table={"from": "said"}), "reviews")
        'reviews: files: said: said.csv'
    """
    named = ", ".join(f"{name}: {spec.get('path')}" for name, spec in source.files.items())
    return f"{key}: files: {named}"


@contextmanager
def naming_files(source: DeclaredTable, key: str) -> Iterator[None]:
    """Say of a table that is refused which files it was made of.

    Args:
        source: The declaration.
        key: Where a person gives it in globals.yml.

    Raises:
        InputError: What was raised within, with the files.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{error}\n  {named_files(source, key)}") from error


def real(raw_tables: Mapping[str, ir.Table], source: DeclaredTable, key: str) -> ir.Table:
    """The table that a declaration stands for, of which no row says that it was generated.

    Args:
        raw_tables: The files' tables by file name.
        source: The declaration.
        key: Where a person gives it in globals.yml.

    Raises:
        InputError: The expressions do not fit the files, or rows say that they were generated.
    """
    table = declared(raw_tables, source, key)
    if SYNTHETIC not in table.columns:
        return table
    said = table[SYNTHETIC].cast("string").strip().lower().isin(TRUE)
    made = int(table.filter(said).count().execute())
    if made:
        raise InputError(
            f"{made:,} rows of the table of {source.name} ({named_files(source, key)}) have a "
            f"column `{SYNTHETIC}` that says they were generated: they cannot be taken for real "
            f"ones. Leave them out, with a `where` in `{key}: table` in "
            "conf/<environment>/globals.yml."
        )
    return table
