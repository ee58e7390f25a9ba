"""Training of a generator of windows, with a critic or with a scoring rule in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from doppelcart.adversarial.loop import train
from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.rows import Batch
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.models.series.likeness import distance
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.models.series.window_networks import (
    NOISE,
    build_critic,
    build_generator,
    drawn,
    relaxed,
)


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


class WindowTrainer(Trainer):
    """Trains on windows, conditioned on what is known of their days."""

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """Heads of every window of a batch."""
        noise = tf.random.stateless_normal((tf.shape(batch["real"])[0], NOISE), seed)
        return self.generator({"noise": noise, "known": batch["known"]}, training=True)

    def draw(self, output: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:  # noqa: ARG002
        """Windows that the heads stand for."""
        return relaxed(output, seed)

    def judge(self, batch: Tensors) -> Judge:
        """The critic's opinion, on the same conditions."""
        return lambda windows: self.critic(
            {"window": windows, "known": batch["known"]}, training=True
        )


def fit_generator(values: np.ndarray, known: np.ndarray, config: WindowConfig) -> Any:
    """Train a generator, and keep the epoch whose windows are most like the real ones.

    Args:
        values: (n, days, 4) real windows without missing numbers.
        known: (n, days, conditions) what is known of their days.
        config: How to train.

    Returns:
        The generator, a Keras model.

    Raises:
        TrainingDivergedError: It diverged before anything could be kept.
    """
    n_days, n_conditions = known.shape[1:]
    generator = build_generator(n_days, n_conditions, config.seed + 1)
    has_critic = config.adversarial_loss != "energy_score"
    critic = build_critic(n_days, n_conditions, config.seed + 101) if has_critic else None
    trainer = WindowTrainer(generator, critic, config)

    def evaluate(candidate: Any) -> dict[str, float]:
        rng = np.random.default_rng(config.seed)
        rows = rng.integers(0, len(values), 500)
        made = generate(candidate, known[rows], np.full((500, n_days), 16), rng)
        return {"selection": -distance(values[rows], made)}

    batches = WindowBatches(values, known, config)
    return train(trainer, batches, evaluate, label=config.adversarial_loss).generator


def generate(
    generator: Any, known: np.ndarray, hours: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(n, days, 4) windows on given conditions.

    Args:
        generator: As from ``fit_generator``.
        known: (n, days, conditions) what is known of their days.
        hours: (n, days) hours of each day.
        rng: Of noise and stock-outs.
    """
    noise = rng.standard_normal((len(known), NOISE), dtype=np.float32)
    heads = generator({"noise": noise, "known": known.astype(np.float32)}, training=False)
    return drawn(np.asarray(heads), hours, rng)
