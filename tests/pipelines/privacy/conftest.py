"""A shop whose users are alike enough to hide among: members, non-members, and whole cases."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.pipelines.privacy.params import AuditParams, TradeOffParams

N_ITEMS = 40


def shoppers(n_users: int, seed: int) -> Histories:
    """Two kinds of users; each has about a third of the items of its half of the catalogue."""
    rng = np.random.default_rng(seed)
    half = np.arange(N_ITEMS) // (N_ITEMS // 2)
    rows = []
    for user in range(n_users):
        chosen = rng.random(N_ITEMS) < np.where(half == user % 2, 0.35, 0.05)
        rows.append(rng.permutation(np.flatnonzero(chosen)) if chosen.any() else np.array([0]))
    names = np.array([f"{seed}-{user}" for user in range(n_users)])
    return Histories.from_lists(rows, names, np.array([f"i{item:02d}" for item in range(N_ITEMS)]))


@pytest.fixture(scope="session")
def members() -> Histories:
    return shoppers(300, 0)


@pytest.fixture(scope="session")
def non_members() -> Histories:
    return shoppers(300, 1)


@pytest.fixture(scope="session")
def others() -> Histories:
    """Users of whom the attacker knows nothing: what a generator that memorises no one invents."""
    return shoppers(300, 2)


@pytest.fixture
def params() -> AuditParams:
    return AuditParams(n_bootstrap=120, n_attributes=2, neighbours=(1, 5))


@pytest.fixture
def trade_off() -> TradeOffParams:
    return TradeOffParams(jitters=(0.25,), slice="cold_2", k=5, l2=(10.0, 100.0))


@pytest.fixture
def shop(members: Histories, non_members: Histories) -> dict[str, Any]:
    """What the pipeline reads beside generators and synthetic users."""
    rng = np.random.default_rng(3)
    everybody = np.concatenate([members.user_ids, non_members.user_ids])
    long = non_members.select(np.flatnonzero(non_members.lengths > 2))
    return {
        "train_histories": members,
        "validation_cases": {"cold_2": Case("cold_2", long.first(2), long.rest(2))},
        "profile_matrix": pd.DataFrame(
            {"user_id": members.user_ids, "behaviour__items": members.lengths / 8.0 - 1}
        ),
        "demographics_matrix": pd.DataFrame(
            {"user_id": everybody, "demographic__age": rng.integers(0, 2, 600).astype(float)}
        ),
        "feat_items": pd.DataFrame(
            {"item_id": members.item_ids, "category": np.arange(N_ITEMS) // 4 % 10}
        ),
    }
