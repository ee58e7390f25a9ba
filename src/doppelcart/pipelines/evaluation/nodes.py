"""Nodes of the evaluation pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.models.histories.generation import make_completer
from doppelcart.pipelines.evaluation.params import EvaluationParams
from doppelcart.recommendation import (
    comparing,
    evaluating,
    grid_search,
    rankings,
    synthetic_only,
    verdict,
)
from doppelcart.recommendation.arms import COMPLETED_BY
from doppelcart.recommendation.completion import Completer, popularity_completer


def tune_arms(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    params: EvaluationParams,
    **generators: Any,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Let every arm choose its configuration and ratio or strength on validation users.

    Args:
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column a demographic feature.
        validation_cases: Validation users by slice.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        Scores of everything tried; what was chosen; and, where synthetic users stand in for real
        ones, the scores of each user (see ``recommendation.grid_search``).
    """
    completers = _completers(train_histories, generators, demographics_matrix, params)
    scores, user_scores = grid_search.tune_by_user(
        train_histories, synthetic_users, completers, validation_cases, tuning_settings(params)
    )
    return scores, grid_search.choose(scores), user_scores


def evaluate_arms(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    item_matrix: pd.DataFrame,
    test_cases: dict[str, Case],
    chosen_configs: pd.DataFrame,
    params: EvaluationParams,
    **generators: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score what was chosen on the test users; no choice is made here.

    Args:
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column a demographic feature.
        item_matrix: ``item_id`` and one column a feature, in catalogue order.
        test_cases: Test users by slice.
        chosen_configs: What ``tune_arms`` chose.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        Metrics a user, and their means with the metrics of whole lists.
    """
    user_metrics, list_metrics = evaluating.evaluate(
        train_histories,
        synthetic_users,
        _completers(train_histories, generators, demographics_matrix, params),
        test_cases,
        chosen_configs,
        item_matrix.drop(columns=Columns.ITEM).to_numpy(),
        params.cutoffs,
        params.completion_top,
        params.workers,
    )
    return user_metrics, evaluating.summarise(user_metrics, list_metrics)


def compare_arms(
    user_metrics: pd.DataFrame, chosen_configs: pd.DataFrame, params: EvaluationParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test every arm against ``none``, its controls, and the best there is without it.

    Args:
        user_metrics: Metrics a test user.
        chosen_configs: What ``tune_arms`` chose.
        params: Parameters of the pipeline.

    Returns:
        The uplift table (see ``recommendation.comparing.compare``), and that of every arm at its
        best (``recommendation.comparing.against_best``).
    """
    settings = comparison_settings(params)
    return (
        comparing.compare(user_metrics, chosen_configs, settings),
        comparing.against_best(user_metrics, chosen_configs, settings),
    )


def measure_synthetic_only(user_metrics: pd.DataFrame, params: EvaluationParams) -> pd.DataFrame:
    """Share of the real score that recommenders trained on synthetic users alone reach.

    Args:
        user_metrics: Metrics a test user.
        params: Parameters of the pipeline.

    Returns:
        The table of ``recommendation.synthetic_only.tstr``.
    """
    return synthetic_only.tstr(user_metrics, params.target, params.n_bootstrap, params.seed)


def measure_ranking_agreement(
    train_histories: Histories,
    validation_cases: dict[str, Case],
    test_cases: dict[str, Case],
    chosen_configs: pd.DataFrame,
    validation_user_scores: pd.DataFrame,
    user_metrics: pd.DataFrame,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Whether synthetic users rank recommenders as real users do; no choice is made here.

    Args:
        train_histories: Real training users, whose halves are the reference.
        validation_cases: Validation users by slice, on whom configurations are ranked.
        test_cases: Test users by slice, on whom recommenders are ranked.
        chosen_configs: What ``tune_arms`` chose.
        validation_user_scores: Scores a validation user.
        user_metrics: Metrics a test user.
        params: Parameters of the pipeline.

    Returns:
        The table of ``recommendation.rankings``.
    """
    tested = rankings.by_recommender(user_metrics, params.synthetic_only_slices, params.target)
    tried = rankings.by_config(validation_user_scores, params.synthetic_only_slices)
    drawn = grid_search.draw(validation_cases, tuning_settings(params))
    score = partial(rankings.halves_of, train_histories, params.metric, params.k, params.workers)
    tabulate = partial(rankings.tabulate, metric=params.target, seed=params.seed)
    by_chosen = score(test_cases, rankings.chosen_configs(chosen_configs, tested))
    by_config = score(drawn, dict.fromkeys(tried, params.configs))
    parts = [
        tabulate(tested, by_chosen, "recommenders"),
        tabulate(tried, by_config, "configurations"),
    ]
    return pd.concat(parts, ignore_index=True)


def decide_verdict(
    uplift: pd.DataFrame, chosen_configs: pd.DataFrame, params: EvaluationParams
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Say of every arm of the generator whether it helps, and refuse what did not win.

    Args:
        uplift: The uplift table.
        chosen_configs: What ``tune_arms`` chose.
        params: Parameters of the pipeline.

    Returns:
        The verdict table, and the promotion: what may go into service.
    """
    judged = verdict.decide(uplift, chosen_configs, params.alpha)
    return judged, verdict.promotion(judged, chosen_configs, params.alpha)


def tuning_settings(params: EvaluationParams) -> grid_search.TuningSettings:
    """What the tuning loop tries, as the parameters have it."""
    return grid_search.TuningSettings(
        configs=params.configs,
        arms=params.arms,
        ratios=[ratio for ratio in params.ratios if ratio > 0],
        strengths=[strength for strength in params.strengths if strength > 0],
        metric=params.metric,
        k=params.k,
        max_users=params.max_tuning_users,
        completion_top=params.completion_top,
        seed=params.seed,
        synthetic_only_slices=params.synthetic_only_slices,
        workers=params.workers,
    )


def comparison_settings(params: EvaluationParams) -> comparing.ComparisonSettings:
    """How arms are compared, as the parameters have it."""
    return comparing.ComparisonSettings(
        metric=params.target,
        n_bootstrap=params.n_bootstrap,
        seeds=tuple(range(params.seed, params.seed + params.n_seeds)),
        alpha=params.alpha,
        family=params.family,
        min_users=params.min_test_users,
    )


def _completers(
    train: Histories,
    generators: Mapping[str, Any],
    demographics: pd.DataFrame,
    params: EvaluationParams,
) -> dict[str, Completer]:
    """Completer by completion arm."""
    completers: dict[str, Completer] = {}
    for arm in params.completion_arms:
        source = COMPLETED_BY[arm]
        if source in generators:
            completers[arm] = make_completer(
                generators[source],
                demographics,
                n_draws=params.completion_draws,
                seed=params.seed,
            )
        else:
            completers[arm] = popularity_completer(train)
    return completers
