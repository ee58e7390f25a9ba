"""What of a completion should reach a recommender: soft or drawn, how many noises and items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.recommendation.completion import Completer, strongest_of
from doppelcart.recommendation.grid_search import TuningSettings
from doppelcart.recommendation.protocol import EvaluationParams, tuning_settings
from doppelcart.recommendation.scoring import PLAIN, values_at_levels
from doppelcart.recommenders import EASE, Recommender
from studies import runs
from studies.contest import against
from studies.figures import Figure
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.shops import SOURCES, Shop, fitted, in_words, judged_by, read_shop
from studies.study import Study

SEED = 0
SLICES = ("cold_1", "cold_5", "cold_20")
CACHE = PROJECT / "build" / "studies" / "completing"


@dataclass(frozen=True)
class Way:
    """How a completion is made.

    Args:
        draws: Noise vectors per user; 0 is the noise's mean, a vector of zeros.
        sampled: Whether items are drawn from the probabilities, once a noise vector.
        top: Most probable items per user that are kept.
    """

    draws: int
    sampled: bool = False
    top: int = 1_000


WAYS = {
    "soft, 1 noise": Way(1),
    "soft, 4 noises": Way(4),
    "soft, 16 noises": Way(16),
    "soft, mean noise": Way(0),
    "drawn, 1 noise": Way(1, sampled=True),
    "drawn, 4 noises": Way(4, sampled=True),
    "drawn, 16 noises": Way(16, sampled=True),
    "soft, 4 noises, best 100 items": Way(4, top=100),
}


def measure(study: Study) -> Iterator[list[Figure]]:
    """Complete validation users in every way with the generator of a run.

    Yields:
        Figures, source by source.
    """
    for source, environment in SOURCES.items():
        shop = read_shop(environment)
        figures = []
        for name in SLICES:
            found = values_of(shop, name)
            for way, strength in found.strengths.items():
                mean = {"ndcg@20": float(np.nanmean(found.values[way])), "strength": strength}
                study.note(mean, source=source, slice=name, arm=way)
            what = f"{source}: {in_words(name)}"
            n_users = shop.validation[name].n_users
            figures += rows_of(what, n_users, found.values, found.strengths)
        yield figures


@dataclass(frozen=True)
class Completed:
    """What every way of completing reaches in one slice, at its best.

    Args:
        values: (n_users,) NDCG@20 by way, and with ``none``.
        strengths: Strength by way.
    """

    values: dict[str, np.ndarray]
    strengths: dict[str, float]


def values_of(shop: Shop, name: str) -> Completed:
    """NDCG@20 per user of a slice, each way at its best configuration and strength."""

    def work() -> Completed:
        generator = fitted(shop, "gan", SEED).generator
        recommender = EASE().fit(shop.train.matrix)
        given = runs.all_parameters(shop.env)["evaluation"]
        settings = tuning_settings(EvaluationParams(**given))
        found = Completed({}, {})
        for way, how in WAYS.items():
            completer = completer_of(shop, generator, how)
            base, best, strength = best_values(
                recommender, settings, shop.validation[name], completer, how.top
            )
            found.values.update({"none": base, way: best})
            found.strengths[way] = strength
        return found

    told = repr((WAYS, name)).encode()
    return remembered(CACHE, [*judged_by(shop, "gan", SEED, {}), told, code_of(__file__)], work)


def completer_of(shop: Shop, generator: Any, way: Way) -> Completer:
    """Completes as ``make_completer`` does, but for how noise and items are drawn."""
    from scipy.special import expit

    from doppelcart.models.histories.generation import generator_logits, profile_rows

    units = generator.input["noise"].shape[-1]

    def completer(seen: Histories) -> Iterator[np.ndarray]:
        rng = np.random.default_rng([SEED, 3])
        known = profile_rows(shop.demographics, seen.user_ids)
        history = seen.matrix.toarray().astype(np.float32)
        total = np.zeros(history.shape, np.float32)
        for _ in range(max(way.draws, 1)):
            noise = rng.standard_normal((len(history), units), dtype=np.float32)
            logits = generator_logits(generator, history, noise * (way.draws > 0), known)
            chance = expit(logits)
            total += rng.random(chance.shape, dtype=np.float32) < chance if way.sampled else chance
        yield total / max(way.draws, 1)

    return completer


def best_values(
    recommender: Recommender,
    settings: TuningSettings,
    case: Case,
    completer: Completer,
    top: int,
) -> tuple[np.ndarray, np.ndarray, float]:
    """NDCG@20 per user without completion and with it, each at its best; and the strength."""
    known = case.seen.matrix
    added = {"way": strongest_of(completer, case.seen, top)}
    configs, strengths = settings.configs[recommender.name], settings.strengths
    levels = [PLAIN, *(("way", strength) for strength in strengths)]
    by_config = values_at_levels(
        recommender, configs, known, added, levels, case.relevant.matrix, "ndcg", 20
    )
    base = max((values[PLAIN] for values in by_config), key=np.nanmean)
    tried = [(values["way", strength], strength) for values in by_config for strength in strengths]
    best, strength = max(tried, key=lambda pair: float(np.nanmean(pair[0])))
    return base, best, strength


def rows_of(
    what: str, n_users: int, values: dict[str, np.ndarray], strengths: dict[str, float]
) -> list[Figure]:
    """Change of NDCG@20 by each way of completing."""
    by_arm = {("ease", way): of_users for way, of_users in values.items()}
    compared = against("none", by_arm, what, "ndcg@20")
    figures = []
    for way, strength in strengths.items():
        row = compared["ease", way]
        how = (
            f"The GAN of a run; change of EASE's NDCG@20 on the {n_users:,} validation users that "
            f"chose its configuration and strength, with and without completion: a choice, no "
            "estimate. The strengths of a run. 95 % interval over pairs of users."
        )
        figures.append(
            Figure(
                f"{what}, {way} (strength {strength:g})",
                100 * float(row["relative"]),
                "%",
                how,
                None,
                100 * float(row["relative_low"]),
                100 * float(row["relative_high"]),
            )
        )
    return figures
