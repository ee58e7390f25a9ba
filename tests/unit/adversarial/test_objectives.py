"""Losses and penalties against numbers worked by hand."""

from typing import get_args

import numpy as np
import pytest
import tensorflow as tf

from doppelcart.adversarial.hyperparameters import DEFAULT_PENALTY, AdversarialLoss, TrainerConfig
from doppelcart.adversarial.objectives import (
    OBJECTIVES,
    AdversarialObjective,
    Examples,
    Judge,
    autoencoding_critic_loss,
    feature_distance,
    normal_divergence,
    penalty_at,
)

SEED = tf.constant([1, 2])
# A critic D(x) = 3 x0 + 4 x1: its gradient is (3, 4) everywhere, of norm 5.
SLOPE = tf.constant([[3.0], [4.0]])
REAL = tf.constant([[1.0, 0.0], [0.0, 1.0]])
FAKE = tf.constant([[0.0, 0.0], [1.0, 1.0]])


def linear(points: tf.Tensor) -> tf.Tensor:
    return points @ SLOPE


def critic_loss(
    loss: AdversarialLoss,
    judge: Judge,
    real: tf.Tensor,
    fake: tf.Tensor,
    penalty: float,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    config = TrainerConfig(adversarial_loss=loss, gradient_penalty=penalty)
    objective = OBJECTIVES[loss](config)
    assert isinstance(objective, AdversarialObjective)
    return objective.critic_loss(Examples(judge, real, [fake], tf.zeros((2, 1)), seed))


def generator_loss(
    loss: AdversarialLoss, judge: Judge, real: tf.Tensor, *draws: tf.Tensor
) -> tf.Tensor:
    objective = OBJECTIVES[loss](TrainerConfig(adversarial_loss=loss))
    return objective.generator_loss(Examples(judge, real, draws, tf.zeros((2, 1)), SEED))


def softplus(value: float) -> float:
    return float(np.log1p(np.exp(value)))


def test_every_loss_has_an_objective_and_a_penalty():
    assert set(OBJECTIVES) == set(DEFAULT_PENALTY) == set(get_args(AdversarialLoss))


class TestPenalty:
    @pytest.mark.parametrize(("target", "expected"), [(1.0, 16.0), (0.0, 25.0), (5.0, 0.0)])
    def test_a_linear_critic_pays_for_the_norm_of_its_slope(self, target, expected):
        # (5 - target)^2, and at 0 the plain square of the norm (R1, R2)
        assert float(penalty_at(linear, REAL, target)) == pytest.approx(expected, abs=1e-4)

    def test_the_penalty_is_taken_at_the_points_given(self):
        # D(x) = (x0^2 + x1^2) / 2 has the gradient x: norms 1 and 5
        points = tf.constant([[1.0, 0.0], [3.0, 4.0]])
        found = penalty_at(lambda x: tf.reduce_sum(x**2, 1, keepdims=True) / 2, points, 1.0)
        assert float(found) == pytest.approx((0 + 16) / 2, rel=1e-5)

    def test_the_norm_is_over_all_axes_of_an_example(self):
        # D(x) is the sum of 2 x 2 values: the gradient is four ones, of norm 2
        points = tf.zeros((3, 2, 2))
        found = penalty_at(lambda x: tf.reduce_sum(x, [1, 2])[:, None], points, 1.0)
        assert float(found) == pytest.approx(1.0, rel=1e-5)

    def test_a_flat_critic_has_a_finite_penalty_and_gradient(self):
        slope = tf.Variable([[0.0], [0.0]])
        with tf.GradientTape() as tape:
            value = penalty_at(lambda x: x @ slope, REAL, 1.0)
        assert float(value) == pytest.approx(1.0, rel=1e-4)
        assert np.isfinite(tape.gradient(value, slope).numpy()).all()


class TestCriticLoss:
    # Scores: real 3 and 4, mean 3.5; fake 0 and 7, mean 3.5.
    def test_wasserstein_with_penalty(self):
        loss, margin = critic_loss("wgan_gp", linear, REAL, FAKE * 0.0, 10.0, SEED)
        assert float(margin) == pytest.approx(3.5)
        # fake scores 0: -(3.5 - 0) + 10 * (5 - 1)^2
        assert float(loss) == pytest.approx(-3.5 + 160.0, rel=1e-5)

    def test_the_penalty_is_taken_between_real_and_fake(self):
        seen = []

        def spy(points: tf.Tensor) -> tf.Tensor:
            seen.append(points.numpy())
            return linear(points)

        critic_loss("wgan_gp", spy, REAL, FAKE, 1.0, SEED)
        _, _, between = seen
        # row 0 lies between (1, 0) and (0, 0), row 1 between (0, 1) and (1, 1)
        assert 0 < between[0, 0] < 1
        assert between[0, 1] == 0
        assert 0 < between[1, 0] < 1
        assert between[1, 1] == pytest.approx(1)

    def test_cross_entropy(self):
        loss, margin = critic_loss("vanilla", linear, REAL, FAKE, 10.0, SEED)
        # -mean log sigmoid(real) - mean log(1 - sigmoid(fake)), and no penalty
        expected = (softplus(-3) + softplus(-4) + softplus(0) + softplus(7)) / 2
        assert float(loss) == pytest.approx(expected, rel=1e-5)
        assert float(margin) == pytest.approx(0.0)

    def test_relativistic(self):
        loss, _ = critic_loss("relativistic", linear, REAL, FAKE, 10.0, SEED)
        # pairs: 0 - 3 and 7 - 4; R1 and R2 are 25 each, weighted by half of 10
        expected = (softplus(-3) + softplus(3)) / 2 + 0.5 * 10 * (25 + 25)
        assert float(loss) == pytest.approx(expected, rel=1e-5)

    def test_hinge(self):
        loss, _ = critic_loss("hinge", linear, REAL, FAKE, 10.0, SEED)
        # opinions of the real, 3 and 4, are past 1; of the synthetic, 0 and 7, -1 is not reached
        assert float(loss) == pytest.approx((1 + 8) / 2)

    def test_hinge_counts_several_opinions_alike(self):
        def two(points):
            return tf.concat([linear(points), -linear(points)], axis=1)

        loss, _ = critic_loss("hinge", two, REAL, FAKE, 10.0, SEED)
        # the second lacks 4 and 5 of the real, and 1 and 0 of the synthetic
        assert float(loss) == pytest.approx((4 + 5) / 4 + (1 + 8 + 1 + 0) / 4)
        np.testing.assert_allclose(generator_loss("hinge", two, REAL, FAKE), [0, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("wgan_gp", [0.0, -7.0]),
        ("hinge", [0.0, -7.0]),
        ("vanilla", [softplus(0), softplus(-7)]),
        ("relativistic", [softplus(3), softplus(4 - 7)]),
    ],
)
def test_generator_loss(loss, expected):
    found = generator_loss(loss, linear, REAL, FAKE)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("loss", ["wgan_gp", "vanilla", "relativistic", "hinge"])
def test_a_better_score_of_synthetic_examples_is_a_lower_loss_of_the_generator(loss):
    better = generator_loss(loss, linear, REAL, FAKE + 1.0)
    assert (better.numpy() < generator_loss(loss, linear, REAL, FAKE).numpy()).all()


class TestAutoencoding:
    @pytest.mark.parametrize(
        ("fake", "margin", "expected"),
        [
            ([1.0, 3.0], 1.0, 2.0),  # as far off as the real: nothing to gain
            ([0.0, 2.0], 1.0, 2.0 + 1.0),
            ([0.0, 2.0], 3.0, 2.0 + 5.0),
            ([9.0, 9.0], 3.0, 2.0),  # beyond the margin
        ],
    )
    def test_the_energy_of_the_synthetic_is_raised_up_to_the_margin(self, fake, margin, expected):
        found = autoencoding_critic_loss(tf.constant([1.0, 3.0]), tf.constant(fake), margin)
        assert float(found) == pytest.approx(expected)

    def test_known_rows_match_their_user_and_unknown_ones_the_mean(self):
        real = tf.constant([[1.0, 0.0], [0.0, 4.0], [2.0, 0.0]])
        fake = tf.constant([[0.0, 2.0], [2.0, 0.0], [0.0, 0.0]])
        paired = tf.constant([[1.0], [0.0], [0.0]])
        # Row 0: (1 + 4) / 2. Rows 1 and 2: mean gap (0, 2), squares (0 + 4) / 2.
        np.testing.assert_allclose(feature_distance(real, fake, paired), [2.5, 2.0, 2.0])

    def test_where_all_are_known_nothing_is_divided_by_none(self):
        features = tf.constant([[1.0], [2.0]])
        found = feature_distance(features, features + 1.0, tf.ones((2, 1)))
        np.testing.assert_allclose(found, [1.0, 1.0])


def test_divergence_of_a_normal_from_the_prior():
    mean = tf.constant([[0.0, 0.0], [1.0, 0.0]])
    log_variance = tf.constant([[0.0, 0.0], [0.0, float(np.log(4.0))]])
    # 1^2 / 2, and (4 - log 4 - 1) / 2
    expected = [0.0, 0.5 + 0.5 * (4 - np.log(4) - 1)]
    np.testing.assert_allclose(normal_divergence(mean, log_variance), expected, rtol=1e-6)


class TestEnergyScore:
    def test_by_hand(self):
        real = tf.constant([[0.0, 0.0], [1.0, 1.0]])
        first = tf.constant([[3.0, 4.0], [1.0, 1.0]])
        second = tf.constant([[3.0, 0.0], [1.0, 4.0]])
        # Row 0: (5 + 3) / 2 - 4 / 2. Row 1: (0 + 3) / 2 - 3 / 2.
        found = generator_loss("energy_score", linear, real, first, second)
        np.testing.assert_allclose(found, [2.0, 0.0], atol=1e-5)

    def test_it_is_proper(self):
        """Draws of the right spread score better than narrower and wider ones, and than a point."""
        drawn = np.random.default_rng(0).standard_normal((3, 50_000, 2))
        real, first, second = (tf.constant(part, tf.float32) for part in drawn)

        def score(spread: float) -> float:
            draws = (spread * first, spread * second)
            return float(np.mean(generator_loss("energy_score", linear, real, *draws)))

        assert score(1.0) < min(score(0.0), score(0.5), score(0.7), score(1.4), score(2.0))

    def test_two_draws_alike_have_a_finite_gradient(self):
        point = tf.Variable([[1.0, 0.0]])
        with tf.GradientTape() as tape:
            loss = generator_loss("energy_score", linear, tf.constant([[1.0, 0.0]]), point, point)
        np.testing.assert_allclose(tape.gradient(loss, point), [[0.0, 0.0]])

    def test_it_has_no_critic(self):
        assert not issubclass(OBJECTIVES["energy_score"], AdversarialObjective)
