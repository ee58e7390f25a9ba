"""The plain systems on a launch window: their scores, and which configuration suits each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.embedding import fit_projection
from doppelcart.catalogue.item_features import ItemFeatures, Weighting
from doppelcart.catalogue.shares import group_shares
from doppelcart.catalogue.windows import Window
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.pipelines.new_items import plain

Config = Mapping[str, float]
Grid = Mapping[str, Sequence[Config]]
"""Configurations to try, by system."""
UNITS: Final = 64
PENALTY: Final = 1.0
"""Of item vectors, as the pipeline of items has them by default."""


class Lists(NamedTuple):
    """Scores of new items for the users who bought one, by system.

    Attributes:
        tuning: In the window that tunes: (n_judged, n_new) float32 by system.
        test: In the window that is tested.
    """

    tuning: dict[str, np.ndarray]
    test: dict[str, np.ndarray]


class Bench:
    """A launch window and what several systems need of it, each computed once.

    Args:
        window: The window.
        groups: As from ``groups_of``.
        weighting: How much each column counts, as learnt from the window's old items.
        features: Of the items.
    """

    def __init__(
        self,
        window: Window,
        groups: Sequence[np.ndarray],
        weighting: Weighting,
        features: ItemFeatures,
    ) -> None:
        self.window, self.groups, self.users = window, groups, window.judged
        self.weighting, self.features = weighting, features
        self.old = weighting.rows(features, window.old)
        self.new = weighting.rows(features, window.new)
        self.bought = window.bought[self.users]
        self._weights: dict[float, np.ndarray] = {}
        self._ease: dict[float, np.ndarray] = {}

    @cached_property
    def cease(self) -> plain.CEASE:
        """Purchases and features of the window, as CEASE stacks them."""
        return plain.CEASE(self.window.history, self.old, self.new)

    @cached_property
    def vectors(self) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        """(n_old, n_units) and (n_new, n_units) vectors, fitted on the window's old items."""
        window = self.window
        projection = fit_projection(
            self.features, window.old, window.history, self.weighting, UNITS, UNITS, PENALTY
        )
        old, new = (projection.vectors(self.features, which) for which in (window.old, window.new))
        return sparse.csr_matrix(old), sparse.csr_matrix(new)

    def weights(self, penalty: float) -> np.ndarray:
        """(n_old, n_new) as from ``plain.ridge_weights``."""
        if penalty not in self._weights:
            (self._weights[penalty],) = plain.ridge_weights(self.old, self.new, [penalty])
        return self._weights[penalty]

    def ease(self, l2: float) -> np.ndarray:
        """(n_judged, n_old) scores of EASE; the last l2 alone is kept."""
        if l2 not in self._ease:
            self._ease = {l2: plain.ease_scores(self.window.history, l2)[self.users]}
        return self._ease[l2]

    def quality(self, scores: np.ndarray, k: int) -> np.ndarray:
        """(n_judged,) NDCG of each user's k best new items."""
        return ndcg(top_k(scores, None, k), self.bought, k)


def _popularity(bench: Bench, configs: Sequence[Config]) -> Iterator[np.ndarray]:
    for config in configs:
        scores = plain.recent_means(bench.window, bench.groups, config["prior"])
        yield plain.for_everybody(scores[bench.window.new], len(bench.users))


def _shares(bench: Bench, configs: Sequence[Config]) -> Iterator[np.ndarray]:
    for config in configs:
        shares = group_shares(bench.window, bench.groups, bench.users, config["prior"])
        yield plain.spread_over_items(shares[-1], bench.window, bench.groups[-1], config["spread"])


def _neighbours(bench: Bench, configs: Sequence[Config]) -> Iterator[np.ndarray]:
    counts = bench.window.counts[bench.users]
    for config in configs:
        yield plain.neighbours(bench.old, bench.new, counts, int(config["neighbours"]))


def _clicks(bench: Bench, configs: Sequence[Config]) -> Iterator[np.ndarray]:
    history = bench.window.history[bench.users]
    for config in configs:
        yield np.asarray(history @ bench.weights(config["penalty"]), dtype=np.float32)


def _ridge(bench: Bench, configs: Sequence[Config]) -> Iterator[np.ndarray]:
    for config in configs:
        yield bench.ease(config["l2"]) @ bench.weights(config["penalty"])


def _vectors(bench: Bench, configs: Sequence[Config]) -> Iterator[np.ndarray]:
    for config in configs:
        (weights,) = plain.ridge_weights(*bench.vectors, [config["penalty"]])
        yield bench.ease(config["l2"]) @ weights


def _cease(bench: Bench, configs: Sequence[Config]) -> Iterator[np.ndarray]:
    for config in configs:
        yield bench.cease.scores(bench.users, config["l2"], config["weight"])


SYSTEMS: Final[dict[str, Callable[[Bench, Sequence[Config]], Iterator[np.ndarray]]]] = {
    "popularity": _popularity,
    "shares": _shares,
    "neighbours": _neighbours,
    "clicks": _clicks,
    "ridge": _ridge,
    "vectors": _vectors,
    "cease": _cease,
}
"""Systems that are tuned on a grid, by name."""


def shuffled_ridge(bench: Bench, config: Config, seed: int) -> np.ndarray:
    """(n_judged, n_new) scores of the ridge whose old items have the features of others.

    Args:
        bench: The window.
        config: That of the ridge.
        seed: Of the shuffling.
    """
    order = np.random.default_rng(seed).permutation(bench.old.shape[0])
    (weights,) = plain.ridge_weights(bench.old[order], bench.new, [config["penalty"]])
    return bench.ease(config["l2"]) @ weights


def oracle(bench: Bench) -> np.ndarray:
    """(n_judged, n_new) how many users of the window really bought each new item, for all alike."""
    buyers = np.bincount(bench.window.bought.indices, minlength=len(bench.window.new))
    return plain.for_everybody(buyers, len(bench.users))


def tune(bench: Bench, grid: Grid, k: int) -> tuple[dict[str, Config], pd.DataFrame]:
    """The configuration of each system that ranks best, and all that were tried.

    Args:
        bench: A window before the one that is tested.
        grid: What to try.
        k: Length of the lists.

    Returns:
        Configurations by system; and a table of ``system``, ``config`` and ``ndcg``.
    """
    chosen, rows = {}, []
    for system, configs in grid.items():
        tried = SYSTEMS[system](bench, configs)
        values = [float(np.nanmean(bench.quality(scores, k))) for scores in tried]
        chosen[system] = configs[int(np.argmax(values))]
        rows += [
            {"system": system, "config": told(config), "ndcg": value}
            for config, value in zip(configs, values, strict=True)
        ]
    return chosen, pd.DataFrame(rows)


def told(config: Mapping[str, Any]) -> str:
    """A configuration in one line."""
    return ", ".join(f"{name} {value:g}" for name, value in config.items())


def rank(bench: Bench, chosen: Mapping[str, Config]) -> dict[str, np.ndarray]:
    """Scores of each system under its configuration."""
    return {name: next(SYSTEMS[name](bench, [config])) for name, config in chosen.items()}
