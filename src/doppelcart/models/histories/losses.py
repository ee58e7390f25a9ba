"""How far a synthetic history is from the real one, and how items are drawn with a gradient."""

from __future__ import annotations

import tensorflow as tf


def gumbel_sigmoid(logits: tf.Tensor, temperature: float, seed: tf.Tensor) -> tf.Tensor:
    """Draw 0/1 items whose gradient is that of the relaxed draw.

    Straight-through binary Concrete (Maddison 2017; Jang 2017): adding logistic noise to the
    logit and cutting at 0 is an exact Bernoulli draw.

    Args:
        logits: (batch, n_items).
        temperature: Smoothness of the relaxation used in the backward pass.
        seed: (2,) int32 seed of the stateless draw.
    """
    uniform = tf.random.stateless_uniform(tf.shape(logits), seed, 1e-6, 1.0 - 1e-6)
    noisy = logits + tf.math.log(uniform / (1.0 - uniform))
    soft = tf.sigmoid(noisy / temperature)
    hard = tf.cast(noisy > 0, soft.dtype)
    return soft + tf.stop_gradient(hard - soft)


def hidden_items(full: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """Mean number of items that were bought and not shown, a row; the unit of the losses."""
    return tf.reduce_mean(tf.maximum(tf.reduce_sum(full * (1.0 - seen), axis=1), 1.0))


def reconstruction_loss(logits: tf.Tensor, full: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """(batch,) cross-entropy of the unseen items, summed and scaled to nats per item bought.

    Args:
        logits: (batch, n_items) generator output.
        full: (batch, n_items) whole histories.
        seen: (batch, n_items) their visible part, which is given and so not scored.
    """
    # The cross-entropy of a logit, in fewer passes over all items than TensorFlow's own.
    entropy = tf.nn.softplus(logits) - full * logits
    return tf.reduce_sum((1.0 - seen) * entropy, axis=1) / hidden_items(full, seen)
