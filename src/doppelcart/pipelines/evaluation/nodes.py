"""Nodes of the evaluation pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.experiment.design import Design
from doppelcart.recommendation import (
    design,
    evaluating,
    gains,
    grid_search,
    rankings,
    synthetic_only,
)
from doppelcart.recommendation.completers import completers_of
from doppelcart.recommendation.completion import Completer
from doppelcart.recommendation.protocol import (
    EvaluationParams,
    comparison_settings,
    tuning_settings,
)


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
        demographics_matrix: ``user_id`` and one column per demographic feature.
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
    feat_items: pd.DataFrame,
    test_cases: dict[str, Case],
    chosen_configs: pd.DataFrame,
    params: EvaluationParams,
    **generators: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score what was chosen on the test users; no choice is made here.

    Args:
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        item_matrix: ``item_id`` and one column per feature, in catalogue order.
        feat_items: Items with what is known of them, in catalogue order; for their prices.
        test_cases: Test users by slice.
        chosen_configs: What ``tune_arms`` chose.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        Metrics per user, and their means with the metrics of whole lists.
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
        feat_items[Columns.PRICE].to_numpy(float) if Columns.PRICE in feat_items else None,
    )
    return user_metrics, evaluating.summarise(user_metrics, list_metrics)


def declare_experiment(
    user_metrics: pd.DataFrame, chosen_configs: pd.DataFrame, params: EvaluationParams
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Put down what is compared: the metric of every test user, and the design.

    Args:
        user_metrics: Metrics a test user.
        chosen_configs: What ``tune_arms`` chose: levels, and the best baselines.
        params: Parameters of the pipeline.

    Returns:
        The scores of ``recommendation.design.unit_scores``, and the design, ready for JSON.
    """
    declared = design.declare(
        params.target,
        user_metrics[Columns.SLICE].unique(),
        chosen_configs,
        **comparison_settings(params),
    )
    scores = design.unit_scores(user_metrics, chosen_configs, params.target)
    return scores, declared.model_dump(mode="json")


def compare_with_best(
    scores: pd.DataFrame, declared: dict[str, Any], chosen_configs: pd.DataFrame
) -> pd.DataFrame:
    """Hold every arm at its best against the best that there is without synthetic data.

    Args:
        scores: The scores of ``declare_experiment``.
        declared: Its design.
        chosen_configs: What ``tune_arms`` chose.

    Returns:
        The table of ``recommendation.design.against_best``.
    """
    return design.against_best(scores, chosen_configs, Design.model_validate(declared))


def measure_gains(
    user_metrics: pd.DataFrame,
    chosen_configs: pd.DataFrame,
    verdict: pd.DataFrame,
    declared: dict[str, Any],
) -> pd.DataFrame:
    """Say what the verdict found in hits and in money.

    Args:
        user_metrics: Metrics a test user.
        chosen_configs: What ``tune_arms`` chose.
        verdict: The verdict on every arm of the generator.
        declared: The design of ``declare_experiment``.

    Returns:
        The table of ``recommendation.gains``.
    """
    return gains.gains(user_metrics, chosen_configs, verdict, Design.model_validate(declared))


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


def decide_promotion(
    verdict: pd.DataFrame,
    chosen_configs: pd.DataFrame,
    uplift_against_best: pd.DataFrame,
    declared: dict[str, Any],
) -> dict[str, Any]:
    """Say what may go into service, and refuse what did not win.

    Args:
        verdict: The verdict on every arm of the generator.
        chosen_configs: What ``tune_arms`` chose.
        uplift_against_best: Every arm against the best recommender of the slice.
        declared: The design of ``declare_experiment``.
    """
    return design.promote(
        verdict, chosen_configs, uplift_against_best, Design.model_validate(declared)
    )


def _completers(
    train: Histories,
    generators: Mapping[str, Any],
    demographics: pd.DataFrame,
    params: EvaluationParams,
) -> dict[str, Completer]:
    """Completer by completion arm."""
    draws, seed = params.completion_draws, params.seed
    return completers_of(params.completion_arms, train, generators, demographics, draws, seed)
