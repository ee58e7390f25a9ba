"""Nodes of the gan pipeline."""

from __future__ import annotations

from typing import Any

import pandas as pd

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.models.histories.preparation import TrainerParams
from doppelcart.models.histories.table_training import train_on_tables


def train_generator(
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
        trainer: What this instance is.

    Returns:
        Generator, its critic or encoder, one row per epoch, and the monitors' findings.

    Raises:
        InputError: There are too few users or items to learn from.
        ParameterError: There is no validation slice of the name given.
    """
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
