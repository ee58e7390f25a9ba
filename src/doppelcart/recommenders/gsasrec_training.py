"""Training of gSASRec on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.recommenders.gsasrec_network import (
    EPSILON,
    FORBIDDEN,
    KERNELS,
    NORMS,
    GSASRecConfig,
    Weights,
    drawn_negatives,
    exponent,
    logits,
    names_of,
)
from doppelcart.recommenders.sequences import (
    Sequences,
    last_items,
    shuffled_baskets,
    windows,
)

MIN_HELD_OUT = 5
MAX_HELD_OUT = 500
CUTS = 3
"""Places at which a held-out history is cut."""
K = 20
"""Length of the list that is judged behind a cut."""
SPREAD = 0.05
"""Bound of the uniform draw of the first vectors, that of Keras."""

Variables = dict[str, tf.Variable]


def train(sequences: Sequences, n_items: int, config: GSASRecConfig, seed: int) -> Weights:
    """Weights after the number of epochs that suits held-out users, trained on all users.

    Args:
        sequences: Histories of the training users.
        n_items: Size of the catalogue.
        config: Sizes and training.
        seed: Seed of the weights, the windows, the draws and the choice of held-out users.

    Returns:
        By name, as ``gsasrec_network.logits`` takes them.
    """
    n_epochs = config.epochs
    order = np.random.default_rng([seed, 0]).permutation(len(sequences.lengths))
    n_held_out = min(round(config.held_out_share * len(order)), MAX_HELD_OUT)
    if n_held_out >= MIN_HELD_OUT:
        held_out = sequences.select(order[:n_held_out])
        rest = sequences.select(np.sort(order[n_held_out:]))
        n_epochs = best_number_of_epochs(rest, held_out, n_items, config, seed)
    return next(islice(epochs(sequences, n_items, config, seed), n_epochs - 1, None))


def best_number_of_epochs(
    rest: Sequences, held_out: Sequences, n_items: int, config: GSASRecConfig, seed: int
) -> int:
    """Epochs after which lists of held-out users, their histories cut, are best."""
    judge = make_judge(held_out, n_items, config, np.random.default_rng([seed, 1]))
    if judge is None:
        return config.epochs
    best, best_epoch = -np.inf, 1
    for epoch, weights in enumerate(epochs(rest, n_items, config, seed), 1):
        value = judge(weights)
        if value > best:
            best, best_epoch = value, epoch
        if epoch == config.epochs or epoch - best_epoch >= config.patience:
            break
    return best_epoch


def make_judge(
    held_out: Sequences, n_items: int, config: GSASRecConfig, rng: np.random.Generator
) -> Callable[[Weights], float] | None:
    """What measures NDCG of histories cut at random places; None where none can be cut."""
    if config.baskets:
        held_out = shuffled_baskets(held_out, rng)
    users = np.repeat(np.flatnonzero(held_out.lengths > 1), CUTS)
    if not len(users):
        return None
    cut = held_out.select(users)
    ends = rng.integers(1, cut.lengths)
    known = last_items(cut, ends, config.length, n_items)
    places = np.arange(len(cut.items)) - np.repeat(cut.indptr[:-1], cut.lengths)
    rows = np.repeat(np.arange(len(users)), cut.lengths)
    is_known = places < np.repeat(ends, cut.lengths)
    seen, relevant = (
        _matrix(rows[part], cut.items[part], (len(users), n_items))
        for part in (is_known, ~is_known)
    )

    def judge(weights: Weights) -> float:
        return float(ndcg(top_k(logits(known, weights, config), seen, K), relevant, K).mean())

    return judge


def _matrix(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Any:
    from scipy import sparse

    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)


def epochs(
    sequences: Sequences, n_items: int, config: GSASRecConfig, seed: int
) -> Iterator[Weights]:
    """The weights after one epoch, after two, and so on without end."""
    rng = np.random.default_rng([seed, 2])
    first = initial_weights(n_items, config, rng)
    first["bias"] = first_bias(sequences, n_items, config)
    variables = {name: tf.Variable(values) for name, values in first.items()}
    step = make_step(variables, config, n_items)
    while True:
        shown = shuffled_baskets(sequences, rng) if config.baskets else sequences
        pieces = windows(shown, config.length + 1, n_items, rng)
        order = rng.permutation(len(pieces))
        for start in range(0, len(order), config.batch_size):
            batch = pieces[order[start : start + config.batch_size]]
            drawn = rng.integers(0, 2**30, 2).astype(np.int32)
            others = rng.integers(
                0, n_items, (len(batch), drawn_negatives(config, n_items)), dtype=np.int32
            )
            step(tf.constant(batch), tf.constant(others), tf.constant(drawn))
        yield {name: variable.numpy() for name, variable in variables.items()}


def initial_weights(
    n_items: int, config: GSASRecConfig, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Small vectors, kernels of Glorot and Bengio (2010), norms that change nothing."""
    size = config.dimension
    weights = {
        "items": rng.uniform(-SPREAD, SPREAD, (n_items + 1, size)),
        "places": rng.uniform(-SPREAD, SPREAD, (config.length, size)),
        "last/scale": np.ones(size),
        "last/shift": np.zeros(size),
    }
    bound = np.sqrt(6 / (2 * size))
    for number in range(config.blocks):
        names = names_of(number)
        for norm in NORMS:
            weights[names[f"{norm}/scale"]] = np.ones(size)
            weights[names[f"{norm}/shift"]] = np.zeros(size)
        for kernel in KERNELS:
            weights[names[f"{kernel}/kernel"]] = rng.uniform(-bound, bound, (size, size))
            weights[names[f"{kernel}/bias"]] = np.zeros(size)
    return {name: values.astype(np.float32) for name, values in weights.items()}


def first_bias(sequences: Sequences, n_items: int, config: GSASRecConfig) -> np.ndarray:
    """(n_items + 1,) the scores that are best while everybody is given the same list.

    Where an item is next with probability p, the loss is least at odds of beta p n_items / k.
    """
    counts = np.bincount(sequences.items, minlength=n_items) + 0.5
    odds = exponent(config, n_items) * n_items / drawn_negatives(config, n_items)
    return np.append(np.log(odds * counts / counts.sum()), 0).astype(np.float32)


def make_step(variables: Variables, config: GSASRecConfig, n_items: int) -> Callable[..., Any]:
    """A compiled Adam step on a batch of windows."""
    optimizer = keras.optimizers.Adam(config.learning_rate, beta_2=0.98)
    # A bias stays as it begins: learned, it is drawn away from its popularity by chance.
    own = [variable for name, variable in variables.items() if name != "bias"]
    optimizer.build(own)
    beta = exponent(config, n_items)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, config.length + 1], tf.int32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([2], tf.int32),
        ]
    )
    def step(batch: tf.Tensor, others: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            states = hidden_states(batch[:, :-1], variables, config, n_items, seed)
            right = tf.gather(variables["items"], batch[:, 1:])
            wrong = tf.gather(variables["items"], others)
            loss = generalised_cross_entropy(
                tf.reduce_sum(states * right, axis=-1) + tf.gather(variables["bias"], batch[:, 1:]),
                tf.matmul(states, wrong, transpose_b=True)
                + tf.gather(variables["bias"], others)[:, None],
                tf.cast(batch[:, :-1] != n_items, tf.float32),
                beta,
            )
        optimizer.apply(tape.gradient(loss, own), own)
        return loss

    return step


def generalised_cross_entropy(
    right: tf.Tensor, wrong: tf.Tensor, counts: tf.Tensor, beta: float
) -> tf.Tensor:
    """gBCE: ``-(log sigmoid(s+)^beta + sum log(1 - sigmoid(s-))) / (k + 1)``, a mean over places.

    Petrov and Macdonald (2023), equation 7.

    Args:
        right: (n_windows, length) scores of what was bought next.
        wrong: (n_windows, length, k) scores of what was drawn.
        counts: (n_windows, length) 1 where there is something to predict from, else 0.
        beta: Power of a positive's probability.
    """
    losses = beta * tf.nn.softplus(-right) + tf.reduce_sum(tf.nn.softplus(wrong), axis=-1)
    n_scores = tf.cast(tf.shape(wrong)[-1] + 1, tf.float32)
    return tf.reduce_sum(losses * counts) / (n_scores * tf.reduce_sum(counts))


def hidden_states(
    items: tf.Tensor, variables: Variables, config: GSASRecConfig, n_items: int, seed: tf.Tensor
) -> tf.Tensor:
    """``gsasrec_network.hidden_states`` with dropout, as tensors that can be differentiated."""
    there = tf.cast(items != n_items, tf.float32)[:, :, None]
    dropped = _dropping(config.dropout, seed)
    states = tf.gather(variables["items"], items) * np.sqrt(config.dimension) + variables["places"]
    states = dropped(states) * there
    causal = tf.linalg.band_part(tf.ones([config.length, config.length]), -1, 0)
    barred = (1 - causal * tf.transpose(there, [0, 2, 1])) * FORBIDDEN
    for number in range(config.blocks):
        own = {part: variables[name] for part, name in names_of(number).items()}
        states = _block(states, barred, own, config.heads, dropped) * there
    return _normalised(states, variables["last/scale"], variables["last/shift"])


def _dropping(share: float, seed: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
    """What drops a share of the units, others at every call."""
    calls = iter(range(1_000_000))

    def dropped(values: tf.Tensor) -> tf.Tensor:
        if not share:
            return values
        coin = tf.random.stateless_uniform(tf.shape(values), seed + next(calls))
        return tf.where(coin < 1 - share, values / (1 - share), 0.0)

    return dropped


def _block(
    states: tf.Tensor,
    barred: tf.Tensor,
    own: Variables,
    heads: int,
    dropped: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    def layer(name: str, values: tf.Tensor) -> tf.Tensor:
        return values @ own[f"{name}/kernel"] + own[f"{name}/bias"]

    def norm(name: str, values: tf.Tensor) -> tf.Tensor:
        return _normalised(values, own[f"{name}/scale"], own[f"{name}/shift"])

    asking = norm("before", states)
    query, key, value = (
        _by_head(layer(name, values), heads)
        for name, values in (("query", asking), ("key", states), ("value", states))
    )
    agreement = tf.matmul(query, key, transpose_b=True) / np.sqrt(query.shape[-1])
    shares = dropped(tf.nn.softmax(agreement + barred[:, None]))
    attended = tf.reshape(tf.transpose(shares @ value, [0, 2, 1, 3]), tf.shape(states))
    between = norm("between", attended + asking)
    inner = dropped(tf.nn.relu(layer("inner", between)))
    return dropped(layer("outer", inner)) + between


def _by_head(values: tf.Tensor, heads: int) -> tf.Tensor:
    length, dimension = values.shape[1:]
    parts = tf.reshape(values, [-1, length, heads, dimension // heads])
    return tf.transpose(parts, [0, 2, 1, 3])


def _normalised(values: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    mean, variance = tf.nn.moments(values, axes=[-1], keepdims=True)
    return (values - mean) * tf.math.rsqrt(variance + EPSILON) * scale + shift
