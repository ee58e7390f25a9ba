"""Scores of chances against values worked by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from doppelcart.metrics.classification import (
    auc,
    auc_by_unit,
    average_precision,
    brier,
    calibration,
    calibration_error,
)


def test_the_auc_is_the_share_of_pairs_in_the_right_order():
    happened, chances = np.array([1, 1, 0, 0]), np.array([0.9, 0.3, 0.3, 0.1])
    assert auc(happened, chances) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert np.isnan(auc(np.ones(3), np.arange(3.0)))


def test_it_is_that_of_scikit_learn_with_ties():
    rng = np.random.default_rng(0)
    happened, chances = rng.integers(0, 2, 300), rng.integers(0, 9, 300) / 9
    assert auc(happened, chances) == pytest.approx(roc_auc_score(happened, chances))


def test_the_mean_of_the_units_values_is_the_auc():
    rng = np.random.default_rng(1)
    units = rng.integers(0, 40, 600)
    happened = rng.integers(0, 2, 600)
    chances = rng.random(600) + 0.3 * happened
    values = auc_by_unit(happened, chances, units)
    assert len(values) == 40
    assert values.mean() == pytest.approx(auc(happened, chances))


@pytest.mark.parametrize("happened", [np.zeros(4, int), np.ones(4, int)])
def test_without_events_or_others_no_unit_has_a_value(happened):
    values = auc_by_unit(happened, np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1]))
    assert np.isnan(values).tolist() == [True, True]


def test_the_spread_of_the_units_values_is_that_of_the_auc_over_samples():
    def sample(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        units = np.repeat(np.arange(60), 8)
        # Rows of a unit are alike, so that rows as units would promise too much.
        level = rng.normal(0, 1, 60)[units]
        happened = (rng.random(480) < 1 / (1 + np.exp(-level))).astype(int)
        return happened, level + rng.normal(0, 1, 480) + happened, units

    areas = [auc(*sample(seed)[:2]) for seed in range(300)]
    errors = [auc_by_unit(*sample(seed)).std(ddof=1) / np.sqrt(60) for seed in range(50)]
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.15)


def test_a_probability_that_came_true_costs_nothing():
    assert brier(np.array([1, 0]), np.array([1.0, 0.0])) == 0
    assert brier(np.array([1, 0]), np.array([0.5, 0.5])) == 0.25


def test_precision_is_read_from_the_top():
    assert average_precision(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.1])) == pytest.approx(5 / 6)
    assert np.isnan(average_precision(np.zeros(2, bool), np.zeros(2)))


def test_what_was_said_stands_beside_what_came():
    chances = np.array([0.1, 0.3, 0.6, 0.8])
    table = calibration(np.array([0, 1, 1, 1]), chances, n_bins=2)
    np.testing.assert_allclose(table["said"], [0.2, 0.7])
    assert table["came"].tolist() == [0.5, 1.0]
    assert table["rows"].tolist() == [2, 2]
    assert calibration_error(table) == pytest.approx(0.3)
