"""What is made is held against what other real examples reach."""

import numpy as np
import pytest

from doppelcart.metrics.fidelity.floor import covered, covered_and_floor, narrowed


def test_coverage_by_hand():
    # The fifth nearest other point is 5 away from the first, 4 from the second, 3 from the third.
    real = np.arange(6.0)[:, None]
    assert covered(real, np.full((6, 1), -4.0)) == pytest.approx(1 / 6)
    assert covered(real, np.full((6, 1), 2.5)) == 1.0


def test_the_same_points_are_one_though_they_differ_by_rounding():
    real = np.zeros((50, 3))
    assert covered(real, real + 1e-9) == 1.0
    assert covered(real, real + 0.1) == 0.0


def test_too_few_points_say_nothing():
    assert np.isnan(covered(np.zeros((5, 2)), np.zeros((50, 2))))


def test_real_ones_reach_nearly_all_and_a_generator_that_collapses_does_not():
    rng = np.random.default_rng(0)
    real, others, made = (rng.normal(size=(400, 50)) for _ in range(3))
    made[:, :10] += 4
    of_made, of_real = covered_and_floor(real, others, made)
    assert of_real > 0.9
    assert of_made < 0.5 * of_real


def test_of_each_as_many_points_are_compared():
    parts = narrowed(np.zeros((7, 3)), np.zeros((9, 3)), np.zeros((8, 3)))
    assert [part.shape for part in parts] == [(7, 3)] * 3
