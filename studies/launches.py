"""Items that a GAN imagines, over training seeds: who buys what is launched on Complete Journey.

The windows before and after every cut of the pipeline ``new_items``, by its own functions. Nothing
differs from seed to seed but the seed of the generators. Every figure is a change of NDCG over the
new items against the ridge; intervals are Student's over trainings, of pairs of equal seeds where
two of them are compared. Of all windows together, every household counts once a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.pipelines.new_items import nodes
from doppelcart.pipelines.new_items import params as new_items
from doppelcart.pipelines.new_items.demand import Forecasts
from doppelcart.pipelines.new_items.design import RIDGE, TRIAL, WORDS
from doppelcart.pipelines.new_items.imagined import COPIES
from doppelcart.pipelines.new_items.launches import Launch
from doppelcart.pipelines.new_items.systems import Lists
from studies import runs
from studies.figures import Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.study import Study
from studies.trained.catalogue import Log, log

SEEDS: Final = 5
CACHE: Final = PROJECT / "build" / "studies" / "launches"
CODE: Final = (
    "src/doppelcart/adversarial",
    "src/doppelcart/catalogue",
    "src/doppelcart/data/histories.py",
    "src/doppelcart/metrics",
    "src/doppelcart/models/items",
    "src/doppelcart/models/text",
    "src/doppelcart/pipelines/new_items",
    "src/doppelcart/recommenders",
    "src/doppelcart/serving/folding.py",
    "src/doppelcart/serving/scorer.py",
    "studies/launches.py",
)
BESIDE: Final = "ridge_and_"
HOUSEHOLDS: Final = "households"
CONTROLS: Final = tuple(name for name in WORDS if name != TRIAL)


class Given(NamedTuple):
    """Parameters of the pipeline.

    Attributes:
        windows: How the log is parted.
        systems: What the plain systems choose from.
        imagined: How items are imagined.
        training: How generators are trained.
        experiment: Length of the lists, seed.
    """

    windows: new_items.WindowsParams
    systems: new_items.SystemsParams
    imagined: new_items.ImaginedParams
    training: ItemTrainingConfig
    experiment: new_items.ExperimentParams


def measure(study: Study) -> Iterator[list[Figure]]:
    """A training at a time, all seeds of one cut before those of the next, then all together.

    Yields:
        All figures.
    """
    given = given_to(runs.all_parameters(None)["new_items"])
    data, units = bytes_of(log()), []
    for cut in given.windows.cuts:
        plain = cache(partial(plainly, given, cut))
        for seed in range(SEEDS):
            made_from = [*data, repr((given, cut, seed)).encode(), code_of(*CODE)]
            worth = remembered(CACHE, made_from, partial(accuracy, plain, given, seed))
            units.append({"cut": cut, "seed": seed} | study.note(worth, cut=cut, seed=seed))
    yield figures_of(pd.DataFrame(units), given.experiment.list_length)


def given_to(own: Mapping[str, Any]) -> Given:
    """The models of the pipeline's parameters.

    Args:
        own: As conf holds them.
    """
    return Given(
        new_items.WindowsParams(**own["windows"]),
        new_items.SystemsParams(**own["systems"]),
        new_items.ImaginedParams(**own["imagined"]),
        ItemTrainingConfig(**own["training"]),
        new_items.ExperimentParams(**own["experiment"]),
    )


def bytes_of(data: Log) -> list[bytes]:
    """Lines and features, by which they are known again whatever the order of the lines.

    Args:
        data: The log; departments are not looked at.
    """
    features = data.features
    matrix = features.matrix
    numbers = (matrix.data, matrix.indices, matrix.indptr, features.lacks)
    names = (features.item_ids, features.columns, features.blocks, features.block_names)
    return [
        np.sort(pd.util.hash_pandas_object(data.lines, index=False).to_numpy()).tobytes(),
        *(part.tobytes() for part in numbers),
        *(repr(part.tolist()).encode() for part in names),
    ]


class Plain(NamedTuple):
    """What no seed of a generator changes, at one cut.

    Attributes:
        launches: That of the cut alone.
        features: Of all items.
        lists: Of the plain systems.
        forecasts: Of sales.
    """

    launches: list[Launch]
    features: ItemFeatures
    lists: dict[float, Lists]
    forecasts: dict[float, Forecasts]


def plainly(given: Given, cut: float) -> Plain:
    """Open the windows at a cut, and rank by the plain systems.

    Args:
        given: Parameters.
        cut: Share of the lines before the tested window.
    """
    data, windows = log(), given.windows.model_copy(update={"cuts": (cut,)})
    launches, _ = nodes.open_windows(data.lines, data.features, windows)
    lists, _ = nodes.rank_plainly(launches, data.features, given.systems, given.experiment)
    forecasts, _ = nodes.forecast_demand(launches, data.features, given.systems, given.experiment)
    return Plain(launches, data.features, lists, forecasts)


def accuracy(plain: Callable[[], Plain], given: Given, seed: int) -> dict[str, float]:
    """Mean NDCG of every arm at a cut with generators of one seed, and over how many households.

    Args:
        plain: Makes what no seed changes.
        given: Parameters.
        seed: Added to that of the training.
    """
    launches, features, lists, forecasts = plain()
    imagined = given.imagined.model_copy(update={"cuts": tuple(one.cut for one in launches)})
    training = given.training.model_copy(update={"seed": given.training.seed + seed})
    made, _, _ = nodes.imagine_items(launches, features, imagined, training, given.experiment)
    found, levels, _ = nodes.combine(
        launches, features, lists, forecasts, made, {}, given.systems, imagined, given.experiment
    )
    scores, _ = nodes.measure_lists(launches, found, levels, given.experiment)
    by_arm = scores.groupby("arm")["value"]
    worth = {str(arm): float(value) for arm, value in by_arm.mean().items()}
    return worth | {HOUSEHOLDS: float(by_arm.size()[RIDGE])}


def figures_of(units: pd.DataFrame, k: int) -> list[Figure]:
    """Changes against the ridge, and of the GAN against what stands in its place.

    Args:
        units: A row per ``cut`` and ``seed``: the accuracy of every arm, and the ``households``.
        k: Length of the lists.
    """
    arms = [name for name in units if name not in ("cut", "seed", HOUSEHOLDS)]
    sums = units[arms].mul(units[HOUSEHOLDS], axis=0).groupby(units["seed"]).sum()
    together = sums.div(units.groupby("seed")[HOUSEHOLDS].sum(), axis=0)
    cuts = sorted(units["cut"].unique())
    how = (
        f"Complete Journey; ndcg@{k} over new items, change against the ridge; "
        f"{len(together)} trainings, Student's t over seeds."
    )
    all_cuts = f"Launches after {', '.join(f'{cut:.0%}' for cut in cuts)} of the lines. {how}"
    gains, listed = against_ridge(together), []
    for prefix, way in (("", "alone"), (BESIDE, "beside the ridge")):
        for name, words in WORDS.items():
            target = Target(">", 0, "low") if name == TRIAL else None
            listed.append(
                _over_seeds(f"{way}: {words}", gains[f"{prefix}{name}"], all_cuts, target)
            )
        for name in CONTROLS:
            apart = gains[f"{prefix}{TRIAL}"] - gains[f"{prefix}{name}"]
            title = f"{way}: {WORDS[TRIAL]} more than {WORDS[name]}"
            listed.append(_over_seeds(title, apart, all_cuts, None))
    for cut in cuts:
        own = against_ridge(units[units["cut"] == cut].set_index("seed")[arms])
        for prefix, way in (("", "alone"), (BESIDE, "beside the ridge")):
            for name in (TRIAL, COPIES):
                title = f"after {cut:.0%} of the lines, {way}: {WORDS[name]}"
                listed.append(_over_seeds(title, own[f"{prefix}{name}"], how, None))
    return listed


def against_ridge(accuracies: pd.DataFrame) -> pd.DataFrame:
    """How much better than the ridge every arm is with every seed, in percent.

    Args:
        accuracies: A row per seed, a column per arm.
    """
    return 100 * (accuracies.div(accuracies[RIDGE], axis=0) - 1)


def _over_seeds(title: str, values: pd.Series, how: str, target: Target | None) -> Figure:
    """A mean over seeds with its interval; what no seed changes has none."""
    mean, spread, n = float(values.mean()), float(values.std(ddof=1)), len(values)
    if n < 2 or not spread > 1e-9:
        return Figure(title, mean, "%", how, target)
    half = float(stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n))
    return Figure(title, mean, "%", how, target, mean - half, mean + half)
