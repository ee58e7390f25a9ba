"""A critic of pictures that looks at them with the eyes of a network that has learnt to see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import keras
import numpy as np
from keras import layers

from doppelcart.imaging import lite0
from doppelcart.models.images.image_config import ImageTrainingConfig
from doppelcart.models.images.image_networks import SLOPE

BLOCKS: Final = (0, 2, 4, 10, 15)
"""Blocks whose maps are judged, from half of the side on, where colours and edges are told."""
PROJECTED, UNITS = 64, 96
"""Channels of a map after its random projection, and of what judges it."""
SMALLEST: Final = 2
"""Maps of no more cells a side are not made smaller."""
LARGEST: Final = 16
"""Maps of more cells a side are halved first: they would take most of the time."""


def build_projected_critic(
    config: ImageTrainingConfig,
    n_conditions: int,
    weights: Mapping[str, np.ndarray],
    seed: int,
) -> keras.Model:
    """D(picture, condition) -> one opinion per resolution.

    Each map of a frozen network is mixed by a random projection, and judged by two convolutions of
    its own; what they notice is weighed by the class (Miyato and Koyama 2018). What a picture is
    like is learnt already, so that a few thousand pictures teach what would take millions.

    Source: Sauer, Chitta, Mueller and Geiger (2021), "Projected GANs converge faster": equation 4,
    without mixing across resolutions, which brings least there (table 1).

    Args:
        config: Sizes.
        n_conditions: Width of the condition.
        weights: Of EfficientNet-Lite0, as from ``lite0.pretrained``.
        seed: Of the projections and the initial weights.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(64).tolist())
    size = config.image_size
    picture = keras.Input((size, size, 3), name="picture")
    condition = keras.Input((n_conditions,), name="condition")
    seen = layers.Resizing(config.sight, config.sight, interpolation="bilinear")(picture)
    seen = layers.Rescaling(127.5, offset=127.5)(seen)
    maps = lite0.build_trunk(weights, config.sight, BLOCKS)(seen)
    opinions = [_opinion(one, condition, seeds) for one in maps]
    scores = layers.Concatenate(name="scores")(opinions)
    return keras.Model(
        {"picture": picture, "condition": condition}, scores, name="projected_critic"
    )


def _opinion(
    seen: keras.KerasTensor, condition: keras.KerasTensor, seeds: Iterator[int]
) -> keras.KerasTensor:
    """(batch, 1) what one map says of a picture."""
    if seen.shape[1] > LARGEST:
        seen = layers.AveragePooling2D(2)(seen)
    hidden = layers.Conv2D(
        PROJECTED, 1, trainable=False, kernel_initializer=_normal(seeds), use_bias=False
    )(seen)
    hidden = _judged(hidden, seeds)
    if hidden.shape[1] > SMALLEST:
        hidden = layers.AveragePooling2D(2)(hidden)
    noticed = layers.GlobalAveragePooling2D()(_judged(hidden, seeds))
    wanted = layers.Dense(
        UNITS,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.1, seed=next(seeds)),
    )(condition)
    own = layers.Dense(1, kernel_initializer=_normal(seeds))(noticed)
    return layers.Add()([own, layers.Dot(axes=1)([noticed, wanted])])


def _judged(hidden: keras.KerasTensor, seeds: Iterator[int]) -> keras.KerasTensor:
    made = layers.Conv2D(UNITS, 3, padding="same", kernel_initializer=_normal(seeds))(hidden)
    return layers.LeakyReLU(SLOPE)(made)


def _normal(seeds: Iterator[int]) -> keras.initializers.Initializer:
    return keras.initializers.HeNormal(next(seeds))
