"""A made-up shop with tastes, in which fake profiles can hide."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from doppelcart.pipelines.shilling.rating_matrix import Ratings


def _ratings(n_users: int = 160, n_items: int = 120, seed: int = 0, scale=(1.0, 5.0)) -> Ratings:
    rng = np.random.default_rng(seed)
    users, items = rng.normal(size=(n_users, 3)), rng.normal(size=(n_items, 3))
    likes = users @ items.T + rng.normal(0, 0.5, (n_users, n_items)) + rng.normal(0, 1, n_items)
    has = likes > np.quantile(likes, 0.8)
    rating = np.clip(np.round(3.2 + 0.5 * likes - 0.8), 1, 5)
    given = np.where(has, rating if scale else 1, 0).astype(np.float32)
    names = np.array([f"u{n}" for n in range(n_users)])
    return Ratings(names, np.array([f"i{n}" for n in range(n_items)]), given, scale)


@pytest.fixture
def ratings() -> Callable[..., Ratings]:
    """A maker of users by items, with three tastes."""
    return _ratings


@pytest.fixture
def table() -> Callable[..., pd.DataFrame]:
    """A maker of the same as rows."""

    def make(**kwargs) -> pd.DataFrame:
        made = _ratings(**kwargs)
        rows, columns = np.nonzero(made.given)
        return pd.DataFrame(
            {
                "user_id": made.users[rows],
                "item_id": made.items[columns],
                "rating": made.given[rows, columns].astype(float),
                "timestamp": pd.Timestamp("2024-01-01") + pd.to_timedelta(columns, unit="h"),
            }
        )

    return make
