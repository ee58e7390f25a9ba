"""Control generators: what a trained generator has to beat. No learning, NumPy only."""

from __future__ import annotations

import numpy as np

from doppelcart.data.histories import Histories


def _named(prefix: str, n_users: int) -> np.ndarray:
    return np.array([f"{prefix}-{number}" for number in range(n_users)], dtype=str)


def copy_users(real: Histories, n_users: int, rng: np.random.Generator) -> Histories:
    """Exact copies: every real user once in random order, then again, until there are enough.

    A recommender with l2 regularisation trained on real users plus one copy of each equals the
    same recommender on the real ones with half the l2, so copies show what re-tuning is worth.
    """
    rounds = -(-n_users // real.n_users)
    orders = [rng.permutation(real.n_users) for _ in range(rounds)]
    order = np.concatenate([np.empty(0, dtype=np.int64), *orders])[:n_users]
    copies = real.select(order)
    return Histories(_named("copy", n_users), real.item_ids, copies.indptr, copies.items)


def draw_by_popularity(real: Histories, n_users: int, rng: np.random.Generator) -> Histories:
    """Users without taste: a real user's length, then distinct items drawn by popularity.

    Drawing without replacement is by the Gumbel top-k trick (Vieira 2014).
    """
    counts = np.bincount(real.items, minlength=real.n_items)
    weights = np.full(real.n_items, -np.inf)
    weights[counts > 0] = np.log(counts[counts > 0])
    lengths = np.minimum(rng.choice(real.lengths, n_users), int((counts > 0).sum()))
    rows = []
    for length in lengths:
        keys = weights + rng.gumbel(size=real.n_items)
        rows.append(rng.permutation(np.argpartition(-keys, min(length, real.n_items - 1))[:length]))
    return Histories.from_lists(rows, _named("popularity", n_users), real.item_ids)


def draw_independently(
    shares: np.ndarray, n_users: int, item_ids: np.ndarray, rng: np.random.Generator
) -> Histories:
    """Users of whom nothing is known but how many have each item.

    Args:
        shares: (n_items,) share of users who have each item.
        n_users: How many to draw.
        item_ids: (n_items,) the catalogue.
        rng: Of the draws.

    Returns:
        Each item with its own chance, whatever else a user has.
    """
    rows = [
        rng.permutation(np.flatnonzero(rng.random(len(shares)) < shares)) for _ in range(n_users)
    ]
    return Histories.from_lists(rows, _named("independent", n_users), item_ids)


def mix_users(real: Histories, n_users: int, rng: np.random.Generator) -> Histories:
    """Mixup of two real users: what both have, and a fair coin for what only one has."""
    rows = []
    for left, right in rng.integers(real.n_users, size=(n_users, 2)):
        items, times = np.unique(
            np.concatenate([real.of(left), real.of(right)]), return_counts=True
        )
        kept = items[(times == 2) | (rng.random(len(items)) < 0.5)]
        rows.append(rng.permutation(kept))
    return Histories.from_lists(rows, _named("mixup", n_users), real.item_ids)
