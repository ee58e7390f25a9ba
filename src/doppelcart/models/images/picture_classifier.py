"""A small convolutional network that learns to tell products from nothing but their photographs.

Blocks of convolution, batch normalisation (Ioffe and Szegedy 2015) and pooling, each at half the
side of the one before; pictures are flipped, shifted and lit anew while it learns. Validation
photographs choose the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from doppelcart.models.images.classifier_config import ClassifierConfig
from doppelcart.progress import progress

BATCH = 256


def build_classifier(config: ClassifierConfig, n_classes: int, seed: int) -> keras.Model:
    """The untrained network: pictures (n, side, side, 3), 0 to 1, to (n, n_classes) scores.

    Args:
        config: Sizes.
        n_classes: To be told.
        seed: Of the first weights and of dropout.
    """
    pictures = keras.Input((config.side, config.side, 3))
    hidden = pictures
    for number in range(config.blocks):
        start = keras.initializers.HeNormal(seed + number)
        channels = config.width * 2**number
        hidden = layers.Conv2D(
            channels, 3, padding="same", use_bias=False, kernel_initializer=start
        )(hidden)
        hidden = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(hidden)))
    pooled = layers.Dropout(config.dropout, seed=seed + 50)(layers.GlobalAveragePooling2D()(hidden))
    start = keras.initializers.GlorotUniform(seed + 51)
    scores = layers.Dense(n_classes, kernel_initializer=start)(pooled)
    return keras.Model(pictures, [pooled, scores])


@dataclass(frozen=True, eq=False)
class PictureClassifier:
    """A trained network.

    Args:
        network: As from ``build_classifier``.
        side: Pixels of a side that it sees.
        epoch: The one that was kept.
    """

    network: Any
    side: int
    epoch: int

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """(n, n_features) float32: what it tells classes by.

        Args:
            pixels: (n, any, any, 3) pictures, 0 to 255.
        """
        return _asked(self.network, _shrunk(pixels, self.side))[0]

    def classes(self, pixels: np.ndarray) -> np.ndarray:
        """(n,) class that it takes each picture for.

        Args:
            pixels: (n, any, any, 3) pictures, 0 to 255.
        """
        return _said(self.network, _shrunk(pixels, self.side))


def train_classifier(
    pixels: np.ndarray,
    labels: np.ndarray,
    learnt: np.ndarray,
    chosen: np.ndarray,
    config: ClassifierConfig,
    seed: int,
) -> PictureClassifier:
    """Learn to tell pictures.

    Args:
        pixels: (n, any, any, 3) pictures, 0 to 255.
        labels: (n,) their classes, from 0 up; only those of ``learnt`` and ``chosen`` play a part.
        learnt: Rows to learn from.
        chosen: Rows that choose the epoch.
        config: Sizes and training.
        seed: Of weights, batches and changes.
    """
    small = np.zeros((len(pixels), config.side, config.side, 3), np.float32)
    for rows in (learnt, chosen):
        small[rows] = _shrunk(pixels[rows], config.side)
    model = build_classifier(config, int(labels.max()) + 1, seed)
    optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay)
    optimizer.build(model.trainable_variables)
    n_steps = -(-len(learnt) // config.batch_size) * config.epochs
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, n_steps)

    @tf.function(reduce_retracing=True)
    def step(batch: tf.Tensor, target: tf.Tensor, draw: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            _, scores = model(_changed(batch, draw), training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=scores)
            )
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    rng = np.random.default_rng([seed, 6])
    best, best_epoch, kept, number = -1.0, 0, model.get_weights(), 0
    with progress(config.epochs, "learning to tell products", "epoch") as told:
        for epoch in range(1, config.epochs + 1):
            order = rng.permutation(learnt)
            for start in range(0, len(order), config.batch_size):
                rows = order[start : start + config.batch_size]
                optimizer.learning_rate = float(rate(number))
                step(
                    tf.constant(small[rows]), tf.constant(labels[rows]), tf.constant([seed, number])
                )
                number += 1
            right = float(np.mean(_said(model, small[chosen]) == labels[chosen]))
            if right > best:
                best, best_epoch, kept = right, epoch, model.get_weights()
            told.update()
    model.set_weights(kept)
    return PictureClassifier(model, config.side, best_epoch)


def _shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    """(n, side, side, 3) float32 from 0 to 1."""
    parts = [
        np.asarray(
            tf.image.resize(
                tf.cast(pixels[start : start + BATCH], tf.float32) / 255.0,
                (side, side),
                antialias=True,
            )
        )
        for start in range(0, len(pixels), BATCH)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, side, side, 3), np.float32)


def _changed(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Flipped, shifted by up to an eighth, brighter or darker: each picture its own way."""
    n, side = tf.shape(pictures)[0], pictures.shape[1]
    flips = tf.random.stateless_uniform((n, 1, 1, 1), seed) < 0.5
    pictures = tf.where(flips, tf.reverse(pictures, [2]), pictures)
    most = side // 8
    padded = tf.pad(pictures, [[0, 0], [most, most], [most, most], [0, 0]], "REFLECT")
    moves = tf.random.stateless_uniform((2, n, 1), seed + 1, 0, 2 * most + 1, tf.int32)
    down, right = tf.unstack(moves + tf.range(side)[None, None, :])
    rows = tf.gather(padded, down, axis=1, batch_dims=1)
    shifted = tf.gather(rows, right, axis=2, batch_dims=1)
    light = tf.random.stateless_uniform((2, n, 1, 1, 1), seed + 2, -0.2, 0.2)
    return shifted * (1.0 + light[0]) + light[1]


def _said(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """(n,) the class of the greatest score."""
    told: np.ndarray = _asked(model, pictures)[1].argmax(axis=1)
    return told


def _asked(model: keras.Model, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features and scores of pictures from 0 to 1."""
    widths = [told.shape[-1] for told in model.output]
    features, scores = (np.zeros((len(pictures), width), np.float32) for width in widths)
    for start in range(0, len(pictures), BATCH):
        rows = slice(start, start + BATCH)
        features[rows], scores[rows] = model(pictures[rows], training=False)
    return features, scores
