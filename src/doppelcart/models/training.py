"""Adversarial training of a generator and its critic, with data-driven checkpoints."""

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

from doppelcart.errors import TrainingDivergedError
from doppelcart.histories import Histories
from doppelcart.models import objectives
from doppelcart.models.batches import Batch, ProfileBlocks, make_batch
from doppelcart.models.config import TrainingConfig
from doppelcart.models.networks import PROFILE_INPUTS
from doppelcart.models.state import Progress, TrainingState

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_SAVES = 10.0

Evaluate = Callable[[Any], dict[str, float]]


@dataclass
class Trained:
    """What training yields.

    Args:
        generator: Averaged weights of the chosen epoch.
        critic: Critic of the last epoch.
        history: One row an epoch: losses, gradient norms, seconds, and the validation
            metrics of the epochs that were looked at.
        best_epoch: The epoch whose generator was kept.
    """

    generator: keras.Model
    critic: keras.Model
    history: pd.DataFrame
    best_epoch: int
    steps_per_second: float = field(default=float("nan"))


class Game:
    """One generator against one critic: the two optimisers and the compiled step of each."""

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        config: TrainingConfig,
        adversarial_weight: float,
    ):
        self.generator, self.critic, self.config = generator, critic, config
        self.averaged = keras.models.clone_model(generator)
        self.averaged.set_weights(generator.get_weights())
        self.adversarial_weight = adversarial_weight
        self.generator_optimizer = keras.optimizers.AdamW(
            config.learning_rate, beta_1=0.5, beta_2=0.99, weight_decay=config.weight_decay
        )
        self.critic_optimizer = keras.optimizers.Adam(
            config.critic_learning_rate, beta_1=0.0, beta_2=0.99
        )
        self.generator_optimizer.build(generator.trainable_variables)
        self.critic_optimizer.build(critic.trainable_variables)
        self.critic_step = tf.function(self._critic_step, reduce_retracing=True)
        self.generator_step = tf.function(self._generator_step, reduce_retracing=True)

    @property
    def variables(self) -> list[keras.Variable]:
        """Every number that training changes, in a fixed order."""
        return [
            *self.generator.variables,
            *self.critic.variables,
            *self.averaged.variables,
            *self.generator_optimizer.variables,
            *self.critic_optimizer.variables,
        ]

    def _logits(self, batch: dict[str, tf.Tensor], seed: tf.Tensor) -> tf.Tensor:
        noise_units = self.generator.input["noise"].shape[-1]
        noise = tf.random.stateless_normal((tf.shape(batch["seen"])[0], noise_units), seed)
        profile = {name: batch[name] for name in PROFILE_INPUTS}
        return self.generator({"history": batch["seen"], "noise": noise, **profile}, training=True)

    def _fake(self, logits: tf.Tensor, seen: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        drawn = objectives.gumbel_sigmoid(logits, self.config.temperature, seed)
        return seen + (1.0 - seen) * drawn

    def _score(self, batch: dict[str, tf.Tensor]) -> objectives.Score:
        condition = {name: batch[name] for name in ("seen", *PROFILE_INPUTS)}

        def score(full: tf.Tensor) -> tf.Tensor:
            return self.critic({"full": full, **condition}, training=True)

        return score

    def _critic_step(self, batch: dict[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
        fake = tf.stop_gradient(self._fake(self._logits(batch, seed), batch["seen"], seed + 1))
        with tf.GradientTape() as tape:
            loss, margin = objectives.critic_loss(
                self.config.adversarial_loss,
                self._score(batch),
                batch["full"],
                fake,
                self.config.gradient_penalty,
                seed + 2,
            )
        gradients = tape.gradient(loss, self.critic.trainable_variables)
        self.critic_optimizer.apply(gradients, self.critic.trainable_variables)
        return {
            "critic_loss": loss,
            "critic_margin": margin,
            "critic_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _generator_step(self, batch: dict[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits = self._logits(batch, seed)
            reconstruction = self._reconstruction(logits, batch)
            loss = self.config.reconstruction_weight * reconstruction
            adversarial = tf.zeros(())
            if self.adversarial_weight > 0:
                adversarial = self._adversarial(logits, batch, seed + 1)
                loss += self.adversarial_weight * adversarial
        gradients = tape.gradient(loss, self.generator.trainable_variables)
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)
        for average, value in zip(
            self.averaged.trainable_variables, self.generator.trainable_variables, strict=True
        ):
            average.assign(self.config.ema_decay * average + (1.0 - self.config.ema_decay) * value)
        return {
            "generator_loss": loss,
            "adversarial_loss": adversarial,
            "reconstruction_loss": reconstruction,
            "generator_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _adversarial(
        self, logits: tf.Tensor, batch: dict[str, tf.Tensor], seed: tf.Tensor
    ) -> tf.Tensor:
        rows = objectives.generator_loss(
            self.config.adversarial_loss,
            self._score(batch),
            batch["full"],
            self._fake(logits, batch["seen"], seed),
        )
        is_new = batch["is_new"][:, 0]
        share = is_new + (1.0 - is_new) * self.config.completion_adversarial_share
        return tf.reduce_mean(share * rows)

    def _reconstruction(self, logits: tf.Tensor, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        """Mean over the rows that something is known of: items, or a behavioural profile.

        Of a new user of whom nothing is known there is nothing to reconstruct but the
        average, which would teach the generator to ignore its noise. Without a critic the
        average is all there is to learn of them.
        """
        rows = objectives.reconstruction_loss(logits, batch["full"], batch["seen"])
        weight = 1.0 - (batch["is_new"] * (1.0 - batch["behaviour_known"]))[:, 0]
        if self.adversarial_weight == 0:
            weight = tf.ones_like(weight)
        return tf.reduce_sum(weight * rows) / tf.maximum(tf.reduce_sum(weight), 1.0)


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
        yield make_batch(histories, profiles, users, n_new, config.profile_known_share, rng)


def run_epoch(
    game: Game, histories: Histories, profiles: ProfileBlocks, epoch: int
) -> dict[str, float]:
    """Train one epoch and return the mean of each loss and gradient norm."""
    config = game.config
    seeds = np.random.default_rng([config.seed, epoch, 1])
    logs: dict[str, list[float]] = {}
    for batch in batches(histories, profiles, config, epoch):
        tensors = {name: tf.constant(values) for name, values in batch.items()}
        step_logs: dict[str, tf.Tensor] = {}
        if game.adversarial_weight > 0:
            for _ in range(config.critic_steps):
                step_logs |= game.critic_step(tensors, _seed(seeds))
        step_logs |= game.generator_step(tensors, _seed(seeds))
        for name, value in step_logs.items():
            logs.setdefault(name, []).append(float(value))
    return {name: float(np.mean(values)) for name, values in logs.items()}


def steps_an_epoch(n_users: int, batch_size: int) -> int:
    """Generator steps an epoch; a last batch that is not full is left out."""
    return max(n_users // min(batch_size, n_users), 1)


def _seed(rng: np.random.Generator) -> tf.Tensor:
    return tf.constant(rng.integers(0, 2**30, 2), tf.int32)


def train(
    game: Game,
    histories: Histories,
    profiles: ProfileBlocks,
    evaluate: Evaluate,
    state: TrainingState | None = None,
    label: str = "generator",
) -> Trained:
    """Train to the last epoch and keep the generator that did best on validation users.

    Args:
        game: Networks and optimisers; changed in place.
        histories: Training users.
        profiles: Their profiles, row by row.
        evaluate: Maps a generator to validation metrics, among them ``selection``, which is
            maximised. Losses choose nothing: an adversarial loss says who is winning the
            game, not how good the data is.
        state: Where to keep what is needed to resume; None keeps nothing.
        label: Name on the progress bar.

    Raises:
        TrainingDivergedError: Losses stopped being finite before any checkpoint was made.
        KeyboardInterrupt: After the state was saved; training again resumes from it.
    """
    config = game.config
    progress = state.load(game.variables) if state else Progress()
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
            row["seconds"] = time.perf_counter() - begin
            if not _is_sound(row, game):
                row["generator_loss"] = float("nan")
                progress.rows.append(row)
                _fall_back(label, epoch, progress)
                break
            if epoch % config.evaluate_every == 0 or epoch == config.epochs:
                row |= evaluate(game.averaged)
                progress.keep_best(epoch, row["selection"], game.averaged.get_weights())
            progress.rows.append(row)
            progress.epoch = epoch
            bar.update()
            bar.set_postfix(_shown(row))
            due = time.perf_counter() - saved > SECONDS_BETWEEN_SAVES
            if state and (due or epoch % config.evaluate_every == 0):
                state.save(game.variables, progress)
                saved = time.perf_counter()
    except KeyboardInterrupt:
        if state:
            logger.warning(
                "Training of the %s was interrupted in epoch %d; the next run %s.",
                label,
                progress.epoch + 1,
                f"resumes from epoch {state.last_saved_epoch}"
                if state.last_saved_epoch
                else "begins again, since no epoch had been saved",
            )
        raise
    finally:
        bar.close()
    if state:
        state.clear()
    game.averaged.set_weights(progress.best_weights)
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
    return bool(np.isfinite(row["generator_loss"])) and all(
        np.isfinite(weights).all() for weights in game.averaged.get_weights()
    )


def _fall_back(label: str, epoch: int, progress: Progress) -> None:
    if progress.best_weights is None:
        raise TrainingDivergedError(
            f"Training of the {label} diverged in epoch {epoch}: its loss is not a finite "
            "number, and no checkpoint had been made. Lower gan.training.learning_rate, or "
            "raise gan.training.gradient_penalty."
        )
    logger.warning(
        "Training of the %s diverged in epoch %d: falling back to epoch %d. A lower "
        "gan.training.learning_rate or a higher gradient_penalty may help.",
        label,
        epoch,
        progress.best_epoch,
    )


def _shown(row: dict[str, float]) -> dict[str, str]:
    names = ("generator_loss", "critic_margin", "selection")
    return {name: f"{row[name]:.3f}" for name in names if name in row}
