"""Scores of forecasts and orders against values worked by hand."""

import numpy as np
import pytest

from doppelcart.metrics.forecasting import (
    covered,
    mase,
    newsvendor_cost,
    pinball,
    wape,
    weighted_quantile_loss,
)


def test_errors_are_weighed_by_what_came():
    assert wape(np.array([2.0, 6.0]), np.array([4.0, 5.0])) == pytest.approx(3 / 8)
    assert np.isnan(wape(np.zeros(2), np.ones(2)))


def test_mase_is_1_where_the_last_value_does_as_well_as_before():
    past = np.array([[1.0, 3.0, 1.0], [5.0, 5.0, 5.0]])
    actual, forecast = np.array([[3.0, 3.0], [5.0, 5.0]]), np.array([[1.0, 1.0], [5.0, 5.0]])
    found = mase(actual, forecast, past)
    assert found[0] == 1
    assert np.isnan(found[1])


def test_what_lacks_costs_the_level_and_what_is_left_the_rest():
    loss = pinball(np.array([10.0]), np.array([[8.0, 14.0]]), [0.9, 0.9])
    np.testing.assert_allclose(loss, [[1.8, 0.4]])


def test_the_quantile_loss_is_a_share_of_what_came():
    actual, quantiles = np.array([10.0, 0.0]), np.array([[8.0], [4.0]])
    assert weighted_quantile_loss(actual, quantiles, [0.5]) == pytest.approx(2 * (1 + 2) / 10)


def test_demand_that_is_met_exactly_is_covered():
    assert covered(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 5.0])) == pytest.approx(2 / 3)


def test_an_order_at_the_quantile_costs_least():
    demand = np.random.default_rng(0).poisson(20, 20_000).astype(float)
    orders = np.arange(10, 41)
    costs = [newsvendor_cost(demand, np.full(len(demand), float(n)), 0.95) for n in orders]
    assert orders[int(np.argmin(costs))] == np.quantile(demand, 0.95)
    assert newsvendor_cost(np.array([10.0]), np.array([8.0]), 0.95) == pytest.approx(38)
