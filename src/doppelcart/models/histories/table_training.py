"""From the tables of a run to a trained generator, whatever trains it."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.models.histories.generation import profile_rows
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.models.histories.preparation import (
    TrainerParams,
    check_trainable,
    fingerprint,
    selection_slice,
)

logger = logging.getLogger(__name__)


def train_on_tables(
    train_histories: Histories,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    item_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    network: NetworkConfig,
    training: TrainingConfig,
    trainer: TrainerParams,
) -> tuple[Any, Any, pd.DataFrame, pd.DataFrame]:
    """Train a generator, and the network that trains it, on the training users.

    Args:
        train_histories: Training users.
        profile_matrix: ``user_id`` and the behaviour columns of the training users.
        demographics_matrix: ``user_id`` and the demographic columns of all users.
        item_matrix: ``item_id`` and item features, in catalogue order.
        validation_cases: Validation users, who choose the checkpoint and nothing else.
        network: Sizes of the networks.
        training: How to train.
        trainer: Name, family and what chooses the checkpoint.

    Returns:
        Generator, its critic or encoder, one row per epoch, and the monitors' findings.

    Raises:
        InputError: There are too few users or items to learn from.
        ParameterError: There is no validation slice of the name given.
    """
    from doppelcart.models.histories.fitting import fit

    check_trainable(train_histories, validation_cases, trainer)
    demographics = profile_rows(demographics_matrix, train_histories.user_ids)
    behaviour = profile_rows(profile_matrix, train_histories.user_ids)
    features = item_matrix.drop(columns=Columns.ITEM).to_numpy(np.float32)
    validation = validation_cases[selection_slice(validation_cases, trainer)]
    data = (behaviour, demographics, features, validation.seen.items, validation.relevant.items)
    trained, monitors = fit(
        train_histories,
        demographics,
        behaviour,
        features,
        validation,
        network,
        training,
        trainer.adversarial_weight,
        trainer.name,
        trainer.state_folder / f"{trainer.name}.npz",
        fingerprint(train_histories, *data, network, training, trainer),
        family=trainer.family,
    )
    for row in monitors[monitors["status"] == "warning"].itertuples():
        logger.warning(
            "%s, %s: %.4g (limit: %s). %s",
            trainer.name,
            row.monitor,
            row.value,
            row.limit,
            row.advice,
        )
    logger.info(
        "%s: epoch %d kept, %.2f steps per second",
        trainer.name,
        trained.best_epoch,
        trained.steps_per_second,
    )
    return trained.generator, trained.critic, trained.training_log, monitors
