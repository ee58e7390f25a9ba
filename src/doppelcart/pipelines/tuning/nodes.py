"""Nodes of the tuning pipeline."""

from __future__ import annotations

import gc
import logging
from typing import Any

import numpy as np
import pandas as pd

from doppelcart import search
from doppelcart.cases import Case
from doppelcart.columns import Columns
from doppelcart.errors import TrainingDivergedError
from doppelcart.histories import Histories
from doppelcart.models import space
from doppelcart.pipelines.gan.nodes import check_trainable, fingerprint, profile_rows
from doppelcart.pipelines.gan.params import GameParams, NetworkConfig, TrainingConfig
from doppelcart.pipelines.tuning.params import TuningParams

logger = logging.getLogger(__name__)


def search_parameters(
    train_histories: Histories,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    item_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    network: NetworkConfig,
    training: TrainingConfig,
    game: GameParams,
    params: TuningParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train the generator with one set of parameters after another, or go on doing so.

    Args:
        train_histories: Training users.
        profile_matrix: ``user_id`` and the behaviour columns of the training users.
        demographics_matrix: ``user_id`` and the demographic columns of all users.
        item_matrix: ``item_id`` and item features, in catalogue order.
        validation_cases: Validation users, who judge every trial.
        network: Sizes, where they are not searched.
        training: How to train, where it is not searched.
        game: What trains the generator.
        params: What is searched, and how long.

    Returns:
        One row a trial, and the importance of each parameter.

    Raises:
        MissingExtraError: Optuna is not installed.
        InputError: There are too few users or items to learn from.
        ParameterError: There is no validation slice of the name given.
    """
    check_trainable(train_histories, validation_cases, game)
    data = {
        "histories": train_histories,
        "demographics": profile_rows(demographics_matrix, train_histories.user_ids),
        "behaviour": profile_rows(profile_matrix, train_histories.user_ids),
        "item_features": item_matrix.drop(columns=Columns.ITEM).to_numpy(np.float32),
        "validation": validation_cases[game.selection_slice],
    }
    study = search.open_study(params.study, identity(data, network, training, game, params))
    search.search(
        study,
        objective(data, network, training, game),
        params.space,
        params.study,
        first=space.current(params.space, network, training),
    )
    return (
        search.trials_table(study, params.space),
        search.importances(study, params.space, params.study),
    )


def identity(
    data: dict[str, Any],
    network: NetworkConfig,
    training: TrainingConfig,
    game: GameParams,
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
        (game.family, game.adversarial_weight, game.selection_slice),
        params.space,
        params.study.seed,
    )


def objective(
    data: dict[str, Any], network: NetworkConfig, training: TrainingConfig, game: GameParams
) -> search.Objective:
    """Train with some values; what counts is the checkpoint that would be kept."""
    from doppelcart.models.fitting import fit

    def value_of(values: dict[str, space.Choice], report: search.Report) -> float:
        sizes, schedule = space.apply(values, network, training)

        def on_look(epoch: int, metrics: dict[str, float]) -> None:
            report(epoch, metrics["selection"], epoch == schedule.epochs)

        try:
            trained, _ = fit(
                **data,
                network=sizes,
                training=schedule,
                adversarial_weight=game.adversarial_weight,
                name=game.name,
                family=game.family,
                on_look=on_look,
            )
            return float(trained.history["selection"].max())
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
        trials: One row a trial.
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
