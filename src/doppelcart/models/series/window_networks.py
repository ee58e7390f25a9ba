"""Generator and critic of windows of sales and stock-outs: convolutions over days.

An output has a head that says whether a day has a stock-out, as in the hurdle models of demand: a
share of empty hours that is 0 on most days is not learnt by a smooth output.
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
SALES, GATE, EMPTY, FIRST, LAST = range(5)
"""Channels of the output: log sales, and log odds of a stock-out, of the share of empty hours, of
the time before the first, and of the last hour's being one."""
N_HEADS: Final = 5
N_CHANNELS: Final = 4
SLOPE: Final = 0.2


def _convolve(hidden: keras.KerasTensor, seed: int, strides: int = 1) -> keras.KerasTensor:
    start = keras.initializers.HeNormal(seed)
    layer = keras.layers.Conv1D(FILTERS, KERNEL, strides, "same", kernel_initializer=start)
    return keras.layers.LeakyReLU(SLOPE)(layer(hidden))


def build_generator(n_days: int, n_conditions: int, seed: int) -> keras.Model:
    """Noise (n, 16) and conditions (n, days, conditions) to heads (n, days, 5).

    Args:
        n_days: Days of a window.
        n_conditions: Numbers known of each day.
        seed: Of the weights.
    """
    noise = keras.Input((NOISE,), name="noise")
    known = keras.Input((n_days, n_conditions), name="known")
    start = keras.initializers.HeNormal(seed)
    spread = keras.layers.Dense(n_days * 8, kernel_initializer=start)(noise)
    hidden = keras.layers.Concatenate()([keras.layers.Reshape((n_days, 8))(spread), known])
    for layer in range(3):
        hidden = _convolve(hidden, seed + 1 + layer)
    start = keras.initializers.GlorotUniform(seed + 9)
    heads = keras.layers.Conv1D(N_HEADS, 1, kernel_initializer=start)(hidden)
    return keras.Model({"noise": noise, "known": known}, heads, name="window_generator")


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
        hidden = _convolve(hidden, seed + layer, strides=2 if layer else 1)
    start = keras.initializers.GlorotUniform(seed + 9)
    score = keras.layers.Dense(1, kernel_initializer=start)(keras.layers.Flatten()(hidden))
    return keras.Model({"window": window, "known": known}, score, name="window_critic")


def relaxed(heads: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """(n, days, 4) windows that heads stand for, with a gradient through the stock-outs.

    Source: Maddison, Mnih and Teh (2017), the binary concrete distribution.

    Args:
        heads: (n, days, 5) output of the generator.
        seed: (2,) int32 seed of the stock-outs.
    """
    uniform = tf.random.stateless_uniform(tf.shape(heads[..., GATE]), seed, 1e-6, 1 - 1e-6)
    logistic = tf.math.log(uniform) - tf.math.log(1 - uniform)
    gate = tf.sigmoid((heads[..., GATE] + logistic) / TEMPERATURE)
    return tf.stack(
        [
            tf.nn.softplus(heads[..., SALES]),
            gate * tf.sigmoid(heads[..., EMPTY]),
            1 - gate * tf.sigmoid(heads[..., FIRST]),
            gate * tf.sigmoid(heads[..., LAST]),
        ],
        axis=2,
    )


def drawn(heads: np.ndarray, hours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, days, 4) windows that heads stand for: stock-outs that are, or are not, in whole hours.

    Args:
        heads: (n, days, 5) output of the generator.
        hours: (n, days) hours of each day.
        rng: Of the stock-outs.
    """
    chance = 1 / (1 + np.exp(-heads[..., GATE:].astype(float)))
    out, at_last = (rng.random((2, *hours.shape)) < chance[..., [0, 3]].transpose(2, 0, 1)) > 0
    whole = np.maximum(hours, 1)
    empty = np.clip(np.round(chance[..., EMPTY - GATE] * whole), 1, whole) / whole
    first = np.floor((1 - chance[..., FIRST - GATE]) * whole) / whole
    # The hours that are empty lie after the first of them.
    first = np.minimum(first, 1 - empty)
    channels = [
        np.logaddexp(0, heads[..., SALES].astype(float)),
        np.where(out, empty, 0),
        np.where(out, first, 1),
        out & at_last,
    ]
    return np.stack(channels, axis=2).astype(np.float32)
