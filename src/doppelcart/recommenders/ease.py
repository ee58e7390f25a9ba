"""EASE: the closed-form item-item autoencoder, by the smaller of the two Gram matrices."""

from abc import ABC, abstractmethod
from typing import ClassVar, cast

import numpy as np
from pydantic import Field
from scipy import linalg, sparse

from doppelcart.recommenders.base import (
    Matrix,
    Recommender,
    RecommenderConfig,
    column_sums,
    row_sums,
)

_BLOCK = 1024
_CACHE_BYTES = 1 << 29


class EASEConfig(RecommenderConfig):
    """Hyper-parameters of EASE."""

    l2: float = Field(
        default=300.0,
        gt=0,
        le=1_000_000,
        description="Penalty on the item-item weights; larger for more users.",
    )
    centred: bool = Field(
        default=False,
        description="Model deviations from the items' mean, which a short history needs.",
    )


class EASE(Recommender):
    """Item-item weights of least squared error with a zero diagonal.

    With ``P = (X^T X + l2 I)^-1`` the weights are ``B = I - P / diag(P)`` and the scores
    ``x B`` (Steck 2019, "Embarrassingly shallow autoencoders for sparse data", equation 8).

    With fewer users than items, the Woodbury identity gives
    ``l2 P = I - X^T A X`` with ``A = (X X^T + l2 I)^-1``: scores need only A, ``diag(P)``
    and sparse products, never an item x item matrix. Otherwise P is inverted as it stands.

    Centred, X loses its column means ``mu``. That changes ``X^T X`` by one rank, so P by
    one rank too (Sherman and Morrison), at no cost and with X still sparse. A history is
    centred by ``mu`` times its share of the mean training length, that is by what a history
    of its length is expected to hold, and ``mu`` is added to the scores: an empty history is
    ranked by popularity, and the items a short history has not reached yet are not read as
    refused.
    """

    name: ClassVar[str] = "ease"
    Config: ClassVar[type[RecommenderConfig]] = EASEConfig

    def _fit(self, train: sparse.csr_matrix) -> None:
        form = _UserForm if train.shape[0] < train.shape[1] else _ItemForm
        self._use(form(train))

    def _use(self, form: "_Form") -> None:
        self._form = form

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        config = cast(EASEConfig, config)
        return self._form.score(seen, config.l2, config.centred)


class _Form(ABC):
    """Scores from ``M = l2 P``, whichever Gram matrix it comes from.

    Centred, ``M_c = M + v v^T`` for a vector v of the items.
    """

    def __init__(self, train: sparse.csr_matrix) -> None:
        self.train = train
        self.mean = column_sums(train) / train.shape[0]
        self.solved: dict[float, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    @abstractmethod
    def solve(self, l2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The inverse, ``diag(M)`` (n_items,) and v (n_items,), float64."""

    @abstractmethod
    def explained(
        self, seen: Matrix, share: np.ndarray, inverse: np.ndarray, l2: float
    ) -> np.ndarray:
        """(n_users, n_items) float32 ``y - y M`` of ``y = seen - share * mean``."""

    def solution(self, l2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The solution of an l2, kept as long as memory allows: the oldest goes first."""
        if l2 not in self.solved:
            solution = self.solve(l2)
            while self.solved and (len(self.solved) + 1) * solution[0].nbytes > _CACHE_BYTES:
                self.solved.pop(next(iter(self.solved)))
            self.solved[l2] = solution
        return self.solved[l2]

    def score(self, seen: Matrix, l2: float, centred: bool) -> np.ndarray:
        """``y B + share-free mean``: see the class of the recommender."""
        inverse, diagonal, update = self.solution(l2)
        share = row_sums(seen) / max(self.mean.sum(), np.finfo(float).tiny)
        if not centred:
            share = np.zeros_like(share)
            update = np.zeros_like(update)
        scores = self.explained(seen, share, inverse, l2)
        diagonal = diagonal + update**2
        # y B = y - (y M + (y v) v^T) / d = (y - y M - (y v) v^T) / d + y (1 - 1 / d)
        deviation = seen @ update - share * (self.mean @ update)
        scores -= np.outer(deviation.astype(np.float32), update.astype(np.float32))
        scores /= diagonal.astype(np.float32)
        keep = (1 - 1 / diagonal).astype(np.float32)
        if centred:
            mean = self.mean.astype(np.float32)
            scores -= np.outer(share.astype(np.float32), mean * keep)
            scores += mean
        if isinstance(seen, np.ndarray):
            scores += seen * keep
        else:
            rows = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
            scores[rows, seen.indices] += seen.data * keep[seen.indices]
        return scores


class _UserForm(_Form):
    """By ``X X^T``: cheaper with fewer users than items."""

    def __init__(self, train: sparse.csr_matrix) -> None:
        super().__init__(train)
        self.gram = (train @ train.T).toarray().astype(np.float64)

    def solve(self, l2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lower, inverse = _invert(self.gram, l2)
        factor = lower.astype(np.float32)
        explained = np.empty(self.train.shape[1])
        columns = self.train.tocsc()
        for start in range(0, self.train.shape[1], _BLOCK):
            block = columns[:, start : start + _BLOCK].toarray(order="F")
            half = linalg.solve_triangular(
                factor, block, lower=True, overwrite_b=True, check_finite=False
            )
            explained[start : start + _BLOCK] = np.einsum("ui,ui->i", half, half, dtype=np.float64)
        # M mu = (l2 / n) X^T A 1 turns Sherman and Morrison's update into v v^T below.
        ones = inverse.sum(axis=1)
        update = (self.train.T @ ones) / np.sqrt(ones.sum())
        return inverse.astype(np.float32), 1 - explained, update

    def explained(
        self, seen: Matrix, share: np.ndarray, inverse: np.ndarray, l2: float
    ) -> np.ndarray:
        overlap = self.train @ seen.T
        overlap = overlap if isinstance(overlap, np.ndarray) else overlap.toarray()
        expected = self.gram.mean(axis=1)
        overlap = (overlap - np.outer(expected, share)).astype(np.float32)
        product: np.ndarray = self.train.T @ (inverse @ overlap)
        return np.ascontiguousarray(product.T)


class _ItemForm(_Form):
    """By ``X^T X``: cheaper with no more items than users."""

    def __init__(self, train: sparse.csr_matrix) -> None:
        super().__init__(train)
        self.gram = (train.T @ train).toarray().astype(np.float64)

    def solve(self, l2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        _, inverse = _invert(self.gram, l2)
        n_users = self.train.shape[0]
        ratio = inverse @ self.mean
        update = ratio * np.sqrt(l2 * n_users / (1 - n_users * (self.mean @ ratio)))
        return inverse.astype(np.float32), l2 * inverse.diagonal(), update

    def explained(
        self, seen: Matrix, share: np.ndarray, inverse: np.ndarray, l2: float
    ) -> np.ndarray:
        mean = self.mean.astype(np.float32)
        product = -np.float32(l2) * (seen @ inverse)
        product += np.outer(share, l2 * (mean @ inverse)).astype(np.float32)
        product -= np.outer(share, mean).astype(np.float32)
        product += seen if isinstance(seen, np.ndarray) else seen.toarray()
        return product


def _invert(gram: np.ndarray, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """The lower Cholesky factor of ``gram + l2 I`` and its inverse, float64."""
    system = gram.copy(order="F")
    system[np.diag_indices_from(system)] += l2
    factor, _ = linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    inverse, _ = linalg.lapack.dpotri(factor, lower=1)
    lower = np.tril(inverse)
    return factor, lower + np.tril(lower, -1).T
