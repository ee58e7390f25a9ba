"""Purchase histories: which distinct items each user bought, in the order first bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.columns import Columns


@dataclass(frozen=True, eq=False)
class Histories:
    """Distinct items of each user, in the order in which the user first bought them.

    A SciPy CSR matrix alone cannot carry the order, since SciPy may sort a row's indices
    at any time; so the order is kept here and matrices are made on demand.

    Args:
        user_ids: (n_users,) identifiers, one per row.
        item_ids: (n_items,) identifiers, one per column: the catalogue.
        indptr: (n_users + 1,) int64, where each user's items begin in ``items``.
        items: (nnz,) int32 catalogue positions, in time order within a user.
    """

    user_ids: np.ndarray
    item_ids: np.ndarray
    indptr: np.ndarray
    items: np.ndarray

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.item_ids)

    @property
    def lengths(self) -> np.ndarray:
        """(n_users,) number of distinct items per user."""
        return np.diff(self.indptr)

    @property
    def positions(self) -> np.ndarray:
        """(nnz,) place of each item in its user's time order, from 0."""
        return np.arange(len(self.items)) - np.repeat(self.indptr[:-1], self.lengths)

    @property
    def matrix(self) -> sparse.csr_matrix:
        """(n_users, n_items) CSR of ones, float32, column indices sorted."""
        matrix = sparse.csr_matrix(
            (np.ones(len(self.items), dtype=np.float32), self.items.copy(), self.indptr.copy()),
            shape=(self.n_users, self.n_items),
        )
        matrix.sort_indices()
        return matrix

    @property
    def places(self) -> sparse.csr_matrix:
        """(n_users, n_items) CSR, float32: 1 for the item bought first, 2 for the next, and so on.

        So an order survives whatever is done to a matrix: its rows can be chosen and stacked, and
        SciPy may sort their indices.
        """
        data = (self.positions + 1).astype(np.float32)
        matrix = sparse.csr_matrix(
            (data, self.items.copy(), self.indptr.copy()), shape=(self.n_users, self.n_items)
        )
        matrix.sort_indices()
        return matrix

    def of(self, user: int) -> np.ndarray:
        """Items of the user at a row, in time order."""
        return self.items[self.indptr[user] : self.indptr[user + 1]]

    def select(self, users: np.ndarray) -> Histories:
        """The histories of the given rows, in the given order; rows may repeat."""
        users = np.asarray(users, dtype=np.int64)
        return Histories.from_lists(
            [self.of(user) for user in users], self.user_ids[users], self.item_ids
        )

    def between(self, start: np.ndarray | int, stop: np.ndarray | int) -> Histories:
        """Each user's items at positions ``start <= position < stop`` of the time order."""
        lengths = self.lengths
        starts = np.minimum(np.broadcast_to(start, lengths.shape), lengths)
        stops = np.minimum(np.broadcast_to(stop, lengths.shape), lengths)
        position = self.positions
        return self.where(
            (position >= np.repeat(starts, lengths)) & (position < np.repeat(stops, lengths))
        )

    def where(self, keep: np.ndarray) -> Histories:
        """The items for which ``keep``, (nnz,) bool, holds; every user stays."""
        kept = np.concatenate([[0], np.cumsum(keep)])[self.indptr]
        return Histories(self.user_ids, self.item_ids, kept.astype(np.int64), self.items[keep])

    def first(self, counts: np.ndarray | int) -> Histories:
        """Each user's first ``counts`` items."""
        return self.between(0, counts)

    def rest(self, counts: np.ndarray | int) -> Histories:
        """Each user's items after the first ``counts``."""
        return self.between(counts, np.iinfo(np.int64).max)

    @classmethod
    def from_lists(
        cls, rows: Sequence[np.ndarray], user_ids: np.ndarray, item_ids: np.ndarray
    ) -> Histories:
        """Join one array of catalogue positions per user."""
        indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        items = np.concatenate(rows) if len(rows) else np.empty(0)
        return cls(np.asarray(user_ids), np.asarray(item_ids), indptr, items.astype(np.int32))

    @classmethod
    def from_matrix(
        cls, matrix: sparse.csr_matrix, user_ids: np.ndarray, item_ids: np.ndarray
    ) -> Histories:
        """Take a matrix's non-zero cells; the order within a user is that of the columns."""
        return cls(
            np.asarray(user_ids),
            np.asarray(item_ids),
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
        )

    @classmethod
    def from_interactions(
        cls, interactions: pd.DataFrame, item_ids: np.ndarray | None = None
    ) -> Histories:
        """Build histories from interaction rows (needs user_id, item_id, timestamp).

        Ties of time within a user are ordered by item_id, so that the result does not
        depend on the order of the rows.

        Args:
            interactions: One row per interaction.
            item_ids: The catalogue; rows of other items are left out. By default every
                item in the rows, sorted.
        """
        user, item, time = Columns.USER, Columns.ITEM, Columns.TIMESTAMP
        # a categorical column would be sorted by its categories, and users named by their names
        named = interactions.astype({user: object, item: object})
        firsts = named.groupby([user, item], sort=True, as_index=False)[[time]].min()
        return cls.from_firsts(firsts.sort_values([user, time, item], kind="stable"), item_ids)

    @classmethod
    def from_firsts(cls, firsts: pd.DataFrame, item_ids: np.ndarray | None = None) -> Histories:
        """Build histories from first purchases (needs user_id and item_id).

        Args:
            firsts: One row per user and item, sorted by user and, within a user, by time.
            item_ids: As of ``from_interactions``.
        """
        items = firsts[Columns.ITEM].to_numpy(dtype=object)
        if item_ids is None:
            item_ids = np.sort(pd.unique(items))
        positions = pd.Index(item_ids).get_indexer(items)
        known = positions >= 0
        codes, users = pd.factorize(firsts[Columns.USER].to_numpy(dtype=object)[known])
        counts = np.bincount(codes, minlength=len(users))
        return cls(
            users.astype(str),
            np.asarray(item_ids).astype(str),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            positions[known].astype(np.int32),
        )
