"""Parameters of ingestion: the declaration of a source, and what is tolerated in its rows."""

import re
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from doppelcart.columns import MISSING, Columns, Tables
from doppelcart.config.base import Parameters
from doppelcart.data.schemas import REQUIRED, SCHEMAS

RESERVED = frozenset({Columns.RULE})
"""Names that cleaning gives to columns of its own, in every table."""


def names_taken(table: str, columns: Iterable[str]) -> str | None:
    """Say which columns have names that are given to others later on; None if none has.

    Args:
        table: Name of the canonical table.
        columns: Names of its columns.
    """
    # Of users, profiles add a column for whom nothing is known and one per unknown demographic.
    taken = [
        name
        for name in columns
        if name.lower() in RESERVED
        or (table == Tables.USERS and f"_{name.lower()}".endswith(MISSING))
    ]
    if not taken:
        return None
    names = ", ".join(f"'{name}'" for name in taken)
    return f"table {table}: rename {names}; later steps give such names to columns of their own"


class FileSpec(Parameters):
    """One file of a source."""

    path: str = Field(description="Path, from the project's root unless absolute.")
    format: Literal["parquet", "csv", "tsv", "json", "xlsx"] | None = Field(
        default=None, description="How to read it; by default after the path's ending."
    )
    options: dict[str, Any] = Field(
        default={}, description="Arguments of the engine's reader, such as `delim` or `nullstr`."
    )


class TableSpec(Parameters):
    """How one canonical table is made; SQL expressions in DuckDB's dialect throughout."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str | None = Field(default=None, alias="from", description="Name of the file to read.")
    columns: dict[str, str] = Field(
        default={}, description="Per canonical column the expression that makes it."
    )
    where: str | None = Field(default=None, description="Keep only the rows where this is true.")
    group_by: tuple[str, ...] = Field(
        default=(), description="Expressions to group by; columns are then aggregates."
    )
    sql: str | None = Field(
        default=None,
        description="A whole SELECT over the files' names instead of the rest, for joins.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.sql is None) == (self.from_ is None):
            raise ValueError("give either `from` with `columns`, or `sql`")
        if self.sql is not None and (self.columns or self.where or self.group_by):
            raise ValueError("`sql` goes without `columns`, `where` and `group_by`")
        if self.from_ is not None and not self.columns:
            raise ValueError("`from` needs `columns`")
        return self


class Currency(Parameters):
    """The unit of every amount and price."""

    name: str = Field(default="currency units", description="How to call the unit in reports.")
    factor: float = Field(
        default=1.0, gt=0, description="What amounts and prices are multiplied by on reading."
    )


class Source(Parameters):
    """A shop's log: its files, and how each canonical table is made of them."""

    name: str = Field(min_length=1, description="Short name, used in reports and tracking.")
    description: str = Field(default="", description="What the data are.")
    licence: str = Field(default="", description="Licence, or what may not be done with the data.")
    currency: Currency = Field(default=Currency(), description="The unit of amounts.")
    files: dict[str, FileSpec] = Field(min_length=1, description="Files by name.")
    tables: dict[str, TableSpec] = Field(description="Canonical tables by name.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [
            f"file name '{name}' must be letters, digits and underscores"
            for name in self.files
            if not re.fullmatch(r"[A-Za-z_]\w*", name)
        ]
        for name in {name.lower() for name in self.files}:
            alike = [other for other in self.files if other.lower() == name]
            if len(alike) > 1:
                faults.append(
                    f"file names {' and '.join(alike)} differ by capitals only, which the engine "
                    "does not tell apart; rename one"
                )
        if Tables.INTERACTIONS not in self.tables:
            faults.append("table 'interactions' is missing: no shop goes without")
        for name, spec in self.tables.items():
            faults.extend(self._faults(name, spec))
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _faults(self, name: str, spec: TableSpec) -> list[str]:
        """What is wrong with the declaration of one table."""
        if name not in SCHEMAS:
            return [f"table '{name}' is unknown; known are {', '.join(SCHEMAS)}"]
        if spec.sql is not None:
            return []
        faults = []
        if spec.from_ not in self.files:
            faults.append(f"table '{name}' reads '{spec.from_}', which is not among `files`")
        absent = [column for column in REQUIRED[name] if column not in spec.columns]
        if absent:
            faults.append(f"table '{name}' must give {', '.join(absent)}")
        if taken := names_taken(name, spec.columns):
            faults.append(taken)
        unknown = [column for column in spec.columns if column not in SCHEMAS[name]]
        if unknown and name != Tables.USERS:
            faults.append(
                f"table '{name}' has no canonical column {', '.join(unknown)}; "
                f"it has {', '.join(SCHEMAS[name])}"
            )
        return faults
