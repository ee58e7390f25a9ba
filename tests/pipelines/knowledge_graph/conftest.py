"""A shop in which a coupon's items are one taste, which nothing else tells."""

from typing import Any, NamedTuple

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.catalogue.item_features import ItemFeatures, encode
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.schemas import SCHEMAS

N_USERS, N_ITEMS, N_TASTES, DAYS = 120, 120, 4, 100
START = pd.Timestamp("2024-01-01")
CUT = START + pd.Timedelta(days=70)


class Shop(NamedTuple):
    """Tables of a shop and what the core makes of them."""

    lines: pd.DataFrame
    items: pd.DataFrame
    coupons: pd.DataFrame
    campaigns: pd.DataFrame
    features: ItemFeatures
    train: Histories
    validation: dict[str, Case]
    test: dict[str, Case]


def table(frame: pd.DataFrame, name: str, **more: Any) -> ibis.Table:
    """A canonical table, its other columns empty."""
    schema = SCHEMAS[name] | dict.fromkeys(more, "string")
    rows = frame.assign(**more).reindex(columns=list(schema))
    return ibis.memtable(rows.astype(object).where(rows.notna(), None), schema=ibis.schema(schema))


def make_shop(planted: bool, seed: int = 0) -> Shop:
    """A shop that launches half of its items one by one.

    Types cut across tastes. Planted, users buy items of one taste, and the coupons of a taste are
    for its items, those of tomorrow too; else both are random.
    """
    rng = np.random.default_rng(seed)
    number = np.arange(N_ITEMS)
    taste = number % N_TASTES
    items = pd.DataFrame(
        {
            "item_id": [f"i{n:03d}" for n in number],
            "department": "food",
            "category": [f"c{n % 2}" for n in rng.permutation(number)],
            "type": [f"t{n % 3}" for n in rng.permutation(number)],
            "brand": [f"b{n % 2}" for n in number],
            "manufacturer": [f"m{n % 2}" for n in number],
        }
    )
    told = taste if planted else rng.permutation(taste)
    coupons = pd.DataFrame(
        [
            {"coupon_id": f"k{told[n]}{k}", "item_id": f"i{n:03d}", "campaign_id": str(k)}
            for n in number
            for k in range(3)
        ]
    )
    campaigns = pd.DataFrame(
        {"campaign_id": list("012"), "type": "mail", "start": START, "user_id": "u000"}
    )
    day = np.repeat(np.arange(DAYS), 2 * N_USERS)
    user = np.tile(np.arange(N_USERS), 2 * DAYS)
    there = (N_ITEMS * (0.5 + 0.5 * day / DAYS)).astype(int)
    item = (rng.random(len(day)) * there).astype(int)
    if planted:
        item = item // N_TASTES * N_TASTES + user % N_TASTES
    lines = pd.DataFrame(
        {
            "user_id": [f"u{u:03d}" for u in user],
            "item_id": [f"i{i:03d}" for i in np.minimum(item, N_ITEMS - 1)],
            "timestamp": START + pd.to_timedelta(day, "D"),
            "basket_id": [f"{d}" for d in day],
            "quantity": 1.0,
            "amount": 2.0,
        }
    )
    columns = ("department", "category", "type", "brand", "manufacturer")
    before = lines[lines["timestamp"] < CUT]
    train = Histories.from_interactions(before)
    # Half of what a user bought is known, and the rest is to be found.
    case = Case(
        "warm", train.where(train.positions % 2 == 0), train.where(train.positions % 2 == 1)
    )
    users = np.arange(train.n_users)
    return Shop(
        lines, items, coupons, campaigns, encode(items, columns, ("title",), (3, 4)), train,
        {"warm": case.select(users[::2])}, {"warm": case.select(users[1::2])},
    )  # fmt: skip


@pytest.fixture(scope="session")
def planted() -> Shop:
    return make_shop(planted=True)


@pytest.fixture(scope="session")
def null() -> Shop:
    return make_shop(planted=False)
