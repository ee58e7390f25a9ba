"""Training of a generator and the network that trains it, with data-driven checkpoints."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
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
FUSED_FROM = 1_000_000
DIVERGENCE_ADVICE = "Lower gan.training.learning_rate, or raise gan.training.gradient_penalty."

Evaluate = Callable[[Any], dict[str, float]]
OnLook = Callable[[int, dict[str, float]], None]
Tensors = dict[str, tf.Tensor]


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


class Game:
    """One generator against one critic: the two optimisers and the compiled step of each.

    Another family of generators overrides ``step``, another critic ``_critic_objective`` and
    ``_adversarial_rows``. The rest is the same for all: averaging, checkpoints, resuming,
    recovery.

    Args:
        generator: G of ``networks.build_generator``.
        critic: The network that is trained beside it.
        config: How to train.
        adversarial_weight: Weight of the critic's opinion; 0 never asks it.
    """

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
        self.joint_step = tf.function(self._joint_step, reduce_retracing=True)
        # XLA makes one pass over the weights of what is a dozen otherwise. Compiling takes a
        # second, which small networks never get back.
        fused = generator.count_params() >= FUSED_FROM
        self.update_generator = tf.function(self._update_generator, jit_compile=fused)

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

    def restore(self, values: Sequence[np.ndarray], halvings: int) -> None:
        """Return to a checkpoint of ``variables``, at learning rates halved so many times."""
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)
        slower = 0.5**halvings
        self.generator_optimizer.learning_rate = self.config.learning_rate * slower
        self.critic_optimizer.learning_rate = self.config.critic_learning_rate * slower

    def step(self, batch: Tensors, seeds: Iterator[tf.Tensor], epoch: int) -> dict[str, tf.Tensor]:  # noqa: ARG002
        """Train on one batch; what is returned goes to the history.

        Args:
            batch: Of ``batches.make_batch``.
            seeds: As many (2,) int32 seeds as are asked for.
            epoch: Number of the epoch, for what changes in the course of training.
        """
        if self.adversarial_weight == 0:
            return self.generator_step(batch, next(seeds))
        for _ in range(self.config.critic_steps - 1):
            self.critic_step(batch, next(seeds))
        return self.joint_step(batch, next(seeds))

    def _logits(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        noise_units = self.generator.input["noise"].shape[-1]
        noise = tf.random.stateless_normal((tf.shape(batch["seen"])[0], noise_units), seed)
        return self._decode(batch, noise)

    def _decode(self, batch: Tensors, noise: tf.Tensor) -> tf.Tensor:
        profile = {name: batch[name] for name in PROFILE_INPUTS}
        return self.generator({"history": batch["seen"], "noise": noise, **profile}, training=True)

    def _fake(self, logits: tf.Tensor, seen: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        drawn = objectives.gumbel_sigmoid(logits, self.config.temperature, seed)
        return seen + (1.0 - seen) * drawn

    def _judge(self, batch: Tensors) -> Callable[[tf.Tensor], Any]:
        condition = {name: batch[name] for name in ("seen", *PROFILE_INPUTS)}
        return lambda full: self.critic({"full": full, **condition}, training=True)

    def _critic_objective(
        self, batch: Tensors, fake: tf.Tensor, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        return objectives.critic_loss(
            self.config.adversarial_loss,
            self._judge(batch),
            batch["full"],
            fake,
            self.config.penalty_weight,
            seed,
        )

    def _adversarial_rows(self, batch: Tensors, fake: tf.Tensor) -> tf.Tensor:
        return objectives.generator_loss(
            self.config.adversarial_loss, self._judge(batch), batch["full"], fake
        )

    def _critic_step(self, batch: Tensors, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        fake = self._fake(self._logits(batch, seed), batch["seen"], seed + 1)
        return self._train_critic(batch, fake, seed + 2)

    def _train_critic(
        self, batch: Tensors, fake: tf.Tensor, seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss, margin = self._critic_objective(batch, tf.stop_gradient(fake), seed)
        gradients = tape.gradient(loss, self.critic.trainable_variables)
        self.critic_optimizer.apply(gradients, self.critic.trainable_variables)
        return {
            "critic_loss": loss,
            "critic_margin": margin,
            "critic_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _generator_step(self, batch: Tensors, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """A step of the generator against the critic as it is, or without one."""
        return self._train_generator(batch, seed, trains_critic=False)

    def _joint_step(self, batch: Tensors, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """A step of the critic, then one of the generator on the histories just judged."""
        return self._train_generator(batch, seed, trains_critic=True)

    def _train_generator(
        self, batch: Tensors, seed: tf.Tensor, trains_critic: bool
    ) -> dict[str, tf.Tensor]:
        logs: dict[str, tf.Tensor] = {}
        adversarial = tf.zeros(())
        with tf.GradientTape() as tape:
            logits = self._logits(batch, seed)
            reconstruction = self._reconstruction(logits, batch)
            loss = self.config.reconstruction_weight * reconstruction
            if self.adversarial_weight > 0:
                fake = self._fake(logits, batch["seen"], seed + 1)
                if trains_critic:
                    with tape.stop_recording():
                        logs = self._train_critic(batch, fake, seed + 2)
                adversarial = self._adversarial(fake, batch)
                loss += self.adversarial_weight * adversarial
        gradients = tape.gradient(loss, self.generator.trainable_variables)
        self.update_generator(gradients)
        return logs | {
            "generator_loss": loss,
            "adversarial_loss": adversarial,
            "reconstruction_loss": reconstruction,
            "generator_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _update_generator(self, gradients: list[tf.Tensor]) -> None:
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)
        for average, value in zip(
            self.averaged.trainable_variables, self.generator.trainable_variables, strict=True
        ):
            average.assign(self.config.ema_decay * average + (1.0 - self.config.ema_decay) * value)

    def _adversarial(self, fake: tf.Tensor, batch: Tensors) -> tf.Tensor:
        rows = self._adversarial_rows(batch, fake)
        is_new = batch["is_new"][:, 0]
        share = is_new + (1.0 - is_new) * self.config.completion_adversarial_share
        return tf.reduce_mean(share * rows)

    def _reconstruction(self, logits: tf.Tensor, batch: Tensors) -> tf.Tensor:
        """Mean over the rows that something is known of: items, or a behavioural profile.

        Of a new user of whom nothing is known there is nothing to reconstruct but the
        average, which would teach the generator to ignore its noise. Without a critic the
        average is all there is to learn of them.
        """
        rows = objectives.reconstruction_loss(logits, batch["full"], batch["seen"])
        weight = something_known(batch)[:, 0]
        if self.adversarial_weight == 0:
            weight = tf.ones_like(weight)
        return tf.reduce_sum(weight * rows) / tf.maximum(tf.reduce_sum(weight), 1.0)


def something_known(batch: Tensors) -> tf.Tensor:
    """(batch, 1) 1 where visible items or a behavioural profile tell one user from another."""
    return 1.0 - batch["is_new"] * (1.0 - batch["behaviour_known"])


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
        state: Where to keep what is needed to resume; None keeps nothing.
        label: Name on the progress bar.
        on_look: Told the epoch and the validation metrics of every look; what it raises ends
            the training.

    Raises:
        TrainingDivergedError: It diverged as often as that before any checkpoint was made.
        KeyboardInterrupt: After the state was saved; training again resumes from it.
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
