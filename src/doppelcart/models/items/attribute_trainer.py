"""What a generator of items adds to the trainer: conditions, a draw per head, wrong households."""

from __future__ import annotations

import keras
import tensorflow as tf

from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.models.items.attribute_networks import gumbel_softmax
from doppelcart.models.items.hyperparameters import ItemTrainingConfig


class AttributeTrainer(Trainer):
    """Trains on purchases: a household, a category, and the item that it bought there.

    Batches hold ``household``, ``category``, the ``real`` item, the item of an ``other`` household
    in the same category, and ``swapped``: 1 where the critic is to refuse that one.

    Args:
        generator: As from ``build_generator``.
        critic: As from ``build_critic``; None where nothing asks for one.
        config: How to train.
        sizes: Number of values of each attribute.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model | None,
        config: ItemTrainingConfig,
        sizes: list[int],
    ) -> None:
        super().__init__(generator, critic, config, config.adversarial_weight)
        self.sizes = sizes
        self.noise_units = config.noise_units
        self.temperature = config.temperature

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """(batch, width) logits of every attribute."""
        shape = (tf.shape(batch["real"])[0], self.noise_units)
        asked = {name: batch[name] for name in ("household", "category")}
        noise = tf.random.stateless_normal(shape, seed)
        return self.generator(asked | {"noise": noise}, training=True)

    def draw(self, output: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:  # noqa: ARG002
        """(batch, width) nearly a single one in each head."""
        heads = tf.split(output, self.sizes, axis=1)
        draws = [
            gumbel_softmax(logits, self.temperature, seed + 7 * place)
            for place, logits in enumerate(heads)
        ]
        return tf.concat(draws, axis=1)

    def shown(self, fake: tf.Tensor, batch: Tensors) -> tf.Tensor:
        """What was drawn, and real items of wrong households among it."""
        return tf.where(batch["swapped"] > 0, batch["other"], fake)

    def judge(self, batch: Tensors) -> Judge:
        """The critic's opinion of items, for the households and categories of a batch."""
        asked = {name: batch[name] for name in ("household", "category")}
        return lambda items: self.critic(asked | {"item": items}, training=True)

    def reconstruction(self, output: tf.Tensor, batch: Tensors) -> tf.Tensor:
        """Mean cross-entropy of the real item's values, in nats, added over heads."""
        heads = zip(
            tf.split(output, self.sizes, axis=1),
            tf.split(batch["real"], self.sizes, axis=1),
            strict=True,
        )
        losses = [
            tf.nn.softmax_cross_entropy_with_logits(labels=real, logits=logits)
            for logits, real in heads
        ]
        return tf.reduce_mean(tf.add_n(losses))
