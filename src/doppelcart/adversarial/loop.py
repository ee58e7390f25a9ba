"""Training epoch by epoch: evaluation, checkpoints, resuming, recovery from divergence."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from doppelcart.adversarial.hyperparameters import TrainerConfig
from doppelcart.adversarial.rows import Batches
from doppelcart.adversarial.state import Progress, TrainingState
from doppelcart.adversarial.trainer import Trainer
from doppelcart.errors import TrainingDivergedError
from doppelcart.progress import progress as progress_of

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_SAVES = 30.0

Evaluate = Callable[[Any], dict[str, float]]
"""A generator -> metrics of what it makes, among them ``selection``, which is maximised."""
OnEvaluation = Callable[[int, dict[str, float]], None]
"""Told the epoch and the metrics of every evaluation."""


def tell_nobody(epoch: int, metrics: dict[str, float]) -> None:
    """Do nothing after an evaluation."""


@dataclass
class Trained:
    """What training yields.

    Args:
        generator: Averaged weights of the chosen epoch.
        critic: The network that was trained beside it, of that epoch; None if there was none.
        training_log: One row per epoch: losses, gradient norms, learning rate, seconds, and the
            metrics of the epochs that were evaluated. An epoch that diverged has an undefined
            ``generator_loss``.
        best_epoch: The epoch whose generator was kept.
        steps_per_second: Of the median epoch.
    """

    generator: keras.Model
    critic: keras.Model | None
    training_log: pd.DataFrame
    best_epoch: int
    steps_per_second: float


def run_epoch(trainer: Trainer, batches: Batches, epoch: int) -> dict[str, float]:
    """Train one epoch and return the mean of each loss and gradient norm."""
    seeds = step_seeds(trainer.config.seed, epoch)
    logs: dict[str, list[float]] = {}
    for batch in batches(epoch):
        tensors = {name: tf.constant(values) for name, values in batch.items()}
        for name, value in trainer.step(tensors, seeds, epoch).items():
            logs.setdefault(name, []).append(float(value))
    return {name: float(np.mean(values)) for name, values in logs.items()}


def step_seeds(seed: int, epoch: int) -> Iterator[tf.Tensor]:
    """The seeds of an epoch's steps, one after the other, without end."""
    rng = np.random.default_rng([seed, epoch, 1])
    while True:
        yield tf.constant(rng.integers(0, 2**30, 2), tf.int32)


def train(
    trainer: Trainer,
    batches: Batches,
    evaluate: Evaluate,
    state: TrainingState | None = None,
    label: str = "generator",
    on_evaluation: OnEvaluation = tell_nobody,
) -> Trained:
    """Train to the last epoch and keep the generator that did best by a metric of its data.

    If losses or weights stop being finite, networks and optimisers return to the best checkpoint
    so far, or to the beginning if there is none, and the next epoch goes on at half the learning
    rates; after ``max_recoveries`` of that, training ends there.

    Args:
        trainer: Networks and optimisers; changed in place.
        batches: Training data.
        evaluate: Maps a generator to metrics on validation data, among them ``selection``, which
            is maximised. Losses choose nothing: an adversarial loss says who is winning, not how
            good the data is.
        state: Where to keep what is needed to resume, written at every evaluation and, in between,
            at the end of an epoch once the last one is ``SECONDS_BETWEEN_SAVES`` old; None keeps
            nothing.
        label: Name on the progress bar.
        on_evaluation: Told the epoch and the metrics of every evaluation; what it raises ends the
            training.

    Raises:
        TrainingDivergedError: It diverged as often as that before any checkpoint was made.
        KeyboardInterrupt: Nothing is saved then, since weights in the middle of an epoch are no
            state to resume from exactly. Training again goes on from the last state that was
            saved, at most ``SECONDS_BETWEEN_SAVES`` and an epoch with its evaluation before.
    """
    config = trainer.config
    progress = state.load(trainer.variables) if state else Progress()
    if progress.best is None:
        progress.best = [np.asarray(variable).copy() for variable in trainer.variables]
    if progress.epoch:
        logger.info("Training of the %s resumes from epoch %d.", label, progress.epoch)
    remaining = range(progress.epoch + 1, config.epochs + 1)
    saved = time.perf_counter()
    bar = progress_of(config.epochs, f"training {label}", "epoch", progress.epoch)
    try:
        for epoch in remaining:
            begin = time.perf_counter()
            row = {"epoch": float(epoch)} | run_epoch(trainer, batches, epoch)
            row["learning_rate"] = float(trainer.generator_optimizer.learning_rate)
            row["seconds"] = time.perf_counter() - begin
            sound = _is_sound(row, trainer)
            if not sound:
                row["generator_loss"] = float("nan")
            elif epoch % config.evaluate_every == 0 or epoch == config.epochs:
                metrics = evaluate(trainer.averaged)
                row |= metrics
                progress.keep_best(epoch, row["selection"], trainer.variables)
                on_evaluation(epoch, metrics)
            progress.rows.append(row)
            progress.epoch = epoch
            bar.update()
            if not sound and not _recovered(trainer, progress, label):
                break
            bar.set_postfix(_shown(row))
            due = time.perf_counter() - saved > SECONDS_BETWEEN_SAVES
            if state and epoch < config.epochs and (due or epoch % config.evaluate_every == 0):
                state.save(trainer.variables, progress)
                saved = time.perf_counter()
    except KeyboardInterrupt:
        _say_where_it_resumes(state, progress, label)
        raise
    finally:
        bar.close()
    if state:
        state.clear()
    _check_kept(progress, label, config)
    trainer.restore(progress.best, progress.n_diverged)
    table = pd.DataFrame(progress.rows)
    return Trained(
        trainer.averaged,
        trainer.critic,
        table,
        progress.best_epoch,
        batches.steps_per_epoch / float(table["seconds"].median()),
    )


def divergence_advice(config: TrainerConfig) -> str:
    """What to try where training diverged."""
    return (
        f"Lower {config.name_of('learning_rate')}, or raise {config.name_of('gradient_penalty')}."
    )


def _is_sound(row: dict[str, float], trainer: Trainer) -> bool:
    """Whether losses are finite, and the weights that the last step left."""
    # A sum is finite only if all that it adds is, and makes no copy.
    return bool(np.isfinite(list(row.values())).all()) and all(
        np.isfinite(float(tf.reduce_sum(weights)))
        for network in trainer.networks
        for weights in network.weights
        if weights.dtype.startswith("float")
    )


def _recovered(trainer: Trainer, progress: Progress, label: str) -> bool:
    """Return to the best checkpoint at half the learning rates; False if that was tried enough."""
    again = progress.n_diverged <= trainer.config.max_recoveries
    logger.warning(
        "Training of the %s diverged in epoch %d: falling back to %s%s. %s",
        label,
        progress.epoch,
        f"epoch {progress.best_epoch}" if progress.best_epoch else "its beginning",
        ", at half the learning rates" if again else ", and it ends there",
        divergence_advice(trainer.config),
    )
    trainer.restore(progress.best or [], progress.n_diverged)
    return again


def _check_kept(progress: Progress, label: str, config: TrainerConfig) -> None:
    """Stop if training ended without a checkpoint to keep."""
    if progress.best_epoch == 0:
        raise TrainingDivergedError(
            f"Training of the {label} diverged {progress.n_diverged} times, the last time in "
            f"epoch {progress.epoch}: its losses or weights are not finite numbers, and no "
            f"checkpoint had been made. {divergence_advice(config)}"
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
