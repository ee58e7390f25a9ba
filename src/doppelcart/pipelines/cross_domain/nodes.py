"""Nodes of the cross_domain pipeline."""

from __future__ import annotations

from typing import Any, Final

import ibis.expr.types as ir
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.models.baskets.hyperparameters import BasketTrainingConfig
from doppelcart.models.graphs.hyperparameters import EmbeddingConfig
from doppelcart.pipelines.cross_domain import transfer
from doppelcart.pipelines.cross_domain.completing import complete_crossing
from doppelcart.pipelines.cross_domain.crossings import (
    Crossing,
    lines_by_department,
    open_crossings,
    sizes_of,
)
from doppelcart.pipelines.cross_domain.design import (
    ALL,
    BESIDE,
    BOTH,
    GRAPH_WORDS,
    WORDS,
    declare,
    score_lists,
)
from doppelcart.pipelines.cross_domain.graph_tastes import learn_tastes, rank_by_tastes
from doppelcart.pipelines.cross_domain.params import (
    CompletionParams,
    DepartmentsParams,
    ExperimentParams,
    SystemsParams,
)
from doppelcart.pipelines.cross_domain.transfer import LINEAR, Bench, Lists
from doppelcart.progress import tracked

ByDepartment = dict[str, dict[str, dict[str, Lists]]]
"""Scores by protocol, department and system."""

KEYS: Final = [Columns.PROTOCOL, Columns.DEPARTMENT]
TRIED: Final = [*KEYS, "system", "config", "ndcg"]
LOG: Final = [Columns.PROTOCOL, "arm", "epoch", "selection"]


def open_departments(
    prm_interactions: ir.Table, prm_items: ir.Table, params: DepartmentsParams
) -> tuple[list[Crossing], pd.DataFrame]:
    """Part households and departments, by masking and by who came later.

    Args:
        prm_interactions: Clean interactions.
        prm_items: Clean items with their departments.
        params: Who is held out, and which departments are large enough.

    Returns:
        The protocols; and one row per protocol and department with their sizes.

    Raises:
        InputError: The shop has no departments, or none is large enough.
    """
    crossings = open_crossings(lines_by_department(prm_interactions, prm_items), params)
    return crossings, sizes_of(crossings)


def rank_plainly(
    crossings: list[Crossing], params: SystemsParams, experiment: ExperimentParams
) -> tuple[ByDepartment, pd.DataFrame]:
    """Tune every plain system on validation households, and rank each department by it.

    Args:
        crossings: As from ``open_departments``.
        params: What to choose from.
        experiment: Length of the lists, seed.

    Returns:
        Scores by protocol and department; and all that was tried, with what it was worth on
        validation households.
    """
    lists: ByDepartment = {}
    tables, grid = [], transfer.grid_of(params)
    for crossing in crossings:
        lists[crossing.protocol], ease = {}, transfer.fit_ease(crossing)
        for target in tracked(crossing.targets, f"ranking, {crossing.protocol}", "department"):
            bench = Bench(crossing, target, ease)
            found, tried = transfer.rank_department(
                bench, grid, experiment.list_length, experiment.seed
            )
            lists[crossing.protocol][target.name] = found
            tables.append(tried.assign(protocol=crossing.protocol, department=target.name))
    return lists, pd.concat(tables, ignore_index=True)[TRIED]


def complete_baskets(
    crossings: list[Crossing],
    params: CompletionParams,
    training: BasketTrainingConfig,
    experiment: ExperimentParams,
) -> tuple[ByDepartment, pd.DataFrame]:
    """Complete the unknown baskets by a generator, and by the same network in other ways.

    Args:
        crossings: As from ``open_departments``.
        params: For which protocols, and what a generator is told.
        training: How it is trained.
        experiment: Length of the lists, seed.

    Returns:
        Scores by protocol and department; and a log of every training.
    """
    lists: ByDepartment = {}
    logs = []
    for crossing in crossings:
        if crossing.protocol not in params.protocols:
            continue
        completed = complete_crossing(
            crossing, params, training, experiment.list_length, experiment.seed
        )
        lists[crossing.protocol] = completed.lists
        logs.append(completed.log.assign(protocol=crossing.protocol))
    return lists, pd.concat(logs, ignore_index=True) if logs else pd.DataFrame(columns=LOG)


def rank_by_graph(
    crossings: list[Crossing],
    prm_items: ir.Table,
    embedding: EmbeddingConfig,
    params: SystemsParams,
    experiment: ExperimentParams,
) -> tuple[ByDepartment, pd.DataFrame, pd.DataFrame]:
    """Rank each department by what a graph of the items says of a household.

    Args:
        crossings: As from ``open_departments``.
        prm_items: Clean items.
        embedding: How vectors of the graph are learnt.
        params: Penalties to choose from.
        experiment: Length of the lists.

    Returns:
        Scores by protocol and department; all that was tried; and a log of the trainings. Nothing
        where nothing is told of the items.
    """
    vectors, log = learn_tastes(prm_items.to_pandas(), crossings[0].item_ids, embedding)
    lists: ByDepartment = {}
    tables = []
    for crossing in crossings if vectors else []:
        lists[crossing.protocol], ease = {}, transfer.fit_ease(crossing)
        for target in tracked(crossing.targets, f"graph, {crossing.protocol}", "department"):
            bench, own = Bench(crossing, target, ease), {}
            for arm, of_arm in vectors.items():
                own[arm], tried = rank_by_tastes(
                    bench, of_arm, params.graph_penalties, experiment.list_length
                )
                labels = {Columns.PROTOCOL: crossing.protocol, Columns.DEPARTMENT: target.name}
                tables.append(tried.assign(system=arm, **labels))
            lists[crossing.protocol][target.name] = own
    tried = pd.concat(tables, ignore_index=True)[TRIED] if tables else pd.DataFrame(columns=TRIED)
    return lists, tried, log


def combine(
    crossings: list[Crossing],
    plain_lists: ByDepartment,
    completed_lists: ByDepartment,
    graph_lists: ByDepartment,
    tried_plainly: pd.DataFrame,
    tried_by_graph: pd.DataFrame,
    params: SystemsParams,
    experiment: ExperimentParams,
) -> tuple[ByDepartment, pd.DataFrame, pd.DataFrame]:
    """Add what fills the unknown basket to the linear system, at weights chosen on validation.

    Args:
        crossings: As from ``open_departments``.
        plain_lists: As from ``rank_plainly``.
        completed_lists: As from ``complete_baskets``.
        graph_lists: As from ``rank_by_graph``.
        tried_plainly: As from ``rank_plainly``.
        tried_by_graph: As from ``rank_by_graph``.
        params: Weights to choose from.
        experiment: Length of the lists.

    Returns:
        Scores by protocol and department, all systems among them; the weight that was chosen of
        every sum; and all that was tried.
    """
    found: ByDepartment = {}
    levels, tables = [], [table for table in (tried_plainly, tried_by_graph) if len(table)]
    for crossing in crossings:
        found[crossing.protocol] = {}
        for target in crossing.targets:
            key = {Columns.PROTOCOL: crossing.protocol, Columns.DEPARTMENT: target.name}
            own = dict(plain_lists[crossing.protocol][target.name])
            for others in (completed_lists, graph_lists):
                own |= others.get(crossing.protocol, {}).get(target.name, {})
            chosen_by = crossing.baskets(target, target.validation)
            sums = {}
            for name in [name for name in (*WORDS, *GRAPH_WORDS) if name in own]:
                weight, values, summed = transfer.added(
                    own[LINEAR], own[name], params.weights, chosen_by, experiment.list_length
                )
                sums[f"{BESIDE}{name}"] = summed
                levels.append(key | {"arm": f"{BESIDE}{name}", "level": weight})
                tables.append(
                    pd.DataFrame(
                        {
                            "system": f"{BESIDE}{name}",
                            "config": [f"weight {tried:g}" for tried in params.weights],
                            "ndcg": values,
                        }
                    ).assign(**key)
                )
            found[crossing.protocol][target.name] = own | sums
    return found, pd.DataFrame(levels), pd.concat(tables, ignore_index=True)[TRIED]


def measure_lists(
    crossings: list[Crossing],
    lists: ByDepartment,
    levels: pd.DataFrame,
    params: ExperimentParams,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure every tested household's list of every arm, and declare what is compared.

    Args:
        crossings: As from ``open_departments``.
        lists: As from ``combine``.
        levels: Weights that were chosen, likewise.
        params: Length of the lists, and how they are compared.

    Returns:
        One row per (protocol, department, arm, household) with its ``value``, pools of departments
        among them; and the design, ready for JSON.
    """
    tested = {
        protocol: {
            name: {arm: own.test for arm, own in by_arm.items()} for name, by_arm in named.items()
        }
        for protocol, named in lists.items()
    }
    scores = score_lists(crossings, tested, params.list_length)
    # Of a pool the mean: 0 only where nothing was added anywhere.
    chosen = pd.concat([levels, *_pooled_levels(levels)], ignore_index=True)
    scores = scores.merge(chosen, on=[*KEYS, "arm"], how="left")
    return scores, declare(params).model_dump(mode="json")


def _pooled_levels(levels: pd.DataFrame) -> list[pd.DataFrame]:
    by_protocol = levels.groupby([Columns.PROTOCOL, "arm"], as_index=False)["level"].mean()
    overall = levels.groupby("arm", as_index=False)["level"].mean().assign(protocol=BOTH)
    return [by_protocol.assign(department=ALL), overall.assign(department=ALL)]
