"""Training of a diffusion model in a latent space, beside the autoencoder that makes the space."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from doppelcart.adversarial.trainer import Tensors
from doppelcart.models.histories.hyperparameters import DiffusionTraining
from doppelcart.models.histories.latent_diffusion import (
    CONDITION,
    DECODER,
    LEAST_SPREAD,
    REVERSE,
    LatentDiffusion,
)
from doppelcart.models.histories.networks import PROFILE_INPUTS
from doppelcart.models.histories.vae import VariationalTrainer


class DiffusionTrainer(VariationalTrainer):
    """Trains the autoencoder as ever, and on its latent vectors a network that undoes noise.

    The vectors are those of the batch as the encoder makes them; no gradient of the network reaches
    it. In a share of the rows the network is told nothing of whom the vector is.

    Args:
        generator: As from ``build_diffusion``.
        encoder: q(z | full, seen, profile).
        config: How to train.
    """

    config: DiffusionTraining

    def __init__(
        self, generator: keras.Model, encoder: keras.Model, config: DiffusionTraining
    ) -> None:
        super().__init__(generator, encoder, config)
        self.decoder = generator.get_layer(DECODER)
        inputs = {name: generator.input[name] for name in ("history", *PROFILE_INPUTS)}
        self.condition = keras.Model(inputs, generator.get_layer(CONDITION).output)
        self.reverse: LatentDiffusion = generator.get_layer(REVERSE)
        self.root = tf.constant(np.sqrt(self.reverse.schedule), tf.float32)
        self.blur = tf.constant(np.sqrt(1 - self.reverse.schedule), tf.float32)

    def decode(self, batch: Tensors, noise: tf.Tensor) -> tf.Tensor:
        """(batch, n_items) logits of latent vectors, which need no noise undone."""
        profile = {name: batch[name] for name in PROFILE_INPUTS}
        return self.decoder({"history": batch["seen"], "noise": noise, **profile}, training=True)

    def latent_losses(self, latent: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> Tensors:
        """Mean squared error of the velocity, over several draws of step and noise a row."""
        self._follow(latent)
        profile = {name: batch[name] for name in PROFILE_INPUTS}
        condition = self.condition({"history": batch["seen"], **profile}, training=True)
        draws, reverse = self.config.noise_draws, self.reverse
        clean = tf.repeat(reverse.standardised(latent), draws, axis=0)
        n_rows = tf.shape(clean)[0]
        told = tf.random.stateless_uniform((n_rows, 1), seed + 1) >= self.config.untold_share
        condition = tf.where(told, tf.repeat(condition, draws, axis=0), reverse.nothing)
        step = tf.random.stateless_uniform(
            (n_rows,), seed + 2, 1, reverse.n_steps + 1, dtype=tf.int32
        )
        root, blur = (tf.gather(part, step)[:, None] for part in (self.root, self.blur))
        noise = tf.random.stateless_normal(tf.shape(clean), seed + 3)
        time = tf.gather(tf.constant(reverse.times), step)
        found = reverse.velocity(root * clean + blur * noise, time, condition)
        return {"velocity_loss": tf.reduce_mean(tf.square(found - (root * noise - blur * clean)))}

    def _follow(self, latent: tf.Tensor) -> None:
        """Let centre and spread of the latent vectors follow those of the batch."""
        mean, variance = tf.nn.moments(latent, axes=[0])
        spread = tf.maximum(tf.sqrt(variance), LEAST_SPREAD)
        kept = self.config.ema_decay
        for layer in (self.reverse, self.averaged.get_layer(REVERSE)):
            layer.centre.assign(kept * layer.centre + (1.0 - kept) * mean)
            layer.spread.assign(kept * layer.spread + (1.0 - kept) * spread)
