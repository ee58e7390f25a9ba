"""Training of Mult-VAE on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy import sparse

from doppelcart.recommenders.multvae_network import MultVAEConfig, log_likelihood

HIDDEN_SHARE = 0.5
MIN_HELD_OUT = 5
MAX_HELD_OUT = 500


def train(matrix: sparse.csr_matrix, config: MultVAEConfig, seed: int) -> list[np.ndarray]:
    """Weights after the number of epochs that suits held-out users, trained on all users.

    Args:
        matrix: (n_users, n_items) CSR of the training users.
        config: Sizes and training.
        seed: Seed of the weights, the batches, the noise and the choice of held-out users.

    Returns:
        Kernels and biases, as ``multvae_network.logits`` takes them.
    """
    n_epochs = config.epochs
    order = np.random.default_rng([seed, 0]).permutation(matrix.shape[0])
    n_held_out = min(round(config.held_out_share * len(order)), MAX_HELD_OUT)
    if n_held_out >= MIN_HELD_OUT:
        held_out, rest = matrix[order[:n_held_out]], matrix[np.sort(order[n_held_out:])]
        n_epochs = best_number_of_epochs(rest, held_out, config, seed)
    return nth(epochs(matrix, config, seed), n_epochs)


def nth(weights: Iterator[list[np.ndarray]], n: int) -> list[np.ndarray]:
    """The n-th of some weights, counted from 1."""
    return next(found for number, found in enumerate(weights, 1) if number == n)


def best_number_of_epochs(
    rest: sparse.csr_matrix, held_out: sparse.csr_matrix, config: MultVAEConfig, seed: int
) -> int:
    """Epochs after which the hidden items of held-out users are likeliest."""
    seen, hidden = hide_items(held_out, np.random.default_rng([seed, 1]))
    if not hidden.nnz:
        return config.epochs
    best, best_epoch = -np.inf, 1
    for epoch, weights in enumerate(epochs(rest, config, seed), 1):
        likelihood = log_likelihood(seen, hidden, weights)
        if likelihood > best:
            best, best_epoch = likelihood, epoch
        if epoch == config.epochs or epoch - best_epoch >= config.patience:
            break
    return best_epoch


def hide_items(
    matrix: sparse.csr_matrix, rng: np.random.Generator
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """A visible and a hidden part of each history, at random."""
    entries = matrix.tocoo()
    is_hidden = rng.random(entries.nnz) < HIDDEN_SHARE

    def part(chosen: np.ndarray) -> sparse.csr_matrix:
        where = (entries.row[chosen], entries.col[chosen])
        return sparse.csr_matrix((entries.data[chosen], where), shape=matrix.shape)

    return part(~is_hidden), part(is_hidden)


def epochs(
    matrix: sparse.csr_matrix, config: MultVAEConfig, seed: int
) -> Iterator[list[np.ndarray]]:
    """The weights after one epoch, after two, and so on without end."""
    rng = np.random.default_rng([seed, 2])
    variables = [tf.Variable(values) for values in initial_weights(matrix.shape[1], config, rng)]
    step = make_step(variables, config)
    epoch = 0
    while True:
        grown = epoch / config.annealing_epochs if config.annealing_epochs else 1.0
        weight = config.kl_weight * min(1.0, grown)
        order = rng.permutation(matrix.shape[0])
        for start in range(0, len(order), config.batch_size):
            users = order[start : start + config.batch_size]
            drawn = tf.constant(rng.integers(0, 2**30, 2), tf.int32)
            step(as_tensor(matrix[users]), tf.constant(weight), drawn)
        epoch += 1
        yield [variable.numpy() for variable in variables]


def initial_weights(
    n_items: int, config: MultVAEConfig, rng: np.random.Generator
) -> list[np.ndarray]:
    """Kernels of Glorot and Bengio (2010), and biases of zero."""
    hidden, latent = config.hidden_units, config.latent_units
    weights = []
    for inputs, outputs in ((n_items, hidden), (hidden, 2 * latent), (latent, hidden)):
        weights += [glorot(inputs, outputs, rng), np.zeros(outputs, np.float32)]
    return [*weights, glorot(hidden, n_items, rng), np.zeros(n_items, np.float32)]


def glorot(inputs: int, outputs: int, rng: np.random.Generator) -> np.ndarray:
    """(inputs, outputs) float32, uniform."""
    bound = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-bound, bound, (inputs, outputs)).astype(np.float32)


def as_tensor(matrix: sparse.csr_matrix) -> tf.SparseTensor:
    """The same numbers for TensorFlow."""
    entries = matrix.tocoo()
    where = np.column_stack([entries.row, entries.col]).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(where, entries.data, matrix.shape))


def make_step(variables: list[tf.Variable], config: MultVAEConfig) -> Callable[..., Any]:
    """A compiled Adam step on a batch of histories."""
    optimizer = keras.optimizers.Adam(config.learning_rate)
    optimizer.build(variables)
    n_items = variables[-1].shape[0]
    rows = tf.SparseTensorSpec([None, n_items], tf.float32)
    kept = 1.0 - config.dropout

    @tf.function(
        input_signature=[
            rows,
            tf.TensorSpec([], tf.float32),
            tf.TensorSpec([2], tf.int32),
        ]
    )
    def step(bought: tf.SparseTensor, kl_weight: tf.Tensor, seed: tf.Tensor) -> None:
        coin = tf.random.stateless_uniform(tf.shape(bought.values), seed)
        noisy = bought.with_values(tf.where(coin < kept, bought.values / kept, 0.0))
        with tf.GradientTape() as tape:
            hidden = tf.tanh(tf.sparse.sparse_dense_matmul(noisy, variables[0]) + variables[1])
            mean, log_variance = tf.split(hidden @ variables[2] + variables[3], 2, axis=1)
            noise = tf.random.stateless_normal(tf.shape(mean), seed + 1)
            latent = mean + tf.exp(0.5 * log_variance) * noise
            decoded = tf.tanh(latent @ variables[4] + variables[5])
            logits = decoded @ variables[6] + variables[7]
            wanted = tf.sparse.to_dense(bought)
            likelihood = tf.reduce_sum(wanted * tf.nn.log_softmax(logits), axis=1)
            squares = tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0
            divergence = 0.5 * tf.reduce_sum(squares, axis=1)
            loss = tf.reduce_mean(kl_weight * divergence - likelihood)
        optimizer.apply(tape.gradient(loss, variables), variables)

    return step
