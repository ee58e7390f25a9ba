"""A variational autoencoder of windows: TimeVAE, whose decoder is sampled as the generator is.

Source: Desai, Freeman, Wang and Beaver (2021), "TimeVAE: a variational auto-encoder for
multivariate time series generation": the decoder is a sum of a trend, a season and a convolutional
rest. Here it is conditioned, as the GAN is, on what is known of the days; and log sales are drawn
with the spread that the decoder puts out. The paper minimises squared errors and puts out means,
which would be too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from doppelcart.adversarial.objectives import normal_divergence
from doppelcart.adversarial.trainer import Tensors
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.models.series.window_networks import (
    EMPTY,
    FIRST,
    GATE,
    LAST,
    LEAST_SPREAD,
    MOST_SPREAD,
    N_CHANNELS,
    N_HEADS,
    NOISE,
    SALES,
    SOLD,
    SPREAD,
    convolve,
    convolved_heads,
)
from doppelcart.models.series.window_trainer import WindowTrainer

POWERS: Final = 3
"""Of the time, in the trend: a constant, a line and a square."""
WEEK: Final = 7
UNITS: Final = 32


@keras.saving.register_keras_serializable(package="doppelcart")
class OverDays(keras.layers.Layer):
    """Coefficients (n, terms, heads) times what each term is on each day: (n, days, heads).

    Args:
        basis: (terms, days) rows of numbers.
    """

    def __init__(self, basis: Sequence[Sequence[float]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.basis = [[float(value) for value in row] for row in basis]

    def call(self, coefficients: tf.Tensor) -> tf.Tensor:
        """Sum of the terms."""
        return tf.einsum("nkh,kt->nth", coefficients, tf.constant(self.basis))

    def get_config(self) -> dict[str, Any]:
        """The basis, for a copy of the layer."""
        return {**super().get_config(), "basis": self.basis}


def build_decoder(n_days: int, n_conditions: int, seed: int) -> keras.Model:
    """Noise (n, 16) and conditions (n, days, conditions) to heads (n, days, 7).

    Args:
        n_days: Days of a window.
        n_conditions: Numbers known of each day.
        seed: Of the weights.
    """
    noise = keras.Input((NOISE,), name="noise")
    known = keras.Input((n_days, n_conditions), name="known")
    n_heads = N_HEADS + 1
    # Which weekday a window begins with, and the level of its series, are known of its first day.
    first = keras.layers.Flatten()(keras.layers.Cropping1D((0, n_days - 1))(known))
    told = keras.layers.Concatenate()([noise, first])
    days = np.arange(n_days)
    trend = (days / max(n_days - 1, 1)) ** np.arange(POWERS)[:, None]
    season = (days % WEEK == np.arange(WEEK)[:, None]).astype(float)
    parts = [convolved_heads(noise, known, seed, n_heads)]
    for place, basis in enumerate((trend, season)):
        start = keras.initializers.HeNormal(seed + 20 + place)
        hidden = keras.layers.Dense(UNITS, "relu", kernel_initializer=start)(told)
        small = keras.initializers.RandomNormal(stddev=1e-2, seed=seed + 30 + place)
        weights = keras.layers.Dense(len(basis) * n_heads, kernel_initializer=small)(hidden)
        terms = keras.layers.Reshape((len(basis), n_heads))(weights)
        parts.append(OverDays(basis.tolist())(terms))
    return keras.Model(
        {"noise": noise, "known": known}, keras.layers.Add()(parts), name="window_decoder"
    )


def build_encoder(n_days: int, n_conditions: int, seed: int) -> keras.Model:
    """Windows (n, days, 4) and conditions to mean and log variance of the noise, (n, 32).

    It begins near the prior, zeros.

    Args:
        n_days: Days of a window.
        n_conditions: Numbers known of each day.
        seed: Of the weights.
    """
    window = keras.Input((n_days, N_CHANNELS), name="window")
    known = keras.Input((n_days, n_conditions), name="known")
    hidden = keras.layers.Concatenate()([window, known])
    for layer in range(3):
        hidden = convolve(hidden, seed + layer, strides=2 if layer else 1)
    small = keras.initializers.RandomNormal(stddev=1e-3, seed=seed + 9)
    code = keras.layers.Dense(2 * NOISE, kernel_initializer=small)(keras.layers.Flatten()(hidden))
    return keras.Model({"window": window, "known": known}, code, name="window_encoder")


def misfit(heads: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """(n, days) minus the log likelihood of real days, by the parts that are drawn of the heads.

    Args:
        heads: (n, days, 7) output of the decoder.
        real: (n, days, 4) real windows.
    """
    sales, empty, first, last = tf.unstack(real, num=4, axis=2)
    sold, out = tf.cast(sales > 0, tf.float32), tf.cast(empty > 0, tf.float32)
    log_spread = tf.clip_by_value(heads[..., SPREAD], LEAST_SPREAD, MOST_SPREAD)
    error = (sales - tf.nn.softplus(heads[..., SALES])) * tf.exp(-log_spread)
    place = first / tf.maximum(1 - empty, 1e-6)
    return (
        _entropy(sold, heads[..., SOLD])
        + sold * (0.5 * tf.square(error) + log_spread)
        + _entropy(out, heads[..., GATE])
        + out * _entropy(empty, heads[..., EMPTY])
        + out * _entropy(tf.clip_by_value(place, 0.0, 1.0), heads[..., FIRST])
        + out * _entropy(last, heads[..., LAST])
    )


def _entropy(share: tf.Tensor, odds: tf.Tensor) -> tf.Tensor:
    return tf.nn.sigmoid_cross_entropy_with_logits(share, odds)


class WindowVariationalTrainer(WindowTrainer):
    """Trains an encoder in the critic's place, which tells the decoder of what the noise speaks.

    Args:
        decoder: p(window | known, z).
        encoder: q(z | window, known).
        config: How to train.
        n_given: First days that are given: the decoder is held to the others alone.
    """

    def __init__(
        self, decoder: keras.Model, encoder: keras.Model, config: WindowConfig, n_given: int = 0
    ) -> None:
        super().__init__(decoder, encoder, config, n_given, adversarial_weight=0.0)
        self.variational_step = tf.function(self._variational_step, reduce_retracing=True)

    def step(self, batch: Tensors, seeds: Iterator[tf.Tensor], epoch: int) -> Tensors:  # noqa: ARG002
        """Train encoder and decoder together on one batch."""
        return self.variational_step(batch, next(seeds))

    def _variational_step(self, batch: Tensors, seed: tf.Tensor) -> Tensors:
        shown = {"window": batch["real"], "known": batch["known"]}
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(self.critic(shown, training=True), 2, axis=1)
            noise = mean + tf.exp(0.5 * log_variance) * tf.random.stateless_normal(
                tf.shape(mean), seed
            )
            heads = self.generator({"noise": noise, "known": batch["known"]}, training=True)
            rows = tf.reduce_sum(misfit(heads, batch["real"])[:, self.n_given :], axis=1)
            reconstruction = tf.reduce_mean(rows)
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
