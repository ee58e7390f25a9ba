"""Small shops of groups, in which what an arm can do is known."""

from collections.abc import Callable

import numpy as np
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories

N_ITEMS = 48
N_GROUPS = 4
GroupShop = Callable[..., Histories]


def group_of_items() -> np.ndarray:
    return np.arange(N_ITEMS) % N_GROUPS


@pytest.fixture(scope="session")
def group_shop() -> GroupShop:
    """Users who buy six items, nearly all of their own group; noise ignores the groups."""

    def make(n_users: int, seed: int, noise: bool = False) -> Histories:
        rng = np.random.default_rng(seed)
        rows = []
        for user in range(n_users):
            own = group_of_items() == user % N_GROUPS
            weights = np.ones(N_ITEMS) if noise else np.where(own, 1.0, 0.02)
            weights = weights * np.linspace(2, 1, N_ITEMS)
            rows.append(rng.choice(N_ITEMS, 6, replace=False, p=weights / weights.sum()))
        users = np.array([f"{seed}-{user}" for user in range(n_users)])
        return Histories.from_lists(rows, users, np.array([f"i{j:02d}" for j in range(N_ITEMS)]))

    return make


@pytest.fixture(scope="session")
def cold_case() -> Callable[[Histories, int], Case]:
    def make(histories: Histories, known: int) -> Case:
        return Case(f"cold_{known}", histories.first(known), histories.rest(known))

    return make
