"""Nodes of the evaluation pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from doppelcart.arms import comparing, evaluating, synthetic_only, tuning, verdict
from doppelcart.arms.completion import Completer, popularity_completer
from doppelcart.arms.definition import COMPLETED_BY
from doppelcart.cases import Case
from doppelcart.columns import Columns
from doppelcart.histories import Histories
from doppelcart.pipelines.evaluation.params import EvaluationParams


def tune_arms(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    params: EvaluationParams,
    **generators: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let every arm choose its configuration and ratio or strength on validation users.

    Args:
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column a demographic feature.
        validation_cases: Validation users by slice.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        Scores of everything tried, and what was chosen (see ``arms.tuning``).
    """
    completers = _completers(train_histories, generators, demographics_matrix, params)
    scores = tuning.tune(
        train_histories, synthetic_users, completers, validation_cases, tuning_settings(params)
    )
    return scores, tuning.choose(scores)


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
) -> pd.DataFrame:
    """Test every arm against ``none`` and the generator's arms against their controls.

    Args:
        user_metrics: Metrics a test user.
        chosen_configs: What ``tune_arms`` chose.
        params: Parameters of the pipeline.

    Returns:
        The uplift table (see ``arms.comparing.compare``).
    """
    return comparing.compare(user_metrics, chosen_configs, comparison_settings(params))


def measure_synthetic_only(user_metrics: pd.DataFrame, params: EvaluationParams) -> pd.DataFrame:
    """Share of the real score that recommenders trained on synthetic users alone reach.

    Args:
        user_metrics: Metrics a test user.
        params: Parameters of the pipeline.

    Returns:
        The table of ``arms.synthetic_only.tstr``.
    """
    return synthetic_only.tstr(
        user_metrics, params.target, params.n_bootstrap, params.alpha, params.seed
    )


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


def tuning_settings(params: EvaluationParams) -> tuning.TuningSettings:
    """What the tuning loop tries, as the parameters have it."""
    return tuning.TuningSettings(
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
    )


def _completers(
    train: Histories,
    generators: Mapping[str, Any],
    demographics: pd.DataFrame,
    params: EvaluationParams,
) -> dict[str, Completer]:
    completers: dict[str, Completer] = {}
    for arm in params.completion_arms:
        source = COMPLETED_BY[arm]
        if source in generators:
            completers[arm] = _make_completer()(
                generators[source],
                demographics,
                n_draws=params.completion_draws,
                seed=params.seed,
            )
        else:
            completers[arm] = popularity_completer(train)
    return completers


def _make_completer() -> Callable[..., Completer]:
    """The maker of completers, imported late because it brings TensorFlow."""
    from doppelcart.models.completion import make_completer

    return make_completer
