"""Scorers: what a fitted recommender comes to, as plain arrays that score any history.

Each scores one history as it scores a thousand, row by row, and says of a score what every known
item brought to it. NumPy and SciPy alone are needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple, Self

import numpy as np
from scipy import sparse

from doppelcart.metrics import ranking
from doppelcart.serving.folding import fold_in, shared_squares, times, weighted_squares


class Shares(NamedTuple):
    """What scores are made of.

    Attributes:
        by_item: (n_known, n_targets) what each known item brings to the score of each target.
        base: (n_targets,) what no known item brings. A score is the base and its column's sum.
    """

    by_item: np.ndarray
    base: np.ndarray


class Scorer(ABC):
    """A fitted recommender as arrays; every subclass is a frozen dataclass of arrays and numbers.

    Attributes:
        kind: Its name in a manifest.
    """

    kind: ClassVar[str]

    @abstractmethod
    def score(self, seen: sparse.csr_matrix) -> np.ndarray:
        """(n_users, n_items) float32 scores of histories, higher is better.

        Args:
            seen: (n_users, n_items) CSR, float32, ones where an item is known; completed histories
                have probabilities besides.
        """

    @abstractmethod
    def shares(
        self, known: np.ndarray, targets: np.ndarray, added: sparse.csr_matrix | None = None
    ) -> Shares:
        """What each known item of one history brings to the scores of some items.

        Args:
            known: (n_known,) distinct catalogue positions.
            targets: (n_targets,) catalogue positions.
            added: (1, n_items) CSR of what the history was completed with, in (0, 1]; it belongs to
                the base. None where nothing was added.
        """

    def parts(self) -> dict[str, np.ndarray | sparse.csr_matrix]:
        """Its arrays by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in found.items() if not _is_plain(value)}

    def numbers(self) -> dict[str, float]:
        """Its numbers by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in found.items() if isinstance(value, float)}

    @classmethod
    def of(cls, parts: Mapping[str, Any], numbers: Mapping[str, float]) -> Self:
        """The scorer of some arrays and numbers.

        Args:
            parts: As from ``parts``.
            numbers: As from ``numbers``.
        """
        return cls(**parts, **numbers)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, float)


@dataclass(frozen=True)
class Popular(Scorer):
    """The same scores for everybody.

    Args:
        popularity: (n_items,) float32.
    """

    kind: ClassVar[str] = "popular"
    popularity: np.ndarray

    def score(self, seen: sparse.csr_matrix) -> np.ndarray:
        """See ``Scorer``."""
        return np.tile(self.popularity, (seen.shape[0], 1))

    def shares(
        self,
        known: np.ndarray,
        targets: np.ndarray,
        added: sparse.csr_matrix | None = None,  # noqa: ARG002 - it brings nothing either
    ) -> Shares:
        """Known items bring nothing."""
        base = self.popularity[targets].astype(np.float64)
        return Shares(np.zeros((len(known), len(targets))), base)


@dataclass(frozen=True)
class ItemWeights(Scorer):
    """Sums of weights from known items to others, perhaps about what is expected of anybody.

    ``x W``, or centred ``(x - s mean) W + mean``, where s is the share that the history is of the
    mean length, at most 1.

    Args:
        weights: (n_items, n_items) float32, from known items (rows) to candidates (columns), dense
            or CSR.
        mean: (n_items,) float64 share of users that bought an item; None where nothing is centred.
        reach: (n_items,) float64 ``mean W``; None where nothing is centred.
    """

    kind: ClassVar[str] = "item_weights"
    weights: np.ndarray | sparse.csr_matrix
    mean: np.ndarray | None = None
    reach: np.ndarray | None = None

    def score(self, seen: sparse.csr_matrix) -> np.ndarray:
        """See ``Scorer``."""
        product = seen @ self.weights
        scores: np.ndarray = product.toarray() if sparse.issparse(product) else product
        if self.mean is not None:
            lengths = np.asarray(seen.sum(axis=1, dtype=np.float64)).ravel()
            for row, length in enumerate(lengths):
                scores[row] += self._expected(length).astype(np.float32)
        return scores

    def shares(
        self, known: np.ndarray, targets: np.ndarray, added: sparse.csr_matrix | None = None
    ) -> Shares:
        """See ``Scorer``."""
        # Rows of a whole catalogue are not copied for the sake of a few targets.
        by_item = self._between(known, targets)
        base, length = np.zeros(len(targets)), float(len(known))
        if added is not None:
            base += added.data @ self._between(added.indices, targets)
            length += float(added.data.sum(dtype=np.float64))
        if self.mean is not None:
            base += self._expected(length)[targets]
        return Shares(by_item, base)

    def _between(self, known: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """(n_known, n_targets) float64 weights."""
        if isinstance(self.weights, np.ndarray):
            return self.weights[np.ix_(known, targets)].astype(np.float64)
        own: np.ndarray = self.weights[known][:, targets].toarray()
        return own.astype(np.float64)

    def _expected(self, length: float) -> np.ndarray:
        """(n_items,) what a history of this length is scored whatever is in it."""
        assert self.mean is not None
        assert self.reach is not None
        expected: np.ndarray = self.mean - min(length / self._size, 1.0) * self.reach
        return expected

    @cached_property
    def _size(self) -> float:
        """Mean length of a history; without any purchase, nothing is expected anyway."""
        assert self.mean is not None
        return float(self.mean.sum()) or np.inf


@dataclass(frozen=True)
class Projection(Scorer):
    """Histories projected on directions of the items: ``x V V^T``.

    Args:
        directions: (n_items, rank) float32.
    """

    kind: ClassVar[str] = "projection"
    directions: np.ndarray

    def score(self, seen: sparse.csr_matrix) -> np.ndarray:
        """See ``Scorer``."""
        return times_transposed(seen @ self.directions, self.directions)

    def shares(
        self, known: np.ndarray, targets: np.ndarray, added: sparse.csr_matrix | None = None
    ) -> Shares:
        """See ``Scorer``."""
        towards = self.directions[targets].T
        base = np.zeros(len(targets))
        if added is not None:
            base = (added.data @ self.directions[added.indices].astype(np.float64)) @ towards
        return Shares(self.directions[known].astype(np.float64) @ towards, base)


@dataclass(frozen=True)
class FoldIn(Scorer):
    """Histories folded into a factorisation of confidences.

    Args:
        items: (n_items, factors) float32 latent vectors.
        alpha: Confidence of a purchase is 1 + alpha.
        regularization: L2 penalty on a latent vector.
    """

    kind: ClassVar[str] = "fold_in"
    items: np.ndarray
    alpha: float
    regularization: float

    def score(self, seen: sparse.csr_matrix) -> np.ndarray:
        """See ``Scorer``."""
        users = fold_in(seen, self.items, self.alpha, self._shared)
        return times_transposed(users.astype(np.float32), self.items)

    def shares(
        self, known: np.ndarray, targets: np.ndarray, added: sparse.csr_matrix | None = None
    ) -> Shares:
        """The explanation of Hu, Koren and Volinsky (2008), equation 7."""
        one = _row(known, len(self.items))
        given = one if added is None else one + added
        system = self._shared + self.alpha * weighted_squares(given, self.items)[0]
        towards = np.linalg.solve(system, self.items[targets].T.astype(np.float64))
        by_item = (1 + self.alpha) * (self.items[known].astype(np.float64) @ towards)
        base = np.zeros(len(targets))
        if added is not None:
            own = self.items[added.indices].astype(np.float64)
            base = (1 + self.alpha) * (added.data @ own) @ towards
        return Shares(by_item, base)

    @cached_property
    def _shared(self) -> np.ndarray:
        return shared_squares(self.items, self.regularization)


@dataclass(frozen=True)
class Bottleneck(Scorer):
    """Histories squeezed through an autoencoder of one hidden layer on either side, by tanh.

    Args:
        encoder: (n_items, hidden) float32 kernel that reads a history.
        encoder_bias: (hidden,) float32.
        latent: (hidden, latent) float32 kernel of the mean of the latent vector.
        latent_bias: (latent,) float32.
        decoder: (latent, hidden) float32 kernel.
        decoder_bias: (hidden,) float32.
        output: (hidden, n_items) float32 kernel of the logits.
        output_bias: (n_items,) float32.
    """

    kind: ClassVar[str] = "bottleneck"
    encoder: np.ndarray
    encoder_bias: np.ndarray
    latent: np.ndarray
    latent_bias: np.ndarray
    decoder: np.ndarray
    decoder_bias: np.ndarray
    output: np.ndarray
    output_bias: np.ndarray

    def score(self, seen: sparse.csr_matrix) -> np.ndarray:
        """See ``Scorer``."""
        return times(self._layers(seen)[1], self.output) + self.output_bias

    def shares(
        self, known: np.ndarray, targets: np.ndarray, added: sparse.csr_matrix | None = None
    ) -> Shares:
        """Slopes of the scores along each known item, and as base what they leave of them.

        No network's score is a sum over the history; slopes say what each item does to it there.
        """
        one = _row(known, len(self.encoder))
        hidden, decoded = self._layers(one if added is None else (one + added).tocsr())
        output = self.output[:, targets]
        of_decoded = (1 - decoded[0] ** 2)[:, None] * output
        of_hidden = self.latent @ (self.decoder @ of_decoded)
        by_item = self.encoder[known] @ ((1 - hidden[0] ** 2)[:, None] * of_hidden)
        scores = decoded[0].astype(np.float64) @ output + self.output_bias[targets]
        return Shares(by_item.astype(np.float64), scores - by_item.sum(axis=0, dtype=np.float64))

    def _layers(self, seen: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        """What the two hidden layers make of histories."""
        hidden = np.tanh(seen @ self.encoder + self.encoder_bias)
        mean = times(hidden, self.latent) + self.latent_bias
        return hidden, np.tanh(times(mean, self.decoder) + self.decoder_bias)


KINDS: Final[dict[str, type[Scorer]]] = {
    scorer.kind: scorer for scorer in (Popular, ItemWeights, Projection, FoldIn, Bottleneck)
}
"""Every kind of scorer by its name in a manifest."""


def times_transposed(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """(n_users, n_items) float32 product of latent vectors.

    Args:
        users: (n_users, factors) float32.
        items: (n_items, factors) float32.
    """
    return times(users, items.T)


def rank(
    scorer: Scorer,
    popularity: np.ndarray,
    seen: sparse.csr_matrix,
    k: int,
    hidden: np.ndarray | None = None,
    given: sparse.csr_matrix | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The best k unknown items of every history, by popularity where nothing is known.

    Args:
        scorer: What scores.
        popularity: (n_items,) float32.
        seen: (n_users, n_items) CSR, float32, ones where an item is known.
        k: Length of the lists.
        hidden: (n_items,) bool: items that are not to be listed; None hides none.
        given: (n_users, n_items) CSR, float32: the histories that are scored, completed; None
            where they are as they are known.

    Returns:
        As from ``metrics.ranking.top_k``: (n_users, k) catalogue positions, -1 where there are no
        more; and their (n_users, k) float32 scores, 0 there.
    """
    given = seen if given is None else given
    scores = scorer.score(given)
    scores[np.diff(given.indptr) == 0] = popularity
    open_scores = scores if hidden is None else np.where(hidden, np.float32(-np.inf), scores)
    best = ranking.top_k(open_scores, seen, k)
    of_best = np.take_along_axis(scores, np.maximum(best, 0), axis=1)
    return best, np.where(best == ranking.NO_ITEM, np.float32(0), of_best)


def histories_of(rows: list[np.ndarray], n_items: int) -> sparse.csr_matrix:
    """(n_rows, n_items) CSR of ones.

    Args:
        rows: Distinct catalogue positions of each history, in any order.
        n_items: Size of the catalogue.
    """
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    indices = np.concatenate([np.sort(row) for row in rows]) if rows else np.empty(0)
    ones = np.ones(len(indices), dtype=np.float32)
    return sparse.csr_matrix((ones, indices.astype(np.int32), indptr), shape=(len(rows), n_items))


def _row(known: np.ndarray, n_items: int) -> sparse.csr_matrix:
    return histories_of([known], n_items)
