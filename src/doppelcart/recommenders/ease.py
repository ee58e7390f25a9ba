"""EASE: the closed-form item-item autoencoder, by the smaller of the two Gram matrices."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
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
    times_sparse,
    to_dense,
)
from doppelcart.serving.scorer import ItemWeights, Scorer

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
    label: ClassVar[str] = "EASE"
    # Mean-centred, it is affine up to the mean length of a training history, where its share of the
    # mean is capped: between strengths 0 and 1 its scores are then those of another centring.
    is_affine: ClassVar[bool] = True
    Config: ClassVar[type[RecommenderConfig]] = EASEConfig

    @classmethod
    def memory(cls, n_users: int, n_items: int, configs: Sequence[RecommenderConfig]) -> int:
        """The Gram matrix and its inverse in double precision, solutions kept in single."""
        smaller = min(n_users, n_items)
        solution, corner = 4 * smaller**2, 25 * min(_BLOCK, smaller) ** 2
        others = len({config.l2 for config in cast(Sequence[EASEConfig], configs)}) - 1
        kept = min(others, max(1, _CACHE_BYTES // solution))
        return 4 * solution + kept * solution + max(corner, solution)

    def scorer(self, config: RecommenderConfig) -> Scorer:
        """The item-item weights, with the mean if centred."""
        own = cast(EASEConfig, config)
        weights = self._form.weights(own.l2, own.centred)
        if not own.centred:
            return ItemWeights(weights)
        mean = self._form.mean
        return ItemWeights(weights, mean, _times(mean, weights))

    @classmethod
    def scorer_bytes(cls, n_items: int, config: RecommenderConfig) -> int:  # noqa: ARG003
        """The item-item weights."""
        return 4 * n_items**2

    def _fit(self, train: sparse.csr_matrix) -> None:
        form = _UserForm if train.shape[0] < train.shape[1] else _ItemForm
        self._use(form(train))

    def _use(self, form: "_Form") -> None:
        self._form = form

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        return next(self._score_each(seen, [config]))

    def _score_each(
        self, seen: Matrix, configs: Sequence[RecommenderConfig]
    ) -> Iterator[np.ndarray]:
        """Histories meet the training users once, and each l2 once whether centred or not."""
        met = self._form.meet(seen)
        for l2, alike in groupby(cast(Sequence[EASEConfig], configs), key=attrgetter("l2")):
            explained = self._form.explained(met, l2)
            for config in alike:
                yield self._form.scores(seen, explained, l2, config.centred)


@dataclass(frozen=True)
class _Solution:
    """What scores under one l2 need.

    Args:
        inverse: The inverse of the form's Gram matrix plus l2, float32 and in rows: LAPACK leaves
            it in columns, which every product with a sparse matrix would copy.
        diagonal: (n_items,) ``diag(M)``.
        update: (n_items,) v.
        mean_explained: (n_items,) ``mu - mu M``.
    """

    inverse: np.ndarray
    diagonal: np.ndarray
    update: np.ndarray
    mean_explained: np.ndarray


class _Form(ABC):
    """Scores from ``M = l2 P``, whichever Gram matrix it comes from.

    Centred, ``M_c = M + v v^T`` for a vector v of the items.
    """

    def __init__(self, train: sparse.csr_matrix) -> None:
        self.train = train
        self.mean = column_sums(train) / train.shape[0]
        self.solved: dict[float, _Solution] = {}

    @abstractmethod
    def solve(self, l2: float) -> _Solution:
        """The solution of an l2."""

    @abstractmethod
    def meet(self, seen: Matrix) -> Matrix:
        """What every l2 needs of the histories: their product with the form's side of X."""

    @abstractmethod
    def explained(self, met: Matrix, l2: float) -> np.ndarray:
        """(n_users, n_items) float32 ``x - x M`` of the histories that were met."""

    def solution(self, l2: float) -> _Solution:
        """The solution of an l2, kept as long as memory allows: the oldest goes first."""
        if l2 not in self.solved:
            solution = self.solve(l2)
            while self.solved and (len(self.solved) + 1) * solution.inverse.nbytes > _CACHE_BYTES:
                self.solved.pop(next(iter(self.solved)))
            self.solved[l2] = solution
        return self.solved[l2]

    def weights(self, l2: float, centred: bool) -> np.ndarray:
        """(n_items, n_items) float32 B, from known items (rows) to candidates.

        ``B = I - M_c / d`` in blocks of rows, with ``e - e M`` of single items e.
        """
        solution, n_items = self.solution(l2), self.train.shape[1]
        update = solution.update * centred
        diagonal = solution.diagonal + update**2
        weights = np.empty((n_items, n_items), dtype=np.float32)
        single = sparse.eye_array(n_items, dtype=np.float32, format="csr")
        for start in range(0, n_items, _BLOCK):
            rows = slice(start, start + _BLOCK)
            block = self.explained(self.meet(sparse.csr_matrix(single[rows])), l2)
            block = (block - np.outer(update[rows], update)) / diagonal
            weights[rows] = block
        # An item is no reason for itself; what rounding left there is set right.
        np.fill_diagonal(weights, 0)
        return weights

    def scores(self, seen: Matrix, explained: np.ndarray, l2: float, centred: bool) -> np.ndarray:
        """``y B`` of ``y = seen - share * mean``, plus the mean if centred.

        With d the diagonal of ``M + v v^T``, ``y B = y - (y M + (y v) v^T) / d``, computed as
        ``(y - y M - (y v) v^T) / d + y (1 - 1 / d)``. All of it but ``explained / d`` and the
        known items' own weights is of rank 3.
        """
        solution = self.solution(l2)
        diagonal = solution.diagonal + centred * solution.update**2
        own = 1 - 1 / diagonal
        scores = explained / diagonal.astype(np.float32)
        if centred:
            size = self.mean.sum()
            share = np.minimum(row_sums(seen) / size, 1) if size else np.zeros(seen.shape[0])
            deviation = seen @ solution.update - share * (self.mean @ solution.update)
            of_users = np.column_stack([-share, -deviation, np.ones(len(share))])
            of_items = [
                solution.mean_explained / diagonal + self.mean * own,
                solution.update / diagonal,
                self.mean,
            ]
            scores += of_users.astype(np.float32) @ np.stack(of_items).astype(np.float32)
        if isinstance(seen, np.ndarray):
            scores += seen * own.astype(np.float32)
        else:
            rows = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
            scores[rows, seen.indices] += seen.data * own[seen.indices]
        return scores


class _UserForm(_Form):
    """By ``X X^T``: cheaper with fewer users than items."""

    def __init__(self, train: sparse.csr_matrix) -> None:
        super().__init__(train)
        self.items = train.T.tocsr()
        self.gram = (train @ train.T).toarray().astype(np.float64)

    def solve(self, l2: float) -> _Solution:
        inverse = _invert(self.gram, l2)
        single = inverse.T.astype(np.float32)
        explained = np.empty(self.items.shape[0])
        for start in range(0, len(explained), _BLOCK):
            block = self.items[start : start + _BLOCK]
            explained[start : start + _BLOCK] = row_sums(block.multiply(block @ single))
        # M mu = (l2 / n) X^T A 1 turns Sherman and Morrison's update into v v^T below.
        ones = inverse.sum(axis=1)
        reach = self.items @ ones
        return _Solution(
            inverse=single,
            diagonal=1 - explained,
            update=reach / np.sqrt(ones.sum()),
            mean_explained=self.mean - l2 / self.train.shape[0] * reach,
        )

    def meet(self, seen: Matrix) -> Matrix:
        overlap = seen @ self.train.T
        return to_dense(overlap).astype(np.float32, copy=False)

    def explained(self, met: Matrix, l2: float) -> np.ndarray:
        return times_sparse(met @ self.solution(l2).inverse, self.items)


class _ItemForm(_Form):
    """By ``X^T X``: cheaper with no more items than users."""

    def __init__(self, train: sparse.csr_matrix) -> None:
        super().__init__(train)
        self.gram = (train.T @ train).toarray().astype(np.float64)

    def solve(self, l2: float) -> _Solution:
        inverse = _invert(self.gram, l2)
        n_users = self.train.shape[0]
        ratio = inverse @ self.mean
        return _Solution(
            inverse=inverse.T.astype(np.float32),
            diagonal=l2 * inverse.diagonal(),
            update=ratio * np.sqrt(l2 * n_users / (1 - n_users * (self.mean @ ratio))),
            mean_explained=self.mean - l2 * ratio,
        )

    def meet(self, seen: Matrix) -> Matrix:
        return seen

    def explained(self, met: Matrix, l2: float) -> np.ndarray:
        product = -np.float32(l2) * (met @ self.solution(l2).inverse)
        product += to_dense(met)
        return product


def _times(row: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n_columns,) float64 product of a row and a matrix, a block of rows at a time."""
    product = np.zeros(weights.shape[1])
    for start in range(0, len(row), _BLOCK):
        part = slice(start, start + _BLOCK)
        product += row[part] @ weights[part].astype(np.float64)
    return product


def _invert(gram: np.ndarray, l2: float) -> np.ndarray:
    """The inverse of ``gram + l2 I``, float64.

    By Cholesky for each l2: an eigendecomposition would serve every l2, but costs five to ten
    of these inversions (3,000 rows, one to two threads), so it pays only on long grids.
    """
    system = gram.copy(order="F")
    system[np.diag_indices_from(system)] += l2
    factor, _ = linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    inverse, _ = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    for start in range(0, len(inverse), _BLOCK):
        stop = start + _BLOCK
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
        corner = np.tril(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = corner + np.tril(corner, -1).T
    return inverse
