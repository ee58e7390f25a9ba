"""Nodes of the targeting pipeline."""

from __future__ import annotations

import logging
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import COLD
from doppelcart.experiment.comparison import check_resamples
from doppelcart.experiment.design import largest_family
from doppelcart.models.histories.augmentation import AugmentationParams, invent_like
from doppelcart.models.histories.controls import copy_users
from doppelcart.pipelines.targeting import arms, comparison, groups, segments
from doppelcart.pipelines.targeting.groups import INSIDE, OTHERS, Group
from doppelcart.pipelines.targeting.params import ExperimentParams, SegmentsParams
from doppelcart.pipelines.targeting.segments import Segment
from doppelcart.recommendation.protocol import EvaluationParams, comparison_settings

logger = logging.getLogger(__name__)


def find_segments(
    train_histories: Histories,
    train_interactions: ir.Table,
    prm_users: ir.Table,
    params: SegmentsParams,
    evaluation: EvaluationParams,
    experiment: ExperimentParams,
) -> tuple[list[Segment], dict[str, np.ndarray]]:
    """Find the segments that are short of training users, and see that so many can be judged.

    Args:
        train_histories: Training users.
        train_interactions: Their lines, for the store in which each began.
        prm_users: Demographics.
        params: What to look for.
        evaluation: Resamples and correction.
        experiment: Slices and recommenders.

    Returns:
        The segments; and by segment the rows of its training users.

    Raises:
        ParameterError: As ``segments.find``; or there are too few resamples for the comparisons
            that so many segments make.
    """
    tail = _tail(train_histories, params)
    users, stores = users_by_id(prm_users), first_stores(train_interactions)
    traits = segments.describe(train_histories, users, stores, tail)
    found = segments.find(traits, params)
    judged = [
        Group(name, segment.name, who)
        for name in experiment.slices
        for segment in found
        for who in (INSIDE, OTHERS)
    ]
    declared = comparison.declare(evaluation.target, judged, **comparison_settings(evaluation))
    family = largest_family(declared, judged, experiment.recommenders)
    check_resamples(family, declared.n_resamples, declared.alpha, declared.name)
    members = {segment.name: np.flatnonzero(segment.holds(traits)) for segment in found}
    for segment in found:
        logger.info(
            "%s: %d training users. %s", segment.name, len(members[segment.name]), segment.reason
        )
    return found, members


def users_by_id(prm_users: ir.Table) -> pd.DataFrame:
    """Demographics by user_id."""
    return prm_users.to_pandas().set_index(Columns.USER)


def first_stores(*lines: ir.Table) -> pd.Series:
    """By user_id, the store of the first line; of two at one moment, the first by name.

    Where somebody is served is known when the first list is made, so that nothing of the future is
    in it.

    Args:
        *lines: Interactions; their users differ.
    """
    columns = [Columns.USER, Columns.TIMESTAMP, Columns.STORE]
    rows = pd.concat(
        [table.select(columns).distinct().to_pandas() for table in lines], ignore_index=True
    )
    return (
        rows.sort_values(columns)
        .drop_duplicates(Columns.USER)
        .set_index(Columns.USER)[Columns.STORE]
    )


def invent_for_segments(
    members: dict[str, np.ndarray],
    train_histories: Histories,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    augmentation: AugmentationParams,
    params: ExperimentParams,
    **generators: Any,
) -> dict[str, Histories]:
    """Invent users of each segment's profiles, and copy its real users as often.

    Args:
        members: Rows of the training users by segment.
        train_histories: Training users.
        profile_matrix: ``user_id`` and behaviour columns of the training users.
        demographics_matrix: ``user_id`` and demographic columns.
        augmentation: Jitter of the profiles, seed.
        params: Holds the largest ratio.
        **generators: Trained generators by name.

    Returns:
        Sets of users, named ``<segment>/<who made them>``.
    """
    n_users = round(max(params.ratios) * train_histories.n_users)
    matrices = profile_matrix, demographics_matrix
    sets = {}
    for name, rows in members.items():
        users = train_histories.select(rows)
        for maker, generator in generators.items():
            made = invent_like(generator, users, n_users, *matrices, augmentation)
            sets[arms.set_name(name, maker)] = made
        rng = np.random.default_rng(augmentation.seed)
        sets[arms.set_name(name, "copies")] = copy_users(users, n_users, rng)
    return sets


def group_customers(
    found: list[Segment],
    cases: dict[str, Case],
    train_histories: Histories,
    train_interactions: ir.Table,
    held_out: ir.Table,
    prm_users: ir.Table,
    segments_params: SegmentsParams,
    params: ExperimentParams,
) -> dict[Group, Case]:
    """Part the customers of each slice into those of a segment and all others.

    A customer is judged by what is revealed of them; what is to be found plays no part.

    Args:
        found: The segments.
        cases: Customers by slice.
        train_histories: Training users, who say which items are in the tail.
        train_interactions: Lines of returning customers.
        held_out: Lines of new customers, with their protocol.
        prm_users: Demographics.
        segments_params: What the tail is.
        params: Holds the slices.
    """
    new = held_out.filter(held_out[Columns.PROTOCOL] == COLD)
    users, stores = users_by_id(prm_users), first_stores(train_interactions, new)
    tail = _tail(train_histories, segments_params)
    wanted = {name: cases[name] for name in params.slices if name in cases}
    traits = {
        name: segments.describe(case.seen, users, stores, tail) for name, case in wanted.items()
    }
    return groups.divide(wanted, traits, found)


def describe_segments(
    found: list[Segment],
    members: dict[str, np.ndarray],
    validation_groups: dict[Group, Case],
    test_groups: dict[Group, Case],
    params: ExperimentParams,
) -> pd.DataFrame:
    """Put down who is in which segment, and why it is one.

    Args:
        found: The segments.
        members: Rows of the training users by segment.
        validation_groups: Validation customers by group.
        test_groups: Test customers by group.
        params: Holds the slices, and how many customers are enough.

    Returns:
        One row per segment and slice.
    """
    rows = []
    for segment in found:
        for name in params.slices:
            group = Group(name, segment.name, INSIDE)
            n_validation, n_test = (
                part[group].n_users if group in part else 0
                for part in (validation_groups, test_groups)
            )
            if n_test < params.min_test_users:
                logger.warning(
                    "%s, %s: its verdict will be undefined, with %d test users; it takes %d.",
                    segment.name,
                    name,
                    n_test,
                    params.min_test_users,
                )
            rows.append(
                {
                    "segment": segment.name,
                    "kind": segment.kind,
                    Columns.SLICE: name,
                    "train_users": len(members[segment.name]),
                    "validation_users": n_validation,
                    "test_users": n_test,
                    "chosen_by": INSIDE if n_validation >= params.min_validation_users else "all",
                    "tested": n_test >= params.min_test_users,
                    "reason": segment.reason,
                }
            )
    return pd.DataFrame(rows)


def choose_ratios(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    synthetic_targeted: dict[str, Histories],
    validation_groups: dict[Group, Case],
    validation_cases: dict[str, Case],
    evaluation: EvaluationParams,
    params: ExperimentParams,
) -> pd.DataFrame:
    """Let validation users choose, for every segment and arm, how many users are added.

    Args:
        train_histories: Training users.
        synthetic_users: Users generated alike for everybody.
        synthetic_targeted: Users made for segments.
        validation_groups: Validation users by group.
        validation_cases: All of them by slice, who choose for a group of few.
        evaluation: Grids and metric.
        params: Ratios, and how many users are enough.

    Returns:
        The table of ``arms.choose``, of all arms.
    """
    cases = groups.deciding(validation_groups, validation_cases, params.min_validation_users)
    rounds = arms.rounds(synthetic_users, synthetic_targeted, cases)
    tables = [arms.choose(train_histories, these, evaluation, params) for these in rounds]
    return pd.concat(tables, ignore_index=True)


def score_segments(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    synthetic_targeted: dict[str, Histories],
    test_groups: dict[Group, Case],
    chosen: pd.DataFrame,
    item_matrix: pd.DataFrame,
    evaluation: EvaluationParams,
) -> pd.DataFrame:
    """Score what was chosen on the test users; no choice is made here.

    Args:
        train_histories: Training users.
        synthetic_users: Users generated alike for everybody.
        synthetic_targeted: Users made for segments.
        test_groups: Test users by group.
        chosen: What ``choose_ratios`` chose.
        item_matrix: ``item_id`` and one column per feature, in catalogue order.
        evaluation: Metric and length of the lists.

    Returns:
        The table of ``arms.score``, of all arms.
    """
    features = item_matrix.drop(columns=Columns.ITEM).to_numpy()
    rounds = arms.rounds(synthetic_users, synthetic_targeted, test_groups)
    tables = [arms.score(train_histories, these, chosen, features, evaluation) for these in rounds]
    return pd.concat(tables, ignore_index=True)


def declare_experiment(
    user_metrics: pd.DataFrame,
    chosen: pd.DataFrame,
    evaluation: EvaluationParams,
    params: ExperimentParams,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Put down what is compared: the metric of every test user, and the design.

    Args:
        user_metrics: What ``score_segments`` scored.
        chosen: What ``choose_ratios`` chose.
        evaluation: Metric, resampling and correction.
        params: How many test users are enough.

    Returns:
        The scores of ``comparison.unit_scores``, and the design, ready for JSON.
    """
    labels = user_metrics[list(Group._fields)].drop_duplicates().itertuples(index=False)
    settings = comparison_settings(evaluation) | {"min_units": params.min_test_users}
    declared = comparison.declare(
        evaluation.target, (Group(*map(str, label)) for label in labels), **settings
    )
    scores = comparison.unit_scores(user_metrics, chosen, evaluation.target)
    return scores, declared.model_dump(mode="json")


def tabulate_results(differences: pd.DataFrame) -> pd.DataFrame:
    """Put the comparisons in the order in which they are read.

    Args:
        differences: The comparisons of the experiment.

    Returns:
        The table of ``comparison.tabulate``.
    """
    return comparison.tabulate(differences)


def _tail(train: Histories, params: SegmentsParams) -> np.ndarray:
    if params.tail_buyers is None:
        return np.zeros(train.n_items, bool)
    return segments.tail_items(train, params.tail_buyers.item_share)
