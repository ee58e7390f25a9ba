"""CFGAN: a generator of purchase vectors in real numbers, against a critic of the same.

Source: Chae, Kang, Kim and Lee (2018), "CFGAN: A generic collaborative filtering framework based
on generative adversarial networks", CIKM, and its authors' code, which settles what the paper
leaves open: a linear output, sigmoid hidden layers, no noise vector, zeros drawn once per round.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from scipy import sparse
from tqdm import tqdm

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError, TrainingDivergedError
from studies.models.hyperparameters import CfganConfig

Look = Callable[[np.ndarray], dict[str, float]]
"""Scores of the training users, (n_users, n_items), -> metrics, ``selection`` to be maximised."""


@dataclass
class TrainedCfgan:
    """What training yields.

    Args:
        generator: Maps purchase vectors to vectors of scores.
        training_log: One row per round: losses, seconds, and the metrics of a look.
        best_round: The round whose generator was kept; the last one without a look.
    """

    generator: keras.Model
    training_log: pd.DataFrame
    best_round: int


def build_network(
    name: str, n_inputs: int, n_outputs: int, units: int, layers: int, seed: int
) -> keras.Model:
    """Sigmoid hidden layers and a linear output.

    Args:
        name: Of the model.
        n_inputs: Width of a row.
        n_outputs: Width of the output.
        units: Width of a hidden layer.
        layers: Number of hidden layers.
        seed: Seed of the initial weights.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * layers + 2).tolist())

    def dense(width: int, activation: str | None) -> keras.layers.Dense:
        return keras.layers.Dense(
            width,
            activation,
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            bias_initializer=keras.initializers.RandomUniform(-0.01, 0.01, next(seeds)),
        )

    hidden = [dense(units, "sigmoid") for _ in range(layers)]
    return keras.Sequential([keras.Input((n_inputs,)), *hidden, dense(n_outputs, None)], name=name)


def draw_zeros(vectors: tf.Tensor, share: float, seed: tf.Tensor) -> tf.Tensor:
    """A mask of zeros, each taken with the chance ``share``, for ZR and for PM.

    Args:
        vectors: (n, width) float32 of 0 and 1.
        share: Between 0 and 1.
        seed: (2,) int32.

    Returns:
        (n, width) float32: 1 where a zero was taken; never where there is a purchase.
    """
    taken = tf.random.stateless_uniform(tf.shape(vectors), seed) < share
    return tf.where(taken, 1.0 - vectors, 0.0)


def zero_error(output: tf.Tensor, zeros: tf.Tensor) -> tf.Tensor:
    """Squared output at the drawn zeros, summed over a vector, its mean over vectors (eq. 6)."""
    return tf.reduce_mean(tf.reduce_sum(tf.square(output) * zeros, axis=1))


def shown(output: tf.Tensor, vectors: tf.Tensor, zeros: tf.Tensor) -> tf.Tensor:
    """What the critic sees of an output: purchases and, by partial masking, the drawn zeros."""
    return output * (vectors + zeros)


class _Adam:
    """Adam (Kingma and Ba 2015) with an l2 penalty, in one expression per weight.

    XLA fuses it into a single pass over the weights; at a few rows per step, passes over the
    weights are most of the work.
    """

    def __init__(self, weights: list[keras.Variable], learning_rate: float, l2: float) -> None:
        self.weights = [weight.value for weight in weights]
        self.moments = [
            (tf.Variable(tf.zeros_like(weight)), tf.Variable(tf.zeros_like(weight)))
            for weight in self.weights
        ]
        self.step = tf.Variable(0.0)
        self.learning_rate, self.l2 = learning_rate, l2

    def apply(self, gradients: list[tf.Tensor]) -> None:
        self.step.assign_add(1.0)
        rate = self.learning_rate * tf.sqrt(1.0 - 0.999**self.step) / (1.0 - 0.9**self.step)
        for weight, gradient, (first, second) in zip(
            self.weights, gradients, self.moments, strict=True
        ):
            penalised = gradient + self.l2 * weight
            mean = first.assign(0.9 * first + 0.1 * penalised)
            square = second.assign(0.999 * second + 0.001 * tf.square(penalised))
            weight.assign_sub(rate * mean / (tf.sqrt(square) + 1e-8))


def batches(n_rows: int, size: int, epochs: int, rng: np.random.Generator) -> tf.Tensor:
    """(epochs * n_batches, size) row numbers, each epoch in an order of its own.

    What does not fill a batch is left out of the epoch.
    """
    size = min(size, n_rows)
    orders = [rng.permutation(n_rows)[: n_rows // size * size] for _ in range(epochs)]
    return tf.constant(np.concatenate(orders).reshape(-1, size), tf.int32)


class CfganGame:
    """Generator and critic over all purchase vectors, a round of training compiled whole.

    Args:
        vectors: (n, width) float32 of 0 and 1; held dense, ``4 * n * width`` bytes, twice more
            for the drawn zeros.
        config: Networks and training.
    """

    def __init__(self, vectors: np.ndarray, config: CfganConfig) -> None:
        self.config = config
        self.vectors = tf.constant(vectors, tf.float32)
        width = vectors.shape[1]
        self.generator = build_network(
            "cfgan", width, width, config.hidden_units, config.hidden_layers, config.seed
        )
        self.critic = build_network(
            "critic", 2 * width, 1, config.critic_units, config.critic_layers, config.seed + 1
        )
        self._generator_adam = _Adam(
            self.generator.trainable_variables, config.learning_rate, config.l2
        )
        self._critic_adam = _Adam(
            self.critic.trainable_variables, config.critic_learning_rate, config.critic_l2
        )
        self._round = tf.function(self._train_round, jit_compile=True)

    def train_round(self, number: int) -> dict[str, float]:
        """Draw zeros, then train the critic, then the generator; the last loss of either.

        The same number gives the same draws and batches, whatever came before.
        """
        config, n_rows = self.config, len(self.vectors)
        rng = np.random.default_rng([config.seed, number])
        losses = self._round(
            tf.constant(rng.integers(0, 2**30, 2), tf.int32),
            batches(n_rows, config.critic_batch_size, config.critic_epochs_per_round, rng),
            batches(n_rows, config.batch_size, config.epochs_per_round, rng),
        )
        return {name: float(value) for name, value in losses.items()}

    def _train_round(
        self, seed: tf.Tensor, critic_batches: tf.Tensor, generator_batches: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        reproduced = draw_zeros(self.vectors, self.config.zero_reconstruction, seed)
        masked = draw_zeros(self.vectors, self.config.partial_masking, seed + 1)
        critic_loss = generator_loss = tf.zeros(())
        for rows in critic_batches:
            critic_loss = self._critic_step(rows, masked)
        for rows in generator_batches:
            generator_loss = self._generator_step(rows, masked, reproduced)
        return {"critic_loss": critic_loss, "generator_loss": generator_loss}

    def _judge(self, condition: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
        return self.critic(tf.concat([condition, vectors], axis=1))

    def _critic_step(self, rows: tf.Tensor, masked: tf.Tensor) -> tf.Tensor:
        real = tf.gather(self.vectors, rows)
        fake = shown(self.generator(real), real, tf.gather(masked, rows))
        weights = self.critic.trainable_variables
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softplus(-self._judge(real, real)))
            loss += tf.reduce_mean(tf.nn.softplus(self._judge(real, tf.stop_gradient(fake))))
        self._critic_adam.apply(tape.gradient(loss, weights))
        return loss

    def _generator_step(
        self, rows: tf.Tensor, masked: tf.Tensor, reproduced: tf.Tensor
    ) -> tf.Tensor:
        real = tf.gather(self.vectors, rows)
        weights = self.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in weights])
            output = self.generator(real)
            fake = shown(output, real, tf.gather(masked, rows))
            loss = tf.reduce_mean(tf.nn.softplus(-self._judge(real, fake)))
            loss += self.config.zero_weight * zero_error(output, tf.gather(reproduced, rows))
        self._generator_adam.apply(tape.gradient(loss, [weight.value for weight in weights]))
        return loss


def train_cfgan(
    train: sparse.csr_matrix, config: CfganConfig, look: Look | None = None, every: int = 5
) -> TrainedCfgan:
    """Train to the last round.

    Args:
        train: (n_users, n_items) CSR of ones.
        config: Networks and training.
        look: Looked through every ``every`` rounds; the generator of the best look is kept.
        every: Rounds between two looks.

    Raises:
        InputError: There is no user or no item.
        TrainingDivergedError: A loss is not a finite number.
    """
    if 0 in train.shape:
        raise InputError(
            f"CFGAN: the training matrix has {train.shape[0]} users and {train.shape[1]} items; "
            "it needs at least one of each."
        )
    matrix = (train != 0).toarray().astype(np.float32)
    game = CfganGame(matrix.T if config.view == "item" else matrix, config)
    rows: list[dict[str, float]] = []
    best, best_round, weights = -np.inf, config.rounds, None
    for number in tqdm(range(1, config.rounds + 1), "Training CFGAN", unit="round", disable=None):
        begin = time.perf_counter()
        row = {"round": float(number)} | game.train_round(number)
        row["seconds"] = time.perf_counter() - begin
        _check_losses(row)
        if look is not None and (number % every == 0 or number == config.rounds):
            row |= look(scores(game.generator, matrix, config.view))
            if row["selection"] > best:
                best, best_round = row["selection"], number
                weights = game.generator.get_weights()
        rows.append(row)
    if weights is not None:
        game.generator.set_weights(weights)
    return TrainedCfgan(game.generator, pd.DataFrame(rows), best_round)


def _check_losses(row: dict[str, float]) -> None:
    if not np.isfinite([row["critic_loss"], row["generator_loss"]]).all():
        raise TrainingDivergedError(
            f"Training of CFGAN diverged in round {row['round']:.0f}: its loss is not a finite "
            "number. Lower its learning_rate or its zero_weight."
        )


def scores(generator: keras.Model, matrix: sparse.csr_matrix | np.ndarray, view: str) -> np.ndarray:
    """Scores of all users, by either view.

    Args:
        generator: The trained G.
        matrix: (n_users, n_items); by the item view, of the users it was trained on.
        view: ``item`` or ``user``.

    Returns:
        (n_users, n_items) float32, about 1 where a purchase is expected.

    Raises:
        InputError: The generator was trained on other users (item view) or items (user view).
    """
    dense = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    vectors = (dense.T if view == "item" else dense).astype(np.float32)
    expected = generator.input_shape[-1]
    if vectors.shape[1] != expected:
        what = "users" if view == "item" else "items"
        raise InputError(
            f"CFGAN was trained on {expected:,} {what}, but these histories have "
            f"{vectors.shape[1]:,}. Train it again on the same {what}."
        )
    output = np.asarray(generator(vectors))
    return output.T if view == "item" else output


def make_cfgan_completer(generator: keras.Model) -> Callable[[Histories], np.ndarray]:
    """A function that completes the visible histories of any users, seen in training or not.

    Args:
        generator: Trained by the user view; an item's vector has no place for a new user.
    """

    def completer(seen: Histories) -> np.ndarray:
        return scores(generator, seen.matrix, "user").clip(0, 1)

    return completer
