"""Synthetic histories of any size to measure on."""

from __future__ import annotations

import numpy as np

from doppelcart.data.histories import Histories


def made_histories(n_users: int, n_items: int, length: int, rng: np.random.Generator) -> Histories:
    """Users of one length whose items are drawn by a popularity that falls with the rank's root."""
    weights = -0.5 * np.log(np.arange(1, n_items + 1))
    rows = [
        np.argpartition(-(weights + rng.gumbel(size=n_items)), length)[:length]
        for _ in range(n_users)
    ]
    return Histories.from_lists(
        rows, np.arange(n_users).astype(str), np.arange(n_items).astype(str)
    )
