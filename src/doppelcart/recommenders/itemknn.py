"""Item-based nearest neighbours with shrinkage and asymmetric normalisation."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, cast

import numpy as np
from pydantic import Field
from scipy import sparse

from doppelcart.metrics.ranking import top_k
from doppelcart.recommenders.base import (
    Matrix,
    Recommender,
    RecommenderConfig,
    column_sums,
    times_sparse,
    to_dense,
    weights_of,
)
from doppelcart.serving.scorer import ItemWeights, Scorer

_BLOCK = 1024
# Above this share of non-zero cells a BLAS product beats SciPy's sparse one.
_DENSE_FROM = 0.05


class ItemKNNConfig(RecommenderConfig):
    """Hyper-parameters of ItemKNN."""

    shrink: float = Field(
        default=10.0,
        ge=0,
        le=1000,
        description="Added to the denominator of a similarity: the larger, the less a pair of"
        " rare items counts. Unit: users.",
    )
    alpha: float = Field(
        default=0.5,
        ge=0.5,
        le=1,
        description="Share of the normalisation that falls on the known item: 0.5 is the"
        " cosine, 1 is P(candidate | known item).",
    )
    neighbours: int = Field(
        default=0,
        ge=0,
        description="Most similar known items kept for each candidate; 0 keeps all.",
    )


class ItemKNN(Recommender):
    """Sum over known items i of ``c_ij / (c_i^alpha * c_j^(1 - alpha) + shrink)``.

    ``c_ij`` is the number of users who bought both (the Gram matrix of the training
    matrix), ``c_i`` the number who bought i. The conditional-probability similarity is that
    of Deshpande and Karypis (2004, "Item-based top-N recommendation algorithms", section
    4.1.2), its asymmetric-cosine blend that of Aiolli (2013, "Efficient top-N recommendation
    for very large scale binary rated datasets", section 3.1), the shrinkage that of Bell and
    Koren (2007, "Scalable collaborative filtering with jointly derived neighborhood
    interpolation weights").

    Without shrinkage and without a cut to the nearest, no item x item matrix is made. With a cut,
    a sparse one of ``8 * neighbours * n_items`` bytes is kept a config. With shrinkage alone, the
    Gram matrix (``4 * n_items**2`` bytes) is kept, and similarities are made from it in blocks of
    candidates.
    """

    name: ClassVar[str] = "itemknn"
    label: ClassVar[str] = "ItemKNN"
    is_affine: ClassVar[bool] = True
    Config: ClassVar[type[RecommenderConfig]] = ItemKNNConfig

    @classmethod
    def memory(
        cls,
        n_users: int,  # noqa: ARG003 - similarities are of items
        n_items: int,
        configs: Sequence[RecommenderConfig],
    ) -> int:
        """Similarities that are kept, whole or the nearest, and the blocks they are made in."""
        own = cast(Sequence[ItemKNNConfig], configs)
        cut = [config for config in own if 0 < config.neighbours < n_items]
        whole = any(config not in cut and config.shrink > 0 for config in own)
        nearest = sum(2 * 8 * config.neighbours * n_items for config in cut)
        block = 4 * min(_BLOCK, n_items) * n_items
        return 4 * n_items**2 * whole + nearest + block * (6 if cut else 4 * whole)

    def _fit(self, train: sparse.csr_matrix) -> None:
        self._train = train
        self._items = train.T.tocsr()
        self._support = column_sums(train.multiply(train).tocsr())
        self._gram: np.ndarray | None = None
        self._nearest: dict[ItemKNNConfig, sparse.csr_matrix] = {}

    def _score_each(
        self, seen: Matrix, configs: Sequence[RecommenderConfig]
    ) -> Iterator[np.ndarray]:
        """The neighbours that any config asks for are looked up in one pass over the items."""
        own = cast(Sequence[ItemKNNConfig], configs)
        self._look_up([config for config in own if self._cuts(config)])
        for config in configs:
            yield self._score(seen, config)

    def scorer(self, config: RecommenderConfig) -> Scorer:
        """The similarities, sparse where only the nearest are kept."""
        own = cast(ItemKNNConfig, config)
        if not self._cuts(own):
            return ItemWeights(weights_of(self, own))
        self._look_up([own])
        return ItemWeights(self._nearest[own].T.tocsr())

    @classmethod
    def scorer_bytes(cls, n_items: int, config: RecommenderConfig) -> int:
        """The similarities, unless only the nearest are kept."""
        is_cut = 0 < cast(ItemKNNConfig, config).neighbours < n_items
        return 0 if is_cut else 4 * n_items**2

    def _cuts(self, config: ItemKNNConfig) -> bool:
        return 0 < config.neighbours < self.n_items

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        config = cast(ItemKNNConfig, config)
        if self._cuts(config):
            return self._score_by_nearest(seen, config)
        if config.shrink == 0:
            return self._score_by_users(seen, config.alpha)
        return self._score_by_items(seen, config)

    def _score_by_nearest(self, seen: Matrix, config: ItemKNNConfig) -> np.ndarray:
        """Most similarities are cut, so the product with the histories is sparse."""
        nearest = self._nearest[config]
        if isinstance(seen, np.ndarray) or seen.nnz > _DENSE_FROM * seen.shape[0] * self.n_items:
            return times_sparse(to_dense(seen), nearest)
        return to_dense((seen @ nearest.T).tocsr())

    def _score_by_users(self, seen: Matrix, alpha: float) -> np.ndarray:
        """Without shrinkage the similarity is ``D X^T X D'``: two thin products do."""
        bought = self._support > 0
        support = np.where(bought, self._support, 1)
        of_known = (bought / support**alpha).astype(np.float32)
        of_candidate = (bought / support ** (1 - alpha)).astype(np.float32)
        overlap = times_sparse(to_dense(seen) * of_known, self._train)
        scores = times_sparse(overlap, self._items)
        scores *= of_candidate
        # A known item is not its own neighbour: its similarity to itself is 1.
        scores -= to_dense(seen) * bought
        return scores

    def _score_by_items(self, seen: Matrix, config: ItemKNNConfig) -> np.ndarray:
        known = np.arange(self.n_items)
        if not isinstance(seen, np.ndarray):
            known = np.unique(seen.indices)
            seen = seen[:, known]
            if seen.nnz > _DENSE_FROM * seen.shape[0] * len(known):
                seen = to_dense(seen)
        gram = self._pairs()
        scores = np.empty((seen.shape[0], self.n_items), dtype=np.float32)
        for block in self._blocks():
            pairs = gram[block] if len(known) == self.n_items else gram[block][:, known]
            similarity = self._similarity(pairs, block, known, config)
            scores[:, block] = seen @ np.ascontiguousarray(similarity.T)
        return scores

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, self.n_items, _BLOCK):
            yield slice(start, min(start + _BLOCK, self.n_items))

    def _pairs(self) -> np.ndarray:
        """(n_items, n_items) float32 Gram matrix, made at the first use that cannot do without."""
        if self._gram is None:
            self._gram = np.empty((self.n_items, self.n_items), dtype=np.float32)
            for block in self._blocks():
                self._gram[block] = self._pairs_of(block)
        return self._gram

    def _pairs_of(self, candidates: slice) -> np.ndarray:
        """(n_candidates, n_items) float32 rows of the Gram matrix."""
        pairs: np.ndarray = (self._items[candidates] @ self._train).toarray()
        return pairs

    def _look_up(self, configs: Sequence[ItemKNNConfig]) -> None:
        """Keep the nearest known items of every candidate, for configs that have none yet."""
        new = [config for config in dict.fromkeys(configs) if config not in self._nearest]
        if not new:
            return
        known = np.arange(self.n_items)
        blocks: dict[ItemKNNConfig, list[sparse.csr_matrix]] = {config: [] for config in new}
        for block in self._blocks():
            pairs = self._pairs_of(block)
            for config in new:
                similarity = self._similarity(pairs, block, known, config)
                blocks[config].append(_strongest(similarity, config.neighbours))
        for config, rows in blocks.items():
            self._nearest[config] = sparse.vstack(rows, format="csr")

    def _similarity(
        self, pairs: np.ndarray, candidates: slice, known: np.ndarray, config: ItemKNNConfig
    ) -> np.ndarray:
        """(n_candidates, n_known) similarity from each known item to each candidate.

        Args:
            pairs: (n_candidates, n_known) of the Gram matrix.
            candidates: Positions of the rows.
            known: Positions of the columns.
            config: Shrinkage and normalisation.
        """
        of_known = (self._support[known] ** config.alpha).astype(np.float32)
        of_candidate = (self._support[candidates] ** (1 - config.alpha)).astype(np.float32)
        similarity = np.outer(of_candidate, of_known)
        similarity += np.float32(config.shrink)
        # An item without users has no similarity: 0 / 1 and not 0 / 0.
        similarity[similarity == 0] = 1
        np.divide(pairs, similarity, out=similarity)
        similarity[np.arange(candidates.start, candidates.stop)[:, None] == known[None, :]] = 0
        return similarity


def _strongest(similarity: np.ndarray, n: int) -> sparse.csr_matrix:
    """The ``n`` largest of each row, the others 0; of equals the lower positions."""
    columns = np.sort(top_k(similarity, None, n), axis=1)
    values = np.take_along_axis(similarity, columns, axis=1)
    ends = np.arange(0, columns.size + 1, n)
    strongest = sparse.csr_matrix((values.ravel(), columns.ravel(), ends), similarity.shape)
    strongest.eliminate_zeros()
    return strongest
