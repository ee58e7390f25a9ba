"""Evaluation cases: what a recommender may see of some users, and what they bought next."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.data.slices import Slice


@dataclass(frozen=True, eq=False)
class Case:
    """One slice of users to rank items for.

    Args:
        name: The slice, such as ``warm`` or ``cold_5``.
        seen: What is revealed of each user, aligned with the catalogue of the training rows.
        relevant: What each user bought besides; same users in the same order, same catalogue,
            no item in common with ``seen``, at least one item per user.
    """

    name: str
    seen: Histories
    relevant: Histories

    def __post_init__(self) -> None:
        """Refuse parts that do not line up.

        Raises:
            ValueError: If the two parts differ in users or in catalogue.
        """
        if not np.array_equal(self.seen.user_ids, self.relevant.user_ids):
            raise ValueError(f"case {self.name}: seen and relevant differ in users or their order")
        if not np.array_equal(self.seen.item_ids, self.relevant.item_ids):
            raise ValueError(f"case {self.name}: seen and relevant differ in catalogue")

    @property
    def user_ids(self) -> np.ndarray:
        """(n_users,) identifiers of the users, one per row of either part."""
        return self.seen.user_ids

    @property
    def n_users(self) -> int:
        """Number of users in the slice."""
        return self.seen.n_users

    def select(self, users: np.ndarray) -> Case:
        """The same slice for the given rows only, in the given order."""
        return Case(self.name, self.seen.select(users), self.relevant.select(users))


def sample_case(case: Case, max_users: int, seed: int) -> Case:
    """At most ``max_users`` users of a case, drawn without replacement.

    Args:
        case: A case.
        max_users: Most users to keep.
        seed: With the name of the case, fixes the draw.

    Returns:
        The case itself if it is small enough.
    """
    if case.n_users <= max_users:
        return case
    rng = np.random.default_rng([seed, zlib.crc32(case.name.encode())])
    rows = np.sort(rng.choice(case.n_users, max_users, replace=False))
    return case.select(rows)


def whole_histories(cases: Mapping[str, Case]) -> sparse.csr_matrix:
    """(n, n_items) CSR of the held-out users' whole histories, from the slice with most users.

    Args:
        cases: Users by slice; new ones are taken where there are any.
    """
    cold = [case for name, case in cases.items() if Slice.of(name).is_cold]
    case = max(cold or list(cases.values()), key=_size)
    return (case.seen.matrix + case.relevant.matrix).tocsr()


def _size(case: Case) -> int:
    return case.n_users
