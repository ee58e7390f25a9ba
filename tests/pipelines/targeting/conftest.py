"""Traits of ten training users, of whom two are old and one began in a small shop."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.histories import Histories


@pytest.fixture
def traits() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": ["young"] * 5 + ["old"] * 2 + [None] * 3,
            "postcode": [f"P{number}" for number in range(10)],
            "nothing": [None] * 10,
            "store_id": ["a"] * 9 + ["b"],
            "tail_share": [0.0, 0.1, 0.1, 0.2, 0.2, 0.2, 0.3, 0.3, 0.8, np.nan],
        },
        index=pd.Index([f"u{number}" for number in range(10)], name="user_id"),
    )


@pytest.fixture
def histories() -> Histories:
    """Item 0 has three users, item 1 two, item 2 one, item 3 none; the last user has nothing."""
    return Histories.from_lists(
        [np.array([0, 1, 2]), np.array([0]), np.array([1, 0]), np.array([], int)],
        np.array(["u0", "u1", "u2", "u3"]),
        np.array(["i0", "i1", "i2", "i3"]),
    )
