"""What is added to the training users, and how much of it validation wants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.pipelines.targeting.groups import INSIDE, OTHERS, Cases, Group
from doppelcart.pipelines.targeting.params import ExperimentParams
from doppelcart.recommendation import evaluating, grid_search
from doppelcart.recommendation.arms import NONE, SYNTHETIC_OF, TARGETED, UNIFORM
from doppelcart.recommendation.protocol import EvaluationParams, tuning_settings

SHARED: Final = [Columns.SLICE, "segment", Columns.RECOMMENDER, Columns.ARM]
KEYS: Final = [*Group._fields, Columns.RECOMMENDER, Columns.ARM]


class Round(NamedTuple):
    """Arms that are fitted together.

    Attributes:
        arms: Arms by name, and what they are.
        sets: Users to add, by the name that the arms of ``recommendation.arms`` know them by.
        cases: Customers by group.
    """

    arms: Mapping[str, str]
    sets: Mapping[str, Histories]
    cases: Cases


def rounds(
    uniform: Mapping[str, Histories], targeted: Mapping[str, Histories], cases: Cases
) -> Iterator[Round]:
    """One round for users made for everybody, and one for those made for each segment.

    Args:
        uniform: Sets of users by who made them.
        targeted: Sets of users by ``set_name``.
        cases: Customers by group.
    """
    yield Round(UNIFORM, uniform, cases)
    for segment in dict.fromkeys(group.segment for group in cases):
        makers = [SYNTHETIC_OF[arm] for arm in TARGETED.values()]
        sets = {maker: targeted[set_name(segment, maker)] for maker in makers}
        of_segment = {group: case for group, case in cases.items() if group.segment == segment}
        yield Round(TARGETED, sets, of_segment)


def set_name(segment: str, maker: str) -> str:
    """Name of the users that somebody made for a segment."""
    return f"{segment}/{maker}"


def choose(
    train: Histories,
    these: Round,
    evaluation: EvaluationParams,
    params: ExperimentParams,
) -> pd.DataFrame:
    """Configuration and ratio of every arm of a round, for segments and for the others besides.

    The segment's validation users choose how many users are added. The others get the recommender
    with as many, and choose no more than its configuration: what is asked of them is whether
    they are harmed.

    Args:
        train: Real training users.
        these: Arms, with the validation users of each group.
        evaluation: Grids and metric.
        params: Ratios and recommenders.

    Returns:
        One row per (slice, segment, customers, recommender, arm): ``config`` (JSON), ``level`` (the
        ratio), ``value`` on ``n_users`` validation users.
    """
    arms, sets, cases = these
    scores = grid_search.tune(train, sets, {}, _keyed(cases), _settings(arms, evaluation, params))
    inside = grid_search.choose(_of(scores, cases, INSIDE))
    ratios = _named(inside, cases).set_index(SHARED)["level"]
    others = _of(scores, cases, OTHERS)
    labels = pd.MultiIndex.from_frame(_named(others, cases)[SHARED])
    same_ratio = others["level"].to_numpy() == ratios.reindex(labels).to_numpy()
    chosen = pd.concat([inside, grid_search.choose(others[same_ratio])], ignore_index=True)
    return _renamed(_named(chosen, cases), arms)


def score(
    train: Histories,
    these: Round,
    chosen: pd.DataFrame,
    item_features: np.ndarray,
    evaluation: EvaluationParams,
) -> pd.DataFrame:
    """Metric of each test user under what was chosen.

    Args:
        train: Real training users.
        these: Arms, with the test users of each group.
        chosen: As from ``choose``; more may be in it.
        item_features: (n_items, n_features).
        evaluation: Metric and length of the lists.

    Returns:
        One row per (slice, segment, customers, recommender, arm, user): the metric.
    """
    arms, sets, cases = these
    asked = chosen[chosen["segment"].isin([group.segment for group in cases])]
    asked = asked[asked[Columns.ARM].isin(arms)]
    keys = [Group(*row).key for row in asked[list(Group._fields)].to_numpy(str)]
    asked = asked.assign(slice=keys, arm=asked[Columns.ARM].map(arms))
    users, _ = evaluating.evaluate(
        train,
        sets,
        {},
        _keyed(cases),
        asked,
        item_features,
        [evaluation.k],
        workers=evaluation.workers,
    )
    return _renamed(_named(users, cases), arms)[[*KEYS, Columns.USER, evaluation.target]]


def _settings(
    arms: Mapping[str, str], evaluation: EvaluationParams, params: ExperimentParams
) -> grid_search.TuningSettings:
    return replace(
        tuning_settings(evaluation),
        configs={name: evaluation.configs[name] for name in params.recommenders},
        arms=[arm for arm in arms.values() if arm != NONE],
        ratios=[ratio for ratio in params.ratios if ratio > 0],
        # The others take the ratio that the segment chose, so none of theirs may be cut before.
        first_users=None,
    )


def _keyed(cases: Cases) -> dict[str, Case]:
    return {group.key: case for group, case in cases.items()}


def _of(scores: pd.DataFrame, groups: Iterable[Group], customers: str) -> pd.DataFrame:
    keys = [group.key for group in groups if group.customers == customers]
    return scores[scores[Columns.SLICE].isin(keys)]


def _named(table: pd.DataFrame, groups: Iterable[Group]) -> pd.DataFrame:
    """The parts of a group's key in columns of their own."""
    parts = {group.key: group for group in groups}
    found = table[Columns.SLICE].map(parts)
    return table.assign(
        **{field: [getattr(group, field) for group in found] for field in Group._fields}
    )


def _renamed(table: pd.DataFrame, arms: Mapping[str, str]) -> pd.DataFrame:
    """The rows of some arms, by the names that they have here."""
    names = {own: name for name, own in arms.items()}
    own = table[table[Columns.ARM].isin(names)]
    return own.assign(**{Columns.ARM: own[Columns.ARM].map(names)})
