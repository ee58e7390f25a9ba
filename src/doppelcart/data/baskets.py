"""Whether basket numbers tell one visit from another, and what to do where they do not.

A visit is a basket of a user. Numbers that begin anew every day, or in every branch, put many
visits under one number; the user and the day then tell them apart.
"""

from __future__ import annotations

from typing import Any, Final

import ibis.expr.types as ir

from doppelcart.columns import Columns
from doppelcart.data.engine import first_row

REPEATING_SHARE: Final = 0.05
"""Share of lines in repeating baskets from which on the numbers are taken to begin anew. A few
orders that are delivered in parts, or a customer who is two in the log, are no such numbering."""
_SECONDS_PER_DAY: Final = 86_400


def repeating(lines: ir.Table) -> ir.Table:
    """The baskets that occur with several users, or on days that are more than one apart.

    A basket of two days in a row may be one visit around midnight, so it does not count.

    Args:
        lines: Interactions.

    Returns:
        One row per repeating basket: ``basket_id``, and the number of ``lines`` in it.
    """
    lines = lines.filter(lines[Columns.BASKET].notnull())
    user, time = lines[Columns.USER], lines[Columns.TIMESTAMP]
    baskets = lines.group_by(Columns.BASKET).aggregate(
        lines=lines.count(), least=user.min(), most=user.max(), first=time.min(), last=time.max()
    )
    seconds = (
        baskets["last"].truncate("D").epoch_seconds()
        - baskets["first"].truncate("D").epoch_seconds()
    )
    several = (baskets["least"] != baskets["most"]) | (seconds > _SECONDS_PER_DAY)
    return baskets.filter(several.fill_null(False)).select(Columns.BASKET, "lines")


def repeating_figures(lines: ir.Table, found: ir.Table | None = None) -> dict[str, Any]:
    """Lines with a basket (``rows``), and those whose basket repeats (``repeating``).

    Args:
        lines: Interactions.
        found: Their repeating baskets, where they are known already.
    """
    found = repeating(lines) if found is None else found
    rows = first_row(lines.aggregate(rows=lines[Columns.BASKET].count()))["rows"]
    held = first_row(found.aggregate(repeating=found["lines"].sum().fill_null(0)))["repeating"]
    return {"rows": int(rows), "repeating": int(held)}


def begin_anew(figures: dict[str, Any]) -> bool:
    """Whether so many lines have repeating baskets that the numbers must begin anew."""
    return figures["repeating"] > REPEATING_SHARE * figures["rows"]


def of_user_and_day(lines: ir.Table) -> ir.Table:
    """Lines whose basket has the day and the user added to it, as in ``17@2024-01-13@u1``.

    A basket that is null stays so.
    """
    day = lines[Columns.TIMESTAMP].date().cast("string")
    basket = lines[Columns.BASKET].concat("@", day, "@", lines[Columns.USER])
    return lines.mutate(**{Columns.BASKET: basket})
