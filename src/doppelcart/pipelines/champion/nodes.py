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
from doppelcart.recommendation.arms import COMPLETED_BY
from doppelcart.recommendation.completers import completers_of
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.serving.contest import Entrant, cost_of
from doppelcart.serving.decisions import Cost, Decision


def score_entrants(
    candidate: Entrant,
    champion: Entrant,
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    test_cases: dict[str, Case],
    evaluation: EvaluationParams,
    params: ChampionParams,
    **generators: Any,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score what serves and what would on the same held-out customers.

    Args:
        candidate: The newest model.
        champion: The model that serves.
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        test_cases: Test users by slice.
        evaluation: Draws and size of completions.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        The scores of ``recommendation.promotion.score_entrants``, and the design, ready for JSON.
    """
    draws, seed = evaluation.completion_draws, evaluation.seed
    completers = completers_of(
        COMPLETED_BY, train_histories, generators, demographics_matrix, draws, seed
    )
    scores = rules.score_entrants(
        champion,
        candidate,
        test_cases,
        train_histories,
        synthetic_users,
        completers,
        evaluation.completion_top,
        params.metric,
        params.k,
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
