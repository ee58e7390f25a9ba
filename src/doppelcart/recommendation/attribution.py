"""Which items of a history carry a score: exact where scores are sums, by slopes elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from scipy import sparse

from doppelcart.models.histories.slopes import Completion
from doppelcart.recommenders.multvae_network import gradients, logits
from doppelcart.serving.scorer import Scorer

Where = Literal["gradient", "line", "subsets"]
"""Where slopes are taken: at the history itself; along the line from an empty one to it; at random
parts of it of random size."""

N_POINTS: Final = 8
"""Points of a line, or parts of a history."""
NEXT_TO_NOTHING: Final = np.float32(1e-30)
"""What a purchase of an item counts for where best sellers stand in for a sum of nothing."""


class Explained(Protocol):
    """What scores histories of one user, and says what its scores depend on."""

    def score(self, seen: sparse.csr_matrix, profile: np.ndarray | None) -> np.ndarray:
        """(n, n_items) scores above 0: probabilities, or what stands for them.

        Args:
            seen: (n, n_items) histories.
            profile: What else is known of the user; None where nothing is.
        """

    def attribute(
        self, known: np.ndarray, directions: np.ndarray, profile: np.ndarray | None
    ) -> np.ndarray:
        """(n_known, n_directions) what each known item brings to sums of scores.

        Args:
            known: (n_known,) distinct catalogue positions.
            directions: (n_items, n_directions) what is summed.
            profile: As of ``score``.
        """


@dataclass(frozen=True)
class Linear:
    """A recommender that comes to arrays; its contributions are exact.

    Args:
        scorer: The recommender.
        popularity: (n_items,) purchases of each item, which order the items where nothing is known.
    """

    scorer: Scorer
    popularity: np.ndarray

    def score(self, seen: sparse.csr_matrix, profile: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        """See ``Explained``; where nothing is known, nothing but an order is left of a sum."""
        scores = self.scorer.score(seen)
        # Numbers of purchases are no sums of weights: beside these they must not count.
        scores[np.diff(seen.indptr) == 0] = NEXT_TO_NOTHING * self.popularity
        return scores

    def attribute(
        self,
        known: np.ndarray,
        directions: np.ndarray,
        profile: np.ndarray | None,  # noqa: ARG002
    ) -> np.ndarray:
        """See ``Explained``."""
        used = np.flatnonzero(directions.any(axis=1))
        shares: np.ndarray = self.scorer.shares(known, used).by_item @ directions[used]
        return shares


@dataclass(frozen=True)
class MultVAE:
    """Mult-VAE by its trained weights, see ``recommenders.multvae_network.logits``."""

    weights: list[np.ndarray]
    where: Where = "line"
    seed: int = 0

    def score(self, seen: sparse.csr_matrix, profile: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        """See ``Explained``."""
        scores = logits(seen, self.weights)
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        return np.asarray(likely)

    def attribute(
        self,
        known: np.ndarray,
        directions: np.ndarray,
        profile: np.ndarray | None,  # noqa: ARG002
    ) -> np.ndarray:
        """See ``Explained``; of logits, whose differences are what an order is made of."""
        return by_slopes(
            lambda points: gradients(known, points, directions, self.weights),
            points_of(self.where, len(known), self.seed),
        )


@dataclass(frozen=True)
class Completing:
    """The completion of a history by a generator."""

    completion: Completion
    where: Where = "line"

    def score(self, seen: sparse.csr_matrix, profile: np.ndarray | None) -> np.ndarray:
        """See ``Explained``."""
        return self.completion.probabilities(seen, profile)

    def attribute(
        self, known: np.ndarray, directions: np.ndarray, profile: np.ndarray | None
    ) -> np.ndarray:
        """See ``Explained``."""
        return by_slopes(
            lambda points: self.completion.gradients(known, points, directions, profile),
            points_of(self.where, len(known), self.completion.seed),
        )


def points_of(where: Where, n_known: int, seed: int) -> np.ndarray:
    """(n_points, n_known) weights of the known items where slopes are taken.

    Along the line they are integrated gradients (Sundararajan, Taly and Yan 2017); at random parts
    of the history, expected ones (Erion et al. 2021), where no item is there by a fraction.

    Args:
        where: At the history, along the line, or at its parts.
        n_known: Length of the history.
        seed: Of the parts.

    Examples:
        >>> points_of("line", 2, 0)[:2].tolist()
        [[0.0625, 0.0625], [0.1875, 0.1875]]
    """
    if where == "gradient":
        return np.ones((1, n_known), dtype=np.float32)
    shares = (np.arange(N_POINTS, dtype=np.float32) + 0.5) / N_POINTS
    if where == "line":
        return np.repeat(shares[:, None], n_known, axis=1)
    drawn = np.random.default_rng(seed).random((N_POINTS, n_known))
    return (drawn < shares[:, None]).astype(np.float32)


def by_slopes(slopes: Callable[[np.ndarray], np.ndarray], points: np.ndarray) -> np.ndarray:
    """(n_known, n_directions) mean slope of each item over the points at which it is there.

    A history is 1 where an item is known, so that the slope is what the item brings.

    Args:
        slopes: (n_points, n_known) -> (n_points, n_known, n_directions).
        points: As from ``points_of``.
    """
    there = (points > 0).astype(np.float32)
    summed: np.ndarray = np.einsum("pkd,pk->kd", slopes(points), there)
    return summed / np.maximum(there.sum(axis=0), 1)[:, None]


def directions_of(targets: np.ndarray, others: np.ndarray, n_items: int) -> np.ndarray:
    """(n_items, n_targets) float32: a target's score less the mean score of others.

    Args:
        targets: (n_targets,) catalogue positions.
        others: (n_others,) catalogue positions it is held against; none for the score itself.
        n_items: Size of the catalogue.

    Examples:
        >>> directions_of(np.array([0]), np.array([1, 2]), 3).ravel().tolist()
        [1.0, -0.5, -0.5]
    """
    directions = np.zeros((n_items, len(targets)), dtype=np.float32)
    if len(others):
        directions[others] = -1 / len(others)
    directions[targets, np.arange(len(targets))] += 1
    return directions
