"""Differentially private training of a generator: the critic by DP-SGD, all else without real data.

The generator learns from the critic alone, so what holds for the critic holds for the generator,
for whatever it invents, and for all that is done with it after (post-processing; Dwork and Roth
2014, proposition 2.1). Real users enter at two places, and both are accounted for:

- the item popularity at which the output bias begins, a histogram with Gaussian noise;
- the critic's steps on users drawn by Poisson sampling, each user's gradient clipped and the sum
  covered by Gaussian noise (Abadi et al. 2016; for generators Xie et al. 2018; with several critic
  steps a generator step, Bie, Kamath and Zhang 2023, "Private GANs, Revisited").

Everything else that ordinary training takes from real users is off: the reconstruction loss, real
profiles as conditions, item features, the choice of a checkpoint, and the critic's losses.
The unit of protection is one user with the whole history; two data sets are neighbours if one has
a user more. The list of items and the number of users are taken to be public.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from doppelcart.adversarial.objectives import penalty_at
from doppelcart.adversarial.trainer import Tensors
from doppelcart.data.histories import Histories
from doppelcart.errors import TrainingDivergedError
from doppelcart.models.histories.accounting import (
    PrivacyConfig,
    histogram_noise_for,
    noise_for,
    sampling_rate,
    spent,
)
from doppelcart.models.histories.history_trainer import HistoryTrainer
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.models.histories.networks import (
    PROFILE_INPUTS,
    SeenBottleneck,
    build_critic,
    build_generator,
    note_catalogue,
)
from doppelcart.models.histories.private_draws import private_rng
from doppelcart.progress import tracked

logger = logging.getLogger(__name__)

STEPS_PER_ROW = 50
PUBLIC_SEED = 0
"""Seed of the initial weights, which know no data; a saved model names the seeds of its layers."""


@dataclass
class PrivatelyTrained:
    """What private training yields.

    Args:
        generator: Averaged weights of the last step; nothing was selected.
        critic: Critic of the last step.
        training_log: One row every ``STEPS_PER_ROW`` critic steps, of what costs no privacy.
        noise: Noise multiplier of a critic step.
        epsilon: What was spent, infinite without noise.
    """

    generator: keras.Model
    critic: keras.Model
    training_log: pd.DataFrame
    noise: float
    epsilon: float


class PrivateTrainer(HistoryTrainer):
    """A trainer whose critic learns from clipped gradients of single users, covered by noise.

    The loss is that of ``wgan_gp``. Its penalty is taken between synthetic users only, so it costs
    no privacy and needs no noise; nor do the scores of synthetic users. Their gradients are clipped
    as those of real users are, lest the critic hear synthetic users louder than real ones.

    Args:
        generator: G, which sees noise alone.
        critic: D, of dense layers alone.
        config: How to train; made by ``trainer_config``.
        clip_norm: Largest norm of one user's gradient.
        noise: Noise multiplier.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        config: TrainingConfig,
        clip_norm: float,
        noise: float,
    ):
        super().__init__(generator, critic, config, adversarial_weight=1.0)
        self.clip_norm, self.noise = clip_norm, noise
        self.layers = dense_layers(critic)
        outputs = [(layer.input, layer.output) for layer in self.layers]
        self.tapped = keras.Model(critic.input, [critic.output, *outputs])

    def step_privately(self, real: Tensors, blank: Tensors, seed: tf.Tensor) -> Tensors:
        """One step of the critic.

        Args:
            real: Batch of the users drawn, perhaps none.
            blank: Batch of as many users as are expected, of whom nothing is known.
            seed: (2,) int64 seed.

        Returns:
            Norm of the noisy gradient.
        """
        size = tf.cast(tf.shape(blank["seen"])[0], tf.float32)
        fake = tf.stop_gradient(self.draw(self.output(blank, seed), blank, seed + 1))
        covered = [
            total + self._noise(total, seed + 2 + place)
            for place, total in enumerate(self.clipped_sum(real, -1.0))
        ]
        synthetic = self.clipped_sum(blank | {"full": fake}, 1.0)
        smooth = self._penalty_gradient(blank, fake, seed + 1)
        gradients = [
            (ours + theirs) / size + penalty
            for ours, theirs, penalty in zip(covered, synthetic, smooth, strict=True)
        ]
        self.critic_optimizer.apply(gradients, self._variables())
        return {"critic_gradient_norm": tf.linalg.global_norm(gradients)}

    def clipped_sum(self, batch: Tensors, sign: float) -> list[tf.Tensor]:
        """Sum over users of the clipped gradient of ``sign * score``, in order of ``_variables``.

        The gradient of a dense layer is the outer product of what goes in and what comes back, so
        norms and sums need no gradient per user (Goodfellow 2015, "Efficient Per-Example Gradient
        Computations").
        """
        inputs = {name: batch[name] for name in ("full", "seen", *PROFILE_INPUTS)}
        with tf.GradientTape() as tape:
            score, *taps = self.tapped(inputs, training=True)
            loss = sign * tf.reduce_sum(score)
        inward = [layer_input for layer_input, _ in taps]
        backward = tape.gradient(loss, [layer_output for _, layer_output in taps])
        # 1 + a.a: a bias is the weight of a constant input
        squared = tf.add_n(
            [_squares(g) * (1 + _squares(a)) for a, g in zip(inward, backward, strict=True)]
        )
        factor = tf.minimum(1.0, self.clip_norm / tf.sqrt(tf.maximum(squared, 1e-24)))[:, None]
        sums = []
        for a, g in zip(inward, backward, strict=True):
            sums += [tf.matmul(a, factor * g, transpose_a=True), tf.reduce_sum(factor * g, 0)]
        return sums

    def _penalty_gradient(
        self, blank: Tensors, fake: tf.Tensor, seed: tf.Tensor
    ) -> list[tf.Tensor]:
        """Gradient of the penalty at points between two synthetic users."""
        mix = tf.random.stateless_uniform((tf.shape(fake)[0], 1), seed)
        points = mix * fake + (1.0 - mix) * tf.roll(fake, 1, axis=0)
        condition = {name: blank[name] for name in ("seen", *PROFILE_INPUTS)}
        with tf.GradientTape() as tape:
            penalty = self.config.penalty_weight * penalty_at(
                lambda full: self.critic({"full": full, **condition}, training=True), points, 1.0
            )
        gradients = tape.gradient(penalty, self._variables())
        # the penalty is of the slope, which the last bias does not change
        return [
            tf.zeros_like(variable) if gradient is None else gradient
            for variable, gradient in zip(self._variables(), gradients, strict=True)
        ]

    def _noise(self, like: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return self.noise * self.clip_norm * tf.random.stateless_normal(tf.shape(like), seed)

    def _variables(self) -> list[keras.Variable]:
        return [variable for layer in self.layers for variable in (layer.kernel, layer.bias)]


def _squares(rows: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(rows), axis=1)


def dense_layers(critic: keras.Model) -> list[keras.layers.Dense]:
    """The critic's layers with weights, which must all be linear dense ones.

    Raises:
        TypeError: If another layer has weights: its gradients would go unclipped.
    """
    layers = [layer for layer in critic.layers if layer.trainable_variables]
    wrong = [
        layer.name
        for layer in layers
        if not isinstance(layer, keras.layers.Dense)
        or (isinstance(layer, SeenBottleneck) and not layer.is_plain)
        or layer.bias is None
        or layer.activation is not keras.activations.linear
    ]
    if wrong:
        raise TypeError(f"private training clips dense layers alone, and cannot: {wrong}")
    return layers


def noised_popularity(
    histories: Histories, noise: float, length_cap: int, rng: np.random.Generator
) -> np.ndarray:
    """Share of users who have each item, from a histogram to which one user adds at most 1.

    A user adds ``x / sqrt(2 length)`` to the items and ``min(length, cap) / (sqrt(2) cap)`` to a
    coordinate for the mean length: a vector of norm at most 1. Items that do not rise above twice
    the noise share evenly what is left of the total.

    Args:
        histories: Real users.
        noise: Standard deviation of each coordinate's noise.
        length_cap: Items of one user that count towards the mean length.
        rng: Of the noise.

    Returns:
        (n_items,) float64, strictly between 0 and 1.
    """
    vector = _contributions(histories, length_cap)
    vector = vector + rng.normal(0, noise, len(vector))
    items, length = vector[:-1], vector[-1] * np.sqrt(2) * length_cap / histories.n_users
    total = max(float(items.sum()), float(noise), 1e-9)
    sure = items > max(2 * noise, 0)
    weights = np.where(sure, items, 0.0)
    if not sure.all():
        weights[~sure] = max(total - weights.sum(), 1e-3 * total) / (~sure).sum()
    shares = weights / weights.sum() * np.clip(length, 1, length_cap)
    return np.clip(shares, 0.5 / histories.n_users, 0.95)


def _contributions(histories: Histories, length_cap: int) -> np.ndarray:
    """(n_items + 1,) sum of all users' vectors."""
    lengths = np.maximum(histories.lengths, 1)
    weights = np.repeat(1 / np.sqrt(2 * lengths), histories.lengths)
    items = np.bincount(histories.items, weights, histories.n_items)
    counted = np.minimum(histories.lengths, length_cap).sum() / (np.sqrt(2) * length_cap)
    return np.append(items, counted)


def trainer_config(config: PrivacyConfig) -> TrainingConfig:
    """The training parameters that private training stands for."""
    return TrainingConfig(
        adversarial_loss="wgan_gp",
        reconstruction_weight=0,
        gradient_penalty=config.gradient_penalty,
        critic_steps=config.critic_steps,
        learning_rate=config.learning_rate,
        critic_learning_rate=config.critic_learning_rate,
        ema_decay=config.ema_decay,
        new_user_share=1,
        demographics_known_share=0,
        behaviour_known_share=0,
    )


def train_privately(
    histories: Histories, network: NetworkConfig, config: PrivacyConfig, epsilon: float | None
) -> PrivatelyTrained:
    """Train a generator of new users within a privacy budget.

    Args:
        histories: Training users.
        network: Sizes of the networks.
        config: How the budget is spent.
        epsilon: The budget; None trains with clipped gradients and without noise.

    Raises:
        ParameterError: The budget cannot be kept.
        TrainingDivergedError: Weights stopped being finite.
    """
    noise = noise_for(epsilon, histories.n_users, config)
    release = (histories, config, epsilon, noise, network)
    popularity = noised_popularity(
        histories,
        config.histogram_noise * noise,
        config.length_cap,
        private_rng("histogram", *release),
    )
    no_features = np.zeros((histories.n_items, 1), np.float32)
    generator = build_generator(
        network, popularity, histories.n_users, no_features, 1, 1, PUBLIC_SEED
    )
    critic = build_critic(network, histories.n_items, 1, 1, PUBLIC_SEED)
    trainer = PrivateTrainer(generator, critic, trainer_config(config), config.clip_norm, noise)
    training_log = _take_steps(trainer, histories, config, private_rng("steps", *release))
    if not all(np.isfinite(weights).all() for weights in trainer.averaged.get_weights()):
        raise TrainingDivergedError(
            f"Private training diverged. Lower {config.name_of('learning_rate')} or "
            f"{config.name_of('critic_learning_rate')}."
        )
    note_catalogue(trainer.averaged, histories.item_ids)
    return PrivatelyTrained(
        trainer.averaged, critic, training_log, noise, spent(noise, histories.n_users, config)
    )


def popularity_within(
    histories: Histories, config: PrivacyConfig, epsilon: float | None
) -> tuple[np.ndarray, float]:
    """Item popularity on which a whole budget is spent: what a private critic has to beat.

    Args:
        histories: Training users.
        config: Delta, largest noise, seed.
        epsilon: The budget; None adds no noise.

    Returns:
        (n_items,) shares of users, as from ``noised_popularity``, and the noise.

    Raises:
        ParameterError: The budget cannot be kept.
    """
    noise = histogram_noise_for(epsilon, histories.n_users, config)
    rng = private_rng("histogram alone", histories, config, epsilon, noise)
    return noised_popularity(histories, noise, config.length_cap, rng), noise


def _take_steps(
    trainer: PrivateTrainer, histories: Histories, config: PrivacyConfig, rng: np.random.Generator
) -> pd.DataFrame:
    """All steps; a user takes part in each with the same chance, independently of the others."""
    seeds = _step_seeds(rng)
    matrix, rate = histories.matrix, sampling_rate(config, histories.n_users)
    size = min(config.batch_size, histories.n_users)
    nobody = blank_batch(np.zeros((size, histories.n_items), np.float32))
    critic_step = tf.function(trainer.step_privately, reduce_retracing=True)
    rows: list[dict[str, float]] = []
    logs: dict[str, tf.Tensor] = {}
    for step in tracked(range(1, config.steps + 1), "training privately"):
        drawn = np.flatnonzero(rng.random(histories.n_users) < rate)
        logs |= critic_step(blank_batch(matrix[drawn].toarray()), nobody, next(seeds))
        if step % config.critic_steps == 0:
            logs |= trainer.generator_step(nobody, next(seeds))
        if step % STEPS_PER_ROW == 0 or step == config.steps:
            rows.append({"step": float(step)} | {name: float(v) for name, v in logs.items()})
    return pd.DataFrame(rows)


def _step_seeds(rng: np.random.Generator) -> Iterator[tf.Tensor]:
    """Seeds of steps, without end, as long as TensorFlow takes them: two numbers of 62 bits."""
    while True:
        yield tf.constant(rng.integers(0, 2**62, 2), tf.int64)


def blank_batch(full: np.ndarray) -> Tensors:
    """A batch of whole histories of whom nothing is seen and nothing known."""
    batch = {name: np.zeros((len(full), 1), np.float32) for name in PROFILE_INPUTS}
    arrays = {
        "full": full,
        "seen": np.zeros_like(full),
        "is_new": np.ones((len(full), 1), np.float32),
        **batch,
    }
    return {name: tf.constant(values) for name, values in arrays.items()}
