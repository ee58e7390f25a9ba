"""Adversarial objectives and the discrete relaxation, on TensorFlow tensors."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

Score = Callable[[tf.Tensor], tf.Tensor]


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
    noisy = logits + tf.math.log(uniform) - tf.math.log1p(-uniform)
    soft = tf.sigmoid(noisy / temperature)
    hard = tf.cast(noisy > 0, soft.dtype)
    return soft + tf.stop_gradient(hard - soft)


def penalty_at(score: Score, points: tf.Tensor, target: float) -> tf.Tensor:
    """Mean squared distance of the critic's gradient norm from ``target`` at some points."""
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = tf.reduce_sum(score(points))
    gradient = tape.gradient(total, points)
    squared = tf.reduce_sum(tf.square(gradient), axis=1)
    if target == 0.0:
        return tf.reduce_mean(squared)
    return tf.reduce_mean(tf.square(tf.sqrt(squared + 1e-12) - target))


def critic_loss(
    loss: str,
    score: Score,
    real: tf.Tensor,
    fake: tf.Tensor,
    penalty_weight: float,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Loss of the critic and, apart, its unpenalised margin (real minus fake score).

    Args:
        loss: ``wgan_gp`` (Gulrajani 2017, eq. 3), ``vanilla`` (Goodfellow 2014, eq. 1) or
            ``relativistic`` (R3GAN: Huang 2024, relativistic pairing with R1 and R2).
        score: Maps (batch, n_items) full histories to (batch, 1) scores.
        real: (batch, n_items) real histories.
        fake: (batch, n_items) generated histories.
        penalty_weight: Weight of the gradient penalty.
        seed: (2,) int32 seed of the interpolation.
    """
    real_score, fake_score = score(real), score(fake)
    margin = tf.reduce_mean(real_score) - tf.reduce_mean(fake_score)
    if loss == "wgan_gp":
        mix = tf.random.stateless_uniform((tf.shape(real)[0], 1), seed)
        penalty = penalty_at(score, mix * real + (1.0 - mix) * fake, 1.0)
        return -margin + penalty_weight * penalty, margin
    if loss == "vanilla":
        objective = tf.reduce_mean(tf.nn.softplus(-real_score)) + tf.reduce_mean(
            tf.nn.softplus(fake_score)
        )
        return objective, margin
    objective = tf.reduce_mean(tf.nn.softplus(fake_score - real_score))
    penalty = penalty_at(score, real, 0.0) + penalty_at(score, fake, 0.0)
    return objective + 0.5 * penalty_weight * penalty, margin


def generator_loss(loss: str, score: Score, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """(batch,) adversarial loss of the generator.

    ``vanilla`` uses the non-saturating form that Goodfellow 2014 (section 3) recommends for
    the generator, since the min-max form has no gradient while the critic wins.
    """
    fake_score = score(fake)
    if loss == "wgan_gp":
        return -fake_score[:, 0]
    if loss == "vanilla":
        return tf.nn.softplus(-fake_score)[:, 0]
    return tf.nn.softplus(score(real) - fake_score)[:, 0]


def autoencoding_critic_loss(
    real_energy: tf.Tensor, fake_energy: tf.Tensor, margin: float
) -> tf.Tensor:
    """Loss of a critic whose opinion is an energy, low for what looks real.

    The energy of the real is lowered, and that of the generated raised up to ``margin`` times
    the former: EBGAN (Zhao, Mathieu and LeCun 2017, eq. 1), with the relative margin of GANMF
    (Dervishaj and Cremonesi 2022), which needs no knowledge of the scale.

    Args:
        real_energy: (batch,) energy of real histories.
        fake_energy: (batch,) energy of generated ones.
        margin: Multiple of the real energy beyond which nothing is gained.
    """
    real, fake = tf.reduce_mean(real_energy), tf.reduce_mean(fake_energy)
    return real + tf.nn.relu(margin * real - fake)


def feature_distance(real: tf.Tensor, fake: tf.Tensor, paired: tf.Tensor) -> tf.Tensor:
    """(batch,) distance of what the critic notices in the generated from that in the real.

    A row of which something is known is matched with its own user, as GANMF does (Dervishaj and
    Cremonesi 2022). A row of which nothing is known has no user to be matched with, and would
    learn the average: those rows match the mean of the batch (Salimans et al. 2016, section 3.1).

    Args:
        real: (batch, units) features of the real histories.
        fake: (batch, units) features of the generated ones.
        paired: (batch, 1) 1 where a row is matched with its own user.
    """
    own = tf.reduce_mean(tf.square(real - fake), axis=1)
    free = 1.0 - paired
    gap = tf.reduce_sum(free * (real - fake), axis=0) / tf.maximum(tf.reduce_sum(free), 1.0)
    return paired[:, 0] * own + free[:, 0] * tf.reduce_mean(tf.square(gap))


def normal_divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """(batch,) KL divergence, in nats, of a diagonal normal from N(0, I).

    Source: Kingma and Welling (2014), "Auto-encoding variational Bayes", appendix B.

    Args:
        mean: (batch, units).
        log_variance: (batch, units).
    """
    terms = tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0
    return 0.5 * tf.reduce_sum(terms, axis=1)


def hidden_items(full: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """Mean number of items that were bought and not shown, a row; the unit of the losses."""
    return tf.reduce_mean(tf.maximum(tf.reduce_sum(full * (1.0 - seen), axis=1), 1.0))


def reconstruction_loss(logits: tf.Tensor, full: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """(batch,) cross-entropy of the unseen items, summed and scaled to nats an item bought.

    Args:
        logits: (batch, n_items) generator output.
        full: (batch, n_items) whole histories.
        seen: (batch, n_items) their visible part, which is given and so not scored.
    """
    unseen = 1.0 - seen
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=full, logits=logits)
    return tf.reduce_sum(unseen * entropy, axis=1) / hidden_items(full, seen)
