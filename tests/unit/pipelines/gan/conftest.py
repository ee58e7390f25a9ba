"""Inputs of the pipeline from a fabricated shop: forty users of two segments, twelve items."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.cases import Case
from doppelcart.histories import Histories

N_ITEMS = 12


def users(n_users: int, seed: int) -> Histories:
    """Four to six items a user, nearly all of the user's half of the catalogue."""
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
def shop() -> dict[str, Any]:
    """Every dataset that the pipeline reads."""
    train, held_out = users(40, 0), users(20, 1)
    rng = np.random.default_rng(2)
    everybody = np.concatenate([held_out.user_ids, train.user_ids])
    return {
        "train_histories": train,
        "profile_matrix": pd.DataFrame(
            {"user_id": train.user_ids, "behaviour__items": train.lengths - 5.0}
        ),
        "demographics_matrix": pd.DataFrame(
            {"user_id": everybody, "demographic__age": rng.integers(0, 2, 60).astype(float)}
        ),
        "item_matrix": pd.DataFrame(
            {"item_id": train.item_ids, "item__price": rng.normal(size=N_ITEMS)}
        ),
        "validation_cases": {
            "cold_2": Case("cold_2", held_out.first(2), held_out.rest(2)),
            "cold_1": Case("cold_1", held_out.first(1), held_out.rest(1)),
        },
    }
