"""The plain systems on a launch window: their scores, and which configuration suits each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures, Weighting
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.pipelines.new_items import plain
from doppelcart.pipelines.new_items.launches import Window

Config = Mapping[str, float]
Grid = Mapping[str, Sequence[Config]]
"""Configurations to try, by system."""


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
        groups: As from ``plain.groups_of``.
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
        self.old = weighting.rows(features, window.old)
        self.new = weighting.rows(features, window.new)
        self.bought = window.bought[self.users]
        self._weights: dict[float, np.ndarray] = {}
        self._ease: dict[float, np.ndarray] = {}

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
        shares = plain.group_shares(bench.window, bench.groups, bench.users, config["prior"])
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


SYSTEMS: Final[dict[str, Callable[[Bench, Sequence[Config]], Iterator[np.ndarray]]]] = {
    "popularity": _popularity,
    "shares": _shares,
    "neighbours": _neighbours,
    "clicks": _clicks,
    "ridge": _ridge,
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


def standardised(scores: np.ndarray) -> np.ndarray:
    """Each user's scores with mean 0 and deviation 1; zeros where they do not vary."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-12)


def weighted_sum(parts: Mapping[str, np.ndarray], weights: Config) -> np.ndarray:
    """(n_judged, n_new) sum of standardised scores, each times its weight."""
    total = sum(weight * standardised(parts[name]) for name, weight in weights.items())
    return np.asarray(total, dtype=np.float32)


def choose_weights(
    bench: Bench, parts: Mapping[str, np.ndarray], candidates: Sequence[Config], k: int
) -> tuple[Config, list[float]]:
    """The weights of a sum that rank best in a window before the one that is tested.

    Args:
        bench: That window.
        parts: Scores by system.
        candidates: Weights by system to try; of equally good ones the first is taken.
        k: Length of the lists.

    Returns:
        The weights, and the NDCG of every candidate.
    """
    values = [
        float(np.nanmean(bench.quality(weighted_sum(parts, weights), k))) for weights in candidates
    ]
    return candidates[int(np.argmax(values))], values


def pair_table(
    bench: Bench, parts: Mapping[str, np.ndarray], names: Sequence[str], prior: float
) -> np.ndarray:
    """(n_judged * n_new, n_inputs) float32 of what each system says of each user and new item.

    Args:
        bench: The window.
        parts: Scores by system.
        names: Systems that count.
        prior: Lines that a group above is worth in the shares.
    """
    shares = plain.group_shares(bench.window, bench.groups, bench.users, prior)
    columns = [*shares, *(parts[name] for name in names)]
    return np.column_stack([np.asarray(scores, np.float32).ravel() for scores in columns])


def boosted(
    learn_from: tuple[np.ndarray, sparse.csr_matrix], pairs: np.ndarray, seed: int
) -> np.ndarray:
    """(n_pairs,) chances that users buy new items, learnt from the new items of another window.

    Trees are small and their leaves large: new items are few, and a tree that tells one from
    another learns by heart how well it sold.

    Args:
        learn_from: (n_pairs, n_inputs) as from ``pair_table``, and what was bought.
        pairs: (n_pairs, n_inputs) of the window to be ranked.
        seed: Of the model.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    inputs, bought = learn_from
    model = HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.05,
        max_leaf_nodes=7,
        min_samples_leaf=1_000,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    ).fit(inputs, bought.toarray().ravel() > 0)
    return np.asarray(model.predict_proba(pairs)[:, 1], dtype=np.float32)
