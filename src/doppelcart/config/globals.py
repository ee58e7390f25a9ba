"""What ``globals.yml`` holds: numbers for the machine, and tables that catalogues refer to."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import Field, ValidationError

from doppelcart.config.base import Parameters
from doppelcart.config.hints import fault_message
from doppelcart.errors import ConfigurationError

Declared = Any
"""A declaration, which whoever refers to it checks."""
NEAR: Final = 0.75
"""From here on two names are so alike (difflib) that one is taken for the other, misspelt."""


class Globals(Parameters):
    """Names that may stand in ``globals.yml``."""

    data_root: str = Field(default="data", min_length=1, description="Folder of every file.")
    tracking_uri: str = Field(default="", description="Where runs are tracked.")
    min_free_gb: float = Field(
        default=0, ge=0, description="Free space without which a run does not start, GB."
    )
    max_memory_gb: float | None = Field(
        default=None, gt=0, description="Memory that a run may take, GB; null takes the machine's."
    )
    first_run: Declared = Field(default=None, description="What is said before a first run.")
    connection: Declared = Field(default=None, description="The engine of the tables.")
    source: Declared = Field(default=None, description="The shop's log.")
    stock: Declared = Field(default=None, description="Hourly sales and stock-outs.")
    sales: Declared = Field(default=None, description="Sales by week.")
    ratings: Declared = Field(default=None, description="Who rated or bought what.")
    labelled_reviews: Declared = Field(default=None, description="Reviews, genuine and not.")
    photographs: Declared = Field(default=None, description="Pictures of products.")
    suspects: Declared = Field(default=None, description="Which suspects are listed.")


def checked(given: Mapping[str, Any]) -> Globals:
    """The contents of ``globals.yml`` after they were held against the names that there are.

    Args:
        given: As configuration gives them. A name that is like none of ours is the file's own, for
            what it refers to itself.

    Raises:
        ConfigurationError: Lists all that is misspelt or out of bounds, at once.
    """
    known = list(Globals.model_fields)
    try:
        return Globals.model_validate(
            {
                name: value
                for name, value in given.items()
                if get_close_matches(name, known, 1, NEAR)
            }
        )
    except ValidationError as refused:
        # What was given is not repeated: an address may hold a password.
        listed = "\n".join(
            f"  - {'.'.join(map(str, fault['loc']))}: {fault_message(fault, Globals)}"
            for fault in refused.errors(include_url=False)
        )
        raise ConfigurationError(
            f"What globals.yml says cannot be used:\n{listed}\nIt comes from "
            "conf/<environment>/globals.yml. Nothing has run."
        ) from refused
