"""Nodes of the new_items pipeline."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.catalogue.item_features import ItemFeatures, Weighting
from doppelcart.catalogue.shares import groups_of
from doppelcart.catalogue.windows import Window, lines_of
from doppelcart.columns import Columns
from doppelcart.experiment.design import Design
from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.pipelines.new_items import (
    combining,
    demand,
    imagined,
    plain,
    sentence_lists,
    systems,
    title_lists,
)
from doppelcart.pipelines.new_items.demand import Forecasts
from doppelcart.pipelines.new_items.design import RIDGE, declare, score_lists
from doppelcart.pipelines.new_items.launches import Launch, open_launches
from doppelcart.pipelines.new_items.params import (
    ExperimentParams,
    ImaginedParams,
    SentencesParams,
    SystemsParams,
    TitlesParams,
    WindowsParams,
)
from doppelcart.pipelines.new_items.systems import Bench, Lists
from doppelcart.progress import tracked

logger = logging.getLogger(__name__)

TRIED: Final = ["cut", "system", "config", "ndcg"]
LOG: Final = ["cut", "arm", "window", "epoch", "selection"]


def gather_lines(prm_interactions: ir.Table, quarantine: ir.Table) -> pd.DataFrame:
    """Put clean lines of items that few bought back beside those of many.

    Args:
        prm_interactions: Clean interactions of items with enough buyers for the core.
        quarantine: What cleaning took, with its rule.

    Returns:
        As from ``lines_of``.
    """
    return lines_of(prm_interactions, quarantine)


def open_windows(
    lines: pd.DataFrame, features: ItemFeatures, params: WindowsParams
) -> tuple[list[Launch], pd.DataFrame]:
    """Part the log at every cut, into what is known and what is launched after it.

    Args:
        lines: As from ``gather_lines``.
        features: Of all items.
        params: Cuts, and the support that old and new items need.

    Returns:
        The launches; and one row per cut with their sizes.

    Raises:
        InputError: No cut has a window that can be tested.
    """
    launches = open_launches(
        lines,
        features,
        params.cuts,
        params.tuning_share,
        params.min_users,
        min_buyers_before=params.min_buyers_before,
        min_buyers_after=params.min_buyers_after,
        recent_weeks=params.recent_weeks,
    )
    return launches, pd.DataFrame([_sizes(launch, features) for launch in launches])


def _sizes(launch: Launch, features: ItemFeatures) -> dict[str, Any]:
    window = launch.test
    return {
        "cut": launch.cut,
        "opens": window.opens.date().isoformat(),
        "old_items": len(window.old),
        "launched_items": len(window.launched),
        "new_items": len(window.new),
        "without_features": int(features.lacks[window.new].all(axis=1).sum()),
        "households": len(window.judged),
        "new_items_each": window.bought.nnz / len(window.judged),
    }


def rank_plainly(
    launches: list[Launch],
    features: ItemFeatures,
    params: SystemsParams,
    experiment: ExperimentParams,
) -> tuple[dict[float, Lists], pd.DataFrame]:
    """Tune every plain system on the window before each cut, and rank the new items after it.

    Args:
        launches: As from ``open_windows``.
        features: Of all items.
        params: What to choose from.
        experiment: Length of the lists, seed.

    Returns:
        Scores by cut; and all that was tried, with what it was worth before the cut.
    """
    groups, lists, tables = groups_of(features), {}, []
    for launch in tracked(launches, "ranking new items", "window"):
        before, after = (
            bench_of(window, features, groups, params) for window in (launch.tuning, launch.test)
        )
        chosen, tried = systems.tune(before, params.grid(), experiment.list_length)
        lists[launch.cut] = Lists(
            systems.rank(before, chosen),
            systems.rank(after, chosen)
            | {
                "random": plain.random_scores(after.bought.shape, experiment.seed),
                "shuffled": systems.shuffled_ridge(after, chosen[RIDGE], experiment.seed),
                "oracle": systems.oracle(after),
            },
        )
        tables.append(tried.assign(cut=launch.cut))
    return lists, pd.concat(tables, ignore_index=True)


def bench_of(
    window: Window, features: ItemFeatures, groups: list[np.ndarray], params: SystemsParams
) -> Bench:
    """A window with the features of its items, weighted by what its old items have.

    Args:
        window: The window.
        features: Of all items.
        groups: As from ``groups_of``.
        params: How features are weighted.
    """
    return Bench(window, groups, weighting_of(window, features, params), features)


def weighting_of(window: Window, features: ItemFeatures, params: SystemsParams) -> Weighting:
    """How much each feature counts, as the old items of a window tell."""
    return Weighting.learn(
        features, window.old, dict(params.block_weights), params.min_items, params.max_runs
    )


def forecast_demand(
    launches: list[Launch],
    features: ItemFeatures,
    params: SystemsParams,
    experiment: ExperimentParams,
) -> tuple[dict[float, Forecasts], pd.DataFrame]:
    """Forecast how many will buy each launched item, and hold it against what came.

    Args:
        launches: As from ``open_windows``.
        features: Of all items.
        params: How features are weighted.
        experiment: Length of the list of launches, resamples, seed.

    Returns:
        Forecasts by cut; and what they are worth, with intervals over items.
    """
    groups, found = groups_of(features), {}
    everything = np.arange(features.n_items)
    for launch in tracked(launches, "forecasting sales", "window"):
        parts = []
        for window in (launch.earlier, launch.tuning, launch.test):
            rows = weighting_of(window, features, params).rows(features, everything)
            parts.append(demand.describe_launches(window, window.launched, features, groups, rows))
        found[launch.cut] = demand.forecast_launch(launch, parts, groups, experiment.seed)
    table = demand.measure_forecasts(
        launches, found, experiment.launches_listed, experiment.n_bootstrap, experiment.seed
    )
    return found, table


def imagine_items(
    launches: list[Launch],
    features: ItemFeatures,
    params: ImaginedParams,
    training: ItemTrainingConfig,
    experiment: ExperimentParams,
) -> tuple[dict[float, Lists], pd.DataFrame, pd.DataFrame]:
    """Rank new items by those that a generator imagines, and by copies of what was bought.

    Args:
        launches: As from ``open_windows``.
        features: Of all items.
        params: Cuts at which generators are trained, and how items are compared.
        training: How they are trained.
        experiment: Length of the lists.

    Returns:
        Scores by cut; a log of every training; and all that was tried before the cuts.
    """
    groups, found = groups_of(features), {}
    for launch in launches:
        if launch.cut not in params.cuts:
            continue
        settings = [
            imagined.setting_of(window, features, groups, params)
            for window in (launch.tuning, launch.test)
        ]
        if not settings[0].attributes.names:
            logger.warning("No item is imagined: the items have no attribute and no price.")
            continue
        found[launch.cut] = imagined.rank_launch(
            settings, params, training, experiment.list_length, experiment.seed
        )
    return (
        {cut: own.lists for cut, own in found.items()},
        joined([own.log.assign(cut=cut) for cut, own in found.items()], LOG),
        joined([own.tried.assign(cut=cut) for cut, own in found.items()], TRIED),
    )


def read_titles(
    launches: list[Launch],
    features: ItemFeatures,
    words: pd.DataFrame,
    params: TitlesParams,
    sentences: SentencesParams,
    experiment: ExperimentParams,
) -> tuple[dict[float, Lists], pd.DataFrame, pd.DataFrame]:
    """Rank new items by what a network reads in their titles, and what a pretrained one does.

    Args:
        launches: As from ``open_windows``.
        features: Of all items.
        words: ``item_id`` and ``words`` of the same items.
        params: Cuts at which networks are trained, and how they are used.
        sentences: Cuts at which the pretrained one reads; none by default.
        experiment: Length of the lists, seed.

    Returns:
        Scores by cut; a row per training; and all that was tried before the cuts.

    Raises:
        MissingExtraError: The pretrained reader is asked for and not installed.
    """
    own = words.set_index(words[Columns.ITEM].astype(str))["words"]
    titles = own.reindex(features.item_ids).fillna("").to_numpy(dtype=str)
    found: dict[float, list[imagined.Ranked]] = {}
    k = experiment.list_length
    for launch in [one for one in launches if one.cut in {*params.cuts, *sentences.cuts}]:
        windows = (launch.tuning, launch.test)
        if not all((titles[window.old] != "").any() for window in windows):
            logger.warning("No title is read: the items have no words.")
            continue
        ranked = found.setdefault(launch.cut, [])
        if launch.cut in params.cuts:
            ranked.append(title_lists.rank_by_titles(windows, titles, params, k, experiment.seed))
        if launch.cut in sentences.cuts:
            ranked.append(sentence_lists.rank_by_sentences(windows, titles, sentences, k))
    readings = [(cut, one) for cut, ranked in found.items() for one in ranked]
    logs = [one.log.assign(cut=cut) for cut, one in readings if len(one.log)]
    return (
        {cut: together([one.lists for one in ranked]) for cut, ranked in found.items()},
        joined(logs, LOG),
        joined([one.tried.assign(cut=cut) for cut, one in readings], TRIED),
    )


def together(parts: Sequence[Lists]) -> Lists:
    """The scores of several systems as those of one window."""
    tuning: dict[str, np.ndarray] = {}
    test: dict[str, np.ndarray] = {}
    for part in parts:
        tuning |= part.tuning
        test |= part.test
    return Lists(tuning, test)


def list_trainings(*logs: pd.DataFrame) -> pd.DataFrame:
    """The logs of all trainings below each other."""
    return joined([log for log in logs if len(log)], LOG)


def joined(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Tables below each other; an empty one of these columns where there are none."""
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def combine(
    launches: list[Launch],
    features: ItemFeatures,
    plain_lists: dict[float, Lists],
    forecasts: dict[float, Forecasts],
    imagined_lists: dict[float, Lists],
    read_lists: dict[float, Lists],
    params: SystemsParams,
    imagined_params: ImaginedParams,
    experiment: ExperimentParams,
) -> tuple[dict[float, Lists], pd.DataFrame, pd.DataFrame]:
    """Add to the plain systems what is made of several of them.

    Args:
        launches: As from ``open_windows``.
        features: Of all items.
        plain_lists: As from ``rank_plainly``.
        forecasts: As from ``forecast_demand``.
        imagined_lists: As from ``imagine_items``.
        read_lists: As from ``read_titles``.
        params: Weights to choose from.
        imagined_params: Weights of what was imagined.
        experiment: Length of the lists, seed.

    Returns:
        Scores by cut; the weight that was chosen of every sum, by cut; and all candidates with
        what they were worth before the cut.
    """
    groups, found, nothing = groups_of(features), {}, Lists({}, {})
    for launch in tracked(launches, "combining systems", "window"):
        made, read = (own.get(launch.cut, nothing) for own in (imagined_lists, read_lists))
        benches = [
            bench_of(window, features, groups, params) for window in (launch.tuning, launch.test)
        ]
        parts = [
            own | more | most | {"demand": plain.for_everybody(seen, len(bench.users))}
            for own, more, most, seen, bench in zip(
                plain_lists[launch.cut],
                made,
                read,
                forecasts[launch.cut].of_new(launch),
                benches,
                strict=True,
            )
        ]
        alone = dict.fromkeys(made.tuning, imagined_params.weights)
        found[launch.cut] = combining.combine(
            benches,
            parts,
            combining.sums_to_try(
                params.weights, alone | dict.fromkeys(read.tuning, params.weights)
            ),
            min(params.priors),
            experiment.list_length,
            experiment.seed,
        )
    return (
        {cut: own.lists for cut, own in found.items()},
        pd.concat([own.levels.assign(cut=cut) for cut, own in found.items()], ignore_index=True),
        pd.concat([own.tried.assign(cut=cut) for cut, own in found.items()], ignore_index=True),
    )


def measure_lists(
    launches: list[Launch],
    lists: dict[float, Lists],
    levels: pd.DataFrame,
    params: ExperimentParams,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure every household's list of every arm, and declare what is compared.

    Args:
        launches: As from ``open_windows``.
        lists: As from ``combine``.
        levels: Weights that were chosen, likewise.
        params: Length of the lists, and how they are compared.

    Returns:
        One row per (arm, household, cut) with its ``value``; and the design, ready for JSON.
    """
    design: Design = declare(params)
    tested = {cut: own.test for cut, own in lists.items()}
    scores = score_lists(launches, tested, params.list_length)
    # Of several windows the mean: 0 only where nothing was added in any.
    chosen = levels.groupby("arm")["level"].mean()
    return scores.assign(level=scores["arm"].map(chosen)), design.model_dump(mode="json")


def list_tried(*tables: pd.DataFrame) -> pd.DataFrame:
    """All configurations and weights that were tried, with what they were worth before the cuts."""
    return joined([table[TRIED] for table in tables if len(table)], TRIED)
