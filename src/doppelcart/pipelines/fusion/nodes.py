"""Nodes of the fusion pipeline."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.data.cases import Case, sample_case
from doppelcart.data.histories import Histories
from doppelcart.pipelines.fusion import arms, figures, measuring
from doppelcart.pipelines.fusion.params import FusionParams
from doppelcart.recommendation import grid_search
from doppelcart.recommendation.arms import COMPLETED_BY
from doppelcart.recommendation.completers import completers_of
from doppelcart.recommendation.completion import Completer
from doppelcart.recommendation.listing_rules import rules_of
from doppelcart.recommendation.protocol import (
    EvaluationParams,
    comparison_settings,
    tuning_settings,
)
from doppelcart.recommendation.sources import Listed, Source, list_candidates, sources_of

logger = logging.getLogger(__name__)


def tune_networks(
    train_histories: Histories,
    demographics_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    chosen_configs: pd.DataFrame,
    evaluation: EvaluationParams,
    params: FusionParams,
    **generators: Any,
) -> pd.DataFrame:
    """Tune recommenders that evaluation leaves out, as it tunes its own, and put them beside these.

    Args:
        train_histories: Real training users.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        validation_cases: Validation users by slice.
        chosen_configs: What evaluation chose.
        evaluation: Metric, strengths, users.
        params: Grids of the networks, and slices.
        **generators: Trained generators by name.

    Returns:
        One row per (slice, recommender, arm), of the slices that are asked for.
    """
    slices = params.slices or tuple(chosen_configs[Columns.SLICE].unique())
    known = chosen_configs[chosen_configs[Columns.SLICE].isin(slices)]
    if not params.configs:
        return known
    completers = _completers(train_histories, demographics_matrix, evaluation, generators)
    settings = replace(tuning_settings(evaluation), configs=params.configs, arms=list(completers))
    cases = {name: validation_cases[name] for name in slices}
    tried = grid_search.tune(train_histories, {}, completers, cases, settings)
    return pd.concat([known, grid_search.choose(tried)], ignore_index=True)


def choose_weights(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    feat_items: pd.DataFrame,
    validation_cases: dict[str, Case],
    chosen_configs: pd.DataFrame,
    evaluation: EvaluationParams,
    params: FusionParams,
    **generators: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let the validation users of each slice choose how its sources are fused.

    Args:
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        feat_items: Items with what is known of them, in catalogue order; for the rules.
        validation_cases: Validation users by slice.
        chosen_configs: Tuned systems.
        evaluation: Metric and length of the lists.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        The weights of every arm, as ``arms.to_table`` has them; and what was tried, one row per
        (slice, arm, method), none of a slice where too few users could choose.
    """
    cases = {
        name: sample_case(case, params.max_users, params.seed)
        for name, case in validation_cases.items()
    }
    sources = sources_of(chosen_configs, arms.ADDED)
    listed = _list(
        train_histories,
        synthetic_users,
        demographics_matrix,
        cases,
        sources,
        evaluation,
        params,
        generators,
    )
    rules = rules_of(params.rules, feat_items)
    choose = partial(measuring.choose, rules=rules, evaluation=evaluation, params=params)
    found = {name: choose(cases[name], sources[name], own) for name, own in listed.items()}
    tried = [table.assign(**{Columns.SLICE: name}) for name, (_, table) in found.items()]
    blends = {name: own for name, (own, _) in found.items()}
    # Where no slice could choose, the table has no rows; its columns it keeps.
    columns = [*arms.TRIED, Columns.SLICE]
    return arms.to_table(blends), pd.concat(tried, ignore_index=True).reindex(columns=columns)


def score_fusion(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    demographics_matrix: pd.DataFrame,
    feat_items: pd.DataFrame,
    item_matrix: pd.DataFrame,
    test_cases: dict[str, Case],
    chosen_configs: pd.DataFrame,
    weights: pd.DataFrame,
    evaluation: EvaluationParams,
    params: FusionParams,
    **generators: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score what was chosen on the test users; no choice is made here.

    Args:
        train_histories: Real training users.
        synthetic_users: Sets of synthetic users by name.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        feat_items: Items with what is known of them, in catalogue order; for the rules.
        item_matrix: ``item_id`` and one column per feature, in catalogue order.
        test_cases: Test users by slice.
        chosen_configs: Tuned systems.
        weights: What ``choose_weights`` chose.
        evaluation: Metric and length of the lists.
        params: Parameters of the pipeline.
        **generators: Trained generators by name.

    Returns:
        Scores of every test user under every arm, as the experiment has them; and the trade-off
        between right lists and varied ones, one row per (slice, balance).
    """
    blends = arms.from_table(weights)
    sources = {
        name: own for name, own in sources_of(chosen_configs, arms.ADDED).items() if name in blends
    }
    listed = _list(
        train_histories,
        synthetic_users,
        demographics_matrix,
        test_cases,
        sources,
        evaluation,
        params,
        generators,
    )
    rules = rules_of(params.rules, feat_items)
    features = item_matrix.drop(columns=Columns.ITEM).to_numpy(np.float32)
    parts, curves = [], []
    for name, own in listed.items():
        score = partial(measuring.score, rules=rules, evaluation=evaluation, params=params)
        scores, curve = score(test_cases[name], sources[name], own, blends[name], features)
        parts.append(scores)
        curves.append(curve)
    return pd.concat(parts, ignore_index=True), pd.concat(curves, ignore_index=True)


def declare_experiment(scores: pd.DataFrame, evaluation: EvaluationParams) -> dict[str, Any]:
    """Put down what is compared, ready for JSON.

    Args:
        scores: What ``score_fusion`` scored.
        evaluation: Metric, resampling and correction.
    """
    slices = scores[Columns.SLICE].unique()
    return arms.declare(evaluation.target, slices, **comparison_settings(evaluation)).model_dump(
        mode="json"
    )


def draw_trade_off(trade_off: pd.DataFrame, evaluation: EvaluationParams) -> go.Figure:
    """Draw what variety costs.

    Args:
        trade_off: The table of ``score_fusion``.
        evaluation: The metric.
    """
    return figures.trade_off(trade_off, evaluation.target)


def _list(
    train: Histories,
    synthetic: Mapping[str, Histories],
    demographics: pd.DataFrame,
    cases: Mapping[str, Case],
    sources: Mapping[str, list[Source]],
    evaluation: EvaluationParams,
    params: FusionParams,
    generators: Mapping[str, Any],
) -> Listed:
    return list_candidates(
        train,
        synthetic,
        _completers(train, demographics, evaluation, generators),
        cases,
        sources,
        params.depth,
        completion_top=evaluation.completion_top,
        workers=evaluation.workers,
    )


def _completers(
    train: Histories,
    demographics: pd.DataFrame,
    evaluation: EvaluationParams,
    generators: Mapping[str, Any],
) -> dict[str, Completer]:
    """Completer by completion arm of those whose lists are fused."""
    draws, seed = evaluation.completion_draws, evaluation.seed
    wanted = [arm for arm in arms.ADDED if arm in COMPLETED_BY and arm in evaluation.arms]
    return completers_of(wanted, train, generators, demographics, draws, seed)
