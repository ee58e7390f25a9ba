"""Diffusion in the latent space of a variational autoencoder: noise undone step by step.

Source: Lilienthal et al. (2024), "SDRM" (arXiv 2311.03488), where the latent space is that of a
Mult-VAE, after Rombach et al. (2022), "High-resolution image synthesis with latent diffusion
models". The schedule is the cosine one of Nichol and Dhariwal (2021), eq. 17; the network learns
the velocity of Salimans and Ho (2022), appendix D; noise is undone by the deterministic steps of
Song, Meng and Ermon (2021), eq. 12 with sigma 0; guidance is free of a classifier (Ho and
Salimans 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
from keras import ops

from doppelcart.models.histories.hyperparameters import DiffusionNetwork
from doppelcart.models.histories.networks import (
    ITEM_FEATURES,
    LogLength,
    MeanItemFeatures,
    SeenBottleneck,
    build_generator,
    layer_seeds,
    profile_inputs,
)

CONDITION: Final = "condition"
REVERSE: Final = "reverse"
DECODER: Final = "decoder"
OFFSET: Final = 0.008
"""Keeps the first steps from being too small to tell from none (Nichol and Dhariwal 2021)."""
TIME_UNITS: Final = 32
LEAST_SPREAD: Final = 1e-3

Velocity = Callable[[Any, int], Any]
"""(batch, d) states and their step -> (batch, d) velocities."""


def cosine_schedule(n_steps: int) -> np.ndarray:
    """(n_steps + 1,) share of the variance that is signal, from 1 before any noise to 0.

    Args:
        n_steps: Steps from what is real to noise alone.

    Examples:
        >>> cosine_schedule(2).round(3).tolist()
        [1.0, 0.494, 0.0]
    """
    angles = (np.arange(n_steps + 1) / n_steps + OFFSET) / (1 + OFFSET) * np.pi / 2
    signal = np.cos(angles) ** 2
    return np.clip(signal / signal[0], 0.0, 1.0)


def undo_noise(noise: Any, velocity: Velocity, schedule: np.ndarray) -> Any:
    """From noise to what it may have been, without further chance.

    Args:
        noise: (batch, d) standard normal.
        velocity: Of a state at a step: ``sqrt(a) e - sqrt(1 - a) x`` for a state
            ``sqrt(a) x + sqrt(1 - a) e``, where ``a`` is the schedule at the step.
        schedule: As from ``cosine_schedule``.

    Returns:
        (batch, d).
    """
    signal, blur = np.sqrt(schedule), np.sqrt(1 - schedule)
    state = noise
    for step in range(len(schedule) - 1, 0, -1):
        moved = velocity(state, step)
        clean = float(signal[step]) * state - float(blur[step]) * moved
        noisy = float(blur[step]) * state + float(signal[step]) * moved
        state = float(signal[step - 1]) * clean + float(blur[step - 1]) * noisy
    return state


def time_embedding(n_steps: int, units: int = TIME_UNITS) -> np.ndarray:
    """(n_steps + 1, units) sines and cosines of each step (Vaswani et al. 2017, section 3.5)."""
    rates = np.exp(-np.log(10_000.0) * np.arange(units // 2) / (units // 2))
    # Steps come as thousandths of the whole way, so that their number does not matter.
    angles = (1000.0 * np.arange(n_steps + 1) / n_steps)[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


@keras.saving.register_keras_serializable(package="doppelcart")
class LatentDiffusion(keras.layers.Layer):
    """Turns noise and a condition into a latent vector.

    Args:
        units: Width of the network that tells the noise.
        n_steps: Steps from a latent vector to noise alone.
        guidance: By how much more than learned the condition counts; 0 as learned.
        seed: Of the initial weights.

    Latent vectors are brought to mean 0 and spread 1 by ``centre`` and ``spread``, which training
    keeps; ``nothing`` stands for a condition of which nothing is told.
    """

    def __init__(
        self, units: int, n_steps: int, guidance: float = 0.0, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.n_steps = units, n_steps
        self.guidance, self.seed = guidance, seed
        self.schedule = cosine_schedule(n_steps)
        self.times = time_embedding(n_steps)
        seeds = layer_seeds(seed, 5)

        def dense(name: str) -> keras.layers.Dense:
            initial = keras.initializers.GlorotUniform(next(seeds))
            return keras.layers.Dense(units, kernel_initializer=initial, name=name)

        self.parts = [dense(name) for name in ("state", "time", "given")]
        self.trunk = [dense(f"trunk_{layer}") for layer in range(2)]
        self.norms = [keras.layers.LayerNormalization(name=f"norm_{layer}") for layer in range(2)]

    def build(self, input_shape: list[tuple[int | None, int]]) -> None:
        """Make the weights for (batch, d) noise and (batch, c) conditions."""
        (_, size), (_, width) = input_shape
        for layer, units in zip(self.parts, (size, self.times.shape[1], width), strict=True):
            layer.build((None, units))
        for layer in [*self.trunk, *self.norms]:
            layer.build((None, self.units))
        self.told = keras.layers.Dense(size, kernel_initializer="zeros", name="told")
        self.told.build((None, self.units))
        self.nothing = self.add_weight(shape=(width,), initializer="zeros", name="nothing")
        frozen = {"shape": (size,), "trainable": False}
        self.centre = self.add_weight(**frozen, initializer="zeros", name="centre")
        self.spread = self.add_weight(**frozen, initializer="ones", name="spread")

    def compute_output_shape(
        self, input_shape: list[tuple[int | None, int]]
    ) -> tuple[int | None, int]:
        """That of the noise."""
        return input_shape[0]

    def velocity(self, state: Any, time: Any, condition: Any) -> Any:
        """What the network takes the velocity to be.

        Args:
            state: (batch, d) standardised latent vectors with noise.
            time: (batch, TIME_UNITS) or (1, TIME_UNITS) embedding of their steps.
            condition: (batch, c), or (1, c) for one that is the same for all.
        """
        given = (state, time, condition)
        hidden = sum(layer(part) for layer, part in zip(self.parts, given, strict=True))
        for dense, norm in zip(self.trunk, self.norms, strict=True):
            hidden = hidden + dense(ops.gelu(norm(hidden)))
        return self.told(ops.gelu(hidden))

    def standardised(self, latent: Any) -> Any:
        """(batch, d) latent vectors at mean 0 and spread 1."""
        return (latent - self.centre) / self.spread

    def call(self, inputs: list[Any]) -> Any:
        """Map (batch, d) noise and (batch, c) conditions to (batch, d) latent vectors."""
        noise, condition = inputs

        def velocity(state: Any, step: int) -> Any:
            time = ops.convert_to_tensor(self.times[step : step + 1])
            moved = self.velocity(state, time, condition)
            if self.guidance:
                unguided = self.velocity(state, time, self.nothing[None, :])
                moved = moved + self.guidance * (moved - unguided)
            return moved

        return self.centre + self.spread * undo_noise(noise, velocity, self.schedule)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        own = ("units", "n_steps", "guidance", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def build_diffusion(
    config: DiffusionNetwork,
    popularity: np.ndarray,
    n_users: int,
    item_features: np.ndarray,
    n_demographics: int,
    n_behaviours: int,
    seed: int,
) -> keras.Model:
    """Build G(history, profile, noise) -> logits, whose noise becomes a latent vector first.

    The decoder is the generator of all other families; the condition is an encoding of what is
    seen of the history, and the profile.

    Args:
        config: Sizes, steps and guidance.
        popularity: (n_items,) share of training users who have each item.
        n_users: Number of training users.
        item_features: (n_items, n_features) float32.
        n_demographics: Width of the demographics block.
        n_behaviours: Width of the behaviour block.
        seed: Seed of the initial weights.

    Returns:
        A model of the same inputs and output as that of ``networks.build_generator``.
    """
    seeds = layer_seeds(seed, 6)
    widths = (n_demographics, n_behaviours)
    decoder = build_generator(
        config, popularity, n_users, item_features, *widths, seed=seed, name=DECODER
    )
    n_items, n_features = item_features.shape
    history = keras.Input((n_items,), name="history")
    noise = keras.Input((config.noise_units,), name="noise")
    profile = profile_inputs(*widths)
    means = MeanItemFeatures(n_items, n_features, name=ITEM_FEATURES)
    encoded = SeenBottleneck(
        config.denoiser_units,
        scaled=True,
        kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
        dropout=config.dropout,
        dropout_seed=next(seeds),
        name="seen_bottleneck",
    )(history)
    given = keras.layers.Concatenate()(
        [encoded, LogLength()(history), means(history), *profile.values()]
    )
    condition = keras.layers.Dense(
        config.denoiser_units,
        activation="gelu",
        kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
        name=CONDITION,
    )(given)
    reverse = LatentDiffusion(
        config.denoiser_units, config.diffusion_steps, config.guidance, seed, name=REVERSE
    )
    inputs = {"history": history, **profile}
    logits = decoder({"noise": reverse([noise, condition]), **inputs})
    model = keras.Model({"noise": noise, **inputs}, logits, name="generator")
    means.set_weights([item_features.astype(np.float32)])
    return model
