"""A generator of baskets and its critic, as functional Keras models.

Generator ``G(household, department, z) -> logits`` of every item that can be recommended; critic
``D(basket, household, department)``.
"""

from __future__ import annotations

import keras
import numpy as np


def build_generator(
    household_units: int,
    log_odds: np.ndarray,
    noise_units: int,
    hidden_units: int,
    dropout: float,
    n_departments: int,
    seed: int,
) -> keras.Model:
    """A network of one hidden layer beside a linear way, which begins at what everybody buys.

    Args:
        household_units: Width of what is known of a household.
        log_odds: (n_items,) of each item, for everybody: the first bias.
        noise_units: Units of noise.
        hidden_units: Of the hidden layer.
        dropout: Share of what is known of a household that a training step hides.
        n_departments: Departments, one of which is asked for.
        seed: Of the first weights.
    """
    inputs = {
        "household": keras.Input((household_units,), name="household"),
        "department": keras.Input((n_departments,), name="department"),
        "noise": keras.Input((noise_units,), name="noise"),
    }
    shown = keras.layers.Dropout(dropout, seed=seed + 2)(inputs["household"])
    merged = keras.layers.Concatenate()([shown, inputs["department"], inputs["noise"]])
    hidden = _hidden(merged, hidden_units, seed)
    logits = keras.layers.Dense(
        len(log_odds),
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01, seed=seed + 1),
        bias_initializer=keras.initializers.Constant(log_odds),
        name="logits",
    )(keras.layers.Concatenate()([hidden, shown]))
    return keras.Model(inputs, logits, name="basket_generator")


def build_critic(
    household_units: int, n_items: int, hidden_units: int, n_departments: int, seed: int
) -> keras.Model:
    """A network of one hidden layer that scores a basket for a household and a department.

    Args:
        household_units: Width of what is known of a household.
        n_items: Items of all departments.
        hidden_units: Of the hidden layer.
        n_departments: Departments, one of which is asked for.
        seed: Of the first weights.
    """
    inputs = {
        "basket": keras.Input((n_items,), name="basket"),
        "household": keras.Input((household_units,), name="household"),
        "department": keras.Input((n_departments,), name="department"),
    }
    hidden = _hidden(keras.layers.Concatenate()(list(inputs.values())), hidden_units, seed)
    start = keras.initializers.GlorotUniform(seed + 1)
    score = keras.layers.Dense(1, kernel_initializer=start, name="score")(hidden)
    return keras.Model(inputs, score, name="basket_critic")


def _hidden(merged: keras.KerasTensor, units: int, seed: int) -> keras.KerasTensor:
    start = keras.initializers.HeNormal(seed)
    return keras.layers.Dense(units, "leaky_relu", kernel_initializer=start)(merged)
