"""A shop whose makers launch what suits them, or anything."""

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.catalogue.item_features import ItemFeatures, encode
from doppelcart.catalogue.windows import lines_of
from doppelcart.data.schemas import SCHEMAS
from doppelcart.pipelines.ideas.combinations import Cut, open_cuts
from doppelcart.pipelines.ideas.params import WindowsParams

N_GROUPS, N_PER_GROUP, N_USERS, DAYS = 4, 14, 60, 100
N_PARTS = N_GROUPS * N_PER_GROUP
WINDOWS = WindowsParams(cuts=(0.7,), width=0.2, recent_weeks=2, min_launches=5)


def make_items(planted: bool, seed: int = 0) -> pd.DataFrame:
    """One item per combination of a type and a manufacturer; half of them are launched later.

    Planted, types and manufacturers fall into four groups, and a manufacturer makes types of its
    own; else anything.
    """
    rng = np.random.default_rng(seed)
    kind, maker = np.divmod(np.arange(N_PARTS**2), N_PARTS)
    suits = kind % N_GROUPS == maker % N_GROUPS
    pairs = np.flatnonzero(suits) if planted else rng.permutation(N_PARTS**2)[: suits.sum()]
    pairs = rng.permutation(pairs)
    return pd.DataFrame(
        {
            "item_id": [f"i{n:03d}" for n in range(len(pairs))],
            "department": "food",
            "category": [f"c{k % N_GROUPS}" for k in kind[pairs]],
            "type": [f"t{k:02d}" for k in kind[pairs]],
            "brand": [f"b{m % 2}" for m in maker[pairs]],
            "manufacturer": [f"m{m:02d}" for m in maker[pairs]],
            "size": "1 L",
        }
    )


def make_lines(items: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Six lines per user and day; an item is sold from its launch on."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), 6 * N_USERS)
    there = (len(items) * (0.5 + 0.5 * day / DAYS)).astype(int)
    item = (rng.random(len(day)) * there).astype(int)
    return pd.DataFrame(
        {
            "user_id": [f"u{u:02d}" for u in np.tile(np.arange(N_USERS), 6 * DAYS)],
            "item_id": items["item_id"].to_numpy()[item],
            "timestamp": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(day, "D")
            + pd.to_timedelta(np.arange(len(day)) % 997, "s"),
            "quantity": 2.0,
            "amount": 2.0 + item % 3,
        }
    )


def clean(lines: pd.DataFrame) -> pd.DataFrame:
    """Canonical lines, none of them in quarantine."""
    return lines_of(_table(lines), _table(lines.iloc[:0], rule=None))


def _table(frame: pd.DataFrame, **more: Any) -> ibis.Table:
    schema = SCHEMAS["interactions"] | dict.fromkeys(more, "string")
    rows = frame.assign(**more).reindex(columns=list(schema))
    return ibis.memtable(rows.astype(object).where(rows.notna(), None), schema=ibis.schema(schema))


def features_of(items: pd.DataFrame) -> ItemFeatures:
    names = ("department", "category", "type", "brand", "manufacturer", "size")
    return encode(items, names, ("type",), (3, 3))


def cuts_of(lines: pd.DataFrame, items: pd.DataFrame) -> tuple[list[Cut], ItemFeatures]:
    features = features_of(items)
    return open_cuts(clean(lines), features, WINDOWS), features


@pytest.fixture(scope="session")
def planted() -> tuple[list[Cut], ItemFeatures]:
    items = make_items(planted=True)
    return cuts_of(make_lines(items), items)


@pytest.fixture(scope="session")
def null() -> tuple[list[Cut], ItemFeatures]:
    items = make_items(planted=False)
    return cuts_of(make_lines(items), items)
