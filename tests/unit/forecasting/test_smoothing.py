"""Smoothing against values worked by hand, and distributions against draws."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.forecasting.smoothing import SMOOTHERS, croston, sba, ses, tsb
from doppelcart.forecasting.spread import count_quantiles, empirical_quantiles, variances
from doppelcart.metrics.forecasting import covered, mase, weighted_quantile_loss


def test_ses_moves_by_its_share_of_the_error():
    path = ses(np.array([[10.0, 20.0, 0.0]]), alpha=0.5)
    np.testing.assert_allclose(path, [[np.nan, 10, 15, 7.5]])


def test_croston_divides_the_size_by_the_time_between():
    # Sizes 4 and 8, the second three periods after the first, which came in the second period.
    path = croston(np.array([[0.0, 4.0, 0.0, 0.0, 8.0]]), alpha=0.5)
    np.testing.assert_allclose(path, [[np.nan, 0, 2, 2, 2, 6 / 2.5]])
    np.testing.assert_allclose(sba(np.array([[4.0, 8.0]]), alpha=0.5), [[np.nan, 3, 4.5]])


def test_tsb_forgets_what_is_sold_no_more():
    path = tsb(np.array([[4.0, 0.0, 0.0, 8.0]]), alpha=0.5, beta=0.5)
    np.testing.assert_allclose(path, [[np.nan, 4, 2, 1, 0.625 * 6]])


@pytest.mark.parametrize("name", SMOOTHERS)
def test_a_forecast_knows_nothing_of_its_own_period(name):
    demand = np.random.default_rng(0).poisson(2, (5, 30)).astype(float)
    changed = demand.copy()
    changed[:, 20:] += 100
    paths = SMOOTHERS[name](demand), SMOOTHERS[name](changed)
    np.testing.assert_array_equal(paths[0][:, :21], paths[1][:, :21])
    assert (paths[1][:, 21] != paths[0][:, 21]).all()


@pytest.mark.parametrize("name", SMOOTHERS)
def test_a_period_without_a_number_changes_nothing(name):
    demand = np.array([[3.0, 2.0, 4.0, 1.0]])
    with_gap = np.array([[3.0, 2.0, np.nan, 4.0, 1.0]])
    paths = SMOOTHERS[name](demand), SMOOTHERS[name](with_gap)
    np.testing.assert_allclose(paths[0][0, [1, 2, 3, 4]], paths[1][0, [1, 2, 4, 5]])


def test_counts_have_the_quantiles_of_their_draws():
    rng = np.random.default_rng(0)
    levels = [0.05, 0.5, 0.95]
    draws = rng.negative_binomial(2, 2 / (2 + 6), 200_000)
    found = count_quantiles(np.array([6.0, 3.0]), np.array([6 + 36 / 2, 1.0]), levels)
    assert found[0].tolist() == np.quantile(draws, levels).tolist()
    assert found[1].tolist() == np.quantile(rng.poisson(3, 200_000), levels).tolist()
    assert np.isnan(count_quantiles(np.array([np.nan]), np.array([1.0]), levels)).all()


def test_the_variance_is_that_of_one_step():
    demand = np.array([[1.0, 3.0, np.nan, 5.0]])
    assert variances(demand, np.array([[np.nan, 1.0, 1.0, 2.0]])) == pytest.approx((4 + 9) / 2)


def test_the_past_is_a_distribution():
    found = empirical_quantiles(np.array([[1.0, 2.0, 3.0, np.nan], [np.nan] * 4]), [0.5])
    assert found[0] == 2
    assert np.isnan(found[1])


def test_weekly_sales_are_foretold_as_well_as_published_methods_do(shared_data):
    path = shared_data("weekly_sales") / "Sales_Transactions_Dataset_Weekly.csv"
    weeks = pd.read_csv(path)[[f"W{week}" for week in range(52)]].to_numpy(float)
    levels = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975]
    errors: dict[str, list[np.ndarray]] = {name: [] for name in SMOOTHERS}
    actual, quantiles = [], []
    for origin in (36, 40, 44, 48):
        past, came = weeks[:, :origin], weeks[:, origin : origin + 4]
        for name, smooth in SMOOTHERS.items():
            path_of = smooth(past)
            errors[name].append(mase(came, np.repeat(path_of[:, -1:], 4, axis=1), past))
            if name == "SES":
                spread = variances(past, path_of[:, :-1])
                own = count_quantiles(path_of[:, -1], spread, levels)
                quantiles.append(np.repeat(own[:, None], 4, axis=1))
        actual.append(came)
    found = {name: float(np.nanmean(np.concatenate(values))) for name, values in errors.items()}
    assert found["TSB"] == pytest.approx(0.984, abs=0.002)
    assert found["SES"] == pytest.approx(0.985, abs=0.002)
    assert found["SBA"] == pytest.approx(1.026, abs=0.002)
    assert found["Croston"] == pytest.approx(1.029, abs=0.002)
    came, said = np.concatenate(actual), np.concatenate(quantiles)
    assert weighted_quantile_loss(came, said, levels) <= 0.1373
    assert covered(came, said[..., 6]) == pytest.approx(0.95, abs=0.02)
