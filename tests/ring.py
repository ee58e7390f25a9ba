"""Eight Gaussians on a ring: the least that a generator of anything has to bring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from doppelcart.adversarial.hyperparameters import TrainerConfig
from doppelcart.adversarial.monitors import Subject
from doppelcart.adversarial.rows import Batch, row_batches, steps_per_epoch
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.metrics.fidelity import prdc

N_MODES, RADIUS, SPREAD = 8, 2.0, 0.15
ANGLES = 2 * np.pi * np.arange(N_MODES) / N_MODES
CENTRES = RADIUS * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
NOISE_UNITS, UNITS = 2, 64


class RingConfig(TrainerConfig):
    """How the ring is learned."""

    PATH: ClassVar[str] = "ring.training"


def draw_points(n_points: int, seed: int) -> np.ndarray:
    """(n_points, 2) float32 of the mixture, as many of one Gaussian as of another."""
    noise = np.random.default_rng(seed).normal(0, SPREAD, (n_points, 2))
    return (CENTRES[np.arange(n_points) % N_MODES] + noise).astype(np.float32)


def build_network(name: str, n_inputs: int, n_outputs: int, seed: int) -> keras.Model:
    """Two hidden layers."""
    point = keras.Input((n_inputs,))
    hidden = point
    for layer in range(2):
        start = keras.initializers.HeNormal(seed + layer)
        hidden = keras.layers.Dense(UNITS, "leaky_relu", kernel_initializer=start)(hidden)
    start = keras.initializers.GlorotUniform(seed + 2)
    output = keras.layers.Dense(n_outputs, kernel_initializer=start)(hidden)
    return keras.Model(point, output, name=name)


@dataclass(frozen=True)
class PointBatches:
    """Batches of points, the same for the same seed and epoch."""

    points: np.ndarray
    config: TrainerConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches that an epoch has."""
        return steps_per_epoch(len(self.points), self.config.batch_size)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Every point at most once."""
        rng = np.random.default_rng([self.config.seed, epoch])
        for rows in row_batches(len(self.points), self.config.batch_size, rng):
            yield {"real": self.points[rows]}


class RegressionTrainer(Trainer):
    """Told in addition how far each point is from a real one: the control without a critic."""

    def reconstruction(self, output: tf.Tensor, batch: Tensors) -> tf.Tensor:
        """Mean squared error."""
        return tf.reduce_mean(tf.square(output - batch["real"]))


def build_trainer(
    config: TrainerConfig, weight: float = 1.0, kind: type[Trainer] = Trainer
) -> Trainer:
    """A generator of noise alone, and a critic that is not built where nothing asks it."""
    generator = build_network("generator", NOISE_UNITS, 2, seed=config.seed + 1)
    asks = config.adversarial_loss != "energy_score"
    critic = build_network("critic", 2, 1, seed=config.seed + 11) if asks else None
    return kind(generator, critic, config, weight)


def generate(generator: Any, n_points: int, seed: int) -> np.ndarray:
    """(n_points, 2) synthetic points."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n_points, generator.input.shape[-1]), dtype=np.float32)
    return np.asarray(generator(noise, training=False))


def modes_found(points: np.ndarray) -> int:
    """Gaussians that have half as many of the points within two deviations as they should have.

    A Gaussian in the plane has 86 % there, and points spread evenly over the ring 38 %.
    """
    distances = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    near = distances.min(axis=1) < 2 * SPREAD
    counts = np.bincount(distances.argmin(axis=1)[near], minlength=N_MODES)
    return int((counts >= 0.5 * 0.86 * len(points) / N_MODES).sum())


def evaluate(generator: Any) -> dict[str, float]:
    """What the monitors compare; kept is the generator that covers most and strays least."""
    real, made = draw_points(400, seed=1), generate(generator, 400, seed=2)
    near = prdc(real, made)
    return {
        "selection": near["coverage"] + near["precision"],
        "coverage": near["coverage"],
        "recall": near["recall"],
        "duplicates": 1 - len(np.unique(made.round(4), axis=0)) / len(made),
    }


POINTS = Subject(
    kind="points", training=RingConfig, noise="ring.noise_units", dropout="ring.dropout"
)
