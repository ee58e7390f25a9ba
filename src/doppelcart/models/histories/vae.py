"""A conditional variational autoencoder whose decoder is the generator.

Source: Sohn, Lee and Yan (2015), "Learning structured output representation using deep
conditional generative models", with the prior N(0, I) whatever the condition, so that the
generator is sampled as that of a GAN is; the annealed divergence is that of Liang, Krishnan,
Hoffman and Jebara (2018), "Variational autoencoders for collaborative filtering", section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import tensorflow as tf

from doppelcart.adversarial.objectives import normal_divergence
from doppelcart.adversarial.trainer import Tensors
from doppelcart.models.histories.history_trainer import HistoryTrainer
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.models.histories.losses import hidden_items
from doppelcart.models.histories.networks import (
    PROFILE_INPUTS,
    HistoryScale,
    LogLength,
    SeenBottleneck,
    dense_layers,
    judge_inputs,
    layer_seeds,
)


def build_encoder(
    config: NetworkConfig, n_items: int, n_demographics: int, n_behaviours: int, seed: int
) -> keras.Model:
    """Build q(z | full, seen, profile): mean and log variance of the noise, side by side.

    Args:
        config: Sizes; ``critic_units`` is the width of the encoder's layers.
        n_items: Size of the catalogue.
        n_demographics: Width of the demographics block.
        n_behaviours: Width of the behaviour block.
        seed: Seed of the initial weights.

    Returns:
        A model of output (batch, 2 * noise_units). It begins at the prior: zeros.
    """
    seeds = layer_seeds(seed, 3)
    dense = dense_layers(keras.initializers.GlorotUniform, seeds)
    inputs = judge_inputs(n_items, n_demographics, n_behaviours)
    full, seen, *profile = inputs.values()
    hidden = keras.layers.Concatenate()(
        [
            dense(config.critic_units, "full_bottleneck")(HistoryScale()(full)),
            dense(config.critic_units, "seen_bottleneck", SeenBottleneck, scaled=True)(seen),
            LogLength()(full),
            LogLength()(seen),
            *profile,
        ]
    )
    hidden = keras.layers.Activation("gelu")(dense(config.critic_units, "trunk")(hidden))
    code = keras.layers.Dense(
        2 * config.noise_units,
        kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3, seed=next(seeds)),
        name="code",
    )(hidden)
    return keras.Model(inputs, code, name="encoder")


class VariationalTrainer(HistoryTrainer):
    """Trains an encoder in the critic's place, which tells the generator of whom the noise speaks.

    Args:
        generator: The decoder p(full | seen, profile, z).
        encoder: q(z | full, seen, profile).
        config: How to train.
    """

    def __init__(
        self, generator: keras.Model, encoder: keras.Model, config: TrainingConfig
    ) -> None:
        super().__init__(generator, encoder, config, adversarial_weight=0.0)
        self.variational_step = tf.function(self._variational_step, reduce_retracing=True)

    def kl_weight(self, epoch: int) -> float:
        """Weight of the divergence in an epoch: it grows evenly until the annealing is over."""
        annealed = self.config.kl_annealing * self.config.epochs
        return self.config.kl_weight * min(1.0, epoch / max(annealed, 1.0))

    def step(self, batch: Tensors, seeds: Iterator[tf.Tensor], epoch: int) -> Tensors:
        """Train encoder and generator together on one batch."""
        return self.variational_step(batch, next(seeds), tf.constant(self.kl_weight(epoch)))

    def latent_losses(self, latent: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> Tensors:  # noqa: ARG002
        """Losses of what else learns from latent vectors, by name; by default nothing does.

        Args:
            latent: (batch, noise_units) as the encoder drew them; no gradient flows back.
            batch: What they are of.
            seed: Of further draws.
        """
        return {}

    def _variational_step(self, batch: Tensors, seed: tf.Tensor, kl_weight: tf.Tensor) -> Tensors:
        shown = {name: batch[name] for name in ("full", "seen", *PROFILE_INPUTS)}
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(self.critic(shown, training=True), 2, axis=1)
            noise = tf.random.stateless_normal(tf.shape(mean), seed)
            latent = mean + tf.exp(0.5 * log_variance) * noise
            logits = self.decode(batch, latent)
            reconstruction = self.reconstruction(logits, batch)
            divergence = tf.reduce_mean(normal_divergence(mean, log_variance))
            # The same unit for both, nats per item bought, so that a weight of 1 is the bound.
            scaled = divergence / hidden_items(batch["full"], batch["seen"])
            loss = self.config.reconstruction_weight * reconstruction + kl_weight * scaled
            beside = self.latent_losses(tf.stop_gradient(latent), batch, seed)
            for own in beside.values():
                loss += own
        gradients, encoder_gradients = tape.gradient(
            loss, (self.generator.trainable_variables, self.critic.trainable_variables)
        )
        self.update_generator(gradients)
        self.update_critic(encoder_gradients)
        return {
            "generator_loss": loss,
            "reconstruction_loss": reconstruction,
            "kl": divergence,
            **beside,
            "generator_gradient_norm": tf.linalg.global_norm(gradients),
            "encoder_gradient_norm": tf.linalg.global_norm(encoder_gradients),
        }
