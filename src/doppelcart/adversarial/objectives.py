"""What generator and critic learn from each other: losses and penalties on TensorFlow tensors.

An objective knows nothing of what is generated. It is given real and synthetic examples, and a
``judge`` that maps examples to the critic's opinion of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import tensorflow as tf

from doppelcart.adversarial.hyperparameters import AdversarialLoss, TrainerConfig

Judge = Callable[[tf.Tensor], Any]
"""Examples (batch, ...) -> the critic's opinion: (batch, 1) scores, or what its objective reads."""


@dataclass(frozen=True)
class Examples:
    """Real and synthetic examples of the same conditions, and the critic's opinion of them.

    Args:
        judge: The critic.
        real: (batch, ...) real examples.
        draws: As many times (batch, ...) synthetic ones as the objective asks for.
        paired: (batch, 1) 1 where the condition tells one example from another.
        seed: (2,) int32 seed of whatever an objective draws.
    """

    judge: Judge
    real: tf.Tensor
    draws: Sequence[tf.Tensor]
    paired: tf.Tensor
    seed: tf.Tensor

    @property
    def fake(self) -> tf.Tensor:
        """(batch, ...) the first draw."""
        return self.draws[0]


class Objective(ABC):
    """What the generator learns from.

    Args:
        config: Weights and margins.
    """

    n_draws: ClassVar[int] = 1
    """Draws of every row that the generator's loss needs."""

    def __init__(self, config: TrainerConfig) -> None:
        self.config = config

    @abstractmethod
    def generator_loss(self, examples: Examples) -> tf.Tensor:
        """(batch,) loss of the generator."""


class AdversarialObjective(Objective):
    """An objective with a critic, which learns to tell synthetic from real."""

    @abstractmethod
    def critic_loss(self, examples: Examples) -> tuple[tf.Tensor, tf.Tensor]:
        """Loss of the critic and, apart, its unpenalised margin between real and synthetic."""


class Wasserstein(AdversarialObjective):
    """Wasserstein distance with gradient penalty (Gulrajani 2017, eq. 3)."""

    def critic_loss(self, examples: Examples) -> tuple[tf.Tensor, tf.Tensor]:
        """Minus the margin, and the penalty at points between real and synthetic."""
        judge, real, fake = examples.judge, examples.real, examples.fake
        gap = margin(judge(real), judge(fake))
        one_per_row = (tf.shape(real)[0], *[1] * (real.shape.rank - 1))
        mix = tf.random.stateless_uniform(one_per_row, examples.seed)
        penalty = penalty_at(judge, mix * real + (1.0 - mix) * fake, 1.0)
        return -gap + self.config.penalty_weight * penalty, gap

    def generator_loss(self, examples: Examples) -> tf.Tensor:
        """Minus the score."""
        return -examples.judge(examples.fake)[:, 0]


class Vanilla(AdversarialObjective):
    """The min-max game as Goodfellow 2014 wrote it (eq. 1), without a penalty.

    The generator uses the non-saturating form that the paper recommends in section 3, since the
    min-max form has no gradient while the critic wins.
    """

    def critic_loss(self, examples: Examples) -> tuple[tf.Tensor, tf.Tensor]:
        """Cross-entropy."""
        real, fake = examples.judge(examples.real), examples.judge(examples.fake)
        loss = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))
        return loss, margin(real, fake)

    def generator_loss(self, examples: Examples) -> tf.Tensor:
        """Cross-entropy of being taken for real."""
        return tf.nn.softplus(-examples.judge(examples.fake))[:, 0]


class Relativistic(AdversarialObjective):
    """Relativistic pairing with R1 and R2 (R3GAN: Huang 2024)."""

    def critic_loss(self, examples: Examples) -> tuple[tf.Tensor, tf.Tensor]:
        """Softplus of how far each synthetic example is ahead of a real one, and penalties."""
        judge = examples.judge
        real, fake = judge(examples.real), judge(examples.fake)
        loss = tf.reduce_mean(tf.nn.softplus(fake - real))
        return loss + 0.5 * self.config.penalty_weight * self._penalty(examples), margin(real, fake)

    def _penalty(self, examples: Examples) -> tf.Tensor:
        """R1 and R2, in every step, or lazily: by chance here, and by turns in its source.

        Source: Karras et al. (2020), "Analyzing and improving the image quality of StyleGAN",
        section 3.1.
        """

        def both() -> tf.Tensor:
            judge = examples.judge
            return penalty_at(judge, examples.real, 0.0) + penalty_at(judge, examples.fake, 0.0)

        every = self.config.penalty_every
        if every == 1:
            return both()
        is_due = tf.random.stateless_uniform((), examples.seed + 7) < 1 / every
        return tf.cond(is_due, lambda: float(every) * both(), lambda: tf.zeros(()))

    def generator_loss(self, examples: Examples) -> tf.Tensor:
        """The same, turned round."""
        fake = examples.judge(examples.fake)
        return tf.nn.softplus(examples.judge(examples.real) - fake)[:, 0]


class Hinge(AdversarialObjective):
    """Each opinion is pushed past a margin, and no further; without a penalty.

    A critic may have several opinions of an example, such as one a resolution: all count alike.

    Source: Lim and Ye (2017), "Geometric GAN", equations 20 and 21; several opinions as in Sauer,
    Chitta, Mueller and Geiger (2021), "Projected GANs converge faster", section 3.
    """

    def critic_loss(self, examples: Examples) -> tuple[tf.Tensor, tf.Tensor]:
        """What real opinions lack of 1, and synthetic ones of -1."""
        real, fake = examples.judge(examples.real), examples.judge(examples.fake)
        loss = tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))
        return loss, margin(real, fake)

    def generator_loss(self, examples: Examples) -> tf.Tensor:
        """Minus the mean opinion."""
        return -tf.reduce_mean(examples.judge(examples.fake), axis=1)


class Autoencoding(AdversarialObjective):
    """A critic that finds synthetic examples harder to reconstruct than real ones.

    Its opinion is an ``energy`` (batch, 1) and the ``features`` (batch, units) of its bottleneck.
    The generator lowers the energy of what it makes, and makes the critic notice in it what it
    notices in the real.

    Source: Dervishaj and Cremonesi (2022), "GAN-based matrix factorization for recommender
    systems" (GANMF), after the energy-based GAN of Zhao, Mathieu and LeCun (2017).
    """

    def critic_loss(self, examples: Examples) -> tuple[tf.Tensor, tf.Tensor]:
        """As from ``autoencoding_critic_loss``; the margin is how much lower real energy is."""
        judge = examples.judge
        real, fake = judge(examples.real)["energy"], judge(examples.fake)["energy"]
        return autoencoding_critic_loss(real, fake, self.config.energy_margin), margin(fake, real)

    def generator_loss(self, examples: Examples) -> tf.Tensor:
        """Energy of the synthetic, and the distance of its features from those of the real."""
        real, fake = examples.judge(examples.real), examples.judge(examples.fake)
        apart = feature_distance(real["features"], fake["features"], examples.paired)
        share = self.config.feature_matching
        return (1.0 - share) * fake["energy"][:, 0] + share * apart


class EnergyScore(Objective):
    """The energy score, a proper scoring rule that needs no critic: a control.

    ``E|X - y| - E|X - X'| / 2`` is least, on average, where the draws X and X' follow the
    distribution of y; without its second part one point in the middle would do best.

    Source: Gneiting and Raftery (2007), "Strictly proper scoring rules, prediction, and
    estimation", JASA 102, section 4.3.
    """

    n_draws: ClassVar[int] = 2

    def generator_loss(self, examples: Examples) -> tf.Tensor:
        """The score of two draws, without bias in either part."""
        first, second = examples.draws
        error = distance(first, examples.real) + distance(second, examples.real)
        return 0.5 * (error - distance(first, second))


OBJECTIVES: Final[dict[AdversarialLoss, type[Objective]]] = {
    "wgan_gp": Wasserstein,
    "vanilla": Vanilla,
    "relativistic": Relativistic,
    "hinge": Hinge,
    "autoencoding": Autoencoding,
    "energy_score": EnergyScore,
}


def margin(high: tf.Tensor, low: tf.Tensor) -> tf.Tensor:
    """How far the mean of one opinion lies above that of another."""
    return tf.reduce_mean(high) - tf.reduce_mean(low)


def inner_axes(examples: tf.Tensor) -> list[int]:
    """All axes of (batch, ...) examples but the first."""
    return list(range(1, examples.shape.rank))


def distance(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """(batch,) Euclidean distance of two (batch, ...) tensors, with a gradient of 0 at 0."""
    squared = tf.reduce_sum(tf.square(left - right), axis=inner_axes(left))
    return tf.sqrt(squared + 1e-12)


def penalty_at(judge: Judge, points: tf.Tensor, target: float) -> tf.Tensor:
    """Mean squared distance of the critic's gradient norm from ``target`` at some points."""
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = tf.reduce_sum(judge(points))
    gradient = tape.gradient(total, points)
    squared = tf.reduce_sum(tf.square(gradient), axis=inner_axes(points))
    if target == 0.0:
        return tf.reduce_mean(squared)
    return tf.reduce_mean(tf.square(tf.sqrt(squared + 1e-12) - target))


def autoencoding_critic_loss(
    real_energy: tf.Tensor, fake_energy: tf.Tensor, margin: float
) -> tf.Tensor:
    """Loss of a critic whose opinion is an energy, low for what looks real.

    The energy of the real is lowered, and that of the synthetic raised up to ``margin`` times
    the former: EBGAN (Zhao, Mathieu and LeCun 2017, eq. 1), with the relative margin of GANMF
    (Dervishaj and Cremonesi 2022), which needs no knowledge of the scale.

    Args:
        real_energy: (batch,) energy of real examples.
        fake_energy: (batch,) energy of synthetic ones.
        margin: Multiple of the real energy beyond which nothing is gained.
    """
    real, fake = tf.reduce_mean(real_energy), tf.reduce_mean(fake_energy)
    return real + tf.nn.relu(margin * real - fake)


def feature_distance(real: tf.Tensor, fake: tf.Tensor, paired: tf.Tensor) -> tf.Tensor:
    """(batch,) distance of what the critic notices in the synthetic from that in the real.

    A row of which something is known is matched with its own example, as GANMF does (Dervishaj
    and Cremonesi 2022). A row of which nothing is known has none to be matched with, and would
    learn the average: those rows match the mean of the batch (Salimans et al. 2016, section 3.1).

    Args:
        real: (batch, units) features of the real examples.
        fake: (batch, units) features of the synthetic ones.
        paired: (batch, 1) 1 where a row is matched with its own example.
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
