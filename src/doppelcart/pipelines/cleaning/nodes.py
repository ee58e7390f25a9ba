"""From canonical tables to clean ones; every rejected row is kept with its reason."""

# ruff: noqa: PD003, PD004 - Ibis columns have isnull and notnull only

import logging
from datetime import UTC, datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from doppelcart.columns import Columns, Tables
from doppelcart.data.baskets import begin_anew, of_user_and_day, repeating_figures
from doppelcart.data.engine import materialise
from doppelcart.data.schemas import ORDER, SCHEMAS, check
from doppelcart.errors import InputError
from doppelcart.pipelines.cleaning.params import CleaningParams
from doppelcart.pipelines.cleaning.rules import DESCRIPTIONS, flag_rows, flag_support, tidy
from doppelcart.reading.tolerance import IngestionParams

# Working columns beside demographics of whatever name.
_FILLED, _PLACE, _BOUGHT = "_doppelcart_filled", "_doppelcart_place", "_doppelcart_bought"
UNITED = (Columns.DEPARTMENT, Columns.CATEGORY, Columns.TYPE, Columns.BRAND)
TABLE_RULES = {
    "missing_id": "no identifier",
    "duplicate_id": "another row has the same identifier; the one with most values stays",
    "not_bought": "no line of it is left",
}

log = logging.getLogger(__name__)


def clean(
    int_interactions: ir.Table,
    int_items: ir.Table,
    int_users: ir.Table,
    params: CleaningParams,
    ingestion: IngestionParams,
) -> dict[str, Any]:
    """Apply every rule, and account for every row.

    Args:
        int_interactions: Canonical interactions.
        int_items: Canonical items.
        int_users: Canonical users.
        params: The rules.
        ingestion: When a line may be of.

    Returns:
        ``interactions``, ``items`` and ``users`` cleaned, ``quarantine`` and ``report``. Items and
        users have exactly one row for each item and user that occurs in the interactions.

    Raises:
        InputError: If fewer than two users or items are left, or rows are lost or doubled.
    """
    times = ingestion.time_bounds(datetime.now(UTC).replace(tzinfo=None))
    flagged = flag_support(flag_rows(int_interactions, int_items, params, times), params.support)
    counts = _counts(flagged, int_interactions)
    _check_enough_left(flagged, counts, params)
    kept = flagged.filter(flagged[Columns.RULE].isnull()).drop(Columns.RULE)
    items = flag_entities(clean_items(int_items, params.text.case), kept, Columns.ITEM)
    users = flag_entities(clean_users(int_users), kept, Columns.USER)
    tables = {Tables.ITEMS: items, Tables.USERS: users}
    report = _report(counts, {name: _tally(table) for name, table in tables.items()})
    return {
        # Sorted after the check, which would sort once per column.
        "interactions": check(with_own_baskets(kept), Tables.INTERACTIONS, cleaned=True).order_by(
            ORDER
        ),
        "items": check(_completed(items, kept, Columns.ITEM), Tables.ITEMS, cleaned=True),
        "users": check(_completed(users, kept, Columns.USER), Tables.USERS, cleaned=True),
        "quarantine": _quarantine(flagged, tables),
        "report": report,
    }


def with_own_baskets(lines: ir.Table) -> ir.Table:
    """Lines whose baskets are visits: numbers that begin anew get day and user added."""
    figures = repeating_figures(lines)
    if not begin_anew(figures):
        return lines
    log.warning(
        "%d of %d lines are in baskets of several users or of days that are more than one apart; "
        "day and user are added to every basket_id, so that a basket is a visit",
        figures["repeating"],
        figures["rows"],
    )
    return of_user_and_day(lines)


def clean_items(items: ir.Table, case: str) -> ir.Table:
    """Trim texts and collapse their blanks, make empty ones null, and unite the case of names.

    Identifiers stay as they were read: the interactions have them so.

    Args:
        items: Canonical items.
        case: ``upper``, ``lower`` or ``keep``, for departments, categories, types and brands.
    """
    columns = {
        name: tidy(items[name])
        for name in items.columns
        if items[name].type().is_string() and name != Columns.ITEM
    }
    if case != "keep":
        columns |= {name: getattr(columns[name], case)() for name in UNITED}
    return items.mutate(**columns)


def clean_users(users: ir.Table) -> ir.Table:
    """Trim demographics and collapse their blanks, and make empty ones null."""
    texts = [name for name in users.columns if name != Columns.USER]
    return users.mutate(**{name: tidy(users[name]) for name in texts})


def flag_entities(table: ir.Table, kept: ir.Table, key: str) -> ir.Table:
    """Give each item or user the rule that takes its row, null for rows that stay.

    Args:
        table: Items or users.
        kept: The interactions that stay.
        key: Name of the identifier.
    """
    others = [name for name in table.columns if name != key]
    filled = sum((table[name].notnull().cast("int32") for name in others), ibis.literal(0))
    table = table.mutate(**{_FILLED: filled})
    best = ibis.window(group_by=key, order_by=[ibis.desc(_FILLED), *others])
    bought = kept.select(key).distinct().rename({_BOUGHT: key})
    rows = table.mutate(**{_PLACE: ibis.row_number().over(best)})
    rows = rows.left_join(bought, rows[key] == bought[_BOUGHT])
    rule = ibis.cases(
        (rows[key].isnull(), "missing_id"),
        (rows[_PLACE] > 0, "duplicate_id"),
        (rows[_BOUGHT].isnull(), "not_bought"),
    )
    rows = rows.mutate(**{Columns.RULE: rule}).select(key, *others, Columns.RULE)
    return materialise(rows, f"cleaning_{key}")


def _completed(flagged: ir.Table, kept: ir.Table, key: str) -> ir.Table:
    """The rows that stay, and a row of nulls for each item or user that has none."""
    known = flagged.filter(flagged[Columns.RULE].isnull()).drop(Columns.RULE)
    bought = kept.select(key).distinct().rename({_BOUGHT: key})
    rows = bought.left_join(known, bought[_BOUGHT] == known[key])
    columns = [name for name in known.columns if name != key]
    return rows.select(rows[_BOUGHT].name(key), *columns).order_by(key)


def _counts(flagged: ir.Table, interactions: ir.Table) -> dict[str, int]:
    """Lines per rule, those that stay under ``kept``.

    Raises:
        InputError: If the lines that were read are not those kept and quarantined.
    """
    counts = _tally(flagged)
    read = int(interactions.count().to_pandas())
    if sum(counts.values()) != read:
        raise InputError(
            f"cleaning read {read:,} interactions but accounts for {sum(counts.values()):,}: "
            f"{counts}. Rows must never be lost or doubled; please report this with the source."
        )
    return counts


def _tally(flagged: ir.Table) -> dict[str, int]:
    """Rows per rule, those that stay under ``kept``."""
    rules = flagged.select(flagged[Columns.RULE].fill_null("kept").name(Columns.RULE))
    frame = rules.group_by(Columns.RULE).aggregate(rows=rules.count()).to_pandas()
    return dict(zip(frame[Columns.RULE], frame["rows"].astype(int), strict=True))


def _check_enough_left(flagged: ir.Table, counts: dict[str, int], params: CleaningParams) -> None:
    """Stop if there is nothing to learn from, saying which rule took how many lines."""
    kept = flagged.filter(flagged[Columns.RULE].isnull())
    left = kept.aggregate(
        users=kept[Columns.USER].nunique(), items=kept[Columns.ITEM].nunique()
    ).to_pandas()
    users, items = int(left["users"].iloc[0]), int(left["items"].iloc[0])
    if users > 1 and items > 1:
        return
    taken = "\n".join(
        f"  {rule}: {counts[rule]:,} ({text})"
        for rule, text in DESCRIPTIONS.items()
        if rule in counts
    )
    support = params.support
    raise InputError(
        f"cleaning leaves {users} users and {items} items of {sum(counts.values()):,} lines; "
        f"at least two of each are needed. The rules took:\n{taken}\nCorrect the source, or loosen "
        f"the rule in conf/<environment>/cleaning/parameters.yml (support asks for "
        f"{support.min_users_per_item} users per item and "
        f"{support.min_items_per_user} items per user)."
    )


def _report(lines: dict[str, int], tables: dict[str, dict[str, int]]) -> pd.DataFrame:
    """One row per rule and table: rows taken, share of the table, and what the rule takes."""
    blocks = [(Tables.INTERACTIONS, lines, DESCRIPTIONS)]
    blocks += [(name, counts, TABLE_RULES) for name, counts in tables.items()]
    rows = [
        (rule, table, counts.get(rule, 0), counts.get(rule, 0) / max(sum(counts.values()), 1), text)
        for table, counts, rules in blocks
        for rule, text in {**rules, "kept": "stays"}.items()
    ]
    return pd.DataFrame(rows, columns=[Columns.RULE, "table", "rows", "share", Columns.DESCRIPTION])


def _quarantine(flagged: ir.Table, tables: dict[str, ir.Table]) -> ir.Table:
    """Every rejected row with its table and rule; of items and users, the identifier."""
    columns = ["table", Columns.RULE, *SCHEMAS[Tables.INTERACTIONS]]
    rejected = flagged.filter(flagged[Columns.RULE].notnull())
    parts = [rejected.mutate(table=ibis.literal(Tables.INTERACTIONS)).select(*columns)]
    for name, table in tables.items():
        rows = table.filter(table[Columns.RULE].notnull())
        absent = {
            column: ibis.null(dtype)
            for column, dtype in SCHEMAS[Tables.INTERACTIONS].items()
            if column not in rows.columns
            or column != (Columns.ITEM if name == Tables.ITEMS else Columns.USER)
        }
        parts.append(rows.mutate(table=ibis.literal(name), **absent).select(*columns))
    return ibis.union(*parts).order_by(["table", Columns.RULE, *ORDER])
