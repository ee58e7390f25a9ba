"""The generator of items as the decoder of a conditional variational autoencoder.

Source: Sohn, Lee and Yan (2015), "Learning structured output representation using deep conditional
generative models", with the prior N(0, I) whatever the condition, so that it is drawn from as the
generator of a GAN is. The loss is the bound itself: what an item's values cost, and the divergence
from the prior, both in nats per item (Kingma and Welling 2014).
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import tensorflow as tf

from doppelcart.adversarial.objectives import normal_divergence
from doppelcart.adversarial.trainer import Tensors
from doppelcart.models.items.attribute_networks import build_critic
from doppelcart.models.items.attribute_trainer import AttributeTrainer
from doppelcart.models.items.hyperparameters import ItemTrainingConfig

STEADY = 1e-3
"""Deviation of the first weights of the code: the encoder begins at the prior."""


def build_encoder(
    household_units: int,
    n_categories: int,
    width: int,
    noise_units: int,
    hidden_units: int,
    seed: int,
) -> keras.Model:
    """q(noise | item, household, category): mean and log variance, side by side.

    Args:
        household_units: Width of what is known of a household.
        n_categories: Categories, one of which is asked for.
        width: Columns of all attributes.
        noise_units: Units of noise.
        hidden_units: Of each of two hidden layers, which are those of a critic.
        seed: Of the first weights.
    """
    critic = build_critic(household_units, n_categories, width, hidden_units, seed)
    start = keras.initializers.RandomNormal(stddev=STEADY, seed=seed + 3)
    code = keras.layers.Dense(2 * noise_units, kernel_initializer=start, name="code")
    return keras.Model(critic.input, code(critic.layers[-2].output), name="item_encoder")


class VariationalItemTrainer(AttributeTrainer):
    """Trains an encoder in the critic's place, which tells the decoder of which item noise speaks.

    Args:
        generator: The decoder, as from ``build_generator``.
        encoder: As from ``build_encoder``.
        config: How to train; its objective and its weight play no part.
        sizes: Number of values of each attribute.
    """

    def __init__(
        self,
        generator: keras.Model,
        encoder: keras.Model,
        config: ItemTrainingConfig,
        sizes: list[int],
    ) -> None:
        without = config.model_copy(update={"adversarial_weight": 0.0})
        super().__init__(generator, encoder, without, sizes)
        self.variational_step = tf.function(self._variational_step, reduce_retracing=True)

    def step(self, batch: Tensors, seeds: Iterator[tf.Tensor], epoch: int) -> Tensors:  # noqa: ARG002
        """Train encoder and decoder together on one batch."""
        return self.variational_step(batch, next(seeds))

    def _variational_step(self, batch: Tensors, seed: tf.Tensor) -> Tensors:
        asked = {name: batch[name] for name in ("household", "category")}
        with tf.GradientTape() as tape:
            code = self.critic(asked | {"item": batch["real"]}, training=True)
            mean, log_variance = tf.split(code, 2, axis=1)
            noise = mean + tf.exp(0.5 * log_variance) * tf.random.stateless_normal(
                tf.shape(mean), seed
            )
            output = self.generator(asked | {"noise": noise}, training=True)
            reconstruction = self.reconstruction(output, batch)
            divergence = tf.reduce_mean(normal_divergence(mean, log_variance))
            loss = self.config.reconstruction_weight * reconstruction + divergence
        gradients, encoder_gradients = tape.gradient(
            loss, (self.generator.trainable_variables, self.critic.trainable_variables)
        )
        self.update_generator(gradients)
        self.update_critic(encoder_gradients)
        return {
            "generator_loss": loss,
            "reconstruction_loss": reconstruction,
            "kl": divergence,
            "generator_gradient_norm": tf.linalg.global_norm(gradients),
            "encoder_gradient_norm": tf.linalg.global_norm(encoder_gradients),
        }
