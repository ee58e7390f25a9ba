"""Fake profiles as attackers make them up; NumPy only, no learning.

Sources: Lam and Riedl (2004) for random and average, Mobasher, Burke, Bhaumik and Williams (2007)
for bandwagon, Hurley, Cheng and Zhang (2009) for average over popular items.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from doppelcart.errors import InputError
from doppelcart.pipelines.shilling.params import AttackParams
from doppelcart.pipelines.shilling.rating_matrix import Ratings

RANDOM, AVERAGE, BANDWAGON, AOP = "random", "average", "bandwagon", "aop"
COPIES, TWINS, MIMICRY = "copies", "twins", "mimicry"
BEST_SELLERS: Final = 0.005
"""Share of items that a bandwagon profile gives the highest rating."""
POPULAR: Final = 0.4
"""Share of items that average over popular takes its fillers from."""
LEAST_RATERS, MOST_RATERS, FEW_RATED = 5, 50, 0.25
"""Raters of an item that is worth pushing: few, or among the share of items that have fewest."""
SMOOTHING: Final = 5.0
"""Ratings by the mean of all that an item's own mean and spread are mixed with."""


@dataclass(frozen=True)
class Scene:
    """What an attacker knows, and whom he imitates.

    Args:
        shop: Users among whom the profiles are put.
        sources: (n, n_items) real profiles that mimicry starts from; none of them is in the shop.
        fillers: Share of items that a made-up profile has.
        dropped: Share of a source's items that is left out.
    """

    shop: Ratings
    sources: np.ndarray
    fillers: float
    dropped: float

    @property
    def popularity(self) -> np.ndarray:
        """(n_items,) users of each item."""
        return (self.shop.given > 0).sum(axis=0)


Maker = Callable[[Scene, int, np.random.Generator], np.ndarray]
"""Scene, number of profiles, randomness -> (number, n_items) profiles without the target."""


def candidates(shop: Ratings) -> np.ndarray:
    """Items that are worth pushing: with few raters, and where there are ratings, badly rated.

    Args:
        shop: Users and items.

    Returns:
        Places of the items.
    """
    rated = shop.given > 0
    raters = rated.sum(axis=0)
    most = max(MOST_RATERS, float(np.quantile(raters, FEW_RATED)))
    fits = (raters >= LEAST_RATERS) & (raters <= most)
    if not shop.is_implicit:
        means = shop.given.sum(axis=0) / np.maximum(raters, 1)
        fits &= means < shop.given[rated].mean()
    return np.flatnonzero(fits)


def targets(shop: Ratings, params: AttackParams, rng: np.random.Generator) -> np.ndarray:
    """Items to push: those that are named, or drawn ones.

    Args:
        shop: Users and items.
        params: Number, or names.
        rng: Of the draw.

    Returns:
        Places of the items.

    Raises:
        InputError: A named item is not there or has no rater, or none is worth pushing.
    """
    if not params.target_items:
        found = candidates(shop)
        if not len(found):
            raise InputError(
                f"no item has between {LEAST_RATERS} and {MOST_RATERS} raters and a rating below "
                "average, so that there is nothing to push. Name items in "
                "shilling.attacks.target_items, or raise shilling.reading.max_users."
            )
        return rng.permutation(found)[: params.targets]
    places = {name: place for place, name in enumerate(shop.items.tolist())}
    raters = (shop.given > 0).sum(axis=0)
    wrong = [n for n in params.target_items if n not in places or not raters[places[n]]]
    if wrong:
        raise InputError(
            f"{len(wrong)} of {len(params.target_items)} items of shilling.attacks.target_items "
            f"have no rater among those drawn, {wrong[0]!r} first: whether an attack on them would "
            "show cannot be said. Name others."
        )
    return np.array([places[name] for name in params.target_items])


def attack(
    maker: Maker, scene: Scene, target: int, number: int, rng: np.random.Generator
) -> np.ndarray:
    """Profiles that push an item.

    Args:
        maker: How they are made.
        scene: Among whom.
        target: The item.
        number: Profiles.
        rng: Of all that is drawn.

    Returns:
        (number, n_items) float32.
    """
    made = maker(scene, number, rng)
    made[:, target] = scene.shop.top
    return made


def _fillers(scene: Scene, number: int, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(number, n_items) which items each profile has, drawn from a pool."""
    count = min(max(1, round(scene.fillers * scene.shop.n_items)), len(pool))
    keys = rng.random((number, len(pool)))
    chosen = np.argpartition(keys, count - 1, axis=1)[:, :count]
    has = np.zeros((number, scene.shop.n_items), bool)
    np.put_along_axis(has, pool[chosen], True, axis=1)
    return has


def rated_around(
    shop: Ratings, has: np.ndarray, means: np.ndarray, spreads: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Ratings drawn around means, rounded to whole steps and kept on the scale; 1 for purchases.

    Args:
        shop: Whose scale.
        has: (n, n_items) which items are rated.
        means: Of the ratings; broadcast over profiles.
        spreads: Standard deviations of the ratings.
        rng: Of the ratings.
    """
    if shop.scale is None:
        return has.astype(np.float32)
    drawn = np.clip(np.round(rng.normal(means, spreads, has.shape)), *shop.scale)
    return np.where(has, drawn, 0).astype(np.float32)


def item_means(shop: Ratings) -> tuple[np.ndarray, np.ndarray]:
    """(n_items,) mean and standard deviation of each item's ratings, drawn to those of all.

    Args:
        shop: Users and items.
    """
    rated = shop.given > 0
    raters = rated.sum(axis=0)
    overall, spread = shop.given[rated].mean(), shop.given[rated].std()
    means = (shop.given.sum(axis=0) + SMOOTHING * overall) / (raters + SMOOTHING)
    off = np.where(rated, np.square(shop.given - means), 0).sum(axis=0)
    return means, np.sqrt((off + SMOOTHING * spread**2) / (raters + SMOOTHING))


def _overall(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    given = scene.shop.given[scene.shop.given > 0]
    return np.asarray(given.mean()), np.asarray(given.std())


def random_profiles(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Any items, rated around the mean of all ratings."""
    has = _fillers(scene, number, np.arange(scene.shop.n_items), rng)
    return rated_around(scene.shop, has, *_overall(scene), rng)


def average_profiles(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Any items, each rated around its own mean."""
    has = _fillers(scene, number, np.arange(scene.shop.n_items), rng)
    return rated_around(scene.shop, has, *item_means(scene.shop), rng)


def bandwagon_profiles(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Random profiles that give the best sellers the highest rating."""
    made = random_profiles(scene, number, rng)
    count = max(1, round(BEST_SELLERS * scene.shop.n_items))
    made[:, np.argsort(-scene.popularity, kind="stable")[:count]] = scene.shop.top
    return made


def popular_profiles(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Popular items, each rated around its own mean (AoP)."""
    count = max(1, round(POPULAR * scene.shop.n_items))
    pool = np.argsort(-scene.popularity, kind="stable")[:count]
    has = _fillers(scene, number, pool, rng)
    return rated_around(scene.shop, has, *item_means(scene.shop), rng)


def mimic_profiles(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Real users of elsewhere, some of their items left out."""
    return _thinned(scene.sources, scene.dropped, number, rng)


def twin_profiles(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Users of the shop itself, some of their items left out: each has its twin in the data."""
    return _thinned(scene.shop.given, scene.dropped, number, rng)


def _thinned(
    sources: np.ndarray, dropped: float, number: int, rng: np.random.Generator
) -> np.ndarray:
    rows = np.resize(rng.permutation(len(sources)), number)
    return np.where(rng.random((number, sources.shape[1])) < dropped, 0, sources[rows])


MAKERS: Final[dict[str, Maker]] = {
    RANDOM: random_profiles,
    AVERAGE: average_profiles,
    BANDWAGON: bandwagon_profiles,
    AOP: popular_profiles,
    COPIES: mimic_profiles,
    MIMICRY: mimic_profiles,
    TWINS: twin_profiles,
}
"""By the name of their kind. Copies, to learn from, and mimicry, which is judged, start from
different users."""
