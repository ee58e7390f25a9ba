"""A shop of forty users of two kinds and twelve items, as the pipelines after the split read it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories

N_ITEMS = 12


def make_users(n_users: int, seed: int) -> Histories:
    """Four to six items per user, nearly all of the user's half of the catalogue."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        chances = np.where(np.arange(N_ITEMS) // 6 == user % 2, 0.9, 0.1)
        rows.append(
            rng.choice(N_ITEMS, rng.integers(4, 7), replace=False, p=chances / chances.sum())
        )
    names = np.array([f"{seed}-{user}" for user in range(n_users)])
    return Histories.from_lists(rows, names, np.array([f"i{item}" for item in range(N_ITEMS)]))


@pytest.fixture
def make() -> Callable[[int, int], Histories]:
    """Makes users: a number of them, and a seed."""
    return make_users


@pytest.fixture
def shop() -> dict[str, Any]:
    """Datasets by name; behaviour tells a user's half, demographics number the training users."""
    train, held_out = make_users(40, 0), make_users(20, 1)
    share = np.array([(train.of(user) >= N_ITEMS / 2).mean() for user in range(40)])
    few = held_out.select(np.arange(5))
    return {
        "train_histories": train,
        "profile_matrix": pd.DataFrame(
            {"user_id": train.user_ids, "behaviour__half": np.sign(share - 0.5) * 3}
        ),
        "demographics_matrix": pd.DataFrame(
            {
                "user_id": np.concatenate([held_out.user_ids, train.user_ids]),
                "demographic__number": np.concatenate([np.full(20, -1.0), np.arange(40.0)]),
            }
        ),
        "item_matrix": pd.DataFrame(
            {
                "item_id": train.item_ids,
                "item__price": np.random.default_rng(2).normal(size=N_ITEMS),
            }
        ),
        "feat_items": pd.DataFrame(
            {
                "department": ["Food"] * 6 + ["Home"] * 6,
                "category": [f"C{item // 3}" for item in range(N_ITEMS)],
            },
            index=pd.Index(train.item_ids, name="item_id"),
        ),
        "validation_cases": {
            "warm": Case("warm", train.first(2), train.rest(2)),
            "cold_2": Case("cold_2", held_out.first(2), held_out.rest(2)),
            "cold_4": Case("cold_4", few.first(4), few.rest(4)),
        },
    }


class Tensor:
    def __init__(self, width: int):
        self.shape = (None, width)


class Generator:
    """Stands in for a trained one: invents users of the half of the catalogue that a profile tells.

    Keeps what it was asked.
    """

    def __init__(self) -> None:
        widths = {"history": N_ITEMS, "noise": 1, "demographics": 1, "behaviour": 1}
        known = {"demographics_known": 1, "behaviour_known": 1}
        self.input = {name: Tensor(width) for name, width in (widths | known).items()}
        self.asked: list[dict[str, np.ndarray]] = []

    def get_layer(self, name: str) -> SimpleNamespace:
        """Where a trained one notes on which data it was trained: this one does not."""
        assert name == "mean_item_features"
        return SimpleNamespace(catalogue="", users="")

    def __call__(self, fed: dict[str, np.ndarray], training: bool) -> np.ndarray:
        self.asked.append(fed)
        second = (np.arange(N_ITEMS) >= N_ITEMS / 2)[None, :]
        return np.where((fed["behaviour"] > 0) == second, 2.0, -3.0)


@pytest.fixture
def generator() -> Generator:
    return Generator()
