"""Losses of histories, and drawing with a gradient, against numbers worked by hand."""

import numpy as np
import pytest
import tensorflow as tf

from doppelcart.models.histories.losses import gumbel_sigmoid, reconstruction_loss

SEED = tf.constant([1, 2])


def softplus(value: float) -> float:
    return float(np.log1p(np.exp(value)))


class TestGumbelSigmoid:
    def test_draws_are_zeros_and_ones_with_the_logits_probability(self):
        logits = np.array([-3.0, -0.5, 0.0, 1.0, 4.0], np.float32)
        drawn = gumbel_sigmoid(tf.constant(np.tile(logits, (40_000, 1))), 0.7, SEED).numpy()
        # The straight-through sum soft + (hard - soft) may be off by a rounding.
        np.testing.assert_allclose(drawn, np.round(drawn), atol=1e-6)
        assert set(np.unique(np.round(drawn))) == {0.0, 1.0}
        chance = 1 / (1 + np.exp(-logits))
        # four standard deviations, at most 4 * 0.5 / 200
        np.testing.assert_allclose(drawn.mean(axis=0), chance, atol=0.01)

    def test_the_chance_does_not_depend_on_the_temperature(self):
        logits = tf.random.stateless_normal((50, 40), [3, 4])
        cold, warm = (np.round(gumbel_sigmoid(logits, t, SEED)) for t in (0.1, 5.0))
        np.testing.assert_array_equal(cold, warm)

    def test_the_gradient_is_that_of_the_relaxed_draw(self):
        logits = tf.zeros((1, 2000))
        with tf.GradientTape() as tape:
            tape.watch(logits)
            drawn = gumbel_sigmoid(logits, 0.5, SEED)
        gradient = tape.gradient(drawn, logits).numpy()
        # sigmoid'(noisy / t) / t, at most 1 / (4 t)
        assert (gradient > 0).all()
        assert gradient.max() == pytest.approx(0.5, abs=0.01)
        assert gradient.max() <= 0.5

    def test_a_seed_gives_the_same_draw_and_another_another(self):
        logits = tf.zeros((10, 10))
        first, again = (gumbel_sigmoid(logits, 0.7, SEED) for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert (gumbel_sigmoid(logits, 0.7, SEED + 1).numpy() != first.numpy()).any()


class TestReconstruction:
    def test_by_hand(self):
        logits = tf.constant([[0.0, 2.0, -1.0], [1.0, 0.0, 3.0]])
        full = tf.constant([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
        seen = tf.constant([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
        # Row 0 scores items 1 (bought) and 2 (not); row 1 all, of which 1 and 2 were bought.
        # Hidden: 1 and 2, on average 1.5 items per user.
        rows = [
            softplus(-2.0) + softplus(-1.0),
            softplus(1.0) + softplus(0.0) + softplus(-3.0),
        ]
        found = reconstruction_loss(logits, full, seen)
        np.testing.assert_allclose(found, np.array(rows) / 1.5, rtol=1e-5)

    def test_what_is_seen_costs_nothing_whatever_is_said_of_it(self):
        full = tf.constant([[1.0, 1.0, 0.0]])
        seen = tf.constant([[1.0, 0.0, 0.0]])
        low, high = (
            reconstruction_loss(tf.constant([[said, 0.5, 0.5]]), full, seen) for said in (-9.0, 9.0)
        )
        np.testing.assert_array_equal(low, high)

    def test_a_batch_with_nothing_hidden_is_finite(self):
        full = tf.constant([[1.0, 0.0]])
        assert np.isfinite(reconstruction_loss(tf.zeros((1, 2)), full, full).numpy()).all()
