"""Items that a GAN imagines, over training seeds: who buys what is launched on Complete Journey.

The windows before and after one cut of the pipeline ``new_items``, by its own functions. Nothing
differs from seed to seed but the seed of the generators. Every figure is a change of NDCG over the
new items against the ridge; intervals are Student's over trainings, of pairs of equal seeds where
two of them are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.pipelines.new_items import nodes
from doppelcart.pipelines.new_items import params as new_items
from doppelcart.pipelines.new_items.design import RIDGE, TRIAL, WORDS
from doppelcart.pipelines.new_items.launches import open_launches
from studies import runs
from studies.figures import Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.study import Study
from studies.trained.catalogue import log

SEEDS: Final = 5
CACHE: Final = PROJECT / "build" / "studies" / "launches"
CODE: Final = (
    "src/doppelcart/adversarial",
    "src/doppelcart/catalogue",
    "src/doppelcart/models/items",
    "src/doppelcart/pipelines/new_items",
    "studies/launches.py",
)
BESIDE: Final = "ridge_and_"
CONTROLS: Final = tuple(name for name in WORDS if name != TRIAL)


class Given(NamedTuple):
    """Parameters of the pipeline.

    Attributes:
        windows: How the log is parted.
        systems: What the plain systems choose from.
        imagined: How items are imagined, and at which cuts.
        training: How generators are trained.
        experiment: Length of the lists, seed.
    """

    windows: new_items.WindowsParams
    systems: new_items.SystemsParams
    imagined: new_items.ImaginedParams
    training: ItemTrainingConfig
    experiment: new_items.ExperimentParams


def measure(study: Study) -> Iterator[list[Figure]]:
    """A training seed at a time, then all together.

    Yields:
        All figures.
    """
    given = given_to(runs.all_parameters(study.env)["new_items"])
    units = []
    for seed in range(SEEDS):
        made_from = [repr((given, seed)).encode(), code_of(*CODE)]
        worth = remembered(CACHE, made_from, partial(accuracy, given, seed))
        units.append(study.note(worth, seed=seed))
    yield figures_of(units, given)


def given_to(own: Mapping[str, Any]) -> Given:
    """The models of the pipeline's parameters, of one cut alone: the last that items are made at.

    Args:
        own: As conf holds them.
    """
    imagined = new_items.ImaginedParams(**own["imagined"])
    return Given(
        new_items.WindowsParams(**own["windows"]),
        new_items.SystemsParams(**own["systems"]),
        imagined.model_copy(update={"cuts": imagined.cuts[-1:]}),
        ItemTrainingConfig(**own["training"]),
        new_items.ExperimentParams(**own["experiment"]),
    )


@cache
def plainly(given: str) -> tuple[Any, ...]:  # noqa: ARG001 - what the rest is made of
    """Launches, plain lists and forecasts, which no seed of a generator changes."""
    own = given_to(runs.all_parameters(None)["new_items"])
    windows, data = own.windows, log()
    launches = open_launches(
        data.lines,
        data.features,
        own.imagined.cuts,
        windows.tuning_share,
        windows.min_users,
        min_buyers_before=windows.min_buyers_before,
        min_buyers_after=windows.min_buyers_after,
        recent_weeks=windows.recent_weeks,
    )
    lists, _ = nodes.rank_plainly(launches, data.features, own.systems, own.experiment)
    forecasts, _ = nodes.forecast_demand(launches, data.features, own.systems, own.experiment)
    return launches, data.features, lists, forecasts


def accuracy(given: Given, seed: int) -> dict[str, float]:
    """Mean NDCG of every arm, with generators of one seed.

    Args:
        given: Parameters.
        seed: Added to that of the training.
    """
    launches, features, lists, forecasts = plainly(repr(given))
    training = given.training.model_copy(update={"seed": given.training.seed + seed})
    made, _, _ = nodes.imagine_items(launches, features, given.imagined, training, given.experiment)
    found, levels, _ = nodes.combine(
        launches, features, lists, forecasts, made, {}, given.systems, given.imagined,
        given.experiment,
    )  # fmt: skip
    scores, _ = nodes.measure_lists(launches, found, levels, given.experiment)
    return {str(arm): float(value) for arm, value in scores.groupby("arm")["value"].mean().items()}


def figures_of(units: Sequence[Mapping[str, float]], given: Given) -> list[Figure]:
    """Changes against the ridge, and of the GAN against what stands in its place.

    Args:
        units: By seed, the accuracy of every arm.
        given: Parameters.
    """
    table = pd.DataFrame(list(units))
    gains = 100 * (table.div(table[RIDGE], axis=0) - 1)
    how = (
        f"Complete Journey, launches after {given.imagined.cuts[-1]:.0%} of the lines; "
        f"ndcg@{given.experiment.list_length} over new items, change against the ridge (ndcg "
        f"{table[RIDGE].mean():.4f}); {len(table)} trainings, Student's t over seeds."
    )
    listed = []
    for prefix, way in (("", "alone"), (BESIDE, "beside the ridge")):
        for name, words in WORDS.items():
            own = gains[f"{prefix}{name}"]
            target = Target(">", 0, "low") if name == TRIAL else None
            listed.append(_over_seeds(f"{way}: {words}", own, how, target))
        for name in CONTROLS:
            apart = gains[f"{prefix}{TRIAL}"] - gains[f"{prefix}{name}"]
            title = f"{way}: {WORDS[TRIAL]} more than {WORDS[name]}"
            listed.append(_over_seeds(title, apart, how, None))
    return listed


def _over_seeds(title: str, values: pd.Series, how: str, target: Target | None) -> Figure:
    """A mean over seeds with its interval; what no seed changes has none."""
    mean, spread, n = float(values.mean()), float(values.std(ddof=1)), len(values)
    if n < 2 or not spread > 1e-9:
        return Figure(title, mean, "%", how, target)
    half = float(stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n))
    return Figure(title, mean, "%", how, target, mean - half, mean + half)
