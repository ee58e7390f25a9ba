"""Attribute disclosure: can the part of a history that is kept back be read off synthetic users?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import sparse

from doppelcart.metrics.privacy.membership import cosines

NAN: Final = float("nan")


def attribute_gain(
    released: sparse.csr_matrix,
    members: sparse.csr_matrix,
    non_members: sparse.csr_matrix,
    attributes: Sequence[np.ndarray],
    rng: np.random.Generator,
    n_neighbours: int = 10,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
) -> dict[str, float]:
    """How much better attributes of members are inferred than those of non-members.

    The attacker knows a history but for one group of items, and guesses that a user bought of it by
    the share of the nearest synthetic users who did (the correct attribution probability of Taub et
    al. 2018, with neighbours for exact matches). What that reveals of a non-member is knowledge of
    the population, which synthetic data are made to give; only what it reveals of a member beyond
    that is disclosure.

    Args:
        released: (n_released, n_items) CSR of ones.
        members: (n_members, n_items) CSR of ones: users the generator was trained on.
        non_members: (n_non_members, n_items) CSR of ones: users like them that it never saw.
        attributes: Catalogue positions of the items of each group.
        rng: Of the bootstrap over users.
        n_neighbours: Synthetic users asked.
        n_bootstrap: Resamples.
        confidence: Level of the interval.

    Returns:
        ``members`` and ``non_members``, the reduction of the squared error relative to guessing the
        non-members' base rate (0 none, 1 all of it); ``gain``, their difference, with ``low`` and
        ``high``. NaN without users or attributes.
    """
    sides = (members, non_members)
    if not attributes or not min(released.shape[0], *(users.shape[0] for users in sides)):
        return dict.fromkeys(("members", "non_members", "gain", "low", "high"), NAN)
    errors = [_errors(released, users, non_members, attributes, n_neighbours) for users in sides]
    skills = [_skill(*(e.mean() for e in error)) for error in errors]
    draws = [_resampled(error, rng, n_bootstrap) for error in errors]
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws[0] - draws[1], [tail, 1 - tail])
    return {
        "members": skills[0],
        "non_members": skills[1],
        "gain": skills[0] - skills[1],
        "low": float(low),
        "high": float(high),
    }


def groups_to_infer(
    users: sparse.csr_matrix, groups: np.ndarray, n_groups: int
) -> dict[str, np.ndarray]:
    """The groups of items about which there is most to learn: those held by nearest half of users.

    Args:
        users: (n_users, n_items) CSR of ones.
        groups: (n_items,) name of each item's group.
        n_groups: Most groups to return.

    Returns:
        Catalogue positions by group; none that nobody or everybody has.
    """
    found: dict[str, tuple[float, np.ndarray]] = {}
    users = users.tocsc()
    for name in np.unique(groups):
        items = np.flatnonzero(groups == name)
        share = float(_has(users, items).mean()) if users.shape[0] else 0.0
        if 0 < share < 1:
            found[str(name)] = (abs(share - 0.5), items)
    chosen = sorted(found, key=lambda name: (found[name][0], name))[:n_groups]
    return {name: found[name][1] for name in chosen}


def _errors(
    released: sparse.csr_matrix,
    users: sparse.csr_matrix,
    non_members: sparse.csr_matrix,
    attributes: Sequence[np.ndarray],
    n_neighbours: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(n_users,) squared error of the guess and of the base rate, averaged over attributes."""
    guess, base = np.zeros(users.shape[0]), np.zeros(users.shape[0])
    for items in attributes:
        truth = _has(users, items).astype(float)
        nearest = _nearest(_without(users, items), _without(released, items), n_neighbours)
        guess += (truth - _has(released, items)[nearest].mean(axis=1)) ** 2
        base += (truth - _has(non_members, items).mean()) ** 2
    return guess / len(attributes), base / len(attributes)


def _nearest(
    users: sparse.csr_matrix, released: sparse.csr_matrix, n_neighbours: int
) -> np.ndarray:
    """(n_users, k) rows of the most similar released users."""
    k = min(n_neighbours, released.shape[0])
    found = np.empty((users.shape[0], k), dtype=np.int64)
    for rows, similarity in cosines(users, released, np.ones(users.shape[1])):
        found[rows] = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    return found


def _resampled(
    errors: tuple[np.ndarray, np.ndarray], rng: np.random.Generator, n_bootstrap: int
) -> np.ndarray:
    guess, base = errors
    draws = (rng.integers(len(guess), size=len(guess)) for _ in range(n_bootstrap))
    return np.array([_skill(guess[rows].mean(), base[rows].mean()) for rows in draws])


def _skill(guess: float, base: float) -> float:
    return float(1 - guess / base) if base > 0 else NAN


def _has(users: sparse.csr_matrix, items: np.ndarray) -> np.ndarray:
    """(n_users,) whether a user has any of the items."""
    return np.asarray(users[:, items].sum(axis=1)).ravel() > 0


def _without(users: sparse.csr_matrix, items: np.ndarray) -> sparse.csr_matrix:
    keep = np.ones(users.shape[1])
    keep[items] = 0
    return sparse.csr_matrix(users.multiply(keep))
