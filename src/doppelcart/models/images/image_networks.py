"""A generator of pictures by class, and its critic: small convolutional networks."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from doppelcart.models.images.image_config import ImageTrainingConfig

SMALLEST = 4
"""Pixels of a side where the generator begins and the critic ends."""
WIDEST = 8
"""Channels there, in widths."""
CLASS_UNITS = 32
SLOPE = 0.2


def channels(config: ImageTrainingConfig) -> list[int]:
    """Channels of every resolution, from the smallest on: half as many at each next one."""
    n_doublings = int(np.log2(config.image_size // SMALLEST))
    return [
        config.width * min(WIDEST, 2 ** (n_doublings - step)) for step in range(n_doublings + 1)
    ]


def build_generator(config: ImageTrainingConfig, n_conditions: int, seed: int) -> keras.Model:
    """G(noise, condition) -> pictures from -1 to 1.

    Channels are normalised by their root mean square at every place, as in progressive growing
    (Karras et al. 2018), so that no layer can grow without bound.

    Args:
        config: Sizes.
        n_conditions: Width of the condition.
        seed: Of the initial weights.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(64).tolist())
    noise = keras.Input((config.noise_units,), name="noise")
    condition = keras.Input((n_conditions,), name="condition")
    wanted = layers.Dense(CLASS_UNITS, use_bias=False, kernel_initializer=_normal(seeds))(condition)
    both = layers.Concatenate()([noise, wanted])
    first, *further = channels(config)
    hidden = layers.Dense(SMALLEST * SMALLEST * first, kernel_initializer=_normal(seeds))(both)
    hidden = layers.Reshape((SMALLEST, SMALLEST, first))(hidden)
    hidden = _activated(layers.RMSNormalization(axis=-1)(hidden))
    for width in further:
        hidden = layers.UpSampling2D(interpolation="bilinear")(hidden)
        hidden = _convolution(width, seeds)(hidden)
        # The class is told again at every resolution: what is small in a picture depends on it.
        told = layers.Dense(width, use_bias=False, kernel_initializer=_normal(seeds))(wanted)
        hidden = layers.Add()([hidden, layers.Reshape((1, 1, width))(told)])
        hidden = _activated(layers.RMSNormalization(axis=-1)(hidden))
        hidden = _activated(layers.RMSNormalization(axis=-1)(_convolution(width, seeds)(hidden)))
    colours = layers.Conv2D(
        3, 3, padding="same", activation="tanh", kernel_initializer=_normal(seeds), name="picture"
    )(hidden)
    return keras.Model({"noise": noise, "condition": condition}, colours, name="image_generator")


def build_critic(config: ImageTrainingConfig, n_conditions: int, seed: int) -> keras.Model:
    """D(picture, condition) -> one score per picture.

    What it notices in a picture is weighed by its class (Miyato and Koyama 2018, "cGANs with
    projection discriminator"). Nothing is normalised, as gradient penalties ask for.

    Args:
        config: Sizes.
        n_conditions: Width of the condition.
        seed: Of the initial weights.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(64).tolist())
    size = config.image_size
    picture = keras.Input((size, size, 3), name="picture")
    condition = keras.Input((n_conditions,), name="condition")
    *further, last = channels(config)
    hidden = _activated(_convolution(last, seeds)(picture))
    for width in reversed(further):
        hidden = _activated(_convolution(width, seeds)(hidden))
        hidden = layers.AveragePooling2D(2)(hidden)
    features = layers.Dense(further[0], kernel_initializer=_normal(seeds))(layers.Flatten()(hidden))
    features = _activated(features)
    weights = layers.Dense(further[0], use_bias=False, kernel_initializer=_normal(seeds))(condition)
    own = layers.Dense(1, kernel_initializer=_normal(seeds))(features)
    by_class = layers.Dot(axes=1)([features, weights])
    score = layers.Add(name="score")([own, by_class])
    return keras.Model({"picture": picture, "condition": condition}, score, name="image_critic")


def conditions_of(n_classes: int, groups: np.ndarray | None = None) -> np.ndarray:
    """(n_classes, n_conditions) float32: 1 for each class, and 1 for the group that it is of.

    Args:
        n_classes: Classes.
        groups: (n_classes,) group of each class, 0 and on; None where there are none.
    """
    own = np.eye(n_classes, dtype=np.float32)
    if groups is None:
        return own
    return np.concatenate([own, np.eye(int(groups.max()) + 1, dtype=np.float32)[groups]], axis=1)


def _convolution(width: int, seeds: object) -> layers.Layer:
    return layers.Conv2D(width, 3, padding="same", kernel_initializer=_normal(seeds))


def _normal(seeds: object) -> keras.initializers.Initializer:
    return keras.initializers.HeNormal(next(seeds))  # type: ignore[call-overload]


def _activated(values: object) -> object:
    return layers.LeakyReLU(SLOPE)(values)
