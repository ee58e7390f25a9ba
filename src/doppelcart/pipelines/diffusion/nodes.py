"""Nodes of the diffusion pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case, whole_histories
from doppelcart.data.histories import Histories
from doppelcart.experiment.design import Design
from doppelcart.metrics.fidelity import fidelity
from doppelcart.metrics.privacy import privacy
from doppelcart.models.histories.augmentation import AugmentationParams, invent_like
from doppelcart.models.histories.generation import make_network_completer
from doppelcart.models.histories.hyperparameters import DiffusionNetwork, DiffusionTraining
from doppelcart.models.histories.preparation import TrainerParams
from doppelcart.models.histories.table_training import train_on_tables
from doppelcart.pipelines.diffusion import arms
from doppelcart.pipelines.diffusion.params import check_evaluation
from doppelcart.recommendation import design
from doppelcart.recommendation.completion import Completer
from doppelcart.recommendation.protocol import EvaluationParams

OWN = "diffusion"


def train_diffusion(
    train_histories: Histories,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    item_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    network: DiffusionNetwork,
    training: DiffusionTraining,
    trainer: TrainerParams,
    evaluation: EvaluationParams,
) -> tuple[Any, Any, pd.DataFrame, pd.DataFrame]:
    """Train an autoencoder of histories, and a network that undoes noise on its latent vectors.

    Args:
        train_histories: Training users.
        profile_matrix: ``user_id`` and the behaviour columns of the training users.
        demographics_matrix: ``user_id`` and the demographic columns of all users.
        item_matrix: ``item_id`` and item features, in catalogue order.
        validation_cases: Validation users, who choose the checkpoint and nothing else.
        network: Sizes of the networks, steps and guidance.
        training: How to train.
        trainer: Name, and what chooses the checkpoint.
        evaluation: By what it will be judged.

    Returns:
        Generator, its encoder, one row per epoch, and the monitors' findings.

    Raises:
        InputError: There are too few users or items to learn from.
        ParameterError: There is no validation slice of the name given, or the model cannot be
            judged by that evaluation.
    """
    check_evaluation(evaluation, len(validation_cases))
    return train_on_tables(
        train_histories,
        profile_matrix,
        demographics_matrix,
        item_matrix,
        validation_cases,
        network,
        training,
        trainer,
    )


def invent_users(
    generator: Any,
    train_histories: Histories,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    params: AugmentationParams,
) -> Histories:
    """Let the diffusion model invent users of the profiles that the GAN is asked for.

    Args:
        generator: The trained model.
        train_histories: Training users.
        profile_matrix: ``user_id`` and behaviour columns of the training users.
        demographics_matrix: ``user_id`` and demographic columns.
        params: How many, and how their profiles are jittered, as in augmentation.

    Raises:
        InputError: The model was trained for another catalogue.
    """
    n_users = max(1, round(params.ratio * train_histories.n_users))
    return invent_like(
        generator, train_histories, n_users, profile_matrix, demographics_matrix, params
    )


def tune_arms(
    train_histories: Histories,
    users: Histories,
    generator: Any,
    demographics_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    chosen_configs: pd.DataFrame,
    evaluation: EvaluationParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let the arms of the diffusion model choose on validation users, as those of the GAN did.

    Args:
        train_histories: Real training users.
        users: Those that the model generated.
        generator: The trained model.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        validation_cases: Validation users by slice.
        chosen_configs: What evaluation chose.
        evaluation: Grids, levels, metric, users.

    Returns:
        Scores of everything tried; and what was chosen, beside what evaluation chose.
    """
    completer = _completer(generator, demographics_matrix, evaluation)
    tried = arms.tune(train_histories, users, completer, validation_cases, evaluation)
    return tried, arms.choose(tried, chosen_configs)


def score_arms(
    train_histories: Histories,
    users: Histories,
    generator: Any,
    demographics_matrix: pd.DataFrame,
    item_matrix: pd.DataFrame,
    test_cases: dict[str, Case],
    chosen: pd.DataFrame,
    evaluation: EvaluationParams,
) -> pd.DataFrame:
    """Score what was chosen on the test users; no choice is made here.

    Args:
        train_histories: Real training users.
        users: Those that the model generated.
        generator: The trained model.
        demographics_matrix: ``user_id`` and one column per demographic feature.
        item_matrix: ``item_id`` and one column per feature, in catalogue order.
        test_cases: Test users by slice.
        chosen: What ``tune_arms`` chose.
        evaluation: Metric and length of the lists.

    Returns:
        One row per (slice, arm, recommender, user): the metric.
    """
    completer = _completer(generator, demographics_matrix, evaluation)
    features = item_matrix.drop(columns=Columns.ITEM).to_numpy()
    return arms.score(train_histories, users, completer, test_cases, chosen, features, evaluation)


def declare_experiment(
    evaluation_scores: pd.DataFrame,
    user_metrics: pd.DataFrame,
    chosen: pd.DataFrame,
    evaluation: EvaluationParams,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Put down what is compared: every test user under every arm, and the design.

    Args:
        evaluation_scores: What evaluation compared.
        user_metrics: What ``score_arms`` scored.
        chosen: What ``tune_arms`` chose.
        evaluation: Metric, resampling and correction.

    Returns:
        The scores of ``arms.unit_scores``, and the design, ready for JSON.
    """
    scores = arms.unit_scores(evaluation_scores, user_metrics, chosen, evaluation.target)
    declared = arms.declare(chosen, scores[Columns.SLICE].unique(), evaluation)
    return scores, declared.model_dump(mode="json")


def compare_with_best(
    scores: pd.DataFrame, declared: dict[str, Any], chosen: pd.DataFrame
) -> pd.DataFrame:
    """Hold every arm at its best against the best that there is without synthetic data.

    Args:
        scores: The scores of ``declare_experiment``.
        declared: Its design.
        chosen: What ``tune_arms`` chose.

    Returns:
        The table of ``recommendation.design.against_best``.
    """
    return design.against_best(scores, chosen, Design.model_validate(declared))


def measure_shares(
    evaluation_scores: pd.DataFrame,
    user_metrics: pd.DataFrame,
    tstr: pd.DataFrame,
    evaluation: EvaluationParams,
) -> pd.DataFrame:
    """Share of the real score that recommenders trained on synthetic users alone reach.

    Args:
        evaluation_scores: What evaluation compared, the real users among it.
        user_metrics: What ``score_arms`` scored.
        tstr: The shares of the users of others.
        evaluation: Metric, resamples, seed.

    Returns:
        The table of ``recommendation.synthetic_only.tstr``, the users of the model first.
    """
    own = arms.shares_of_real(evaluation_scores, user_metrics, evaluation)
    if own.empty:
        return tstr
    return pd.concat([own, tstr], ignore_index=True)


def measure_likeness(
    train_histories: Histories,
    users: Histories,
    validation_cases: dict[str, Case],
    fidelity_report: pd.DataFrame,
    privacy_report: pd.DataFrame,
    params: AugmentationParams,
) -> pd.DataFrame:
    """How real the model's users look, and whom they resemble too much, beside those of others.

    Args:
        train_histories: Training users.
        users: Those that the model generated.
        validation_cases: Real users that no generator was trained on.
        fidelity_report: How real the users of others look.
        privacy_report: Whom they resemble.
        params: Near copies and the seed, as in augmentation.

    Returns:
        One row per statistic, one column per set of users, ``diffusion`` the first.
    """
    real, made = train_histories.matrix, users.matrix
    rng = np.random.default_rng(params.seed)
    holdout = whole_histories(validation_cases)
    figures = fidelity(real, made, params.seed)
    figures |= privacy(made, real, holdout, rng, params.near_copy_similarity)
    others = pd.concat([fidelity_report, privacy_report]).set_index("statistic")
    own = pd.Series(figures, name=OWN)
    return (
        others.reindex(own.index)
        .assign(**{OWN: own})[[OWN, *others]]
        .reset_index(names="statistic")
    )


def _completer(
    generator: Any, demographics: pd.DataFrame, evaluation: EvaluationParams
) -> Completer:
    draws, seed = evaluation.completion_draws, evaluation.seed
    return make_network_completer(generator, demographics, draws, seed)
