"""From what households buy elsewhere to what they buy in a department, in closed form.

Every system takes a bench, learns from its training households, and gives scores of the
department's items for the validation and for the tested households, one pair of (n_rows, n_items)
float32 arrays a configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import linalg, sparse

from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.pipelines.cross_domain.crossings import TRAIN, Crossing, Target
from doppelcart.pipelines.cross_domain.params import SystemsParams
from doppelcart.recommenders.base import row_sums
from doppelcart.recommenders.ease import EASE, EASEConfig

Config = Mapping[str, float]

LINEAR: Final = "linear"
FULL: Final = "full_ridge"
REDUCED: Final = "reduced_rank"
COPIES: Final = "copies"
LEAST_EIGENVALUE: Final = 1e-6
"""Of the largest: components below it are rounding."""


class Lists(NamedTuple):
    """Scores of a department's items.

    Attributes:
        validation: (n_validation, n_items) float32.
        test: (n_tested, n_items) float32.
    """

    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class Bench:
    """A target department and what several systems need of it, each computed once.

    Args:
        crossing: The protocol.
        target: The department.
        ease: As from ``fit_ease``.
    """

    crossing: Crossing
    target: Target
    ease: EASE

    @cached_property
    def known(self) -> tuple[sparse.csr_matrix, ...]:
        """What is known of training, validation and tested households, the department masked."""
        target = self.target
        rows = (target.train, target.validation, target.test)
        return tuple(self.crossing.known(target, own) for own in rows)

    @cached_property
    def baskets(self) -> np.ndarray:
        """(n_train, n_items) float64 what training households bought in the department."""
        baskets = self.crossing.baskets(self.target, self.target.train)
        return np.asarray(baskets.toarray(), dtype=np.float64)

    @cached_property
    def chosen_by(self) -> sparse.csr_matrix:
        """(n_validation, n_items) what validation households bought there."""
        return self.crossing.baskets(self.target, self.target.validation)

    @cached_property
    def components(self) -> Components:
        """Of the training households' source."""
        return Components.of(*self.known)

    def quality(self, scores: np.ndarray, k: int) -> float:
        """Mean NDCG of validation households' lists."""
        return float(np.nanmean(ndcg(top_k(scores, None, k), self.chosen_by, k)))


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of what training households buy elsewhere (Hotelling 1933).

    By the households' Gram matrix, of which there are fewer than items.

    Args:
        sizes: (n_components,) squared singular values, the largest first.
        train: (n_train, n_components) orthonormal scores of training households.
        others: Of validation and tested households, (n_rows, n_components) each: their centred
            products with the components.
    """

    sizes: np.ndarray
    train: np.ndarray
    others: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, train: sparse.csr_matrix, *others: sparse.csr_matrix) -> Components:
        """Learn from training households, and place others in them."""
        gram = (train @ train.T).toarray().astype(np.float64)
        means = gram.mean(axis=0)
        values, vectors = linalg.eigh(gram - means - means[:, None] + means.mean())
        order = np.argsort(-values)
        kept = order[values[order] > LEAST_EIGENVALUE * max(values.max(), 1e-12)]
        sizes, vectors = values[kept], vectors[:, kept]
        placed = []
        for other in others:
            cross = (other @ train.T).toarray().astype(np.float64)
            centred = cross - cross.mean(axis=1, keepdims=True) - means + means.mean()
            placed.append(centred @ vectors)
        return cls(sizes, vectors, tuple(placed))


def ridge(components: Components, baskets: np.ndarray, rank: int | None, penalty: float) -> Lists:
    """Ridge regression from the source's leading components to every item (Hoerl, Kennard 1970).

    With all components it is the ridge on the source itself, which is what EASE becomes where the
    department is unknown and not refused: the mean of its items given all others.

    Args:
        components: Of the source.
        baskets: (n_train, n_items) what is learnt.
        rank: Components used; None for all.
        penalty: On the squared coefficients.
    """
    used = slice(None, rank)
    means = baskets.mean(axis=0)
    shrunk = components.train[:, used].T @ (baskets - means)
    shrunk /= (components.sizes[used] + penalty)[:, None]
    validation, test = (
        np.asarray(other[:, used] @ shrunk + means, dtype=np.float32) for other in components.others
    )
    return Lists(validation, test)


def _popularity(bench: Bench, configs: Sequence[Config]) -> Iterator[Lists]:
    row = bench.baskets.mean(axis=0).astype(np.float32)
    sizes = (len(bench.target.validation), len(bench.target.test))
    for _ in configs:
        yield Lists(*(np.tile(row, (size, 1)) for size in sizes))


def _ridge(bench: Bench, configs: Sequence[Config]) -> Iterator[Lists]:
    for config in configs:
        rank = int(config["rank"]) if "rank" in config else None
        yield ridge(bench.components, bench.baskets, rank, config["penalty"])


def _copies(bench: Bench, configs: Sequence[Config]) -> Iterator[Lists]:
    """Baskets of the training households whose source is most alike, each by its cosine."""
    train, *others = bench.known
    alike = [cosines(other, train) for other in others]
    for config in configs:
        yield Lists(*(copied(own, bench.baskets, int(config["neighbours"])) for own in alike))


def cosines(rows: sparse.csr_matrix, train: sparse.csr_matrix) -> np.ndarray:
    """(n_rows, n_train) cosines; 0 where nothing is known."""
    lengths = np.sqrt(np.outer(row_sums(rows), row_sums(train)))
    return np.asarray((rows @ train.T).toarray() / np.maximum(lengths, 1.0))


def copied(alike: np.ndarray, baskets: np.ndarray, n_neighbours: int) -> np.ndarray:
    """(n_rows, n_items) float32 mean basket of the nearest households, weighted by likeness.

    Args:
        alike: (n_rows, n_train) likeness.
        baskets: (n_train, n_items) what each bought.
        n_neighbours: How many count.
    """
    least = min(n_neighbours, alike.shape[1])
    bound = np.partition(alike, -least, axis=1)[:, -least, None]
    nearest = np.where(alike >= np.maximum(bound, 1e-12), alike, 0.0)
    total = np.maximum(nearest.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(nearest @ baskets / total, dtype=np.float32)


def _ease(bench: Bench, configs: Sequence[Config]) -> Iterator[Lists]:
    """EASE over all departments, with the target's items where such a household is expected.

    Left empty, they would be read as refused; see ``expected``.
    """
    target, crossing = bench.target, bench.crossing
    mean = np.asarray(crossing.history[crossing.part == TRAIN].mean(axis=0), np.float32).ravel()
    filled = [expected(known, mean, target.inside) for known in bench.known[1:]]
    for config in configs:
        own = EASEConfig(l2=config["l2"], centred=True)
        yield Lists(*(bench.ease.score(seen, own)[:, target.items] for seen in filled))


def fit_ease(crossing: Crossing) -> EASE:
    """EASE over all departments, of all training households: one fit for every target."""
    return EASE().fit(crossing.history[crossing.part == TRAIN])


def expected(known: sparse.csr_matrix, mean: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(n_rows, n_columns) float32 histories whose masked items hold what one expects of them.

    Args:
        known: (n_rows, n_columns) what is known; nothing of the masked department.
        mean: (n_columns,) share of the training households that bought each item.
        inside: Columns of the masked department.
    """
    rows = known.toarray()
    outside = float(mean.sum() - mean[inside].sum())
    share = np.minimum(row_sums(known) / max(outside, 1e-12), 1.0)
    rows[:, inside] = np.outer(share, mean[inside])
    return np.asarray(rows, dtype=np.float32)


SYSTEMS: Final[dict[str, Callable[[Bench, Sequence[Config]], Iterator[Lists]]]] = {
    "popularity": _popularity,
    FULL: _ridge,
    REDUCED: _ridge,
    "ease": _ease,
    COPIES: _copies,
}
"""Systems that are tuned on a grid, by name."""


def grid_of(params: SystemsParams) -> dict[str, list[Config]]:
    """Configurations to try, by system."""
    return {
        "popularity": [{}],
        FULL: [{"penalty": penalty} for penalty in params.penalties],
        REDUCED: [
            {"rank": rank, "penalty": penalty}
            for rank in params.ranks
            for penalty in params.penalties
        ],
        "ease": [{"l2": l2} for l2 in params.l2],
        COPIES: [{"neighbours": n} for n in params.neighbours],
    }


def rank_department(
    bench: Bench, grid: Mapping[str, Sequence[Config]], k: int, seed: int
) -> tuple[dict[str, Lists], pd.DataFrame]:
    """Tune every plain system on validation households, and score the tested ones.

    ``linear`` is the ridge of full or of reduced rank, whichever validation households say is
    better.

    Args:
        bench: The department.
        grid: What to try.
        k: Length of the lists.
        seed: Of random lists, and of the shuffling.

    Returns:
        Scores by system; and a table of ``system``, ``config`` and ``ndcg``.
    """
    lists: dict[str, Lists] = {}
    best: dict[str, tuple[float, Config]] = {}
    rows = []
    for system, configs in grid.items():
        for config, own in zip(configs, SYSTEMS[system](bench, configs), strict=True):
            value = bench.quality(own.validation, k)
            rows.append({"system": system, "config": told(config), "ndcg": value})
            if system not in best or value > best[system][0]:
                best[system], lists[system] = (value, config), own
    better = max((REDUCED, FULL), key=lambda name: best[name][0])
    lists[LINEAR] = lists[better]
    lists["shuffled"] = shuffled(bench, best[better][1], seed)
    lists["random"] = at_random(bench, seed)
    return lists, pd.DataFrame(rows)


def told(config: Config) -> str:
    """A configuration in words."""
    return ", ".join(f"{name} {value:g}" for name, value in config.items()) or "none"


def shuffled(bench: Bench, config: Config, seed: int) -> Lists:
    """The ridge on training households whose source is another's.

    Args:
        bench: The department.
        config: That of the ridge.
        seed: Of the shuffling.
    """
    order = np.random.default_rng(seed).permutation(len(bench.baskets))
    rank = int(config["rank"]) if "rank" in config else None
    return ridge(bench.components, bench.baskets[order], rank, config["penalty"])


def at_random(bench: Bench, seed: int) -> Lists:
    """Random lists."""
    rng = np.random.default_rng([seed, 1])
    n_items = len(bench.target.items)
    sizes = (len(bench.target.validation), len(bench.target.test))
    return Lists(*(rng.random((size, n_items), dtype=np.float32) for size in sizes))


def standardised(scores: np.ndarray) -> np.ndarray:
    """Each household's scores with mean 0 and deviation 1; zeros where they do not vary."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-12)


def added(
    linear: Lists, other: Lists, weights: Sequence[float], bought: sparse.csr_matrix, k: int
) -> tuple[float, list[float], Lists]:
    """Add one system to another at the weight that ranks best for validation households.

    Args:
        linear: What is added to.
        other: What is added, both standardised household by household.
        weights: To choose from; of equally good ones the first is taken.
        bought: (n_validation, n_items) what these households bought.
        k: Length of the lists.

    Returns:
        The weight, the NDCG of every weight, and the sum at it.
    """
    sums = [
        Lists(
            *(
                standardised(one) + weight * standardised(two)
                for one, two in zip(linear, other, strict=True)
            )
        )
        for weight in weights
    ]
    values = [float(np.nanmean(ndcg(top_k(own.validation, None, k), bought, k))) for own in sums]
    best = int(np.argmax(values))
    return weights[best], values, sums[best]
