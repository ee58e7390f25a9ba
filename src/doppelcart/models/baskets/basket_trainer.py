"""What a generator of baskets adds to the trainer: departments, draws, wrong households."""

from __future__ import annotations

import keras
import tensorflow as tf

from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.models.baskets.hyperparameters import BasketTrainingConfig
from doppelcart.models.histories.losses import gumbel_sigmoid


class BasketTrainer(Trainer):
    """Trains on households, a department of each, and the ``real`` basket that it has there.

    Batches hold ``household``, ``department``, ``inside`` (1 for the items of the department), the
    ``real`` basket, the basket of an ``other`` household in the same department, and ``swapped``:
    1 where the critic is to refuse that one.

    Args:
        generator: As from ``build_generator``.
        critic: As from ``build_critic``; None where nothing asks for one.
        config: How to train.
    """

    config: BasketTrainingConfig

    def __init__(
        self, generator: keras.Model, critic: keras.Model | None, config: BasketTrainingConfig
    ) -> None:
        super().__init__(generator, critic, config, config.adversarial_weight)

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """(batch, n_items) logits of the items of all departments."""
        shape = (tf.shape(batch["real"])[0], self.config.noise_units)
        asked = {name: batch[name] for name in ("household", "department")}
        noise = tf.random.stateless_normal(shape, seed)
        return self.generator(asked | {"noise": noise}, training=True)

    def draw(self, output: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """(batch, n_items) baskets, which hold items of the department alone."""
        return batch["inside"] * gumbel_sigmoid(output, self.config.temperature, seed)

    def shown(self, fake: tf.Tensor, batch: Tensors) -> tf.Tensor:
        """What was drawn, and real baskets of wrong households among it."""
        return tf.where(batch["swapped"] > 0, batch["other"], fake)

    def judge(self, batch: Tensors) -> Judge:
        """The critic's opinion of baskets, for the households and departments of a batch."""
        asked = {name: batch[name] for name in ("household", "department")}
        return lambda baskets: self.critic(asked | {"basket": baskets}, training=True)

    def reconstruction(self, output: tf.Tensor, batch: Tensors) -> tf.Tensor:
        """Mean over baskets of the cross-entropy of the department's items, in nats, summed."""
        entropy = tf.nn.softplus(output) - batch["real"] * output
        return tf.reduce_mean(tf.reduce_sum(batch["inside"] * entropy, axis=1))
