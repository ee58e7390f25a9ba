"""Matrix factorisation by implicit alternating least squares."""

from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np
from implicit.als import AlternatingLeastSquares
from pydantic import Field
from scipy import sparse
from threadpoolctl import threadpool_limits

from doppelcart.recommenders.base import Matrix, Recommender, RecommenderConfig
from doppelcart.serving.folding import fold_in, shared_squares
from doppelcart.serving.scorer import FoldIn, Scorer


class IALSConfig(RecommenderConfig):
    """Hyper-parameters of iALS."""

    factors: int = Field(default=64, ge=1, le=512, description="Length of a latent vector.")
    regularization: float = Field(
        default=10.0, gt=0, le=10_000, description="L2 penalty on each latent vector."
    )
    alpha: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="Confidence of a purchase is 1 + alpha, of a missing one 1.",
    )
    iterations: int = Field(default=15, ge=1, le=200, description="Passes over users and items.")


class IALS(Recommender):
    """Item factors by ``implicit``, histories folded in by the exact normal equations.

    Source: Hu, Koren and Volinsky (2008), "Collaborative filtering for implicit feedback
    datasets", equation 4. A known weight x in (0, 1) is read as the probability that the item
    belongs to the history, and the fold-in minimises the expected loss: it is equation 4
    where x is 1 and an ordinary missing item where x is 0.
    """

    name: ClassVar[str] = "ials"
    label: ClassVar[str] = "iALS"
    Config: ClassVar[type[RecommenderConfig]] = IALSConfig

    @classmethod
    def memory(cls, n_users: int, n_items: int, configs: Sequence[RecommenderConfig]) -> int:
        """The factors of all configurations' items, and of one's users."""
        factors = [config.factors for config in cast(Sequence[IALSConfig], configs)]
        return 4 * (n_items * sum(factors) + n_users * max(factors, default=0))

    def _fit(self, train: sparse.csr_matrix) -> None:
        self._train = train
        self._factors: dict[IALSConfig, np.ndarray] = {}

    def _item_factors(self, config: IALSConfig) -> np.ndarray:
        """(n_items, factors) float32, computed at the first use of a config."""
        if config not in self._factors:
            confidence = self._train.copy()
            confidence.data = 1 + np.float32(config.alpha) * confidence.data
            # Whole fits are shared out over the cores; threads below them only wait for each other.
            with threadpool_limits(1, "blas"):
                model = AlternatingLeastSquares(
                    factors=config.factors,
                    regularization=config.regularization,
                    alpha=1.0,
                    iterations=config.iterations,
                    num_threads=1,
                    random_state=self.seed,
                )
                model.fit(confidence, show_progress=False)
            self._factors[config] = np.asarray(model.item_factors)
        return self._factors[config]

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        config = cast(IALSConfig, config)
        items = self._item_factors(config)
        users = fold_in(seen, items, config.alpha, shared_squares(items, config.regularization))
        return users.astype(np.float32) @ items.T

    def scorer(self, config: RecommenderConfig) -> Scorer:
        """Item factors, with what folds a history in."""
        config = cast(IALSConfig, config)
        return FoldIn(self._item_factors(config), config.alpha, config.regularization)
