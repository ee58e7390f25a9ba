"""Nodes of the tuning pipeline."""

from __future__ import annotations

import gc
import logging
import math
from typing import Any

import numpy as np
import pandas as pd
import scipy

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import ParameterError, TrainingDivergedError
from doppelcart.models.histories.generation import profile_rows
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.models.histories.preparation import (
    TrainerParams,
    check_trainable,
    fingerprint,
    selection_slice,
)
from doppelcart.pipelines.tuning.params import TuningParams
from doppelcart.progress import tracked
from doppelcart.search import optimisation, space

logger = logging.getLogger(__name__)


def gather_data(
    train_histories: Histories,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    item_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    trainer: TrainerParams,
) -> dict[str, Any]:
    """What every training is given, by the name that ``fit`` has for it.

    Args:
        train_histories: Training users.
        profile_matrix: ``user_id`` and the behaviour columns of the training users.
        demographics_matrix: ``user_id`` and the demographic columns of all users.
        item_matrix: ``item_id`` and item features, in catalogue order.
        validation_cases: Validation users, who judge every trial.
        trainer: What trains the generator.

    Raises:
        InputError: There are too few users or items to learn from.
        ParameterError: There is no validation slice of the name given.
    """
    check_trainable(train_histories, validation_cases, trainer)
    return {
        "histories": train_histories,
        "demographics": profile_rows(demographics_matrix, train_histories.user_ids),
        "behaviour": profile_rows(profile_matrix, train_histories.user_ids),
        "item_features": item_matrix.drop(columns=Columns.ITEM).to_numpy(np.float32),
        "validation": validation_cases[selection_slice(validation_cases, trainer)],
    }


def search_parameters(
    data: dict[str, Any],
    network: NetworkConfig,
    training: TrainingConfig,
    trainer: TrainerParams,
    params: TuningParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train the generator with one set of parameters after another, or go on doing so.

    Args:
        data: As from ``gather_data``.
        network: Sizes, where they are not searched.
        training: How to train, where it is not searched.
        trainer: What trains the generator.
        params: What is searched, and how long.

    Returns:
        One row per trial, and the importance of each parameter.

    Raises:
        MissingExtraError: Optuna is not installed.
        ParameterError: The best trial would be confirmed with the seed that chose it.
    """
    _check_seeds(training, params)
    study = optimisation.open_study(
        params.study, identity(data, network, training, trainer, params)
    )
    optimisation.search(
        study,
        objective(data, network, training, trainer),
        params.space,
        params.study,
        first=space.current(params.space, network, training),
    )
    return (
        optimisation.trials_table(study, params.space),
        optimisation.importances(study, params.space, params.study),
    )


def _check_seeds(training: TrainingConfig, params: TuningParams) -> None:
    if training.seed in params.confirmation_seeds:
        raise ParameterError(
            f"tuning.confirmation_seeds holds {training.seed}, the seed with which every trial is "
            "trained (gan.training.seed): it chose the best trial and cannot confirm it."
        )


def identity(
    data: dict[str, Any],
    network: NetworkConfig,
    training: TrainingConfig,
    trainer: TrainerParams,
    params: TuningParams,
) -> str:
    """A digest of all on which a trial's draw and value depend.

    What the configuration says of a searched parameter is left out: pasting the best trial into it
    does not begin another study.
    """
    searched = set(params.space)
    validation = data["validation"]
    return fingerprint(
        data["histories"],
        data["behaviour"],
        data["demographics"],
        data["item_features"],
        validation.seen.items,
        validation.relevant.items,
        network.model_dump(exclude=searched),
        training.model_dump(exclude=searched),
        (trainer.family, trainer.adversarial_weight, trainer.selection_slice),
        params.space,
        params.study.seed,
    )


def objective(
    data: dict[str, Any], network: NetworkConfig, training: TrainingConfig, trainer: TrainerParams
) -> optimisation.Objective:
    """Train with some values; what counts is the checkpoint that would be kept."""
    from doppelcart.models.histories.fitting import fit

    def value_of(values: dict[str, space.Choice], report: optimisation.Report) -> float:
        sizes, schedule = space.apply(values, network, training)

        def on_evaluation(epoch: int, metrics: dict[str, float]) -> None:
            report(epoch, metrics["selection"], epoch == schedule.epochs)

        try:
            trained, _ = fit(
                **data,
                network=sizes,
                training=schedule,
                adversarial_weight=trainer.adversarial_weight,
                name=trainer.name,
                family=trainer.family,
                on_evaluation=on_evaluation,
            )
            return float(trained.training_log["selection"].max())
        finally:
            forget_networks()

    return value_of


def forget_networks() -> None:
    """Free what Keras keeps of networks that nobody uses any more: trials are many."""
    import keras

    keras.utils.clear_session()
    gc.collect()


def choose_best(trials: pd.DataFrame, params: TuningParams) -> dict[str, Any]:
    """The parameters of the best complete trial, as they stand in a configuration.

    Args:
        trials: One row per trial.
        params: What was searched.

    Returns:
        ``{"gan": {"network": ..., "training": ...}}`` with the searched parameters alone.

    Raises:
        TrainingDivergedError: No trial came to its end.
    """
    complete = trials[trials["state"] == "complete"]
    if complete.empty:
        reasons = trials["reason"].replace("", np.nan).dropna().unique()[:3]
        raise TrainingDivergedError(
            f"None of {len(trials)} trials came to its end, so there is no best one. Reasons: "
            f"{'; '.join(reasons) or 'none were recorded'}. Narrow tuning.space, or give the study "
            "more time."
        )
    best = max(complete.to_dict("records"), key=lambda trial: trial["value"])
    # A file has no other sign for a choice of none.
    values = {name: None if best[name] in (None, "") else best[name] for name in params.space}
    logger.info("Trial %d is the best: %.4f", best["number"], best["value"])
    return {
        "gan": {
            name: own
            for name, model in (("network", NetworkConfig), ("training", TrainingConfig))
            if (own := space.of_model(values, model))
        }
    }


def confirm_best(
    data: dict[str, Any],
    network: NetworkConfig,
    training: TrainingConfig,
    trainer: TrainerParams,
    best: dict[str, Any],
    params: TuningParams,
) -> pd.DataFrame:
    """Train the best trial, and what is configured, with seeds that had no part in the choice.

    The best of many trials owes some of its value to luck, and what is configured need not.

    Args:
        data: As from ``gather_data``.
        network: Sizes as configured.
        training: How to train, as configured.
        trainer: What trains the generator.
        best: As from ``choose_best``.
        params: Holds the seeds.

    Returns:
        One row per seed: the values of ``configured`` and ``best``, undefined where training
        diverged, and their ``difference``.
    """
    found = best["gan"]
    tried = {"configured": {}, "best": {**found.get("network", {}), **found.get("training", {})}}
    rows = []
    for seed in tracked(params.confirmation_seeds, "confirming", "seed"):
        value_of = objective(data, network, training.model_copy(update={"seed": seed}), trainer)
        rows.append({"seed": seed} | {name: _confirmed(value_of, v) for name, v in tried.items()})
    table = pd.DataFrame(rows, columns=["seed", *tried], dtype=float).astype({"seed": int})
    table["difference"] = table["best"] - table["configured"]
    logger.info(confirmation(table["difference"].to_numpy()))
    return table


def _confirmed(value_of: optimisation.Objective, values: dict[str, space.Choice]) -> float:
    try:
        return value_of(values, lambda *_: None)  # nothing is given up halfway
    except TrainingDivergedError as error:
        logger.warning("%s", error)
        return math.nan


def confirmation(differences: np.ndarray, alpha: float = 0.05) -> str:
    """What the differences between the best and what is configured say, by Student's t.

    Args:
        differences: (n_seeds,) best minus configured; NaN where a training diverged.
        alpha: 1 - level of the interval.
    """
    found = interval(differences, alpha)
    if len(differences) < 2:
        return "The best trial was not confirmed: that takes two seeds (tuning.confirmation_seeds)."
    if found is None:
        return (
            f"The best trial was not confirmed: with {np.isnan(differences).sum()} of "
            f"{len(differences)} seeds its training, or that of what is configured, diverged."
        )
    mean, low, high = found
    said = "is better" if low > 0 else "is worse" if high < 0 else "is not known to be better"
    return (
        f"With {len(differences)} seeds that did not choose it, the best trial {said} than what "
        f"is configured: {mean:+.4f} ({low:+.4f} to {high:+.4f})."
    )


def interval(differences: np.ndarray, alpha: float = 0.05) -> tuple[float, float, float] | None:
    """Mean of differences and the ends of its interval, by Student's t; None where undefined.

    Args:
        differences: (n_seeds,) best minus configured; NaN where a training diverged.
        alpha: 1 - level of the interval.
    """
    if len(differences) < 2 or np.isnan(differences).any():
        return None
    mean, error = float(differences.mean()), scipy.stats.sem(differences)
    reach = float(error * scipy.stats.t.ppf(1 - alpha / 2, len(differences) - 1))
    return mean, mean - reach, mean + reach
