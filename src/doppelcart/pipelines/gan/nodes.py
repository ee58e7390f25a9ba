"""Nodes of the gan pipeline."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import Slice
from doppelcart.errors import InputError, ParameterError
from doppelcart.metrics.summaries import row_keys
from doppelcart.models.histories.generation import profile_rows
from doppelcart.pipelines.gan.params import GameParams, NetworkConfig, TrainingConfig

logger = logging.getLogger(__name__)


def train_generator(
    train_histories: Histories,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    item_matrix: pd.DataFrame,
    validation_cases: dict[str, Case],
    network: NetworkConfig,
    training: TrainingConfig,
    game: GameParams,
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
        game: What this instance is.

    Returns:
        Generator, its critic or encoder, one row an epoch, and the monitors' findings.

    Raises:
        InputError: There are too few users or items to learn from.
        ParameterError: There is no validation slice of the name given.
    """
    from doppelcart.models.histories.fitting import fit

    check_trainable(train_histories, validation_cases, game)
    demographics = profile_rows(demographics_matrix, train_histories.user_ids)
    behaviour = profile_rows(profile_matrix, train_histories.user_ids)
    features = item_matrix.drop(columns=Columns.ITEM).to_numpy(np.float32)
    validation = validation_cases[selection_slice(validation_cases, game)]
    data = (behaviour, demographics, features, validation.seen.items, validation.relevant.items)
    trained, monitors = fit(
        train_histories,
        demographics,
        behaviour,
        features,
        validation,
        network,
        training,
        game.adversarial_weight,
        game.name,
        game.state_folder / f"{game.name}.npz",
        fingerprint(train_histories, *data, network, training, game),
        family=game.family,
    )
    for row in monitors[monitors["status"] == "warning"].itertuples():
        logger.warning(
            "%s, %s: %.4g (limit: %s). %s",
            game.name,
            row.monitor,
            row.value,
            row.limit,
            row.advice,
        )
    logger.info(
        "%s: epoch %d kept, %.2f steps a second",
        game.name,
        trained.best_epoch,
        trained.steps_per_second,
    )
    return trained.generator, trained.critic, trained.history, monitors


def check_trainable(
    histories: Histories, validation_cases: dict[str, Case], game: GameParams
) -> None:
    """Stop before the networks are built if there is nothing to train on or select by.

    Raises:
        InputError: Fewer than two users or items, or users all alike.
        ParameterError: No such validation slice, and none of fewer known items.
    """
    if histories.n_users < 2 or histories.n_items < 2:
        raise InputError(
            f"A generator needs at least 2 training users and 2 items, but there are "
            f"{histories.n_users:,} and {histories.n_items:,}. Loosen cleaning.support, or bring "
            "more of the log."
        )
    chosen_by = selection_slice(validation_cases, game)
    if chosen_by != game.selection_slice:
        logger.warning(
            "%s: no validation user has enough items for %s.game.selection_slice %r; the "
            "checkpoint is chosen by %r instead",
            game.name,
            game.name,
            game.selection_slice,
            chosen_by,
        )
    if len(set(row_keys(histories.matrix))) == 1:
        raise InputError(
            f"All {histories.n_users:,} training users have the same history: there is nothing "
            "to learn from how they differ. Check the user column of the source."
        )


def selection_slice(validation_cases: Mapping[str, Case], game: GameParams) -> str:
    """The slice that chooses the checkpoint: the one asked for, or the nearest of fewer items.

    A shop whose customers buy few different things has nobody left to whom five items could be
    shown; its generator is then judged on those who have shown as many as there are.

    Args:
        validation_cases: Validation users by slice; slices without users are not there.
        game: What is asked for.

    Raises:
        ParameterError: Neither is there.
    """
    wanted = game.selection_slice
    if wanted in validation_cases:
        return wanted
    revealed = {name: _revealed(name) for name in validation_cases}
    fewer = [name for name, count in revealed.items() if 0 <= count < _revealed(wanted)]
    if not fewer:
        raise ParameterError(
            f"{game.name}.game.selection_slice is {wanted!r}, but the validation slices are: "
            f"{', '.join(validation_cases) or 'none'}."
        )
    return max(fewer, key=lambda name: revealed[name])


def _revealed(name: str) -> int:
    """How many items a slice of new customers reveals, as in its name; -1 for any other slice."""
    known = Slice.of(name).known_items
    return -1 if known is None else known


def fingerprint(histories: Histories, *parts: Any) -> str:
    """A digest of data and configuration: a saved state of another digest is not resumed."""
    digest = hashlib.sha256()
    for array in (histories.indptr, histories.items):
        digest.update(np.ascontiguousarray(array).tobytes())
    for part in parts:
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()
