"""Plain rankings of combinations that the shop does not sell: none of them generates anything.

Each takes the combinations that were known when a window opened, and returns a score of every kind
and maker, (n_kinds, n_makers) float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg

from doppelcart.pipelines.ideas.combinations import Combinations
from doppelcart.pipelines.ideas.params import RankingsParams
from doppelcart.recommenders.ease import EASE, EASEConfig

Config = Mapping[str, float]
NOTHING: Final = 0.1
"""Launches that a kind or a maker without any counts for."""


def sizes(combinations: Combinations, **_: float) -> np.ndarray:
    """Items of the kind times items of the maker."""
    items = combinations.items
    return np.outer(_by_kind(items), _by_maker(items)).astype(np.float32)


def launches(combinations: Combinations, **_: float) -> np.ndarray:
    """Recent launches of the kind times those of the maker."""
    recent = combinations.recent
    return np.outer(_by_kind(recent) + NOTHING, _by_maker(recent) + NOTHING).astype(np.float32)


def share(combinations: Combinations, **_: float) -> np.ndarray:
    """The maker's share of the kind's category times the items of the kind."""
    return (_shares(combinations) * _by_kind(combinations.items)[:, None]).astype(np.float32)


def share_and_launches(combinations: Combinations, **_: float) -> np.ndarray:
    """The maker's share of the kind's category times recent launches of both."""
    return ((_shares(combinations) + 1e-6) * launches(combinations)).astype(np.float32)


def ease_of_kinds(combinations: Combinations, l2: float) -> np.ndarray:
    """EASE whose users are makers and whose items are kinds."""
    return _ease(combinations, "kinds", l2).T


def ease_of_makers(combinations: Combinations, l2: float) -> np.ndarray:
    """EASE whose users are kinds and whose items are makers."""
    return _ease(combinations, "makers", l2)


def factors(combinations: Combinations, n: float) -> np.ndarray:
    """The log of the items of each combination, by its leading singular vectors."""
    counts = combinations.items.log1p()
    n_factors = min(int(n), min(counts.shape) - 1)
    left, values, right = sparse_linalg.svds(counts, k=n_factors, v0=np.ones(min(counts.shape)))
    return ((left * values) @ right).astype(np.float32)


RANKINGS: Final[dict[str, Callable[..., np.ndarray]]] = {
    "sizes": sizes,
    "launches": launches,
    "share": share,
    "share_and_launches": share_and_launches,
    "ease_of_kinds": ease_of_kinds,
    "ease_of_makers": ease_of_makers,
    "factors": factors,
}
"""Rankings by name."""
BLEND: Final = "blend"


def grid(params: RankingsParams) -> Iterator[tuple[str, dict[str, float]]]:
    """All that is tried but the blend: ranking and configuration."""
    for name in ("sizes", "launches", "share", "share_and_launches"):
        yield name, {}
    for name in ("ease_of_kinds", "ease_of_makers"):
        yield from ((name, {"l2": l2}) for l2 in params.l2)
    yield from (("factors", {"n": float(n)}) for n in params.factors)


def _by_kind(counts: sparse.csr_matrix) -> np.ndarray:
    return np.asarray(counts.sum(axis=1)).ravel()


def _by_maker(counts: sparse.csr_matrix) -> np.ndarray:
    return np.asarray(counts.sum(axis=0)).ravel()


def _in_category(combinations: Combinations, counts: sparse.csr_matrix) -> np.ndarray:
    """(n_kinds, n_makers) items of the maker in the kind's category."""
    categories = combinations.categories
    n = len(categories)
    of = sparse.csr_matrix((np.ones(n), (categories, np.arange(n))), (categories.max() + 1, n))
    return np.asarray((of @ counts).toarray()[categories])


def _shares(combinations: Combinations) -> np.ndarray:
    own = _in_category(combinations, combinations.items)
    return own / np.maximum(own.sum(axis=1, keepdims=True), 1.0)


def _ease(combinations: Combinations, items: str, l2: float) -> np.ndarray:
    """Scores of EASE, kept: the blend asks for what was tried before it."""
    if (items, l2) not in combinations.kept:
        ones = combinations.items.astype(np.float32)
        ones.data[:] = 1
        users = ones if items == "makers" else ones.T.tocsr()
        combinations.kept[items, l2] = EASE().fit(users).score(users, EASEConfig(l2=l2))
    return combinations.kept[items, l2]


class Blend:
    """A logistic regression over plain rankings, learnt from the launches of an earlier window.

    Args:
        l2: Penalties of the EASE among its inputs.
    """

    def __init__(self, l2: Sequence[float]) -> None:
        self.l2 = l2

    def inputs(self, combinations: Combinations) -> Iterator[np.ndarray]:
        """Each input, (n_kinds, n_makers) or one that broadcasts to it, float32."""
        items, recent = combinations.items, combinations.recent
        yield np.log(_shares(combinations) + 1e-4).astype(np.float32)
        for counts in (items, recent):
            yield np.log1p(_in_category(combinations, counts)).astype(np.float32)
        for counts in (items, items > 0, recent):
            yield np.log1p(_by_kind(counts)).astype(np.float32)[:, None]
            yield np.log1p(_by_maker(counts)).astype(np.float32)[None, :]
        for l2 in self.l2:
            yield ease_of_kinds(combinations, l2)
            yield ease_of_makers(combinations, l2)

    def learn(
        self, combinations: Combinations, penalties: Sequence[float], negatives: int, seed: int
    ) -> list[np.ndarray]:
        """Weights of the inputs, one array per penalty.

        The regression is fitted to all launches and to a sample of what was not launched, which
        moves nothing but its intercept (Prentice and Pyke 1979). Where every idea was launched
        there is nothing to learn, and all weights are 0.

        Args:
            combinations: Of a window that has passed.
            penalties: Inverse penalties.
            negatives: Combinations not launched to learn from.
            seed: Of their sample.
        """
        from sklearn.linear_model import LogisticRegression

        launched = combinations.launched
        ideas = combinations.unseen.copy()
        ideas[launched[:, 0], launched[:, 1]] = False
        rng = np.random.default_rng(seed)
        others = np.flatnonzero(ideas)
        if not len(others):
            return [np.zeros(len(list(self.inputs(combinations)))) for _ in penalties]
        others = rng.choice(others, min(negatives, len(others)), replace=False)
        rows = np.concatenate([launched, np.column_stack(np.unravel_index(others, ideas.shape))])
        columns = [
            np.broadcast_to(values, ideas.shape)[rows[:, 0], rows[:, 1]]
            for values in self.inputs(combinations)
        ]
        seen = np.column_stack(columns).astype(np.float64)
        spread = seen.std(axis=0) + 1e-9
        right = np.arange(len(rows)) < len(launched)
        standard = (seen - seen.mean(axis=0)) / spread
        return [
            LogisticRegression(C=penalty, max_iter=1_000).fit(standard, right).coef_[0] / spread
            for penalty in penalties
        ]

    def rank(self, combinations: Combinations, weights: Sequence[np.ndarray]) -> list[np.ndarray]:
        """(n_kinds, n_makers) float32 scores, one array for each of several weights."""
        scores = [np.zeros(combinations.shape, dtype=np.float32) for _ in weights]
        for place, values in enumerate(self.inputs(combinations)):
            for own, weight in zip(scores, weights, strict=True):
                own += np.float32(weight[place]) * values
        return scores


class Places(NamedTuple):
    """Where launches stand among all ideas.

    Attributes:
        rank: (n_launched,) from 1; those of equal score share the mean of their ranks.
        tied: (n_launched,) ideas of that score, itself among them.
    """

    rank: np.ndarray
    tied: np.ndarray


def places_of(scores: np.ndarray, combinations: Combinations) -> Places:
    """Where each launched combination stands among all ideas.

    Args:
        scores: (n_kinds, n_makers).
        combinations: Of the window.
    """
    ideas = np.sort(scores[combinations.unseen])
    own = scores[combinations.launched[:, 0], combinations.launched[:, 1]]
    above = len(ideas) - np.searchsorted(ideas, own, side="right")
    level = len(ideas) - np.searchsorted(ideas, own, side="left")
    return Places((above + level + 1) / 2, level - above)


def hits(places: Places, k: int) -> np.ndarray:
    """(n_launched,) 1.0 where a launch is among the first k ideas.

    Of ideas of equal score across the k-th each counts for the share of them that fits, so that a
    ranking which tells nothing apart has as many hits as a random one.

    Args:
        places: Of the launches.
        k: Ideas looked at.
    """
    above = places.rank - (places.tied + 1) / 2
    return np.clip((k - above) / places.tied, 0.0, 1.0)


def above_ideas(rank: np.ndarray, n_ideas: int) -> np.ndarray:
    """(n_launched,) share of the other ideas that a launch stands above; its mean is the AUC.

    Other launches count among the others, which are a few hundred among millions.
    """
    return 1.0 - (rank - 1.0) / max(n_ideas - 1, 1)


class Tuned(NamedTuple):
    """What was chosen before the cut.

    Attributes:
        best: The plain ranking that had most launches among its first ideas.
        configs: The configuration of each plain ranking, likewise.
        tried: All that was tried.
    """

    best: str
    configs: dict[str, Config]
    tried: pd.DataFrame


def tune(
    tuning: Combinations, earlier: Combinations, params: RankingsParams, k: int, seed: int
) -> Tuned:
    """The plain rankings that have most launches among their first ideas, before the cut.

    Args:
        tuning: The window that they are chosen on.
        earlier: The window that the blend learns from.
        params: What to try.
        k: Ideas looked at; where two have as many launches there, the greater AUC decides.
        seed: Of the blend's sample.
    """
    tried: list[tuple[str, Config, Places]] = [
        (name, config, places_of(RANKINGS[name](tuning, **config), tuning))
        for name, config in grid(params)
    ]
    blend = Blend(params.l2)
    weights = blend.learn(earlier, params.penalties, params.negatives, seed)
    tried += [
        (BLEND, {"penalty": penalty}, places_of(scores, tuning))
        for penalty, scores in zip(params.penalties, blend.rank(tuning, weights), strict=True)
    ]
    table = pd.DataFrame(
        [
            {"system": name, "config": told(config)} | worth(places, tuning, [k])
            for name, config, places in tried
        ]
    )
    order = table.sort_values([f"hits_{k}", "auc"], kind="stable").index
    # The last one of a name stands highest.
    configs = {tried[place][0]: tried[place][1] for place in order}
    return Tuned(tried[order[-1]][0], configs, table)


def worth(places: Places, combinations: Combinations, lengths: Sequence[int]) -> dict[str, Any]:
    """Launches among the first ideas, and the AUC."""
    n_ideas = int(combinations.unseen.sum())
    # Rounded, so that sums of the same parts are the same number.
    return {f"hits_{k}": round(float(hits(places, k).sum()), 6) for k in lengths} | {
        "auc": float(above_ideas(places.rank, n_ideas).mean())
    }


def told(config: Config) -> str:
    """A configuration in one line."""
    return ", ".join(f"{name} {value:g}" for name, value in config.items())


def rank(
    combinations: Combinations,
    before: Combinations,
    params: RankingsParams,
    configs: Mapping[str, Config],
    seed: int,
) -> Iterator[tuple[str, np.ndarray]]:
    """Scores of plain rankings in a window, each under its configuration.

    Args:
        combinations: Of the window.
        before: Of the window before, which the blend learns from.
        params: What the blend is made of.
        configs: By name of the ranking.
        seed: Of the blend's sample.
    """
    for name, config in configs.items():
        if name == BLEND:
            blend = Blend(params.l2)
            weights = blend.learn(before, [config["penalty"]], params.negatives, seed)
            yield name, blend.rank(combinations, weights)[0]
        else:
            yield name, RANKINGS[name](combinations, **config)
