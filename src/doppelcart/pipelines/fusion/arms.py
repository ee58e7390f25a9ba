"""Arms of the experiment on fusion: what each fuses, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.slices import Slice
from doppelcart.experiment.comparison import LEVEL, VALUE
from doppelcart.experiment.design import Arm, Design, Role
from doppelcart.metrics.ranking import NO_ITEM
from doppelcart.recommendation import blending
from doppelcart.recommendation.arms import NONE
from doppelcart.recommendation.blending import (
    LEARNED,
    METHODS,
    RECIPROCAL_RANK,
    SINGLE,
    WEIGHTED_SUM,
    Tried,
    Validation,
    Weights,
)
from doppelcart.recommendation.design import WORDS
from doppelcart.recommendation.fusing import SCORE, Candidates, Ranked, join
from doppelcart.recommendation.labels import arm_label, recommender_label
from doppelcart.recommendation.sources import Source

BEST: Final = "best_single"
PLAIN: Final = "plain_fusion"
POPULARITY: Final = "popularity_fusion"
DENOISER: Final = "denoiser_fusion"
GENERATED: Final = "gan_fusion"
BEST_GENERATED: Final = "best_gan_single"
ORACLE: Final = "best_per_customer"
RANDOM: Final = "random_fusion"

SETS: Final[dict[str, tuple[str, ...]]] = {
    PLAIN: (),
    POPULARITY: ("popularity_completion", "popularity"),
    DENOISER: ("denoiser_completion", "denoiser_new_users"),
    GENERATED: ("gan_completion", "gan_new_users"),
}
"""Arms that fuse as validation chooses, and what of ``recommendation.arms`` they add to the plain
recommenders: each as many sources as the others."""

TRIED: Final = ("arm", "method", "value", "gain", "error", "chosen")
"""What is told of every way to fuse that validation tried."""

ADDED: Final = tuple(arm for arms in SETS.values() for arm in arms)
"""Arms of ``recommendation.arms`` whose lists are fused."""

ARMS: Final = (
    Arm(name=BEST, role=Role.BASELINE, phrase="the best single recommender"),
    Arm(
        name=RECIPROCAL_RANK,
        role=Role.CONTROL,
        phrase="plain recommenders, all alike by reciprocal rank",
    ),
    Arm(name=WEIGHTED_SUM, role=Role.CONTROL, phrase="plain recommenders, weighted scores"),
    Arm(name=LEARNED, role=Role.CONTROL, phrase="plain recommenders, weights learned"),
    Arm(name=PLAIN, role=Role.CONTROL, phrase="the fusion of plain recommenders"),
    Arm(
        name=POPULARITY,
        role=Role.CONTROL,
        phrase="the fusion with what popularity completes and adds",
    ),
    Arm(
        name=DENOISER,
        role=Role.CONTROL,
        phrase="the fusion with what the generator without critic makes",
    ),
    Arm(
        name=BEST_GENERATED,
        role=Role.CONTROL,
        phrase="the best single recommender, with what the GAN makes",
    ),
    Arm(
        name=GENERATED,
        role=Role.TRIAL,
        phrase="the fusion with what the GAN makes",
        rivals=(PLAIN, POPULARITY, DENOISER, BEST_GENERATED),
        level="number of generated sources",
    ),
    Arm(name=ORACLE, role=Role.ORACLE, phrase="each customer's best recommender, in hindsight"),
    Arm(name=RANDOM, role=Role.MUST_FAIL, phrase="the best single recommender and a random order"),
)


class Blend(NamedTuple):
    """What an arm does with the candidates of a slice.

    Attributes:
        arm: Name in ``ARMS``.
        method: In ``blending.METHODS``.
        weights: By (source, kind of vote).
        level: Sources that it adds to those of the arm it is held against: at 0 it is the same.
    """

    arm: str
    method: str
    weights: Weights
    level: int


def declare(metric: str, slices: Iterable[str], **settings: Any) -> Design:
    """The experiment: every fusion against the best single recommender of its slice.

    Args:
        metric: Column of the metric, such as ``ndcg@20``.
        slices: Names of the slices.
        **settings: ``family`` (columns), ``alpha``, ``n_bootstrap``, ``seeds``, ``min_units``.
    """
    words = {
        "groups": {name: Slice.of(name).phrase for name in slices},
        "best": "the best single recommender",
        "unchanged": "nothing generated is fused",
    }
    return Design(
        name="fusion",
        metric=metric,
        arms=ARMS,
        unit=Columns.USER,
        groups=(Columns.SLICE,),
        words=WORDS.model_copy(update=words),
        **settings,
    )


def best_of(sources: Sequence[Source], added: tuple[str, ...] = ()) -> str:
    """The best source alone, as validation saw it; of equals the first.

    Args:
        sources: Sources of a slice.
        added: Arms that may be used; without any the plain recommenders stand by themselves.
    """
    open_to = [source for source in sources if source.arm in (NONE, *added)]
    return max(open_to, key=lambda source: np.nan_to_num(source.value, nan=-np.inf)).name


def parts_of(sources: Sequence[Source], lists: Mapping[str, Ranked]) -> dict[str, Candidates]:
    """By arm of ``SETS``: the candidates of its sources.

    Args:
        sources: Sources of a slice.
        lists: What they list, by name.
    """
    return {
        arm: join({s.name: lists[s.name] for s in sources if s.arm in (NONE, *added)})
        for arm, added in SETS.items()
    }


def with_random(lists: Mapping[str, Ranked], best: str, seed: int) -> Candidates:
    """The candidates of the best recommender, and the same in a random order."""
    ranked = lists[best]
    rng = np.random.default_rng(seed)
    # In place of scores stand random numbers, the largest first.
    keys = np.where(ranked.items == NO_ITEM, np.inf, rng.random(ranked.items.shape))
    shuffled = np.argsort(keys, axis=1, kind="stable")
    items = np.take_along_axis(ranked.items, shuffled, axis=1)
    scores = np.where(items == NO_ITEM, np.nan, -np.sort(keys, axis=1))
    return join({best: ranked, RANDOM: Ranked(items, scores.astype(np.float32))})


def choose_blends(
    parts: Mapping[str, Candidates],
    randomised: Candidates,
    best: str,
    validate: Callable[[Candidates], Validation],
    folds: int,
    seed: int,
) -> tuple[list[Blend], pd.DataFrame]:
    """What every arm does, as the validation users of a slice would have it.

    Args:
        parts: As from ``parts_of``.
        randomised: As from ``with_random``.
        best: The best single recommender.
        validate: Makes a ``Validation`` of candidates.
        folds: Parts of the users.
        seed: Of the parts.

    Returns:
        Blends; and one row per (arm, method) that was tried.
    """
    tried = {
        arm: blending.try_methods(validate(parts[arm]), best, METHODS, folds, seed) for arm in SETS
    }
    by_method = {one.method: one for one in tried[PLAIN]}
    blends = [alone(best)]
    blends += [
        Blend(name, name, by_method[name].weights, _beside(by_method[name].weights, best))
        for name in (RECIPROCAL_RANK, WEIGHTED_SUM, LEARNED)
    ]
    for arm, own in tried.items():
        chosen = blending.choose(own)
        blends.append(Blend(arm, chosen.method, chosen.weights, _level(arm, chosen.weights, best)))
    weights = blending.weighted_sum(validate(randomised), best)
    blends.append(Blend(RANDOM, WEIGHTED_SUM, weights, _beside(weights, best)))
    return blends, pd.DataFrame(_rows(tried, blends), columns=list(TRIED))


def _level(arm: str, weights: Weights, best: str) -> int:
    if arm != GENERATED:
        return _beside(weights, best)
    return len({source for source, _ in weights if any(f"+{name}" in source for name in SETS[arm])})


def _beside(weights: Weights, best: str) -> int:
    """Sources that are fused with the best."""
    return len({source for source, _ in weights} - {best})


def _rows(
    tried: Mapping[str, Sequence[Tried]], blends: Sequence[Blend]
) -> Iterator[dict[str, Any]]:
    chosen = {blend.arm: blend.method for blend in blends}
    for arm, own in tried.items():
        for one in own:
            yield {
                "arm": arm,
                "method": one.method,
                "value": one.value,
                "gain": one.gain,
                "error": one.error,
                "chosen": chosen[arm] == one.method,
            }


def to_table(blends: Mapping[str, Sequence[Blend]]) -> pd.DataFrame:
    """Blends as a table: one row per (slice, arm, source, kind of vote).

    Args:
        blends: By slice.
    """
    return pd.DataFrame(
        {
            Columns.SLICE: name,
            "arm": blend.arm,
            "method": blend.method,
            LEVEL: blend.level,
            "source": source,
            "vote": vote,
            "weight": weight,
        }
        for name, own in blends.items()
        for blend in own
        for (source, vote), weight in blend.weights.items()
    )


def from_table(table: pd.DataFrame) -> dict[str, list[Blend]]:
    """Blends by slice, of a table as ``to_table`` makes it."""
    found: dict[str, list[Blend]] = {}
    keys = [Columns.SLICE, "arm", "method", LEVEL]
    for (name, arm, method, level), rows in table.groupby(keys, sort=False):
        weights = {
            (str(source), str(vote)): float(weight)
            for source, vote, weight in zip(
                rows["source"], rows["vote"], rows["weight"], strict=True
            )
        }
        found.setdefault(str(name), []).append(
            Blend(str(arm), str(method), weights, int(str(level)))
        )
    return found


def source_label(name: str) -> str:
    """A source in words: ``EASE; histories completed by the GAN``.

    Args:
        name: As ``sources.Source.name``.
    """
    recommender, _, arm = name.partition("+")
    label = recommender_label(recommender)
    return f"{label}; {arm_label(arm)[:1].lower()}{arm_label(arm)[1:]}" if arm else label


def alone(source: str) -> Blend:
    """One source, as it is."""
    return Blend(BEST, SINGLE, {(source, SCORE): 1.0}, 1)


def best_generated(sources: Sequence[Source]) -> Blend:
    """The best source alone where what the GAN makes may be used; level 0 where it is not.

    Args:
        sources: Sources of a slice.
    """
    best = best_of(sources, SETS[GENERATED])
    return alone(best)._replace(arm=BEST_GENERATED, level=int(best != best_of(sources)))


def without_choice(best: str) -> list[Blend]:
    """The best single recommender in the place of every arm: where nobody could choose weights.

    Args:
        best: The best single recommender.
    """
    names = (RECIPROCAL_RANK, WEIGHTED_SUM, LEARNED, *SETS, BEST_GENERATED, RANDOM)
    return [alone(best), *(alone(best)._replace(arm=name, level=0) for name in names)]


def rows_of(case: Case, blend: Blend, values: np.ndarray) -> pd.DataFrame:
    """What an arm did for each user, as the experiment has it.

    Args:
        case: The users.
        blend: What the arm does.
        values: (n_users,) the metric.
    """
    return pd.DataFrame(
        {
            Columns.SLICE: case.name,
            "arm": blend.arm,
            Columns.USER: case.user_ids,
            LEVEL: float(blend.level),
            VALUE: values,
        }
    )
