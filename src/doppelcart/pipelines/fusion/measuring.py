"""One slice of the experiment: weights found on validation users, lists scored on test users."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.metrics import beyond, ranking
from doppelcart.pipelines.fusion import arms
from doppelcart.pipelines.fusion.arms import Blend
from doppelcart.pipelines.fusion.params import FusionParams
from doppelcart.recommendation.arms import NONE
from doppelcart.recommendation.blending import Validation
from doppelcart.recommendation.fusing import Candidates, Ranked, diversify, fuse, join, order
from doppelcart.recommendation.listing_rules import Rules, allow, within_quota
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.recommendation.scoring import METRICS
from doppelcart.recommendation.sources import Source

logger = logging.getLogger(__name__)

ROWS: int = 256
"""Users whose lists are varied at once: the features of all candidates are held for them."""


def choose(
    case: Case,
    sources: Sequence[Source],
    lists: Mapping[str, Ranked],
    *,
    rules: Rules,
    evaluation: EvaluationParams,
    params: FusionParams,
) -> tuple[list[Blend], pd.DataFrame]:
    """How every arm fuses the sources of a slice.

    Args:
        case: Its validation users.
        sources: Its sources.
        lists: What they list for these users.
        rules: What may be listed.
        evaluation: Metric and length of the lists.
        params: Folds, and how many users are enough.

    Returns:
        Blends, of which every one is the best single recommender where too few users could choose;
        and what was tried.
    """
    best = arms.best_of(sources)
    bought = int((case.relevant.lengths > 0).sum())
    if bought < params.min_users:
        logger.warning(
            "%s: %d validation customers are too few to choose weights, which takes %d; the best "
            "single recommender stands.",
            case.name,
            bought,
            params.min_users,
        )
        return arms.without_choice(best), pd.DataFrame()
    relevant = case.relevant.matrix

    def validate(candidates: Candidates) -> Validation:
        return Validation(allow(rules, candidates), relevant, evaluation.metric, evaluation.k)

    blends, tried = arms.choose_blends(
        arms.parts_of(sources, lists),
        arms.with_random(lists, best, params.seed),
        best,
        validate,
        params.folds,
        params.seed,
    )
    return [*blends, arms.best_generated(sources)], tried


def score(
    case: Case,
    sources: Sequence[Source],
    lists: Mapping[str, Ranked],
    blends: Sequence[Blend],
    features: np.ndarray,
    *,
    rules: Rules,
    evaluation: EvaluationParams,
    params: FusionParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What every arm does for the test users of a slice.

    Args:
        case: Its test users.
        sources: Its sources.
        lists: What they list for these users.
        blends: As from ``choose``.
        features: (n_items, n_features), for the variety of lists.
        rules: What may be listed.
        evaluation: Metric and length of the lists.
        params: Balances of the trade-off.

    Returns:
        One row per (arm, user): ``value``, ``level``; and the trade-off of the fusion of plain
        recommenders, one row per balance.
    """
    best = arms.best_of(sources)
    everything = allow(rules, join({source.name: lists[source.name] for source in sources}))
    randomised = allow(rules, arms.with_random(lists, best, params.seed))
    metric, k = ranking.METRICS[METRICS[evaluation.metric]], evaluation.k

    def measure(ranked: np.ndarray) -> np.ndarray:
        return metric(ranked, case.relevant.matrix, k)

    def fused(blend: Blend) -> tuple[Candidates, np.ndarray]:
        candidates = randomised if blend.arm == arms.RANDOM else everything
        return candidates, within_quota(rules, candidates, fuse(candidates, blend.weights))

    rows = [arms.rows_of(case, blend, measure(order(*fused(blend), k))) for blend in blends]
    alone = [
        measure(order(*fused(arms.alone(source.name)), k))
        for source in sources
        if source.arm == NONE
    ]
    # No single list can do better for a customer than the best of them does.
    rows.append(arms.rows_of(case, Blend(arms.ORACLE, "", {}, 1), np.fmax.reduce(alone)))
    (plain,) = (blend for blend in blends if blend.arm == arms.PLAIN)
    curve = pd.DataFrame(
        _trade_off(*fused(plain), features, params.balances, k, measure, len(rules.allowed))
    )
    return pd.concat(rows, ignore_index=True), curve.assign(**{Columns.SLICE: case.name})


def _trade_off(
    candidates: Candidates,
    scores: np.ndarray,
    features: np.ndarray,
    balances: Sequence[float],
    k: int,
    measure: Callable[[np.ndarray], np.ndarray],
    n_items: int,
) -> Iterator[dict[str, float]]:
    """What a list is worth, and how varied it is, by the balance between both."""
    blocks = [slice(start, start + ROWS) for start in range(0, len(scores), ROWS)]
    for balance in balances:
        ranked = np.concatenate(
            [
                diversify(candidates.select(rows), scores[rows], features, balance, k)
                for rows in blocks
            ]
        )
        yield {
            "balance": balance,
            "value": _mean(measure(ranked)),
            "diversity": _mean(beyond.intra_list_diversity(ranked, features)),
            "coverage": beyond.coverage(ranked, n_items),
        }


def _mean(values: np.ndarray) -> float:
    """Mean of what is defined; NaN where nothing is."""
    return float(pd.Series(values).mean())
