"""A shop of two training users and four items, small enough to work every figure by hand."""

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from doppelcart.columns import Columns, Tables
from doppelcart.data.histories import Histories
from doppelcart.data.schemas import SCHEMAS

MONDAY, THURSDAY, SATURDAY = "2024-01-01 09:00", "2024-01-11 20:00", "2024-01-06 09:00"

# user, item, timestamp, quantity, amount, discount, basket, store, coupon amount
INTERACTIONS = [
    ("u1", "a", MONDAY, 1, 2.0, 0.0, "1", "s1", 0.0),
    ("u1", "b", MONDAY, 2, 6.0, 2.0, "1", "s1", 1.0),
    ("u1", "a", THURSDAY, 1, 2.0, 0.0, "2", "s1", 0.0),
    ("u2", "c", SATURDAY, 1, 10.0, 0.0, "3", "s2", 0.0),
    ("u2", "d", SATURDAY, 1, 1.0, 0.0, "3", "s2", 0.0),
    ("u2", "a", SATURDAY, 1, 2.0, 0.0, "3", "s2", 0.0),
]
# item, department, category, type, brand, manufacturer, size, title, description, price
ITEMS = [
    ("a", "GROCERY", "MILK", "WHOLE", "PRIVATE", None, None, None, None, None),
    ("b", "GROCERY", "MILK", "WHOLE", "NATIONAL", None, None, None, None, None),
    ("c", "MEAT", "BEEF", "STEAK", "NATIONAL", None, None, None, None, None),
    ("never sold", "MEAT", "BEEF", "STEAK", "NATIONAL", None, None, None, None, 1.0),
]
PROMOTIONS = [
    ("a", "s1", "2024-01-01", True, False),
    ("a", "s1", "2024-01-01", False, True),
    ("a", "s2", "2024-01-08", True, True),
    ("c", "s2", "2024-01-01", None, None),
]
REVIEWS = [
    ("u1", "a", "2024-01-05", 4.0, None),
    ("u1", "b", "2024-02-01", 2.0, None),
    ("held out", "a", "2024-01-05", 1.0, None),
]
USERS = [("u1", "45-54", "RENTER"), ("held out", "65+", None)]


def canonical(table: str, rows: list[tuple[Any, ...]]) -> ir.Table:
    """A canonical table of the given rows."""
    schema = SCHEMAS[table]
    frame = pd.DataFrame(rows, columns=list(schema))
    for column in (Columns.TIMESTAMP, Columns.WEEK):
        if column in schema:
            frame[column] = pd.to_datetime(frame[column])
    return ibis.memtable(frame, schema=ibis.schema(schema))


@pytest.fixture
def table() -> Callable[[str, list[tuple[Any, ...]]], ir.Table]:
    """Makes a canonical table of rows."""
    return canonical


@pytest.fixture
def interaction_rows() -> list[tuple[Any, ...]]:
    return list(INTERACTIONS)


@pytest.fixture
def shop() -> dict[str, Any]:
    """Inputs of the pipeline by name, without the parameters."""
    interactions = canonical(Tables.INTERACTIONS, INTERACTIONS)
    users = pd.DataFrame(USERS, columns=[Columns.USER, "age", "home"])
    return {
        "train_interactions": interactions,
        "prm_items": canonical(Tables.ITEMS, ITEMS),
        "prm_users": ibis.memtable(users),
        "int_promotions": canonical(Tables.PROMOTIONS, PROMOTIONS),
        "int_reviews": canonical(Tables.REVIEWS, REVIEWS),
        "train_histories": Histories.from_interactions(interactions.execute()),
    }


@pytest.fixture
def bare_shop(shop: dict[str, Any]) -> dict[str, Any]:
    """The same, of a source that knows who took what and when, and nothing else."""
    rows = [(*row[:3], *[None] * 6) for row in INTERACTIONS]
    items = [(row[0], *[None] * 9) for row in ITEMS]
    return {
        "train_interactions": canonical(Tables.INTERACTIONS, rows),
        "prm_items": canonical(Tables.ITEMS, items),
        "prm_users": ibis.memtable(
            pd.DataFrame({Columns.USER: ["u1", "u2"]}), schema={Columns.USER: "string"}
        ),
        "int_promotions": canonical(Tables.PROMOTIONS, []),
        "int_reviews": canonical(Tables.REVIEWS, []),
        "train_histories": shop["train_histories"],
    }
