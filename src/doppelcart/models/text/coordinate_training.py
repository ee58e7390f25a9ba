"""A generator of coordinates of texts on their label, with a critic or a scoring rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from doppelcart.adversarial.loop import train
from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.rows import Batch
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.models.text.coordinate_config import CoordinateConfig

NOISE: Final = 16
UNITS: Final = 64
N_COMPARED: Final = 200


def _network(name: str, n_inputs: int, n_outputs: int, seed: int) -> keras.Model:
    """Coordinates or noise with a label to coordinates or a score, over two hidden layers."""
    inputs = keras.Input((n_inputs,), name="example")
    label = keras.Input((1,), name="label")
    hidden = keras.layers.Concatenate()([inputs, label])
    for layer in range(2):
        start = keras.initializers.HeNormal(seed + layer)
        hidden = keras.layers.Dense(UNITS, "leaky_relu", kernel_initializer=start)(hidden)
    start = keras.initializers.GlorotUniform(seed + 2)
    output = keras.layers.Dense(n_outputs, kernel_initializer=start)(hidden)
    return keras.Model({"example": inputs, "label": label}, output, name=name)


@dataclass(frozen=True)
class CoordinateBatches:
    """Random reviews with their labels, the same for the same seed and epoch.

    Args:
        values: (n, n_components) scaled coordinates.
        labels: (n, 1) 1 for deceptive.
        config: Batch size and steps.
    """

    values: np.ndarray
    labels: np.ndarray
    config: CoordinateConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches of a round."""
        return self.config.steps_per_epoch

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """So many batches, drawn with replacement: there may be few labels."""
        rng = np.random.default_rng([self.config.seed, epoch])
        for _ in range(self.config.steps_per_epoch):
            rows = rng.integers(0, len(self.values), self.config.batch_size)
            yield {"real": self.values[rows], "label": self.labels[rows]}


class CoordinateTrainer(Trainer):
    """Trains on coordinates, conditioned on the label."""

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """Coordinates of every row of a batch."""
        noise = tf.random.stateless_normal((tf.shape(batch["real"])[0], NOISE), seed)
        return self.generator({"example": noise, "label": batch["label"]}, training=True)

    def judge(self, batch: Tensors) -> Judge:
        """The critic's opinion, given the label."""
        return lambda examples: self.critic(
            {"example": examples, "label": batch["label"]}, training=True
        )


def fit_and_draw(
    values: np.ndarray, labels: np.ndarray, asked: np.ndarray, config: CoordinateConfig
) -> tuple[np.ndarray, float]:
    """Train a generator on labelled reviews, and draw from it.

    Args:
        values: (n, n_components) coordinates.
        labels: (n,) whether deceptive.
        asked: (m,) labels of what is to be drawn.
        config: How to train; ``adversarial_loss: energy_score`` trains without a critic.

    Returns:
        (m, n_components) coordinates; and how far the drawn ones lie from the real ones: distance
        of sorted values (Wasserstein, order 1), mean over components, in real spreads.

    Raises:
        TrainingDivergedError: It diverged before anything could be kept.
    """
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-6
    scaled = ((values - mean) / spread).astype(np.float32)
    known = labels.astype(np.float32)[:, None]
    width = values.shape[1]
    has_critic = config.adversarial_loss != "energy_score"
    critic = _network("critic", width, 1, config.seed + 101) if has_critic else None
    generator = _network("generator", NOISE, width, config.seed + 1)

    def distance(candidate: Any) -> float:
        rng = np.random.default_rng(config.seed)
        rows = rng.integers(0, len(scaled), N_COMPARED)
        made = _draw(candidate, known[rows], rng)
        return float(np.abs(np.sort(scaled[rows], axis=0) - np.sort(made, axis=0)).mean())

    trained = train(
        CoordinateTrainer(generator, critic, config),
        CoordinateBatches(scaled, known, config),
        lambda candidate: {"selection": -distance(candidate)},
        label=config.adversarial_loss,
    ).generator
    made = _draw(trained, asked.astype(np.float32)[:, None], np.random.default_rng(config.seed))
    return made * spread + mean, distance(trained)


def _draw(generator: Any, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal((len(labels), NOISE), dtype=np.float32)
    return np.asarray(generator({"example": noise, "label": labels}, training=False))
