"""Training of a generator of windows, with a critic, a scoring rule in its place, or an encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from doppelcart.adversarial.loop import Evaluate, train
from doppelcart.adversarial.rows import Batch
from doppelcart.models.series.likeness import distance
from doppelcart.models.series.window_config import Family, WindowConfig
from doppelcart.models.series.window_networks import (
    NOISE,
    build_critic,
    build_generator,
    drawn,
)
from doppelcart.models.series.window_trainer import WindowTrainer
from doppelcart.models.series.window_vae import (
    WindowVariationalTrainer,
    build_decoder,
    build_encoder,
)

N_LOOKED_AT = 500
"""Windows that an epoch is judged by."""


@dataclass(frozen=True)
class WindowBatches:
    """Random windows of the series, the same for the same seed and epoch.

    Args:
        values: (n, days, 4) real windows.
        known: (n, days, conditions) what is known of their days.
        config: Batch size and steps.
    """

    values: np.ndarray
    known: np.ndarray
    config: WindowConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches of a round."""
        return self.config.steps_per_epoch

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """So many batches, drawn with replacement: few series have few windows."""
        rng = np.random.default_rng([self.config.seed, epoch])
        for _ in range(self.config.steps_per_epoch):
            rows = rng.integers(0, len(self.values), self.config.batch_size)
            yield {"real": self.values[rows], "known": self.known[rows]}


def make_trainer(
    n_days: int, n_conditions: int, config: WindowConfig, family: Family, n_given: int
) -> WindowTrainer:
    """A generator, and the network that trains it.

    Args:
        n_days: Days of a window.
        n_conditions: Numbers known of each day.
        config: How to train.
        family: What trains the generator.
        n_given: First days that are given.
    """
    if family == "vae":
        decoder = build_decoder(n_days, n_conditions, config.seed + 1)
        encoder = build_encoder(n_days, n_conditions, config.seed + 101)
        return WindowVariationalTrainer(decoder, encoder, config, n_given)
    generator = build_generator(n_days, n_conditions, config.seed + 1)
    has_critic = config.adversarial_loss != "energy_score"
    critic = build_critic(n_days, n_conditions, config.seed + 101) if has_critic else None
    return WindowTrainer(generator, critic, config, n_given)


def fit_generator(
    values: np.ndarray,
    known: np.ndarray,
    config: WindowConfig,
    family: Family = "gan",
    n_given: int = 0,
    evaluate: Evaluate | None = None,
) -> Any:
    """Train a generator, and keep the epoch that does best.

    Args:
        values: (n, days, 4) real windows without missing numbers.
        known: (n, days, conditions) what is known of their days.
        config: How to train.
        family: What trains the generator.
        n_given: First days of a window that are given, and not drawn.
        evaluate: What an epoch is kept by; by default how near its windows come to the real ones.

    Returns:
        The generator, a Keras model.

    Raises:
        TrainingDivergedError: It diverged before anything could be kept.
    """
    n_days, n_conditions = known.shape[1:]
    trainer = make_trainer(n_days, n_conditions, config, family, n_given)

    def likeness(candidate: Any) -> dict[str, float]:
        rng = np.random.default_rng(config.seed)
        rows = rng.integers(0, len(values), N_LOOKED_AT)
        hours = np.full((N_LOOKED_AT, n_days), 16)
        made = generate(candidate, known[rows], hours, rng)
        return {"selection": -distance(values[rows], made)}

    batches = WindowBatches(values, known, config)
    label = family if family == "vae" else config.adversarial_loss
    return train(trainer, batches, evaluate or likeness, label=label).generator


def generate(
    generator: Any, known: np.ndarray, hours: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(n, days, 4) windows on given conditions.

    Args:
        generator: As from ``fit_generator``.
        known: (n, days, conditions) what is known of their days.
        hours: (n, days) hours of each day.
        rng: Of noise, sales and stock-outs.
    """
    noise = rng.standard_normal((len(known), NOISE), dtype=np.float32)
    heads = generator({"noise": noise, "known": known.astype(np.float32)}, training=False)
    return drawn(np.asarray(heads), hours, rng)
