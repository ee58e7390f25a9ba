"""Ibis expressions that turn a user's purchases into one row of behaviour.

Everything here is lazy and says nothing of the engine: a table in, a table out, one row per user.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

import ibis
import ibis.expr.types as ir

from doppelcart.columns import Columns

SECONDS_PER_DAY: Final = 86_400
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_PARTS: Final = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
PRIVATE_LABEL: Final = "private_label"
PRICE_POSITION: Final = "price_position"


class Observed(NamedTuple):
    """What a table of purchases holds.

    Attributes:
        columns: Columns with at least one value.
        end: The last timestamp: the moment that recency and tenure are counted to.
        has_clock: Whether timestamps tell an hour, not only a date.
    """

    columns: frozenset[str]
    end: datetime
    has_clock: bool


def observe(rows: ir.Table) -> Observed:
    """Looks, in one pass, at which columns hold values and when the last purchase was."""
    filled = {f"n_{name}": rows[name].count() for name in rows.columns}
    clock = (rows[Columns.TIMESTAMP] != rows[Columns.TIMESTAMP].truncate("D")).sum()
    found = (
        rows.aggregate(**filled, end=rows[Columns.TIMESTAMP].max(), clock=clock).execute().iloc[0]
    )
    columns = frozenset(name for name in rows.columns if found[f"n_{name}"] > 0)
    return Observed(columns, found["end"].to_pydatetime(), bool(found["clock"] > 0))


def with_visits(rows: ir.Table) -> ir.Table:
    """Adds `day` and `visit` (the basket; without one, the day)."""
    rows = rows.mutate(day=rows[Columns.TIMESTAMP].date())
    return rows.mutate(visit=ibis.coalesce(rows[Columns.BASKET], rows.day.cast("string")))


def activity(rows: ir.Table, observed: Observed) -> dict[str, ir.Scalar]:
    """Recency, frequency, tenure and rhythm of coming back; days."""
    end = ibis.literal(observed.end, type="timestamp").epoch_seconds()
    seconds = rows[Columns.TIMESTAMP].epoch_seconds()
    span = rows[Columns.TIMESTAMP].truncate("D").epoch_seconds()
    days = rows.day.nunique()
    measures = {
        "recency_days": (end - seconds.max()) / SECONDS_PER_DAY,
        "tenure_days": (end - seconds.min()) / SECONDS_PER_DAY,
        "mean_gap_days": (span.max() - span.min()) / SECONDS_PER_DAY / (days - 1).nullif(0),
        "visits": rows.visit.nunique(),
        "purchases": rows.count(),
        "items": rows[Columns.ITEM].nunique(),
        "purchases_per_visit": rows.count() / rows.visit.nunique(),
    }
    if Columns.QUANTITY in observed.columns:
        measures["units"] = rows[Columns.QUANTITY].sum()
    return measures


def spending(rows: ir.Table, observed: Observed) -> dict[str, ir.Scalar]:
    """Money spent, in currency units, and the shares of the shelf price taken off."""
    if Columns.AMOUNT not in observed.columns:
        return {}
    total = rows[Columns.AMOUNT].sum()
    shelf = (total + ibis.coalesce(rows[Columns.DISCOUNT].sum(), 0.0)).nullif(0.0)
    shares = {"discount_share": Columns.DISCOUNT, "coupon_share": Columns.COUPON_AMOUNT}
    return {
        "spend_total": total,
        "spend_per_visit": total / rows.visit.nunique(),
        **{
            name: ibis.coalesce(rows[column].sum(), 0.0) / shelf
            for name, column in shares.items()
            if column in observed.columns
        },
    }


def rhythm(rows: ir.Table, observed: Observed) -> dict[str, ir.Scalar]:
    """Shares of purchases by weekday and, where timestamps tell the hour, by part of the day."""
    weekday, hour = rows[Columns.TIMESTAMP].day_of_week.index(), rows[Columns.TIMESTAMP].hour()
    measures = {
        f"on_{name}_share": (weekday == index).cast("float64").mean()
        for index, name in enumerate(WEEKDAYS)
    }
    if observed.has_clock:
        for name, (start, stop) in DAY_PARTS.items():
            measures[f"at_{name}_share"] = ((hour >= start) & (hour < stop)).cast("float64").mean()
    return measures


def tastes(
    rows: ir.Table, departments: Mapping[str, str], categories: Mapping[str, str]
) -> dict[str, ir.Scalar]:
    """Shares of purchases by department and category, of own label, and the mean price position.

    Args:
        rows: Purchases joined to their items' features.
        departments: Column name of each department that gets one.
        categories: Column name of each category that gets one.
    """
    measures = {}
    for column, labels in {Columns.DEPARTMENT: departments, Columns.CATEGORY: categories}.items():
        for value, label in labels.items():
            bought = ibis.coalesce(rows[column] == value, ibis.literal(False))
            measures[f"{column}_share_{label}"] = bought.cast("float64").mean()
    for column, name in {
        PRIVATE_LABEL: "private_label_share",
        PRICE_POSITION: "mean_price_position",
    }.items():
        if column in rows.columns:
            measures[name] = rows[column].cast("float64").mean()
    return measures


def repeat_rate(rows: ir.Table) -> ir.Table:
    """Share of a user's distinct items bought on more than one visit."""
    pairs = rows.group_by([Columns.USER, Columns.ITEM]).aggregate(times=rows.visit.nunique())
    return pairs.group_by(Columns.USER).aggregate(
        repeat_rate=(pairs.times > 1).cast("float64").mean()
    )


def category_entropy(rows: ir.Table) -> ir.Table:
    """Shannon entropy of a user's purchases over categories; nats."""
    counts = rows.filter(rows[Columns.CATEGORY].notnull()).group_by(
        [Columns.USER, Columns.CATEGORY]
    )
    counts = counts.aggregate(n=lambda t: t.count())
    n = counts.n.cast("float64")
    # sum of -p ln p with p = n / N, freed of N inside the sum so that one pass does
    entropy = n.sum().ln() - (n * n.ln()).sum() / n.sum()
    return counts.group_by(Columns.USER).aggregate(category_entropy=entropy)


def promotion_exposure(rows: ir.Table, promotions: ir.Table, by_store: bool) -> ir.Table:
    """Shares of a user's purchases made while the item was on display, in the mailer, or promoted.

    Only promotions that touch a purchase survive the join, so the promotions table is scanned
    once and never held.

    Args:
        rows: Purchases.
        promotions: Items promoted by week, and by store where ``by_store`` says so.
        by_store: Whether a promotion holds for its store alone.
    """
    keys = [Columns.ITEM, Columns.WEEK, Columns.STORE] if by_store else [Columns.ITEM, Columns.WEEK]
    rows = rows.mutate(**{Columns.WEEK: rows[Columns.TIMESTAMP].truncate("W")})
    shown = promotions.semi_join(rows.select(keys).distinct(), keys)
    display, mailer = shown[Columns.DISPLAY], shown[Columns.MAILER]
    # where a source tells neither, that the row is there says that the item was promoted
    untold = display.isnull() & mailer.isnull()
    flags = {"display": display, "mailer": mailer, "promotion": display | mailer | untold}
    # the same item may be shown in two places of a store in the same week
    shown = shown.group_by(keys).aggregate(
        **{f"in_{name}": flag.cast("float64").max() for name, flag in flags.items()}
    )
    joined = rows.left_join(shown, keys)
    return joined.group_by(Columns.USER).aggregate(
        **{f"{name}_share": ibis.coalesce(joined[f"in_{name}"], 0.0).mean() for name in flags}
    )


def ratings(reviews: ir.Table, end: datetime) -> ir.Table:
    """Number and mean of the ratings each user gave up to the end of training."""
    past = reviews.filter(reviews[Columns.TIMESTAMP] <= ibis.literal(end, type="timestamp"))
    return past.group_by(Columns.USER).aggregate(
        ratings=past[Columns.RATING].count(), mean_rating=past[Columns.RATING].mean()
    )
