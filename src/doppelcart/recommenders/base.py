"""The interface of every recommender: fit once on the training matrix, score any histories."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Self, TypeAlias

import numpy as np
from scipy import sparse

from doppelcart.config.base import Parameters
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError, ParameterError
from doppelcart.serving.scorer import Scorer

Matrix: TypeAlias = sparse.csr_matrix | np.ndarray

# Rows of a dense matrix multiplied at once by a sparse one, so that they stay in the cache.
_ROWS = 128
# Histories of one item each that are scored at once.
_SINGLES = 512


class RecommenderConfig(Parameters):
    """Hyper-parameters of one recommender; frozen, so that a config can key a cache."""


class Recommender(ABC):
    """A recommender under strong generalisation: it scores histories it was not trained on.

    What does not depend on hyper-parameters is computed by ``fit`` and shared by every
    config, so tuning costs one fit. What a config needs is computed at its first use and
    kept. Neither method changes its arguments.

    Args:
        seed: Seed of the random steps, for the recommenders that have any.

    Attributes:
        name: Its name in configuration and tables.
        label: Its name as the field writes it.
        is_affine: Whether its scores are an affine function of the history, f(x + s d) =
            (1 - s) f(x) + s f(x + d). Then all strengths of a completion cost two scorings. Left
            out in doubt, it is only slower.
        ignores_history: Whether it gives everyone the same list. Then completing a history changes
            nothing, and no such arm is run.
        needs_order: Whether it learns from the order in which items were bought. It is given
            ``Histories.places`` in place of a matrix of ones; what is generated has no order, so
            that it is trained on real histories alone, and no arm of synthetic data is run.
        popularity: (n_items,) float32 number of training users of each item, after ``fit``.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    is_affine: ClassVar[bool] = False
    ignores_history: ClassVar[bool] = False
    needs_order: ClassVar[bool] = False
    Config: ClassVar[type[RecommenderConfig]]
    popularity: np.ndarray

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._n_items: int | None = None

    @property
    def n_items(self) -> int:
        """Size of the catalogue.

        Raises:
            InputError: Before ``fit``.
        """
        if self._n_items is None:
            raise InputError(f"{self.name}: score() was called before fit(); fit it first")
        return self._n_items

    @classmethod
    def matrix_of(cls, histories: Histories) -> sparse.csr_matrix:
        """(n_users, n_items) CSR of what is given to ``fit`` and ``score`` of some histories."""
        return histories.places if cls.needs_order else histories.matrix

    @classmethod
    def memory(
        cls,
        n_users: int,  # noqa: ARG003 - some need it
        n_items: int,  # noqa: ARG003
        configs: Sequence[RecommenderConfig],  # noqa: ARG003
    ) -> int:
        """Bytes that a fit holds at most besides the training matrix and the scores; an estimate.

        Only what grows with the square of the users or items, or with both, is counted.

        Args:
            n_users: Training users.
            n_items: Size of the catalogue.
            configs: What is scored from the fit.
        """
        return 0

    def fit(self, train: Matrix) -> Self:
        """Learn from the training users.

        Args:
            train: (n_users, n_items) CSR or dense, weights in (0, 1] where bought, else 0; places
                from 1 for one that needs the order.

        Returns:
            The recommender itself.

        Raises:
            InputError: If there is no user, no item, or a weight that is negative or not finite.
        """
        matrix = sparse.csr_matrix(train, dtype=np.float32)
        if 0 in matrix.shape:
            raise InputError(
                f"{self.name}: the training matrix has {matrix.shape[0]} users and"
                f" {matrix.shape[1]} items; it needs at least one of each"
            )
        wrong = np.count_nonzero(~((matrix.data >= 0) & np.isfinite(matrix.data)))
        if wrong:
            raise InputError(
                f"{self.name}: {wrong} of {matrix.nnz} training weights are negative or not"
                " finite; weights must be in (0, 1]"
            )
        self._n_items = matrix.shape[1]
        counted = matrix.sign() if self.needs_order else matrix
        self.popularity = column_sums(counted).astype(np.float32)
        self._fit(matrix)
        return self

    def score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        """Score the whole catalogue for each history.

        The result is dense, so memory is ``4 * n_users * n_items`` bytes: give large sets of
        users in chunks of about a thousand. Items already in the history are scored too.

        Args:
            seen: (n_users, n_items) CSR or dense, weights in (0, 1] of the known items;
                completed histories may give a weight to every item. Places from 1 for one that
                needs the order.
            config: An instance of this recommender's ``Config``.

        Returns:
            (n_users, n_items) float32 scores, higher is better.

        Raises:
            InputError: If not fitted, or the catalogue is not that of ``fit``.
            ParameterError: If the config belongs to another recommender.
        """
        return next(self.score_each(seen, [config]))

    def score_each(
        self, seen: Matrix, configs: Sequence[RecommenderConfig]
    ) -> Iterator[np.ndarray]:
        """``score`` under one config after the other, what they share computed once.

        Args:
            seen: As for ``score``.
            configs: Instances of this recommender's ``Config``; those that differ least should
                stand next to each other.

        Yields:
            The scores under each config.

        Raises:
            InputError: If not fitted, or the catalogue is not that of ``fit``.
            ParameterError: If a config belongs to another recommender.
        """
        if seen.shape[1] != self.n_items:
            raise InputError(
                f"{self.name}: histories have {seen.shape[1]} items but the recommender was"
                f" fitted on {self.n_items}; align both to one catalogue"
            )
        for config in configs:
            if not isinstance(config, self.Config):
                raise ParameterError(
                    f"{self.name}: got a {type(config).__name__}; give a {self.Config.__name__}"
                )
        matrix: Matrix
        if isinstance(seen, np.ndarray):
            matrix = np.ascontiguousarray(seen, dtype=np.float32)
        else:
            matrix = sparse.csr_matrix(seen, dtype=np.float32)
        for scores in self._score_each(matrix, configs):
            yield np.ascontiguousarray(scores, dtype=np.float32)

    def scorer(self, config: RecommenderConfig) -> Scorer | None:  # noqa: ARG002 - some need it
        """What serves in its place once it is fitted: arrays that score as it does.

        Args:
            config: An instance of this recommender's ``Config``.

        Returns:
            A scorer; None where its scores do not come to arrays.
        """
        return None

    @classmethod
    def scorer_bytes(cls, n_items: int, config: RecommenderConfig) -> int:  # noqa: ARG003
        """Bytes of what ``scorer`` returns that grow with the square of the items; an estimate.

        Args:
            n_items: Size of the catalogue.
            config: An instance of this recommender's ``Config``.
        """
        return 0

    def _score_each(
        self, seen: Matrix, configs: Sequence[RecommenderConfig]
    ) -> Iterator[np.ndarray]:
        """Scores under each config; overridden where configs share work on the histories."""
        for config in configs:
            yield self._score(seen, config)

    @abstractmethod
    def _fit(self, train: sparse.csr_matrix) -> None:
        """Compute what every config shares; forget what earlier fits left."""

    @abstractmethod
    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        """(n_users, n_items) scores of checked histories."""


def weights_of(recommender: Recommender, config: RecommenderConfig) -> np.ndarray:
    """(n_items, n_items) float32 weights of a recommender whose scores are linear.

    They are its scores of histories of one item each.

    Args:
        recommender: Fitted recommender, of scores ``x W``.
        config: One configuration of it.
    """
    n_items = recommender.n_items
    weights = np.empty((n_items, n_items), dtype=np.float32)
    single = sparse.eye_array(n_items, dtype=np.float32, format="csr")
    for start in range(0, n_items, _SINGLES):
        rows = slice(start, start + _SINGLES)
        weights[rows] = recommender.score(sparse.csr_matrix(single[rows]), config)
    return weights


def to_dense(matrix: Matrix) -> np.ndarray:
    """The matrix as a dense float32 array."""
    if isinstance(matrix, np.ndarray):
        return matrix
    dense: np.ndarray = matrix.toarray()
    return dense


def times_sparse(dense: np.ndarray, transposed: sparse.csr_matrix) -> np.ndarray:
    """(n_rows, n_columns) float32 product of dense rows and a sparse matrix.

    Args:
        dense: (n_rows, n) float32.
        transposed: (n_columns, n) CSR, the transpose of the sparse factor: so each row of it is
            added up in one place, a few rows of ``dense`` at a time.
    """
    product = np.empty((dense.shape[0], transposed.shape[0]), dtype=np.float32)
    for start in range(0, len(dense), _ROWS):
        block = slice(start, start + _ROWS)
        product[block] = (transposed @ np.ascontiguousarray(dense[block].T)).T
    return product


def row_sums(matrix: Matrix) -> np.ndarray:
    """(n_users,) float64 sum of each row."""
    return np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()


def column_sums(matrix: Matrix) -> np.ndarray:
    """(n_items,) float64 sum of each column."""
    return np.asarray(matrix.sum(axis=0, dtype=np.float64)).ravel()
