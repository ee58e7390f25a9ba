"""Distances of sets of pictures, worked by hand, and shares of copies."""

import math

import numpy as np
import pytest

from doppelcart.metrics.pictures import (
    frechet_distance,
    kernel_distance,
    memorised_share,
    nearest_bits,
    nearest_distances,
)


def test_frechet_distance_of_two_normals_is_that_of_means_and_deviations() -> None:
    # Variances 2 and 8, means 1 and 4: 9 + 2 + 8 - 2 sqrt(16).
    assert frechet_distance(np.array([[0.0], [2.0]]), np.array([[2.0], [6.0]])) == pytest.approx(11)


def test_frechet_distance_equals_its_definition_by_covariances() -> None:
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(30, 4)), rng.normal(1, 2, size=(40, 4))
    covariances = [np.cov(side, rowvar=False) for side in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    apart = np.square(first.mean(0) - second.mean(0)).sum()
    expected = apart + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected)


def test_kernel_distance_is_worked_by_hand() -> None:
    # k(0, 0) = 1, k(0, 1) = 1, k(1, 1) = 8 in one dimension.
    real, made = np.zeros((2, 1)), np.ones((2, 1))
    assert kernel_distance(real, made) == pytest.approx(1 + 8 - 2)


def test_kernel_distance_of_one_distribution_is_0_on_average() -> None:
    rng = np.random.default_rng(0)
    found = [kernel_distance(*rng.normal(size=(2, 20, 3))) for _ in range(400)]
    assert abs(np.mean(found)) < 3 * np.std(found) / 20
    assert min(found) < 0


def test_one_picture_has_no_distance() -> None:
    assert math.isnan(frechet_distance(np.ones((1, 2)), np.ones((3, 2))))
    assert math.isnan(kernel_distance(np.ones((3, 2)), np.ones((1, 2))))
    assert math.isnan(memorised_share(np.empty(0), np.ones(3)))


def test_a_copy_is_nearer_than_unseen_pictures_are() -> None:
    unseen = np.arange(1.0, 102.0)  # The 1st percentile is 2.
    assert memorised_share(np.array([0.0, 1.9, 2.0, 50.0]), unseen) == 0.5


def test_nearest_of_features_and_of_prints() -> None:
    learnt = np.array([[0.0, 0.0], [3.0, 4.0]])
    asked = np.array([[3.0, 3.0], [0.0, 0.0]])
    assert nearest_distances(asked, learnt).tolist() == [1.0, 0.0]
    prints = np.array([0b1011, 0b0000], np.uint64)
    assert nearest_bits(prints, np.array([0b0011, 0b1111], np.uint64)).tolist() == [1.0, 2.0]
