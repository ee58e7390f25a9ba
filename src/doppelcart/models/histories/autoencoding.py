"""A critic that judges a history by how well it can reconstruct it, for ``autoencoding``.

Source: Dervishaj and Cremonesi (2022), "GAN-based matrix factorization for recommender systems"
(GANMF), after the energy-based GAN of Zhao, Mathieu and LeCun (2017).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from doppelcart.models.histories.hyperparameters import NetworkConfig
from doppelcart.models.histories.networks import (
    HistoryScale,
    LogLength,
    SeenBottleneck,
    dense_layers,
    judge_inputs,
    layer_seeds,
)


@keras.saving.register_keras_serializable(package="doppelcart")
class ReconstructionEnergy(keras.layers.Layer):
    """Squared error of a reconstructed history, summed and divided by the history's length.

    It is 0 for a perfect reconstruction, and n / (n + 1) for one of zeros, n being the length: near
    1 but for the shortest histories, whatever the catalogue's size.
    """

    def call(self, full: Any, reconstruction: Any) -> Any:
        """Map twice (batch, n_items) to (batch, 1)."""
        error = ops.sum(ops.square(full - reconstruction), axis=1, keepdims=True)
        return error / (1.0 + ops.sum(full, axis=1, keepdims=True))


def build_autoencoding_critic(
    config: NetworkConfig, n_items: int, n_demographics: int, n_behaviours: int, seed: int
) -> keras.Model:
    """Build D(full, seen, profile) -> energy and features of one row each.

    Args:
        config: Sizes.
        n_items: Size of the catalogue.
        n_demographics: Width of the demographics block.
        n_behaviours: Width of the behaviour block.
        seed: Seed of the initial weights.

    Returns:
        A model of outputs energy (batch, 1) and features (batch, critic_units), the bottleneck.
    """
    dense = dense_layers(keras.initializers.GlorotUniform, layer_seeds(seed, 2))
    inputs = judge_inputs(n_items, n_demographics, n_behaviours)
    full, seen, *profile = inputs.values()
    condition = keras.layers.Concatenate()(
        [
            dense(config.critic_units, "seen_bottleneck", SeenBottleneck, scaled=True)(seen),
            LogLength()(full),
            LogLength()(seen),
            *profile,
        ]
    )
    features = keras.layers.Add()(
        [
            dense(config.critic_units, "full_bottleneck")(HistoryScale()(full)),
            dense(config.critic_units, "condition")(condition),
        ]
    )
    features = keras.layers.Activation("tanh", name="features")(features)
    reconstruction = dense(n_items, "reconstruction")(features)
    energy = ReconstructionEnergy(name="energy")(full, reconstruction)
    return keras.Model(
        inputs,
        {"energy": energy, "features": features},
        name="autoencoding_critic",
    )
