"""Ibis expressions that turn a user's purchases into one row of behaviour.

Everything here is lazy and says nothing of the engine: a table in, a table out, one row per user.
"""

from collections.abc import Iterable, Mapping
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


def promotion_exposure(
    rows: ir.Table, promotions: ir.Table, weekdays: Iterable[int], by_store: bool
) -> ir.Table:
    """Shares of a user's purchases made while the item was on display, in the mailer, or promoted.

    Only promotions that touch a purchase survive the joins, so the promotions table is scanned
    and never held.

    Args:
        rows: Purchases.
        promotions: Items promoted for the seven days from ``week`` on, and in one store where
            ``by_store`` says so and a store is given, else in all.
        weekdays: On which days of the week these begin, Monday as 0.
        by_store: Whether purchases tell the store.
    """
    store = promotions[Columns.STORE]
    kinds = [(promotions, [Columns.ITEM, Columns.WEEK])]
    if by_store:
        kinds = [
            (promotions.filter(store.notnull()), [Columns.ITEM, Columns.WEEK, Columns.STORE]),
            (promotions.filter(store.isnull()), [Columns.ITEM, Columns.WEEK]),
        ]
    flags = ("display", "mailer", "promotion")
    rows = rows.mutate(**{f"in_{name}": ibis.literal(0.0) for name in flags})
    for weekday in weekdays:
        later = ibis.interval(days=weekday)
        rows = rows.mutate(week=(rows[Columns.TIMESTAMP] - later).truncate("W") + later)
        for promoted, keys in kinds:
            rows = _with_exposure(rows, promoted, keys, flags)
    return rows.group_by(Columns.USER).aggregate(
        **{f"{name}_share": rows[f"in_{name}"].mean() for name in flags}
    )


def _with_exposure(
    rows: ir.Table, promotions: ir.Table, keys: list[str], flags: Iterable[str]
) -> ir.Table:
    """Raises ``in_<flag>`` of purchases to 1 where promotions of the same keys have the flag."""
    promotions = promotions.mutate(week=promotions[Columns.WEEK].truncate("D"))
    shown = promotions.semi_join(rows.select(keys).distinct(), keys)
    display, mailer = shown[Columns.DISPLAY], shown[Columns.MAILER]
    # where a source tells neither, that the row is there says that the item was promoted
    untold = display.isnull() & mailer.isnull()
    told = {"display": display, "mailer": mailer, "promotion": display | mailer | untold}
    # the same item may be shown in two places of a store in the same week
    shown = shown.group_by(keys).aggregate(
        **{f"shown_{name}": told[name].cast("float64").max() for name in flags}
    )
    joined = rows.left_join(shown, keys)
    raised = {
        f"in_{name}": ibis.greatest(
            joined[f"in_{name}"], ibis.coalesce(joined[f"shown_{name}"], 0.0)
        )
        for name in flags
    }
    return joined.mutate(**raised).select(rows.columns)


def ratings(reviews: ir.Table, end: datetime) -> ir.Table:
    """Number and mean of the ratings each user gave up to the end of training."""
    past = reviews.filter(reviews[Columns.TIMESTAMP] <= ibis.literal(end, type="timestamp"))
    return past.group_by(Columns.USER).aggregate(
        ratings=past[Columns.RATING].count(), mean_rating=past[Columns.RATING].mean()
    )
