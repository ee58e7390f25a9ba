"""A log in which an attribute decides who buys what, or nothing does."""

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.catalogue.item_features import ItemFeatures, encode
from doppelcart.catalogue.windows import lines_of
from doppelcart.data.schemas import SCHEMAS
from doppelcart.pipelines.new_items.launches import Launch, open_launches

N_USERS, N_ITEMS, N_TYPES, DAYS = 60, 150, 5, 100
SUPPORT = {"min_buyers_before": 3, "min_buyers_after": 3, "recent_weeks": 2}


def make_items(n_items: int = N_ITEMS) -> pd.DataFrame:
    """Items of five types, each of one of two brands; launched in the order of their numbers."""
    number = np.arange(n_items)
    return pd.DataFrame(
        {
            "item_id": [f"i{n:03d}" for n in number],
            "department": np.where(number % N_TYPES < 2, "food", "home"),
            "category": [f"c{n % N_TYPES // 2}" for n in number],
            "type": [f"t{n % N_TYPES}" for n in number],
            "brand": [f"b{n % 2}" for n in number],
            "manufacturer": [f"m{n % 2}" for n in number],
        }
    )


def make_lines(planted: bool, seed: int = 0, n_items: int = N_ITEMS) -> pd.DataFrame:
    """Three lines per user and day; half of the items are there from the beginning.

    Planted, a user buys the items of one type; else whatever there is.
    """
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), 3 * N_USERS)
    user = np.tile(np.arange(N_USERS), 3 * DAYS)
    there = (n_items * (0.5 + 0.5 * day / DAYS)).astype(int)
    item = (rng.random(len(day)) * there).astype(int)
    if planted:
        item = item // N_TYPES * N_TYPES + user % N_TYPES
    item = np.minimum(item, n_items - 1)
    return pd.DataFrame(
        {
            "user_id": [f"u{u:02d}" for u in user],
            "item_id": [f"i{i:03d}" for i in item],
            "timestamp": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(day, "D")
            + pd.to_timedelta(np.arange(len(day)) % 997, "s"),
            "quantity": 2.0,
            "amount": 2.0 + item % 3,
        }
    )


def table(frame: pd.DataFrame, **more: Any) -> ibis.Table:
    """A canonical table of interactions, its other columns empty."""
    schema = SCHEMAS["interactions"] | dict.fromkeys(more, "string")
    rows = frame.assign(**more).reindex(columns=list(schema))
    return ibis.memtable(rows.astype(object).where(rows.notna(), None), schema=ibis.schema(schema))


def features_of(items: pd.DataFrame) -> ItemFeatures:
    names = ("department", "category", "type", "brand", "manufacturer")
    return encode(items, names, ("title", "type"), (3, 4))


def launches_of(
    lines: pd.DataFrame, items: pd.DataFrame, cuts: tuple[float, ...] = (0.7,)
) -> tuple[list[Launch], ItemFeatures]:
    clean = lines_of(table(lines), table(lines.iloc[:0], rule=None))
    features = features_of(items)
    return open_launches(clean, features, cuts, 0.2, 5, **SUPPORT), features


@pytest.fixture(scope="session")
def planted() -> tuple[list[Launch], ItemFeatures]:
    return launches_of(make_lines(planted=True), make_items())


@pytest.fixture(scope="session")
def null() -> tuple[list[Launch], ItemFeatures]:
    return launches_of(make_lines(planted=False), make_items())
