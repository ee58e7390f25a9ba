"""What was bought after what: histories as sequences, and what a sequence model sees of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from doppelcart.errors import InputError
from doppelcart.recommenders.base import Matrix


class Sequences(NamedTuple):
    """Items of each user, one user after the other, in the order in which they were bought.

    Attributes:
        items: (nnz,) int64 catalogue positions.
        indptr: (n_users + 1,) int64, where each user's items begin.
    """

    items: np.ndarray
    indptr: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """(n_users,) items per user."""
        return np.diff(self.indptr)

    def select(self, users: np.ndarray) -> Sequences:
        """The sequences of the given users, in the given order."""
        lengths = self.lengths[users]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.arange(indptr[-1]) - np.repeat(indptr[:-1], lengths)
        return Sequences(self.items[np.repeat(self.indptr[users], lengths) + places], indptr)


def sequences_of(matrix: Matrix) -> Sequences:
    """Histories in order.

    Args:
        matrix: (n_users, n_items) CSR or dense: above 0 where bought, more for what came later.

    Raises:
        InputError: If two items of a history stand at the same place, so that it has no order.
    """
    places = sparse.csr_matrix(matrix)
    users = np.repeat(np.arange(places.shape[0]), np.diff(places.indptr))
    bought = places.data > 0
    users, items, place = users[bought], places.indices[bought], places.data[bought]
    order = np.lexsort((place, users))
    users, items, place = users[order], items[order].astype(np.int64), place[order]
    tied = (users[1:] == users[:-1]) & (place[1:] == place[:-1])
    if tied.any():
        raise InputError(
            f"{len(np.unique(users[1:][tied]))} of {places.shape[0]} histories do not say in which "
            "order their items were bought, which a recommender of sequences needs; give "
            "it Histories.places, and no completed or synthetic histories"
        )
    counts = np.bincount(users, minlength=places.shape[0])
    return Sequences(items, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def last_items(sequences: Sequences, ends: np.ndarray, width: int, padding: int) -> np.ndarray:
    """(n_users, width) int32: each user's last items before an end, at the right edge.

    Args:
        sequences: Whose.
        ends: (n_users,) how many items of each user have happened.
        width: Items at most.
        padding: Fills what is free at the left.
    """
    places = np.arange(width) - width + np.asarray(ends)[:, None]
    there = places >= 0
    where = np.where(there, places + sequences.indptr[:-1, None], 0)
    items = sequences.items if len(sequences.items) else np.array([padding])
    return np.where(there, items[np.minimum(where, len(items) - 1)], padding).astype(np.int32)


def windows(sequences: Sequences, width: int, padding: int, rng: np.random.Generator) -> np.ndarray:
    """(n_windows, width) int32: all histories, cut into windows from a random end backwards.

    A window is what would be seen at its end: the last items before it, at the right edge. So a
    short history, or the beginning of a long one, stands as it will when it is scored.

    Args:
        sequences: Histories; those of one item hold nothing to predict and are left out.
        width: Items of a window.
        padding: Fills what is free at the left.
        rng: Draws the ends.
    """
    kept = sequences.select(np.flatnonzero(sequences.lengths > 1))
    lengths = kept.lengths
    # The next window ends where this one began, with one item in common: its first to predict.
    stride = max(width - 1, 1)
    ends = lengths - rng.integers(0, np.minimum(stride, lengths - 1)) if len(lengths) else lengths
    numbers = np.maximum(-(-(ends - 1) // stride), 1)
    users = np.repeat(np.arange(len(lengths)), numbers)
    nth = np.arange(len(users)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    return last_items(_repeated(kept, users), ends[users] - nth * stride, width, padding)


def _repeated(sequences: Sequences, users: np.ndarray) -> Sequences:
    """Rows that begin where those of the given users do, over the same items."""
    return Sequences(sequences.items, np.append(sequences.indptr[users], len(sequences.items)))


def shuffled_baskets(sequences: Sequences, rng: np.random.Generator) -> Sequences:
    """The same histories, with what was bought at once in a random order.

    A history does not keep its moments, but what was bought at one of them stands in the order of
    the catalogue. A run of ascending positions is therefore taken for one basket. Now and then it
    is two; a sequence of single purchases has runs of two on average.

    Args:
        sequences: Histories.
        rng: Draws the order.
    """
    begins = np.ones(len(sequences.items), dtype=bool)
    begins[1:] = np.diff(sequences.items) < 0
    begins[sequences.indptr[:-1][sequences.lengths > 0]] = True
    order = np.lexsort((rng.random(len(begins)), np.cumsum(begins)))
    return Sequences(sequences.items[order], sequences.indptr)
