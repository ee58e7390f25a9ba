"""From the characters of a title to where its item stands among what is bought together.

Characters are embedded, read by convolutions of several widths, and the strongest answer of each
filter counts (Kim 2014, "Convolutional neural networks for sentence classification", over
characters as in Zhang, Zhao and LeCun 2015). The target is an item's direction in the space of who
bought what; the loss is 1 less the cosine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from doppelcart.models.text.title_config import TitleTrainingConfig

NOTHING, UNKNOWN = 0, 1
N_RESERVED: Final = 2
ROWS: Final = 4_096


@dataclass(frozen=True)
class TitleReader:
    """A trained network, and the characters that it knows.

    Args:
        alphabet: Characters that are told apart.
        network: (batch, length) codes to (batch, units) directions.
        length: Characters that are read.
        likeness: Mean cosine on held-out titles, at the epoch that is kept.
        epoch: That epoch.
    """

    alphabet: str
    network: Any
    length: int
    likeness: float
    epoch: int

    def read(self, titles: Sequence[str]) -> np.ndarray:
        """(n, units) float32 directions of length 1; zeros for a title without any character."""
        codes = encode_titles(titles, self.alphabet, self.length)
        parts = [
            np.asarray(self.network(codes[start : start + ROWS], training=False))
            for start in range(0, len(codes), ROWS)
        ]
        found = np.concatenate(parts) if parts else np.empty((0, self.network.output.shape[-1]))
        return np.where((codes != NOTHING).any(axis=1)[:, None], found, 0).astype(np.float32)


def alphabet_of(titles: Sequence[str], largest: int) -> str:
    """The commonest characters of some titles, of any script, each counted once a title."""
    counts = Counter(character for title in titles for character in set(title))
    ordered = sorted(counts, key=lambda character: (-counts[character], character))
    return "".join(ordered[:largest])


def encode_titles(titles: Sequence[str], alphabet: str, length: int) -> np.ndarray:
    """(n, length) int32 codes: 0 after the end, 1 for a character that is not told apart."""
    codes = {character: N_RESERVED + n for n, character in enumerate(alphabet)}
    found = np.zeros((len(titles), length), dtype=np.int32)
    for row, title in enumerate(titles):
        own = [codes.get(character, UNKNOWN) for character in title[:length]]
        found[row, : len(own)] = own
    return found


def build_reader(config: TitleTrainingConfig, n_characters: int, units: int) -> keras.Model:
    """The untrained network.

    Args:
        config: Sizes and seed.
        n_characters: That are told apart.
        units: Of the target.
    """
    seed = config.seed
    codes = keras.Input((config.length,), dtype="int32", name="codes")
    start = keras.initializers.RandomNormal(stddev=0.1, seed=seed)
    embedded = keras.layers.Embedding(
        N_RESERVED + n_characters, config.character_units, embeddings_initializer=start
    )(codes)
    answers = []
    for number, width in enumerate(config.widths):
        start = keras.initializers.HeNormal(seed + 1 + number)
        answer = keras.layers.Conv1D(
            config.filters, width, padding="same", activation="relu", kernel_initializer=start
        )(embedded)
        answers.append(keras.layers.GlobalMaxPooling1D()(answer))
    start = keras.initializers.HeNormal(seed + 100)
    joined = answers[0] if len(answers) == 1 else keras.layers.Concatenate()(answers)
    hidden = keras.layers.Dense(config.hidden_units, "relu", kernel_initializer=start)(joined)
    hidden = keras.layers.Dropout(config.dropout, seed=seed + 101)(hidden)
    start = keras.initializers.GlorotUniform(seed + 102)
    output = keras.layers.Dense(units, kernel_initializer=start)(hidden)
    return keras.Model(codes, keras.layers.UnitNormalization()(output), name="title_reader")


def train_reader(
    titles: Sequence[str], targets: np.ndarray, config: TitleTrainingConfig
) -> TitleReader:
    """Train a network on titles of known items; held-out ones choose the epoch.

    Items of one title count as one, whose target is the mean of theirs: a title that is both
    learnt from and held out would choose the epoch at which it is known by heart.

    Args:
        titles: (n,) of the items.
        targets: (n, units) directions, of length 1.
        config: Sizes and training.
    """
    texts, places = np.unique(np.asarray(titles, dtype=str), return_inverse=True)
    sums = np.zeros((len(texts), targets.shape[1]))
    np.add.at(sums, places.ravel(), targets)
    lengths = np.linalg.norm(sums, axis=1)
    told = np.flatnonzero((texts != "") & (lengths > 0))
    goals = (sums[told] / lengths[told, None]).astype(np.float32)
    alphabet = alphabet_of(texts[told].tolist(), config.largest_alphabet)
    codes = encode_titles(texts[told].tolist(), alphabet, config.length)
    weights = np.log1p(np.bincount(places.ravel())[told]).astype(np.float32)
    network = build_reader(config, len(alphabet), targets.shape[1])
    likeness, epoch = _train(network, codes, goals, weights, config)
    return TitleReader(alphabet, network, config.length, likeness, epoch)


def _train(
    network: keras.Model,
    codes: np.ndarray,
    goals: np.ndarray,
    weights: np.ndarray,
    config: TitleTrainingConfig,
) -> tuple[float, int]:
    """Train until held-out titles are told no better; returns their mean cosine, and when."""
    optimizer = keras.optimizers.Adam(config.learning_rate)
    optimizer.build(network.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(own: tf.Tensor, goal: tf.Tensor, weight: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            cosine = tf.reduce_sum(network(own, training=True) * goal, axis=1)
            loss = tf.reduce_sum(weight * (1.0 - cosine)) / tf.reduce_sum(weight)
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)

    rng = np.random.default_rng([config.seed, 5])
    order = rng.permutation(len(codes))
    n_held = min(max(round(config.held_out_share * len(codes)), 1), len(codes) - 1)
    held, rest = order[:n_held], order[n_held:]
    if not len(rest):
        return float("nan"), 0
    chosen = held if len(held) else rest
    best, best_epoch, kept = -np.inf, 0, network.get_weights()
    for epoch in range(1, config.epochs + 1):
        for own in _batches(rng.permutation(rest), config.batch_size):
            step(tf.constant(codes[own]), tf.constant(goals[own]), tf.constant(weights[own]))
        seen = np.asarray(network(codes[chosen], training=False))
        likeness = float(np.average(np.sum(seen * goals[chosen], axis=1), weights=weights[chosen]))
        if likeness > best:
            best, best_epoch, kept = likeness, epoch, network.get_weights()
        elif epoch - best_epoch >= config.patience:
            break
    network.set_weights(kept)
    return best, best_epoch


def _batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
