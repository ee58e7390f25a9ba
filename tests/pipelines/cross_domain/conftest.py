"""A shop of three departments, in which what is bought in two says what is bought in the third."""

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.data.schemas import SCHEMAS
from doppelcart.pipelines.cross_domain.crossings import Crossing
from doppelcart.pipelines.cross_domain.nodes import open_departments
from doppelcart.pipelines.cross_domain.params import DepartmentsParams

N_USERS, N_KINDS, PER_KIND = 400, 2, 10
DEPARTMENTS = ("bread", "fruit", "tools")
# Twelve thirteenths of the lines lie before day 45, the others are of those who come late.
SMALL = DepartmentsParams(
    min_buyers=3, min_items=5, min_households=20, largest_share=1.0, cut=0.9231
)


def make_shop(structure: str, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lines and items: each household buys four items of one of two kinds in every department.

    The kind in ``tools`` is that of ``bread`` (``same``), whether ``bread`` and ``fruit`` are of
    one kind (``both``, which no linear model of the two can tell), or any (``none``). A kind
    is a brand, which is sold in every department. One department has but three items.
    """
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, N_KINDS, (2, N_USERS))
    third = {"same": first, "both": first ^ second, "none": rng.integers(0, N_KINDS, N_USERS)}
    rows = []
    for user in range(N_USERS):
        kinds = zip(DEPARTMENTS, (first, second, third[structure]), strict=True)
        for department, kind in kinds:
            # Every fourth household comes to the tools late.
            late = department == "tools" and user % 4 == 0
            for item in rng.choice(PER_KIND, 4, replace=False):
                day = rng.integers(60, 100) if late else rng.integers(0, 45)
                rows.append((user, f"{department}{kind[user] * PER_KIND + item:02d}", day))
        rows.append((user, f"stall{user % 3}", rng.integers(0, 45)))
    lines = pd.DataFrame(rows, columns=["user", "item_id", "day"])
    day = pd.to_timedelta(lines["day"], "D")
    lines = lines.assign(
        user_id=[f"u{user:03d}" for user in lines["user"]],
        timestamp=pd.Timestamp("2024-01-01") + day,
        quantity=1.0,
        amount=2.0,
    )
    items = pd.DataFrame({"item_id": sorted(lines["item_id"].unique())})
    named = items["item_id"].str.extract(r"(?P<department>[a-z]+)(?P<number>\d+)")
    brand = "brand " + (named["number"].astype(int) // PER_KIND).astype(str)
    return lines, items.assign(department=named["department"], brand=brand)


def table(frame: pd.DataFrame, name: str) -> ibis.Table:
    """A canonical table, its other columns empty."""
    schema = SCHEMAS[name]
    rows = frame.reindex(columns=list(schema))
    return ibis.memtable(rows.astype(object).where(rows.notna(), None), schema=ibis.schema(schema))


def crossings_of(
    structure: str, params: DepartmentsParams = SMALL
) -> tuple[list[Crossing], pd.DataFrame]:
    lines, items = make_shop(structure)
    return open_departments(table(lines, "interactions"), table(items, "items"), params)


@pytest.fixture(scope="session")
def same() -> list[Crossing]:
    return crossings_of("same")[0]


@pytest.fixture(scope="session")
def both() -> list[Crossing]:
    return crossings_of("both")[0]


@pytest.fixture(scope="session")
def null() -> list[Crossing]:
    return crossings_of("none")[0]
