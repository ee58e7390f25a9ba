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
    to_dense,
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
    centred by ``mu`` times its share of the mean training length (at most 1), that is by what
    a history of its length is expected to hold, and ``mu`` is added to the scores: an empty
    history is ranked by popularity, and the items a short history has not reached yet are not
    read as refused, which would lose to popularity up to five known items.
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
    def explained(self, seen: Matrix, share: np.ndarray, l2: float) -> np.ndarray:
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
        """``y B``, plus the mean if centred.

        With d the diagonal of ``M + v v^T``, ``y B = y - (y M + (y v) v^T) / d``, computed as
        ``(y - y M - (y v) v^T) / d + y (1 - 1 / d)``.
        """
        _, diagonal, update = self.solution(l2)
        share = np.zeros(seen.shape[0])
        if centred and self.mean.any():
            share = np.minimum(row_sums(seen) / self.mean.sum(), 1)
        scores = self.explained(seen, share, l2)
        if centred:
            diagonal = diagonal + update**2
            deviation = seen @ update - share * (self.mean @ update)
            scores -= _outer(deviation, update)
        scores /= diagonal.astype(np.float32)
        own = 1 - 1 / diagonal
        if isinstance(seen, np.ndarray):
            scores += seen * own.astype(np.float32)
        else:
            rows = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
            scores[rows, seen.indices] += seen.data * own[seen.indices]
        if centred:
            scores -= _outer(share, self.mean * own)
            scores += self.mean.astype(np.float32)
        return scores


class _UserForm(_Form):
    """By ``X X^T``: cheaper with fewer users than items."""

    def __init__(self, train: sparse.csr_matrix) -> None:
        super().__init__(train)
        self.gram = (train @ train.T).toarray().astype(np.float64)

    def solve(self, l2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        inverse = _invert(self.gram, l2)
        single = inverse.astype(np.float32)
        items = self.train.T.tocsr()
        explained = np.empty(items.shape[0])
        for start in range(0, len(explained), _BLOCK):
            block = items[start : start + _BLOCK]
            explained[start : start + _BLOCK] = row_sums(block.multiply(block @ single))
        # M mu = (l2 / n) X^T A 1 turns Sherman and Morrison's update into v v^T below.
        ones = inverse.sum(axis=1)
        update = (self.train.T @ ones) / np.sqrt(ones.sum())
        return single, 1 - explained, update

    def explained(self, seen: Matrix, share: np.ndarray, l2: float) -> np.ndarray:
        overlap = self.train @ seen.T
        overlap = overlap if isinstance(overlap, np.ndarray) else overlap.toarray()
        overlap = (overlap - np.outer(self.gram.mean(axis=1), share)).astype(np.float32)
        inverse, _, _ = self.solution(l2)
        product: np.ndarray = self.train.T @ (inverse @ overlap)
        return np.ascontiguousarray(product.T)


class _ItemForm(_Form):
    """By ``X^T X``: cheaper with no more items than users."""

    def __init__(self, train: sparse.csr_matrix) -> None:
        super().__init__(train)
        self.gram = (train.T @ train).toarray().astype(np.float64)

    def solve(self, l2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        inverse = _invert(self.gram, l2)
        n_users = self.train.shape[0]
        ratio = inverse @ self.mean
        update = ratio * np.sqrt(l2 * n_users / (1 - n_users * (self.mean @ ratio)))
        return inverse.astype(np.float32), l2 * inverse.diagonal(), update

    def explained(self, seen: Matrix, share: np.ndarray, l2: float) -> np.ndarray:
        inverse, _, _ = self.solution(l2)
        product = -np.float32(l2) * (seen @ inverse)
        product += _outer(share, l2 * (self.mean @ inverse) - self.mean)
        product += to_dense(seen)
        return product


def _outer(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.outer(rows.astype(np.float32), columns.astype(np.float32))


def _invert(gram: np.ndarray, l2: float) -> np.ndarray:
    """The inverse of ``gram + l2 I``, float64.

    By Cholesky for each l2: an eigendecomposition would serve every l2, but costs five to ten
    of these inversions (3,000 rows, one to two threads), so it pays only on long grids.
    """
    system = gram.copy(order="F")
    system[np.diag_indices_from(system)] += l2
    factor, _ = linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    inverse, _ = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse)
    return lower + np.tril(lower, -1).T
