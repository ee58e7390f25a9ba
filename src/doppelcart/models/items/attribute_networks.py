"""A generator of items and its critic, as functional Keras models.

Generator ``G(household, category, z) -> logits`` of every attribute; critic
``D(item, household, category)``.
"""

from __future__ import annotations

import keras
import tensorflow as tf


def build_generator(
    household_units: int,
    n_categories: int,
    width: int,
    noise_units: int,
    hidden_units: int,
    seed: int,
) -> keras.Model:
    """A network of two hidden layers.

    Args:
        household_units: Width of what is known of a household.
        n_categories: Categories, one of which is asked for.
        width: Columns of all attributes.
        noise_units: Units of noise.
        hidden_units: Of each hidden layer.
        seed: Of the first weights.
    """
    inputs = {
        "household": keras.Input((household_units,), name="household"),
        "category": keras.Input((n_categories,), name="category"),
        "noise": keras.Input((noise_units,), name="noise"),
    }
    hidden = _hidden(keras.layers.Concatenate()(list(inputs.values())), hidden_units, seed)
    start = keras.initializers.GlorotUniform(seed + 2)
    logits = keras.layers.Dense(width, kernel_initializer=start, name="logits")(hidden)
    return keras.Model(inputs, logits, name="item_generator")


def build_critic(
    household_units: int, n_categories: int, width: int, hidden_units: int, seed: int
) -> keras.Model:
    """A network of two hidden layers that scores an item for a household and a category.

    Args:
        household_units: Width of what is known of a household.
        n_categories: Categories, one of which is asked for.
        width: Columns of all attributes.
        hidden_units: Of each hidden layer.
        seed: Of the first weights.
    """
    inputs = {
        "item": keras.Input((width,), name="item"),
        "household": keras.Input((household_units,), name="household"),
        "category": keras.Input((n_categories,), name="category"),
    }
    hidden = _hidden(keras.layers.Concatenate()(list(inputs.values())), hidden_units, seed)
    start = keras.initializers.GlorotUniform(seed + 2)
    score = keras.layers.Dense(1, kernel_initializer=start, name="score")(hidden)
    return keras.Model(inputs, score, name="item_critic")


def _hidden(merged: keras.KerasTensor, units: int, seed: int) -> keras.KerasTensor:
    for layer in range(2):
        start = keras.initializers.HeNormal(seed + layer)
        merged = keras.layers.Dense(units, "leaky_relu", kernel_initializer=start)(merged)
    return merged


def gumbel_softmax(logits: tf.Tensor, temperature: float, seed: tf.Tensor) -> tf.Tensor:
    """A draw from a categorical distribution that a gradient passes through (Jang et al. 2017).

    Args:
        logits: (batch, n_values).
        temperature: The lower, the nearer to a single one.
        seed: (2,) int32.
    """
    uniform = tf.random.stateless_uniform(tf.shape(logits), seed, minval=1e-6, maxval=1.0 - 1e-6)
    return tf.nn.softmax((logits - tf.math.log(-tf.math.log(uniform))) / temperature)
