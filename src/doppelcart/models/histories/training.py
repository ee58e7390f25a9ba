"""Training epoch by epoch: batches, looks at validation users, checkpoints, recovery."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from doppelcart.adversarial.state import Progress, TrainingState
from doppelcart.data.histories import Histories
from doppelcart.errors import TrainingDivergedError
from doppelcart.models.histories.batches import Batch, ProfileBlocks, make_batch
from doppelcart.models.histories.config import TrainingConfig
from doppelcart.models.histories.game import Game

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_SAVES = 10.0
DIVERGENCE_ADVICE = "Lower gan.training.learning_rate, or raise gan.training.gradient_penalty."

Evaluate = Callable[[Any], dict[str, float]]
OnLook = Callable[[int, dict[str, float]], None]


def look_away(epoch: int, metrics: dict[str, float]) -> None:
    """Do nothing at a look at validation users."""


@dataclass
class Trained:
    """What training yields.

    Args:
        generator: Averaged weights of the chosen epoch.
        critic: Critic of that epoch; of a VAE its encoder.
        history: One row an epoch: losses, gradient norms, learning rate, seconds, and the
            validation metrics of the epochs that were looked at. An epoch that diverged has an
            undefined ``generator_loss``.
        best_epoch: The epoch whose generator was kept.
    """

    generator: keras.Model
    critic: keras.Model
    history: pd.DataFrame
    best_epoch: int
    steps_per_second: float = field(default=float("nan"))


def batches(
    histories: Histories, profiles: ProfileBlocks, config: TrainingConfig, epoch: int
) -> Iterator[Batch]:
    """The batches of an epoch; the same for the same seed and epoch, whatever came before."""
    rng = np.random.default_rng([config.seed, epoch])
    size = min(config.batch_size, histories.n_users)
    order = rng.permutation(histories.n_users)
    n_new = round(config.new_user_share * size)
    for start in range(0, len(order) - size + 1, size):
        users = order[start : start + size]
        yield make_batch(histories, profiles, users, n_new, config, rng)


def run_epoch(
    game: Game, histories: Histories, profiles: ProfileBlocks, epoch: int
) -> dict[str, float]:
    """Train one epoch and return the mean of each loss and gradient norm."""
    config = game.config
    seeds = step_seeds(config.seed, epoch)
    logs: dict[str, list[float]] = {}
    for batch in batches(histories, profiles, config, epoch):
        tensors = {name: tf.constant(values) for name, values in batch.items()}
        for name, value in game.step(tensors, seeds, epoch).items():
            logs.setdefault(name, []).append(float(value))
    return {name: float(np.mean(values)) for name, values in logs.items()}


def steps_an_epoch(n_users: int, batch_size: int) -> int:
    """Generator steps an epoch; a last batch that is not full is left out."""
    return max(n_users // min(batch_size, n_users), 1)


def step_seeds(seed: int, epoch: int) -> Iterator[tf.Tensor]:
    """The seeds of an epoch's steps, one after the other, without end."""
    rng = np.random.default_rng([seed, epoch, 1])
    while True:
        yield tf.constant(rng.integers(0, 2**30, 2), tf.int32)


def train(
    game: Game,
    histories: Histories,
    profiles: ProfileBlocks,
    evaluate: Evaluate,
    state: TrainingState | None = None,
    label: str = "generator",
    on_look: OnLook = look_away,
) -> Trained:
    """Train to the last epoch and keep the generator that did best on validation users.

    If losses or weights stop being finite, generator, critic and optimisers return to the best
    checkpoint so far, or to the beginning if there is none, and the next epoch goes on at half the
    learning rates; after ``max_recoveries`` of that, training ends there.

    Args:
        game: Networks and optimisers; changed in place.
        histories: Training users.
        profiles: Their profiles, row by row.
        evaluate: Maps a generator to validation metrics, among them ``selection``, which is
            maximised. Losses choose nothing: an adversarial loss says who is winning the
            game, not how good the data is.
        state: Where to keep what is needed to resume, written at every look and, in between, at
            the end of an epoch once the last one is ``SECONDS_BETWEEN_SAVES`` old; None keeps
            nothing.
        label: Name on the progress bar.
        on_look: Told the epoch and the validation metrics of every look; what it raises ends
            the training.

    Raises:
        TrainingDivergedError: It diverged as often as that before any checkpoint was made.
        KeyboardInterrupt: Nothing is saved then, since weights in the middle of an epoch are no
            state to resume from exactly. Training again goes on from the last state that was
            saved, at most ``SECONDS_BETWEEN_SAVES`` and an epoch with its look before.
    """
    config = game.config
    progress = state.load(game.variables) if state else Progress()
    if progress.best is None:
        progress.best = [np.asarray(variable).copy() for variable in game.variables]
    if progress.epoch:
        logger.info("Training of the %s resumes from epoch %d.", label, progress.epoch)
    remaining = range(progress.epoch + 1, config.epochs + 1)
    saved = time.perf_counter()
    bar = tqdm(
        total=config.epochs,
        initial=progress.epoch,
        desc=f"Training {label}",
        unit="epoch",
        disable=None,
    )
    try:
        for epoch in remaining:
            begin = time.perf_counter()
            row = {"epoch": float(epoch)} | run_epoch(game, histories, profiles, epoch)
            row["learning_rate"] = float(game.generator_optimizer.learning_rate)
            row["seconds"] = time.perf_counter() - begin
            sound = _is_sound(row, game)
            if not sound:
                row["generator_loss"] = float("nan")
            elif epoch % config.evaluate_every == 0 or epoch == config.epochs:
                looked = evaluate(game.averaged)
                row |= looked
                progress.keep_best(epoch, row["selection"], game.variables)
                on_look(epoch, looked)
            progress.rows.append(row)
            progress.epoch = epoch
            bar.update()
            if not sound and not _recovered(game, progress, label):
                break
            bar.set_postfix(_shown(row))
            due = time.perf_counter() - saved > SECONDS_BETWEEN_SAVES
            if state and (due or epoch % config.evaluate_every == 0):
                state.save(game.variables, progress)
                saved = time.perf_counter()
    except KeyboardInterrupt:
        _say_where_it_resumes(state, progress, label)
        raise
    finally:
        bar.close()
    if state:
        state.clear()
    _check_kept(progress, label)
    game.restore(progress.best, progress.n_diverged)
    table = pd.DataFrame(progress.rows)
    n_steps = steps_an_epoch(histories.n_users, config.batch_size)
    return Trained(
        game.averaged,
        game.critic,
        table,
        progress.best_epoch,
        n_steps / float(table["seconds"].median()),
    )


def _is_sound(row: dict[str, float], game: Game) -> bool:
    """Whether losses are finite, and the weights that the last step left."""
    models = (game.generator, game.critic, game.averaged)
    return bool(np.isfinite(list(row.values())).all()) and all(
        np.isfinite(weights).all() for model in models for weights in model.get_weights()
    )


def _recovered(game: Game, progress: Progress, label: str) -> bool:
    """Return to the best checkpoint at half the learning rates; False if that was tried enough."""
    again = progress.n_diverged <= game.config.max_recoveries
    logger.warning(
        "Training of the %s diverged in epoch %d: falling back to %s%s. %s",
        label,
        progress.epoch,
        f"epoch {progress.best_epoch}" if progress.best_epoch else "its beginning",
        ", at half the learning rates" if again else ", and it ends there",
        DIVERGENCE_ADVICE,
    )
    game.restore(progress.best or [], progress.n_diverged)
    return again


def _check_kept(progress: Progress, label: str) -> None:
    """Stop if training ended without a checkpoint to keep."""
    if progress.best_epoch == 0:
        raise TrainingDivergedError(
            f"Training of the {label} diverged {progress.n_diverged} times, the last time in "
            f"epoch {progress.epoch}: its losses or weights are not finite numbers, and no "
            f"checkpoint had been made. {DIVERGENCE_ADVICE}"
        )


def _say_where_it_resumes(state: TrainingState | None, progress: Progress, label: str) -> None:
    if state is None:
        return
    logger.warning(
        "Training of the %s was interrupted in epoch %d; the next run %s.",
        label,
        progress.epoch + 1,
        f"resumes from epoch {state.last_saved_epoch}"
        if state.last_saved_epoch
        else "begins again, since no epoch had been saved",
    )


def _shown(row: dict[str, float]) -> dict[str, str]:
    names = ("generator_loss", "critic_margin", "selection")
    return {name: f"{row[name]:.3f}" for name in names if name in row}
