"""Plain ways to guess who buys a new item: none of them generates anything.

Each takes a launch window and returns scores of the window's new items for the users of some rows,
(n_rows, n_new) float32, by what was known when the window opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

from doppelcart.catalogue.shares import group_means
from doppelcart.catalogue.windows import Window
from doppelcart.recommenders.ease import EASE, EASEConfig


def recent_means(window: Window, groups: Sequence[np.ndarray], prior: float) -> np.ndarray:
    """(n_items,) mean recent buyers of the old items of an item's finest group.

    Args:
        window: Buyers count of the recent weeks before it.
        groups: As from ``groups_of``.
        prior: Number of items that the group above is worth.
    """
    return group_means(window.old, window.recent[window.old], groups, prior)


def spread_over_items(
    shares: np.ndarray, window: Window, group: np.ndarray, strength: float
) -> np.ndarray:
    """Shares of a group, divided by how many old items it has, to a power.

    A share says how often the group is bought; of a group of a thousand items, each is bought
    seldom.

    Args:
        shares: (n_rows, n_new) of the finest group.
        window: The window.
        group: (n_items,) the finest group.
        strength: 0 leaves the shares as they are, 1 divides by the number of items.
    """
    n_items = np.bincount(group[window.old], minlength=int(group.max()) + 1)[group[window.new]]
    return (shares / np.maximum(n_items, 1) ** strength).astype(np.float32)


def neighbours(
    old: sparse.csr_matrix, new: sparse.csr_matrix, counts: sparse.csr_matrix, n_neighbours: int
) -> np.ndarray:
    """Content kNN: how much a user bought of the old items that a new one is most like.

    Args:
        old: (n_old, n_columns) rows of length 1.
        new: (n_new, n_columns) likewise.
        counts: (n_rows, n_old) lines of each item.
        n_neighbours: Old items that speak for a new one, each by its cosine.
    """
    likeness = (new @ old.T).toarray()
    least = min(n_neighbours, likeness.shape[1])
    bound = np.partition(likeness, -least, axis=1)[:, -least, None]
    nearest = sparse.csr_matrix(np.where(likeness >= np.maximum(bound, 1e-6), likeness, 0.0))
    return np.asarray((counts.log1p() @ nearest.T).toarray(), dtype=np.float32)


def ease_scores(history: sparse.csr_matrix, l2: float) -> np.ndarray:
    """(n_users, n_old) float32 scores that EASE gives old items from histories of them."""
    return EASE().fit(history).score(history, EASEConfig(l2=l2))


def ridge_weights(
    old: sparse.csr_matrix, new: sparse.csr_matrix, penalties: Iterable[float]
) -> Iterator[np.ndarray]:
    """What each old item's score adds to a new one's, by ridge regression on their features.

    ``old (old' old + p I)^-1 new'``, or the same by the kernel of the old items where there are
    fewer of these than of columns (Hoerl and Kennard 1970; from attributes to collaborative scores:
    Gantner et al. 2010, "Learning attribute-to-feature mappings for cold-start recommendations").
    Scores of old items times these weights are what the regression says of new ones.

    Args:
        old: (n_old, n_columns) features.
        new: (n_new, n_columns) features.
        penalties: Values of p.

    Yields:
        (n_old, n_new) float32 for each penalty.
    """
    n_old, n_columns = old.shape
    primal = n_columns <= n_old
    gram = ((old.T @ old) if primal else (old @ old.T)).toarray().astype(np.float64)
    right = (new if primal else new @ old.T).toarray().astype(np.float64)
    diagonal = np.diag(gram).copy()
    for penalty in penalties:
        np.fill_diagonal(gram, diagonal + penalty)
        solved = linalg.cho_solve(linalg.cho_factor(gram, lower=True, check_finite=False), right.T)
        yield np.asarray(old @ solved if primal else solved, dtype=np.float32)


class CEASE:
    """EASE of purchases and features at once: closed form, new items included.

    An item's column is what users bought of it and, below that, its features times the root of a
    weight: ``Z = [X; sqrt(w) F']``. With ``P = (Z'Z + l2 I)^-1`` over old and new items the weights
    are ``B_ij = -P_ij / P_jj``, and the scores of new items are ``x B`` (Jeunen, Van Balen and
    Goethals 2020, "Closed-form models for collaborative filtering with side-information", RecSys,
    section 3.1). A new item has no purchase: what it gains from an old one comes from their
    features, and from what those of other items are bought beside. Where there are fewer users and
    features than items, ``l2 P = I - Z' (Z Z' + l2 I)^-1 Z`` (Woodbury).

    Args:
        history: (n_users, n_old) ones where a user bought an item.
        old: (n_old, n_columns) features.
        new: (n_new, n_columns) features.
    """

    def __init__(
        self, history: sparse.csr_matrix, old: sparse.csr_matrix, new: sparse.csr_matrix
    ) -> None:
        # In single precision large weights would leave sums of squares that are below 0.
        self.history, old, self.new = (part.astype(np.float64) for part in (history, old, new))
        features = sparse.vstack([old, self.new])
        self.by_column = history.shape[0] + features.shape[1] < features.shape[0]
        if self.by_column:
            self._bought = (self.history @ self.history.T).toarray()
            self._between = (self.history @ old).toarray()
            self._alike = (features.T @ features).toarray()
        else:
            self._bought = (self.history.T @ self.history).toarray()
            self._alike = (features @ features.T).toarray()

    def scores(self, users: np.ndarray, l2: float, weight: float) -> np.ndarray:
        """(n_rows, n_new) float32 scores of new items.

        Args:
            users: (n_rows,) rows of users.
            l2: Penalty of the weights between items.
            weight: What a feature counts where a purchase counts 1.
        """
        found = self._by_columns if self.by_column else self._by_items
        return np.asarray(found(users, l2, weight), dtype=np.float32)

    def _by_columns(self, users: np.ndarray, l2: float, weight: float) -> np.ndarray:
        n_users = len(self._bought)
        between = np.sqrt(weight) * self._between
        gram = np.block([[self._bought, between], [between.T, weight * self._alike]])
        own = np.zeros((len(gram), self.new.shape[0]))
        own[n_users:] = np.sqrt(weight) * self.new.T.toarray()
        solved = _ridged(gram, l2, own)
        # x P_ij of old i and new j, and P_jj, both times l2; sign and l2 fall out of the ratio.
        seen = np.hstack([self._bought[users], between[users]]) @ solved
        return np.asarray(seen / (1.0 - np.sum(own * solved, axis=0)))

    def _by_items(self, users: np.ndarray, l2: float, weight: float) -> np.ndarray:
        n_old, n_new = len(self._bought), self.new.shape[0]
        gram = weight * self._alike
        gram[:n_old, :n_old] += self._bought
        solved = _ridged(gram, l2, np.eye(n_old + n_new)[:, n_old:])
        return np.asarray(-(self.history[users] @ solved[:n_old]) / np.diag(solved[n_old:]))


def _ridged(gram: np.ndarray, penalty: float, right: np.ndarray) -> np.ndarray:
    """``(gram + penalty I)^-1 right``; the matrix is overwritten."""
    gram[np.diag_indices_from(gram)] += penalty
    factor = linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(linalg.cho_solve(factor, right, check_finite=False))


def ridge_values(
    old: sparse.csr_matrix, values: np.ndarray, new: sparse.csr_matrix, penalty: float
) -> np.ndarray:
    """(n_new,) what a ridge regression on features expects of new items, by one value of old ones.

    Args:
        old: (n_old, n_columns) features.
        values: (n_old,) what is known of each.
        new: (n_new, n_columns) features.
        penalty: Of the regression; the mean is not penalised.
    """
    middle = values.mean()
    system = sparse_linalg.aslinearoperator(old.T) @ sparse_linalg.aslinearoperator(old)
    ridged = sparse_linalg.LinearOperator(
        system.shape, matvec=lambda v: system.matvec(v) + penalty * v, dtype=np.float64
    )
    slopes, _ = sparse_linalg.cg(ridged, old.T @ (values - middle), rtol=1e-4)
    return np.asarray(middle + new @ slopes)


def random_scores(shape: tuple[int, int], seed: int) -> np.ndarray:
    """(n_users, n_items) float32 at random."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def for_everybody(scores: np.ndarray, n_users: int) -> np.ndarray:
    """(n_users, n_items) float32: the same scores of items for all."""
    return np.tile(np.asarray(scores, dtype=np.float32), (n_users, 1))
