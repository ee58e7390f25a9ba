"""Nodes of the champion pipeline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.experiment.design import Design
from doppelcart.pipelines.champion.params import ChampionParams
from doppelcart.recommendation import promotion as rules
from doppelcart.serving.contest import Entrant, cost_of
from doppelcart.serving.decisions import Cost, Decision


def score_entrants(
    candidate: Entrant,
    champion: Entrant,
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    test_cases: dict[str, Case],
    params: ChampionParams,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score what serves and what would on the same held-out customers.

    Args:
        candidate: The newest model.
        champion: The model that serves.
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        test_cases: Test users by slice.
        params: Parameters of the pipeline.

    Returns:
        The scores of ``recommendation.promotion.score_entrants``, and the design, ready for JSON.
    """
    scores = rules.score_entrants(
        champion, candidate, test_cases, train_histories, synthetic_users, params.metric, params.k
    )
    declared = rules.declare(
        f"{params.metric}@{params.k}",
        rules.judged_slices(test_cases),
        margin=params.margin,
        alpha=params.alpha,
        n_bootstrap=params.n_bootstrap,
        min_customers=params.min_customers,
        seed=params.seed,
    )
    return scores, declared.model_dump(mode="json")


def measure_costs(
    candidate: Entrant, champion: Entrant, test_cases: dict[str, Case]
) -> dict[str, Any]:
    """Measure what both models take.

    Args:
        candidate: The newest model.
        champion: The model that serves.
        test_cases: Test users by slice, whose known histories are asked about.

    Returns:
        By entrant: bytes and processor time, ready for JSON.
    """
    known = {name: test_cases[name].seen.matrix for name in rules.judged_slices(test_cases)}
    entrants = {rules.CHAMPION: champion, rules.CANDIDATE: candidate}
    return {name: cost_of(one, known).model_dump() for name, one in entrants.items()}


def decide(
    candidate: Entrant,
    champion: Entrant,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    costs: dict[str, Any],
    promotion: dict[str, Any],
    params: ChampionParams,
) -> Decision:
    """Decide whether the candidate serves from now on.

    Args:
        candidate: The newest model.
        champion: The model that serves.
        differences: The candidate against the champion.
        declared: The design.
        costs: What both models take.
        promotion: What evaluation promoted and refused.
        params: Parameters of the pipeline.
    """
    design = Design.model_validate(declared)
    return rules.decide(
        champion,
        candidate,
        rules.comparisons(differences, design, champion, candidate),
        {name: Cost.model_validate(cost) for name, cost in costs.items()},
        promotion,
        design,
        saving=params.saving,
        made=datetime.now(UTC),
    )
