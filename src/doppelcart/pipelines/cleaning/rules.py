"""The cleaning rules, as Ibis expressions over interactions."""

# ruff: noqa: PD003, PD004 - Ibis columns have isnull and notnull only

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Columns, Tables
from doppelcart.data.engine import first_row, materialise, unusable
from doppelcart.data.schemas import SCHEMAS
from doppelcart.pipelines.cleaning.params import Cancellation, CleaningParams, Outlier, Support
from doppelcart.reading.tolerance import NUMBERS, implausible

DESCRIPTIONS: Final = {
    "missing_id": "no user or no item",
    "missing_timestamp": "no time, or none that can be read",
    "implausible_time": "a time before any log, or after the run",
    "non_product": "postage, fees, vouchers, fuel and other lines that are no goods",
    "cancellation": "cancels an earlier line",
    "cancelled_original": "was cancelled later: same user and item, the same quantity",
    "return": "negative quantity",
    "non_positive_quantity": "no quantity, or zero",
    "non_positive_amount": "nothing was paid, or the amount is negative or not a number",
    "not_finite": "quantity, amount or discount is infinite, not a number or beyond any shop's",
    "duplicate": "equals another line in every column",
    "outlier": "quantity or amount beyond the robust bound",
    "item_support": "the item has too few users",
    "user_support": "the user has too few items",
}
"""What each rule takes, in the order in which the rules apply."""

_ROW: Final = "row_flag_"

log = logging.getLogger(__name__)


def flag_rows(
    interactions: ir.Table,
    items: ir.Table,
    params: CleaningParams,
    times: tuple[datetime, datetime],
) -> ir.Table:
    """Give each line the first rule that takes it, support aside.

    Args:
        interactions: Canonical interactions.
        items: Canonical items, for departments and categories.
        params: The rules.
        times: The first moment that a line may have, and the first that is too late.

    Returns:
        The same lines with a column ``rule``, null for lines that stay.
    """
    has_amounts = bool(
        first_row(interactions.aggregate(n=interactions[Columns.AMOUNT].count()))["n"]
    )
    lines = _with_non_products(interactions, items, params)
    lines = lines.mutate(**{_ROW + "basic": _basic_rule(lines, params, has_amounts, times)})
    lines = _with_cancelled(lines, params.cancellation)
    lines = _with_duplicates(lines, params.duplicate.enabled)
    flagged = materialise(_without_flags(lines), "cleaning_flagged")
    if not params.outlier.enabled:
        return flagged
    return _with_outliers(flagged, params.outlier)


def _with_non_products(interactions: ir.Table, items: ir.Table, params: CleaningParams) -> ir.Table:
    """Mark the lines that are no goods."""
    rule, name = params.non_product, _ROW + "non_product"
    no_goods: ir.Value = ibis.literal(False)
    if rule.enabled and rule.item_pattern:
        no_goods = (
            interactions[Columns.ITEM].re_search(f"^(?:{rule.item_pattern})$").fill_null(False)
        )
    lines = interactions.mutate(**{name: no_goods})
    if not rule.enabled or not (rule.departments or rule.categories):
        return lines
    asked = {Columns.DEPARTMENT: rule.departments, Columns.CATEGORY: rule.categories}
    if unknown := _unknown_names(items, asked):
        log.warning("cleaning.non_product: no item has the %s", ", nor the ".join(unknown))
    named = ibis.or_(
        *(
            folded(items[column]).isin([folded(ibis.literal(name)) for name in names])
            for column, names in asked.items()
        )
    )
    listed = items.filter(named).select(no_goods_id=Columns.ITEM).distinct()
    lines = lines.left_join(listed, lines[Columns.ITEM] == listed["no_goods_id"])
    return lines.mutate(**{name: lines[name] | lines["no_goods_id"].notnull()}).drop("no_goods_id")


def _unknown_names(items: ir.Table, asked: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of departments and categories that no item has, each with its column."""
    pairs = [(column, name) for column, names in asked.items() for name in names]
    counts = {
        str(place): items[Columns.ITEM].count(
            where=folded(items[column]) == folded(ibis.literal(name))
        )
        for place, (column, name) in enumerate(pairs)
    }
    found = first_row(items.aggregate(**counts))
    return [
        f"{column} {name!r}" for place, (column, name) in enumerate(pairs) if not found[str(place)]
    ]


def tidy(text: ir.Value) -> ir.Value:
    """A text without outer and doubled blanks; null if nothing is left."""
    return text.re_replace(r"\s+", " ").strip().nullif("")


def folded(text: ir.Value) -> ir.Value:
    """A tidy text in one case, by the engine: Python would write `ẞ`, its capital ß, as `SS`."""
    return tidy(text).upper()


def _basic_rule(
    lines: ir.Table, params: CleaningParams, has_amounts: bool, times: tuple[datetime, datetime]
) -> ir.Value:
    """The first rule that a line matches by its own values, null if none."""
    quantity, amount = lines[Columns.QUANTITY], lines[Columns.AMOUNT]
    cases: list[tuple[ir.Value, str]] = [
        (lines[Columns.USER].isnull() | lines[Columns.ITEM].isnull(), "missing_id"),
        (lines[Columns.TIMESTAMP].isnull(), "missing_timestamp"),
        (implausible(lines[Columns.TIMESTAMP], times), "implausible_time"),
        (lines[_ROW + "non_product"], "non_product"),
    ]
    if params.cancellation.enabled and params.cancellation.basket_pattern:
        marked = lines[Columns.BASKET].re_search(params.cancellation.basket_pattern)
        cases.append((marked.fill_null(False), "cancellation"))
    if params.returns.enabled:
        cases.append(((quantity < 0).fill_null(False), "return"))
    if params.non_positive_quantity.enabled:
        bad = quantity.isnull() | quantity.isnan() | (quantity <= 0)
        cases.append((bad, "non_positive_quantity"))
    if params.non_positive_amount.enabled and has_amounts:
        bad = amount.isnull() | amount.isnan() | (amount <= 0)
        cases.append((bad, "non_positive_amount"))
    # always, since one of them makes every sum that it is in unusable
    cases += [(unusable(lines[name]), "not_finite") for name in NUMBERS]
    return ibis.cases(*cases)


def _with_cancelled(lines: ir.Table, rule: Cancellation) -> ir.Table:
    """Mark the lines that a later cancellation undoes, each by one cancellation at most.

    A cancellation undoes the latest line before it of the same user, item and opposite quantity
    that is not undone yet. That is how brackets match: with lines as opening and cancellations as
    closing brackets in time order, a running sum gives the depth, and on each level of depth
    opening and closing alternate. A line is undone if a cancellation comes next on its level; a
    cancellation with nothing before it opens a level of its own downwards.
    """
    basic, name = _ROW + "basic", _ROW + "cancelled"
    if not rule.enabled or not rule.basket_pattern:
        return lines.mutate(**{name: False})
    closing = (lines[basic] == "cancellation").fill_null(False)
    takes_part = (closing & (lines[Columns.QUANTITY] < 0)) | lines[basic].isnull()
    lines = lines.mutate(
        step=ibis.cases((~takes_part, 0), (closing, -1), else_=1),
        size=takes_part.ifelse(lines[Columns.QUANTITY].abs(), None),
    )
    # Among lines of one moment the opening ones come first; the other columns make the order,
    # and so the result, independent of the order of the rows in the file.
    order = [Columns.TIMESTAMP, ibis.desc("step"), *_tie_breakers()]
    group = [Columns.USER, Columns.ITEM, "size"]
    past = ibis.window(group_by=group, order_by=order, preceding=None, following=0)
    lines = lines.mutate(depth=lines["step"].sum().over(past))
    level = ibis.cases(
        (lines["step"] == 1, lines["depth"]), (lines["step"] == -1, lines["depth"] + 1)
    )
    lines = lines.mutate(level=level)
    following = lines["step"].lead().over(ibis.window(group_by=[*group, "level"], order_by=order))
    undone = (lines["step"] == 1) & (following == -1).fill_null(False)
    return lines.mutate(**{name: undone}).drop("step", "size", "depth", "level")


def _tie_breakers() -> list[str]:
    """Every column but the time, in the canonical order."""
    return [name for name in SCHEMAS[Tables.INTERACTIONS] if name != Columns.TIMESTAMP]


def _with_duplicates(lines: ir.Table, enabled: bool) -> ir.Table:
    """Mark every copy of a line but one; copies are equal, so it matters not which one stays."""
    name = _ROW + "copy"
    if not enabled:
        return lines.mutate(**{name: False})
    same = ibis.window(
        group_by=[*SCHEMAS[Tables.INTERACTIONS], _ROW + "cancelled"], order_by=Columns.TIMESTAMP
    )
    return lines.mutate(**{name: ibis.row_number().over(same) > 0})


def _without_flags(lines: ir.Table) -> ir.Table:
    """Join the flags into one column ``rule``, the first rule in order."""
    basic = lines[_ROW + "basic"]
    first = ["missing_id", "missing_timestamp", "implausible_time", "non_product", "cancellation"]
    rule = ibis.cases(
        (basic.isin(first), basic),
        (lines[_ROW + "cancelled"], "cancelled_original"),
        (basic.notnull(), basic),
        (lines[_ROW + "copy"], "duplicate"),
    )
    return lines.mutate(**{Columns.RULE: rule}).select(*SCHEMAS[Tables.INTERACTIONS], Columns.RULE)


def _with_outliers(flagged: ir.Table, rule: Outlier) -> ir.Table:
    """Mark lines beyond the bound, which is taken from the lines no earlier rule took."""
    bounds = outlier_bounds(flagged.filter(flagged[Columns.RULE].isnull()), rule)
    beyond: ir.Value = ibis.literal(False)
    for column, bound in bounds.items():
        beyond = beyond | (flagged[column] > bound).fill_null(False)
    marked = ibis.cases(
        (flagged[Columns.RULE].notnull(), flagged[Columns.RULE]), (beyond, "outlier")
    )
    return flagged.mutate(**{Columns.RULE: marked})


def outlier_bounds(lines: ir.Table, rule: Outlier) -> dict[str, float]:
    """The greatest value allowed per column.

    Args:
        lines: Lines that no earlier rule took.
        rule: The rule's parameters.

    Returns:
        Per column, exp(median + n_mads x 1.4826 x MAD) of the logarithms of positive values;
        columns without such a value are left out.
    """
    logs = {
        str(column): (lines[column] > 0).ifelse(lines[column].log(), None)
        for column in rule.columns
    }
    medians = first_row(lines.aggregate(**{name: log.median() for name, log in logs.items()}))
    known = {name: float(value) for name, value in medians.items() if pd.notna(value)}
    if not known:
        return {}
    deviations = {name: (logs[name] - median).abs().median() for name, median in known.items()}
    mads = first_row(lines.aggregate(**deviations))
    return {
        name: float(np.exp(median + rule.n_mads * 1.4826 * max(mads[name], rule.min_mad)))
        for name, median in known.items()
    }


def support_losses(lines: ir.Table, rule: Support) -> tuple[ir.Table, ir.Table, int]:
    """Items and users outside the k-core.

    Each round takes first the items with too few users, then the users with too few items, until
    a round takes none or ``max_rounds`` are over.

    Args:
        lines: Lines that no earlier rule took.
        rule: The rule's parameters.

    Returns:
        The items taken (``item_id``), the users taken (``user_id``), and the number of rounds.
    """
    everything = materialise(lines.select(Columns.USER, Columns.ITEM).distinct(), "cleaning_pairs")
    pairs, rounds, size = everything, 0, int(everything.count().to_pandas())
    while rounds < rule.max_rounds:
        rounds += 1
        kept_items = _enough(pairs, Columns.ITEM, rule.min_users_per_item)
        pairs_of_items = pairs.semi_join(kept_items, Columns.ITEM)
        kept_users = _enough(pairs_of_items, Columns.USER, rule.min_items_per_user)
        # Two names in turn, since a kept table cannot be replaced by what is read from it.
        pairs = materialise(
            pairs_of_items.semi_join(kept_users, Columns.USER), f"cleaning_core_{rounds % 2}"
        )
        left = int(pairs.count().to_pandas())
        if left == size:
            break
        size = left
    return _gone(everything, pairs, Columns.ITEM), _gone(everything, pairs, Columns.USER), rounds


def _enough(pairs: ir.Table, key: str, least: int) -> ir.Table:
    """The users or items that occur in at least ``least`` pairs."""
    counts = pairs.group_by(key).aggregate(pair_count=pairs.count())
    return counts.filter(counts["pair_count"] >= least).select(key)


def _gone(before: ir.Table, after: ir.Table, key: str) -> ir.Table:
    """The users or items that are in ``before`` and no more in ``after``."""
    return before.select(key).distinct().anti_join(after.select(key).distinct(), key)


def flag_support(flagged: ir.Table, rule: Support) -> ir.Table:
    """Add the k-core's rules; of a lost item's and a lost user's common lines, the item's."""
    if not rule.enabled:
        return flagged
    items, users, _ = support_losses(flagged.filter(flagged[Columns.RULE].isnull()), rule)
    items, users = items.rename(lost_item=Columns.ITEM), users.rename(lost_user=Columns.USER)
    lines = flagged.left_join(items, flagged[Columns.ITEM] == items["lost_item"])
    lines = lines.left_join(users, lines[Columns.USER] == users["lost_user"])
    marked = ibis.cases(
        (lines[Columns.RULE].notnull(), lines[Columns.RULE]),
        (lines["lost_item"].notnull(), "item_support"),
        (lines["lost_user"].notnull(), "user_support"),
    )
    columns = [*SCHEMAS[Tables.INTERACTIONS], Columns.RULE]
    return materialise(
        lines.mutate(**{Columns.RULE: marked}).select(*columns), "cleaning_supported"
    )
