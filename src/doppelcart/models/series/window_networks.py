"""Generator and critic of windows of sales and stock-outs: convolutions over days.

An output has heads that say whether a day has sales, and whether it has a stock-out, as in the
hurdle models of demand: what is 0 on many days is not learnt by a smooth output. The first empty
hour is put out as a place among those that leave room for all that are empty, so that networks are
trained on what is drawn of them afterwards.
"""

from __future__ import annotations

from typing import Final

import keras
import numpy as np
import tensorflow as tf

NOISE: Final = 16
FILTERS: Final = 32
KERNEL: Final = 5
TEMPERATURE: Final = 0.3
SALES, SOLD, GATE, EMPTY, FIRST, LAST, SPREAD = range(7)
"""Channels of the output: log sales where there are any, and log odds of there being any, of a
stock-out, of the share of empty hours, of the place of the first of them, and of the last hour's
being one. A network that has no noise of its own puts out the log spread of log sales besides."""
N_HEADS: Final = 6
N_CHANNELS: Final = 4
LEAST_SPREAD, MOST_SPREAD = -3.0, 1.0
"""Bounds of the log spread: neither a point nor everything."""
SLOPE: Final = 0.2


def convolve(hidden: keras.KerasTensor, seed: int, strides: int = 1) -> keras.KerasTensor:
    """(n, days / strides, 32) a convolution over days, and its activation.

    Args:
        hidden: (n, days, units).
        seed: Of the weights.
        strides: Days from one output to the next.
    """
    start = keras.initializers.HeNormal(seed)
    layer = keras.layers.Conv1D(FILTERS, KERNEL, strides, "same", kernel_initializer=start)
    return keras.layers.LeakyReLU(SLOPE)(layer(hidden))


def build_generator(n_days: int, n_conditions: int, seed: int) -> keras.Model:
    """Noise (n, 16) and conditions (n, days, conditions) to heads (n, days, 6).

    Args:
        n_days: Days of a window.
        n_conditions: Numbers known of each day.
        seed: Of the weights.
    """
    noise = keras.Input((NOISE,), name="noise")
    known = keras.Input((n_days, n_conditions), name="known")
    heads = convolved_heads(noise, known, seed, N_HEADS)
    return keras.Model({"noise": noise, "known": known}, heads, name="window_generator")


def convolved_heads(
    noise: keras.KerasTensor, known: keras.KerasTensor, seed: int, n_heads: int
) -> keras.KerasTensor:
    """(n, days, n_heads) noise spread over the days, convolved beside what is known of them.

    Args:
        noise: (n, 16).
        known: (n, days, conditions).
        seed: Of the weights.
        n_heads: Of the output; one more than ``N_HEADS`` has ``SPREAD``.
    """
    n_days = known.shape[1]
    start = keras.initializers.HeNormal(seed)
    spread = keras.layers.Dense(n_days * 8, kernel_initializer=start)(noise)
    hidden = keras.layers.Concatenate()([keras.layers.Reshape((n_days, 8))(spread), known])
    for layer in range(3):
        hidden = convolve(hidden, seed + 1 + layer)
    start = keras.initializers.GlorotUniform(seed + 9)
    return keras.layers.Conv1D(n_heads, 1, kernel_initializer=start)(hidden)


def build_critic(n_days: int, n_conditions: int, seed: int) -> keras.Model:
    """Windows (n, days, 4) and conditions (n, days, conditions) to scores (n, 1).

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
    start = keras.initializers.GlorotUniform(seed + 9)
    score = keras.layers.Dense(1, kernel_initializer=start)(keras.layers.Flatten()(hidden))
    return keras.Model({"window": window, "known": known}, score, name="window_critic")


def relaxed(heads: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """(n, days, 4) windows that heads stand for, with a gradient through what is or is not.

    Source: Maddison, Mnih and Teh (2017), the binary concrete distribution.

    Args:
        heads: (n, days, 6) output of the generator.
        seed: (2,) int32 seed of sales and stock-outs.
    """
    odds = tf.stack([heads[..., SOLD], heads[..., GATE], heads[..., LAST]], axis=0)
    uniform = tf.random.stateless_uniform(tf.shape(odds), seed, 1e-6, 1 - 1e-6)
    logistic = tf.math.log(uniform) - tf.math.log(1 - uniform)
    sold, gate, at_last = tf.unstack(tf.sigmoid((odds + logistic) / TEMPERATURE), num=3)
    filled = 1 - tf.sigmoid(heads[..., EMPTY])
    return tf.stack(
        [
            sold * tf.nn.softplus(heads[..., SALES]),
            gate * (1 - filled),
            1 - gate * (1 - filled * tf.sigmoid(heads[..., FIRST])),
            gate * at_last,
        ],
        axis=2,
    )


def drawn(heads: np.ndarray, hours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, days, 4) windows that heads stand for: stock-outs that are, or are not, in whole hours.

    Args:
        heads: (n, days, 6 or 7) output of the generator.
        hours: (n, days) hours of each day.
        rng: Of sales and stock-outs.
    """
    heads = heads.astype(float)
    chance = 1 / (1 + np.exp(-heads))
    has = rng.random((3, *hours.shape)) < np.stack([chance[..., n] for n in (SOLD, GATE, LAST)])
    sales = np.logaddexp(0, heads[..., SALES])
    if heads.shape[2] > SPREAD:
        spread = np.exp(np.clip(heads[..., SPREAD], LEAST_SPREAD, MOST_SPREAD))
        sales = np.maximum(sales + spread * rng.standard_normal(sales.shape), 0)
    whole = np.maximum(hours, 1)
    empty = np.clip(np.round(chance[..., EMPTY] * whole), 1, whole)
    # The hours that are empty lie after the first of them.
    first = np.round((whole - empty) * chance[..., FIRST])
    channels = [
        np.where(has[0], sales, 0),
        np.where(has[1], empty / whole, 0),
        np.where(has[1], first / whole, 1),
        has[1] & has[2],
    ]
    return np.stack(channels, axis=2).astype(np.float32)
