"""A generator and its critic: what a step of either does, whatever is generated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from doppelcart.adversarial.hyperparameters import TrainerConfig
from doppelcart.adversarial.objectives import OBJECTIVES, AdversarialObjective, Examples, Judge
from doppelcart.errors import ParameterError

FUSED_FROM = 1_000_000

Tensors = dict[str, tf.Tensor]


def is_fused(network: keras.Model | None) -> bool:
    """Whether a network is updated by XLA, in one pass over its weights in place of a dozen.

    Compiling takes a second, which small networks never get back.
    """
    return network is not None and bool(network.count_params() >= FUSED_FROM)


class Trainer:
    """A generator and its critic: the two optimisers and the compiled step of each.

    As it stands it trains a generator of noise alone on batches of ``real`` examples. Whoever
    generates on a condition, draws from what the network puts out, or knows something to
    reconstruct, overrides the methods that say so: ``output``, ``draw``, ``real``, ``shown``,
    ``judge``, ``reconstruction``, ``row_weights`` and ``paired``. Whoever trains in another way
    overrides ``step``. Averaging, checkpoints, resuming and recovery are the same for all.

    Args:
        generator: G, by default of noise alone.
        critic: The network that is trained beside it; None where nothing asks for an opinion.
        config: How to train.
        adversarial_weight: Weight of the objective; 0 trains on the reconstruction alone, which
            is the control "same network without a critic".

    Raises:
        ParameterError: The objective needs a critic, and there is none.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model | None,
        config: TrainerConfig,
        adversarial_weight: float = 1.0,
    ):
        self.generator, self.config = generator, config
        self.critic: Any = critic
        self.averaged = keras.models.clone_model(generator)
        self.averaged.set_weights(generator.get_weights())
        self.adversarial_weight = adversarial_weight
        self.objective = OBJECTIVES[config.adversarial_loss](config)
        self.has_critic = adversarial_weight > 0 and isinstance(
            self.objective, AdversarialObjective
        )
        if self.has_critic and critic is None:
            raise ParameterError(
                f"{config.name_of('adversarial_loss')} is {config.adversarial_loss}, which needs "
                "a critic, and there is none. Bring one, or use energy_score."
            )
        self.generator_optimizer = keras.optimizers.AdamW(
            config.learning_rate, beta_1=0.5, beta_2=0.99, weight_decay=config.weight_decay
        )
        self.critic_optimizer = keras.optimizers.Adam(
            config.critic_learning_rate, beta_1=0.0, beta_2=0.99
        )
        self.generator_optimizer.build(generator.trainable_variables)
        self.critic_optimizer.build(critic.trainable_variables if critic else [])
        self.critic_step = tf.function(self._critic_step, reduce_retracing=True)
        self.generator_step = tf.function(self._generator_step, reduce_retracing=True)
        self.joint_step = tf.function(self._joint_step, reduce_retracing=True)
        self.update_generator = tf.function(self._update_generator, jit_compile=is_fused(generator))
        self.update_critic = tf.function(self._update_critic, jit_compile=is_fused(critic))

    def real(self, batch: Tensors) -> tf.Tensor:
        """(batch, ...) the real examples of a batch."""
        return batch["real"]

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """What the generator puts out for every row of a batch, on noise of a seed."""
        shape = (tf.shape(self.real(batch))[0], self.generator.input.shape[-1])
        return self.generator(tf.random.stateless_normal(shape, seed), training=True)

    def draw(self, output: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:  # noqa: ARG002
        """(batch, ...) synthetic examples from what the generator put out."""
        return output

    def shown(self, fake: tf.Tensor, batch: Tensors) -> tf.Tensor:  # noqa: ARG002
        """(batch, ...) what the critic learns to refuse; by default all that was drawn.

        Whoever generates on a condition may put real examples of other conditions among them:
        a critic that never sees one need not look at the condition.
        """
        return fake

    def judge(self, batch: Tensors) -> Judge:  # noqa: ARG002
        """The critic's opinion of examples, on the conditions of a batch."""
        return lambda examples: self.critic(examples, training=True)

    def reconstruction(self, output: tf.Tensor, batch: Tensors) -> tf.Tensor:  # noqa: ARG002
        """Mean loss of what is known to be right, which needs no critic; by default nothing is."""
        return tf.zeros(())

    def row_weights(self, batch: Tensors) -> tf.Tensor:
        """(batch,) weight of every row in the objective."""
        return tf.ones(tf.shape(self.real(batch))[:1])

    def paired(self, batch: Tensors) -> tf.Tensor:
        """(batch, 1) 1 where the condition tells one example from another; by default nowhere."""
        return tf.zeros((tf.shape(self.real(batch))[0], 1))

    def step(self, batch: Tensors, seeds: Iterator[tf.Tensor], epoch: int) -> Tensors:  # noqa: ARG002
        """Train on one batch.

        Args:
            batch: Of what ``real`` and the other methods read.
            seeds: As many (2,) int32 seeds as are asked for.
            epoch: Number of the epoch, for what changes in the course of training.

        Returns:
            Losses and gradient norms for the training log, ``generator_loss`` among them.
        """
        if not self.has_critic:
            return self.generator_step(batch, next(seeds))
        for _ in range(self.config.critic_steps - 1):
            self.critic_step(batch, next(seeds))
        return self.joint_step(batch, next(seeds))

    @property
    def networks(self) -> list[keras.Model]:
        """Every network that training changes."""
        beside = [] if self.critic is None else [self.critic]
        return [self.generator, *beside, self.averaged]

    @property
    def variables(self) -> list[keras.Variable]:
        """Every number that training changes, in a fixed order."""
        return [
            *(variable for network in self.networks for variable in network.variables),
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

    def _critic_step(self, batch: Tensors, seed: tf.Tensor) -> Tensors:
        fake = self.draw(self.output(batch, seed), batch, seed + 1)
        return self._train_critic(batch, fake, seed + 2)

    def _train_critic(self, batch: Tensors, fake: tf.Tensor, seed: tf.Tensor) -> Tensors:
        assert isinstance(self.objective, AdversarialObjective)
        with tf.GradientTape() as tape:
            refused = tf.stop_gradient(self.shown(fake, batch))
            examples = self._examples(batch, [refused], seed)
            loss, margin = self.objective.critic_loss(examples)
        gradients = tape.gradient(loss, self.critic.trainable_variables)
        self.update_critic(gradients)
        return {
            "critic_loss": loss,
            "critic_margin": margin,
            "critic_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _generator_step(self, batch: Tensors, seed: tf.Tensor) -> Tensors:
        """A step of the generator against the critic as it is, or without one."""
        return self._train_generator(batch, seed, trains_critic=False)

    def _joint_step(self, batch: Tensors, seed: tf.Tensor) -> Tensors:
        """A step of the critic, then one of the generator on the examples just judged."""
        return self._train_generator(batch, seed, trains_critic=True)

    def _train_generator(self, batch: Tensors, seed: tf.Tensor, trains_critic: bool) -> Tensors:
        logs: Tensors = {}
        adversarial = tf.zeros(())
        with tf.GradientTape() as tape:
            output = self.output(batch, seed)
            reconstruction = self.reconstruction(output, batch)
            loss = self.config.reconstruction_weight * reconstruction
            if self.adversarial_weight > 0:
                fake = self.draw(output, batch, seed + 1)
                if trains_critic:
                    with tape.stop_recording():
                        logs = self._train_critic(batch, fake, seed + 2)
                examples = self._examples(batch, [fake, *self._further_draws(batch, seed)], seed)
                rows = self.objective.generator_loss(examples)
                adversarial = tf.reduce_mean(self.row_weights(batch) * rows)
                loss += self.adversarial_weight * adversarial
        gradients = tape.gradient(loss, self.generator.trainable_variables)
        self.update_generator(gradients)
        return logs | {
            "generator_loss": loss,
            "adversarial_loss": adversarial,
            "reconstruction_loss": reconstruction,
            "generator_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _further_draws(self, batch: Tensors, seed: tf.Tensor) -> list[tf.Tensor]:
        """What an objective needs beyond the first draw, each on noise of its own."""
        seeds = [seed + 1000 * number for number in range(1, self.objective.n_draws)]
        return [self.draw(self.output(batch, own), batch, own + 1) for own in seeds]

    def _examples(self, batch: Tensors, draws: Sequence[tf.Tensor], seed: tf.Tensor) -> Examples:
        return Examples(self.judge(batch), self.real(batch), draws, self.paired(batch), seed)

    def _update_critic(self, gradients: list[tf.Tensor]) -> None:
        self.critic_optimizer.apply(gradients, self.critic.trainable_variables)

    def _update_generator(self, gradients: list[tf.Tensor]) -> None:
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)
        for average, value in zip(
            self.averaged.trainable_variables, self.generator.trainable_variables, strict=True
        ):
            average.assign(self.config.ema_decay * average + (1.0 - self.config.ema_decay) * value)
