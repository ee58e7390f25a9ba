"""Rank items by how many users bought them."""

from typing import ClassVar

import numpy as np
from scipy import sparse

from doppelcart.recommenders.base import Matrix, Recommender, RecommenderConfig
from doppelcart.serving.scorer import Popular, Scorer


class PopularityConfig(RecommenderConfig):
    """Popularity has nothing to tune."""


class Popularity(Recommender):
    """Number of training users of each item (sum of weights), the same for every history.

    >>> from scipy.sparse import csr_matrix
    >>> train = csr_matrix([[1, 1, 0], [1, 0, 0]])
    >>> Popularity().fit(train).score(train[:1], PopularityConfig()).tolist()
    [[2.0, 1.0, 0.0]]
    """

    name: ClassVar[str] = "popularity"
    label: ClassVar[str] = "Popularity"
    is_affine: ClassVar[bool] = True
    ignores_history: ClassVar[bool] = True
    Config: ClassVar[type[RecommenderConfig]] = PopularityConfig

    def _fit(self, train: sparse.csr_matrix) -> None:
        """The number of users is all there is to it, and ``fit`` has counted them."""

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:  # noqa: ARG002
        return np.tile(self.popularity, (seen.shape[0], 1))

    def scorer(self, config: RecommenderConfig) -> Scorer:  # noqa: ARG002
        """The counts."""
        return Popular(self.popularity)
