"""Whether targeted users help the segment that they were invented for, and harm nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.pipelines.targeting.arms import KEYS
from doppelcart.pipelines.targeting.groups import INSIDE, OTHERS, Group
from doppelcart.recommendation.arms import NONE, TARGETED, TARGETED_ON_TRIAL, UNIFORM
from doppelcart.recommendation.comparing import ComparisonSettings, bootstrap, correct
from doppelcart.recommendation.evaluating import by_user
from doppelcart.recommendation.verdict import NOT_USED, outcome

ARMS: Final = tuple(arm for arm in (*UNIFORM, *TARGETED) if arm != NONE)
CONTROLS: Final = tuple(arm for arm in ARMS if arm != TARGETED_ON_TRIAL)
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
    "n_users",
    "least_users",
    "verdict",
]


class _Pair(NamedTuple):
    arm: str
    against: str


def largest_family(n_segments: int, n_recommenders: int) -> int:
    """Most comparisons of one slice: those made if validation adds users everywhere.

    Args:
        n_segments: Segments, each of which has customers inside and others.
        n_recommenders: Recommenders.
    """
    run = (NONE, *ARMS)
    pairs = [pair for who in (INSIDE, OTHERS) for pair in _pairs(Group("", "", who), run)]
    return n_segments * n_recommenders * len(pairs)


def compare(
    user_metrics: pd.DataFrame,
    chosen: pd.DataFrame,
    settings: ComparisonSettings,
) -> pd.DataFrame:
    """Every arm against ``none``; in its segment, the one on trial against its controls besides.

    Not tested, and in no family: arms for which validation chose to add nobody, and groups of too
    few test users. Both are known before a test user is scored.

    Args:
        user_metrics: As from ``arms.score``, of all arms.
        chosen: As from ``arms.choose``, of all arms.
        settings: Metric, resampling, correction, and test users of a group below which nothing is
            tested.

    Returns:
        One row a comparison: ``ratio`` that validation chose, means of what it is compared with
        (``base``) and of the arm (``value``), their ``difference`` and ``relative`` difference with
        intervals, p-values, ``least_users`` that a verdict takes, and the ``verdict``: helps,
        harms, no evidence, undefined, or not used.
    """
    ratios = chosen.set_index(KEYS)["knob"]
    parts = []
    for labels, rows in user_metrics.groupby(KEYS[:-1], sort=False):
        *names, recommender = map(str, labels)
        parts.append(_compare_group(Group(*names), recommender, rows, ratios, settings))
    results = pd.concat(parts, ignore_index=True)
    corrected = correct(results.assign(tested=results["ratio"] > 0), settings)
    verdicts = [_verdict(row, settings.alpha) for row in corrected.to_dict("records")]
    judged = corrected.assign(verdict=verdicts)[COLUMNS]
    return judged.sort_values([Columns.SLICE, "segment"], kind="stable", ignore_index=True)


def _compare_group(
    group: Group,
    recommender: str,
    rows: pd.DataFrame,
    ratios: pd.Series,
    settings: ComparisonSettings,
) -> pd.DataFrame:
    wide = by_user(rows, Columns.ARM, settings.metric)
    pairs = list(_pairs(group, wide.columns))
    figures = bootstrap(
        wide[[pair.arm for pair in pairs]].to_numpy(),
        wide[[pair.against for pair in pairs]].to_numpy(),
        group.key,
        settings,
    )
    return pd.DataFrame(figures).assign(
        **group._asdict(),
        recommender=recommender,
        arm=[pair.arm for pair in pairs],
        against=[pair.against for pair in pairs],
        metric=settings.metric,
        ratio=[float(ratios[(*group, recommender, pair.arm)]) for pair in pairs],
    )


def _pairs(group: Group, run: Iterable[str]) -> Iterator[_Pair]:
    yield from (_Pair(arm, NONE) for arm in ARMS if arm in run)
    if group.customers == INSIDE:
        yield from (_Pair(TARGETED_ON_TRIAL, control) for control in CONTROLS if control in run)


def _verdict(row: dict, alpha: float) -> str:
    if row["ratio"] == 0:
        return NOT_USED
    return outcome(row["difference"], row["p_holm"], alpha)
