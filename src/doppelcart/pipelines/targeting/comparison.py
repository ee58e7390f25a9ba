"""The experiment: do targeted users help their segment, and harm nobody else?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.slices import Slice
from doppelcart.experiment.comparison import LEVEL, VALUE
from doppelcart.experiment.design import Arm, Design, Role
from doppelcart.pipelines.targeting.arms import KEYS
from doppelcart.pipelines.targeting.groups import INSIDE, OTHERS, Group
from doppelcart.recommendation.arms import NONE, SEGMENT_ARMS, TARGETED_ON_TRIAL
from doppelcart.recommendation.design import WORDS

COLUMNS: Final = [
    *KEYS,
    "against",
    "metric",
    "ratio",
    "base",
    "value",
    "difference",
    "low",
    "high",
    "relative",
    "relative_low",
    "relative_high",
    "p_value",
    "p_holm",
    "n_units",
    "least_units",
    "outcome",
]


def declare(metric: str, groups: Iterable[Group], **settings: Any) -> Design:
    """The experiment: targeted users against none, against uniform ones, and against controls.

    Among the others, whom no targeted user was made for, arms are held against ``none`` only.

    Args:
        metric: Column of the user metrics, such as ``ndcg@20``.
        groups: Customers who are told apart.
        **settings: ``family`` (columns), ``alpha``, ``n_bootstrap``, ``seeds``, ``min_units``.
    """
    told = {group.key: _words(group) for group in groups}
    return Design(
        name="targeting",
        metric=metric,
        arms=tuple(_arm(name) for name in SEGMENT_ARMS),
        unit=Columns.USER,
        groups=Group._fields,
        system=Columns.RECOMMENDER,
        bystanders={"customers": OTHERS},
        words=WORDS.model_copy(update={"groups": told}),
        **settings,
    )


def unit_scores(user_metrics: pd.DataFrame, chosen: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric of every customer under every arm, with the ratio that validation chose.

    Args:
        user_metrics: As from ``arms.score``, of all arms.
        chosen: As from ``arms.choose``, of all arms.
        metric: Column of the user metrics.
    """
    scores = user_metrics[[*KEYS, Columns.USER, metric]].rename(columns={metric: VALUE})
    return scores.merge(chosen[[*KEYS, LEVEL]], on=KEYS, how="left")


def tabulate(differences: pd.DataFrame) -> pd.DataFrame:
    """The comparisons in the order in which they are read: by slice, segment and recommender.

    Args:
        differences: As from ``experiment.comparison.compare``.

    Returns:
        One row per comparison: ``ratio`` that validation chose, means of what it is compared with
        (``base``) and of the arm (``value``), their ``difference`` and ``relative`` difference with
        intervals, p-values, ``least_units`` that a verdict takes, and the ``outcome``:
        helps, harms, no evidence, undefined, or not used.
    """
    table = differences.rename(columns={LEVEL: "ratio"})[COLUMNS]
    return table.sort_values([Columns.SLICE, "segment"], kind="stable", ignore_index=True)


def _arm(name: str) -> Arm:
    role = Role.BASELINE if name == NONE else Role.CONTROL
    return Arm(
        name=name,
        role=Role.TRIAL if name == TARGETED_ON_TRIAL else role,
        phrase=SEGMENT_ARMS[name].phrase,
        level="ratio",
    )


def _words(group: Group) -> str:
    who = Slice.of(group.slice).phrase
    where = "in" if group.customers == INSIDE else "outside of"
    return f"{who} {where} the segment {group.segment}"
