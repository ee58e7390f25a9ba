"""Readable profiles of users and items, from training rows only."""

import logging
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import MISSING, Columns
from doppelcart.data.histories import Histories
from doppelcart.pipelines.profiles import behaviour
from doppelcart.pipelines.profiles.behaviour import PRICE_POSITION, PRIVATE_LABEL, Observed
from doppelcart.pipelines.profiles.params import ProfilesParams
from doppelcart.pipelines.profiles.scaling import slugs

logger = logging.getLogger(__name__)

ITEM_TEXTS = (Columns.DEPARTMENT, Columns.CATEGORY, Columns.TYPE, Columns.BRAND, Columns.TITLE)
DEMOGRAPHIC = "demographic_"
SEGMENT = "segment"


def describe_items(
    train_interactions: ir.Table,
    prm_items: ir.Table,
    train_histories: Histories,
    params: ProfilesParams,
) -> pd.DataFrame:
    """Makes the readable features of the catalogue's items.

    Args:
        train_interactions: Training purchases.
        prm_items: Cleaned items; `price` may be null.
        train_histories: Gives the catalogue and its order.
        params: The pipeline's parameters.

    Returns:
        Indexed by item_id, in catalogue order: department, category, type, brand and title
        where the source has them; `price` (currency units a piece), `price_position` (0 cheapest
        to 1 dearest of its type), `private_label` (0 or 1), `n_rows` and `n_users` in training.
    """
    sold = item_sales(train_interactions)
    known = prm_items.select(Columns.ITEM, *ITEM_TEXTS, Columns.PRICE)
    items = (
        sold.left_join(known, Columns.ITEM)
        .drop(f"{Columns.ITEM}_right")
        .execute()
        .set_index(Columns.ITEM)
    )
    items = items.reindex(pd.Index(train_histories.item_ids.astype(str), name=Columns.ITEM))
    items[Columns.PRICE] = items[Columns.PRICE].astype("float64").fillna(items.pop("median_price"))
    items = items.dropna(axis="columns", how="all")
    items[PRICE_POSITION] = price_position(items)
    if Columns.BRAND in items:
        items[PRIVATE_LABEL] = private_label(items[Columns.BRAND], params.private_label_brands)
    log_absent("feat_items", (*ITEM_TEXTS, Columns.PRICE), items.columns)
    return items


def item_sales(train_interactions: ir.Table) -> ir.Table:
    """Rows, users and the median price paid a piece of each item sold in training."""
    rows = train_interactions
    pieces = ibis.coalesce(rows[Columns.QUANTITY], 1.0).nullif(0.0)
    return rows.group_by(Columns.ITEM).aggregate(
        n_rows=rows.count(),
        n_users=rows[Columns.USER].nunique(),
        median_price=(rows[Columns.AMOUNT] / pieces).median(),
    )


def private_label(brand: pd.Series, own: Sequence[str]) -> pd.Series:
    """1 where the brand is the shop's own, 0 where it is another's, NaN where it is unknown."""
    is_own = brand.str.lower().isin([value.lower() for value in own])
    return is_own.astype("float64").where(brand.notna())


def price_position(items: pd.DataFrame) -> pd.Series:
    """Rank of an item's price among those of its type, from 0 (cheapest) to 1 (dearest).

    Without a type the category stands in, then the department, then the whole catalogue. An item
    alone in its group is in the middle; one without a price has none.
    """
    if Columns.PRICE not in items:
        return pd.Series(np.nan, index=items.index)
    group = pd.Series("", index=items.index)
    for column in (Columns.DEPARTMENT, Columns.CATEGORY, Columns.TYPE):
        if column in items:
            group = (column + ":" + items[column]).fillna(group)
    prices = items[Columns.PRICE].groupby(group)
    rivals = prices.transform("count") - 1
    position = ((prices.rank() - 1) / rivals).where(rivals > 0, 0.5)
    return position.where(items[Columns.PRICE].notna())


def describe_users(
    train_interactions: ir.Table,
    feat_items: pd.DataFrame,
    prm_users: ir.Table,
    int_promotions: ir.Table,
    int_reviews: ir.Table,
    train_histories: Histories,
    params: ProfilesParams,
) -> pd.DataFrame:
    """Makes the readable profile of every training user.

    Args:
        train_interactions: Training purchases.
        feat_items: Items' features, from training rows.
        prm_users: Demographics; users may be missing.
        int_promotions: Items shown by store and week; may be empty. Never loaded whole.
        int_reviews: Ratings; may be empty. Those after the end of training are left out.
        train_histories: Gives the users and their order.
        params: The pipeline's parameters.

    Returns:
        Indexed by user_id, in the order of the histories: activity, spending, tastes, rhythm,
        exposure, ratings, `segment` (light, medium, heavy by visits) and demographics.
    """
    observed = behaviour.observe(train_interactions)
    log_absent(
        "feat_users",
        (Columns.AMOUNT, Columns.DISCOUNT, Columns.COUPON_AMOUNT, Columns.BASKET),
        observed.columns,
    )
    rows = behaviour.with_visits(train_interactions)
    users = by_user(
        own_behaviour(rows, feat_items, observed, params),
        behaviour.repeat_rate(rows),
        *variety(rows, feat_items),
        *exposure(rows, int_promotions, observed),
        *opinions(int_reviews, observed),
    )
    users = users.reindex(pd.Index(train_histories.user_ids.astype(str), name=Columns.USER))
    users[SEGMENT] = activity_segment(users["visits"])
    demographics = demographic_frame(prm_users, users.index.to_numpy())
    return users.join(demographics.add_prefix(DEMOGRAPHIC))


def by_user(first: ir.Table, *others: ir.Table) -> pd.DataFrame:
    """Joins tables of one row per user, each user of the first kept, and runs the whole."""
    for other in others:
        first = first.left_join(other, Columns.USER).drop(f"{Columns.USER}_right")
    # an engine adds in no fixed order; rounding hides it, so that two runs give the same figures
    users = first.execute().set_index(Columns.USER).round(9)
    return users.fillna(dict.fromkeys(users.columns.intersection(["ratings"]), 0.0))


def own_behaviour(
    rows: ir.Table, feat_items: pd.DataFrame, observed: Observed, params: ProfilesParams
) -> ir.Table:
    """One row per user, from the purchases and the items' features."""
    known = [Columns.DEPARTMENT, Columns.CATEGORY, PRIVATE_LABEL, PRICE_POSITION]
    known = [column for column in known if column in feat_items]
    joined = rows.left_join(ibis.memtable(feat_items[known].reset_index()), Columns.ITEM)
    return joined.group_by(Columns.USER).aggregate(
        **behaviour.activity(joined, observed),
        **behaviour.spending(joined, observed),
        **behaviour.rhythm(joined, observed),
        **behaviour.tastes(
            joined,
            top_levels(feat_items, Columns.DEPARTMENT, params.n_departments),
            top_levels(feat_items, Columns.CATEGORY, params.n_categories),
        ),
    )


def variety(rows: ir.Table, feat_items: pd.DataFrame) -> list[ir.Table]:
    """The entropy over categories, or nothing where items have none."""
    if Columns.CATEGORY not in feat_items:
        return []
    categories = ibis.memtable(feat_items[[Columns.CATEGORY]].reset_index())
    return [behaviour.category_entropy(rows.left_join(categories, Columns.ITEM))]


def exposure(rows: ir.Table, int_promotions: ir.Table, observed: Observed) -> list[ir.Table]:
    """The exposure to promotions, or nothing where the source has none."""
    weekday = int_promotions[Columns.WEEK].day_of_week.index()
    found = int_promotions.group_by(weekday=weekday).aggregate(
        n_rows=int_promotions.count(), n_stores=int_promotions[Columns.STORE].count()
    )
    begun = found.execute().dropna().astype(int).sort_values("weekday")
    if begun.empty:
        logger.info("feat_users: the source has no promotions; exposure to them is left out")
        return []
    if len(begun) > 1:
        names = [behaviour.WEEKDAYS[day] for day in begun["weekday"]]
        logger.warning(
            "feat_users: weeks of promotions begin on several days (%s); each promotion is taken "
            "to hold for seven days from its own on",
            ", ".join(names),
        )
    by_store = begun["n_stores"].sum() > 0 and Columns.STORE in observed.columns
    days = begun["weekday"].tolist()
    return [behaviour.promotion_exposure(rows, int_promotions, days, by_store)]


def opinions(int_reviews: ir.Table, observed: Observed) -> list[ir.Table]:
    """The ratings given, or nothing where the source has none of which the moment is known."""
    usable = int_reviews.drop_null([Columns.RATING, Columns.TIMESTAMP])
    n_rated, n_usable = int_reviews[Columns.RATING].count().execute(), usable.count().execute()
    if n_rated > n_usable:
        logger.warning(
            "feat_users: %d of %d ratings have no timestamp and are left out, for they may be of "
            "after the training",
            n_rated - n_usable,
            n_rated,
        )
    if n_usable == 0:
        logger.info("feat_users: the source has no ratings that can be used; they are left out")
        return []
    return [behaviour.ratings(int_reviews, observed.end)]


def top_levels(feat_items: pd.DataFrame, column: str, count: int) -> dict[str, str]:
    """The values of a column with most training rows, each with a name fit for a column."""
    if column not in feat_items:
        return {}
    rows = feat_items.groupby(column)["n_rows"].sum().reset_index()
    rows = rows.sort_values(["n_rows", column], ascending=[False, True])
    return slugs(rows[column].head(count))


def activity_segment(visits: pd.Series) -> pd.Series:
    """Thirds of the users by number of visits: light, medium, heavy."""
    rank = visits.rank(pct=True, method="average")
    labels = np.select([rank <= 1 / 3, rank <= 2 / 3], ["light", "medium"], "heavy")
    return pd.Series(labels, index=visits.index)


def demographic_frame(prm_users: ir.Table, user_ids: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """Demographics of the given users with a flag for each that is missing.

    Returns:
        Indexed by user_id: the source's columns, one boolean ``<column>_missing`` each, and
        ``missing`` where nothing is known of the user.
    """
    users = prm_users.execute().set_index(Columns.USER).dropna(axis="columns", how="all")
    users = users.reindex(pd.Index(user_ids, name=Columns.USER))
    flags = users.isna().add_suffix(MISSING)
    flags[MISSING.strip("_")] = users.isna().all(axis="columns")
    return users.join(flags)


def log_absent(table: str, wanted: Sequence[str], found: Sequence[str] | frozenset[str]) -> None:
    """Says which columns the source does not have."""
    absent = [column for column in wanted if column not in found]
    if absent:
        logger.info("%s: the source has no %s; what needs it is left out", table, ", ".join(absent))
