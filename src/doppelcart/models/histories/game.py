"""One generator against one critic: what a step of either does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from doppelcart.adversarial import objectives
from doppelcart.models.histories.config import TrainingConfig
from doppelcart.models.histories.networks import PROFILE_INPUTS

FUSED_FROM = 1_000_000

Tensors = dict[str, tf.Tensor]


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
