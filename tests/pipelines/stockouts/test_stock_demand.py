"""Demand that an empty shelf hid is put right, and orders are made out of it."""

import numpy as np
import pytest

from doppelcart.pipelines.stockouts.hidden_demand import (
    SCALED,
    SOLD,
    at_least_usual,
    errors,
    forecasts,
    means_before,
    profiles,
    scaled,
    topped_up,
    usual,
)
from doppelcart.pipelines.stockouts.orders import EMPIRICAL, demand_of, orders_of, scored
from doppelcart.pipelines.stockouts.panel import Panel
from doppelcart.pipelines.stockouts.params import ForecastParams


def panel_of(sales: np.ndarray, empty: np.ndarray, **traits: np.ndarray) -> Panel:
    n_series, n_days, _ = sales.shape
    names = np.array([f"i{number}" for number in range(n_series)])
    days = np.datetime64("2024-01-01") + np.arange(n_days)
    stores = np.array([f"s{number}" for number in range(n_series)])
    return Panel(names, stores, names, days, sales.astype("f4"), empty.astype("f4"), dict(traits))


@pytest.fixture
def panel():
    """Four hours a day that sell 1, 2, 3, 4; on the last day the last hour is empty."""
    sales = np.tile([1.0, 2.0, 3.0, 4.0], (1, 30, 1))
    empty = np.zeros_like(sales)
    sales[0, -1, 3], empty[0, -1, 3] = 0, 1
    return panel_of(sales, empty)


def test_an_empty_hour_is_filled_by_what_is_usual(panel):
    profile = profiles(panel, 29)
    np.testing.assert_allclose(profile, [[0.1, 0.2, 0.3, 0.4]], rtol=1e-4)
    assert scaled(panel, profile)[0, -1] == pytest.approx(6 / 0.6, rel=1e-4)
    assert topped_up(panel, profile)[0, -1] == pytest.approx(6 + 0.4 * 10, rel=1e-4)
    assert at_least_usual(panel)[0, -1] == pytest.approx(10)
    assert usual(panel)[0, -1] == pytest.approx(10)
    np.testing.assert_allclose(scaled(panel, profile)[0, :-1], 10, rtol=1e-4)


def test_a_day_that_ran_out_early_says_nothing(panel):
    sales, empty = panel.sales.copy(), panel.empty.copy()
    sales[0, -1, 1:], empty[0, -1, 1:] = 0, 1
    other = panel_of(sales, empty)
    profile = profiles(other, 29)
    assert np.isnan(scaled(other, profile)[0, -1])
    assert topped_up(other, profile)[0, -1] == pytest.approx(1 + 0.9 * 10, rel=1e-4)


def test_an_hour_that_a_series_never_has_is_none_of_its_day(panel):
    # The second series sells the same and closes an hour earlier; it too runs out on the last day.
    sales, empty = np.repeat(panel.sales, 2, axis=0), np.repeat(panel.empty, 2, axis=0)
    sales[1, :, 3], empty[1, :, 3] = np.nan, np.nan
    sales[1, -1, 2], empty[1, -1, 2] = 0, 1
    both = panel_of(sales, empty)
    profile = profiles(both, 29)
    assert np.isfinite(profile).all()
    # A day of 1, 2 and 3 of which the 3 are lacking, whatever the profile says of the fourth hour.
    first, second, third = profile[1, :3]
    lacking = third / (first + second + third)
    assert lacking == pytest.approx(0.5, abs=0.02)
    assert topped_up(both, profile)[1, -1] == pytest.approx(3 + 6 * lacking)
    assert scaled(both, profile)[1, -1] == pytest.approx(3 / (1 - lacking))
    np.testing.assert_allclose(topped_up(both, profile)[1, :-1], 6)
    alone = profiles(panel_of(sales[1:], empty[1:]), 29)
    np.testing.assert_allclose(alone, [[1 / 6, 2 / 6, 3 / 6, 0]])


def test_without_a_whole_day_all_hours_are_alike(panel):
    sales, empty = panel.sales.copy(), panel.empty.copy()
    sales[..., 3], empty[..., 3] = 0, 1
    assert profiles(panel_of(sales, empty), 29).tolist() == [[0.25] * 4]


def test_means_are_of_the_days_before():
    values = np.array([[1.0, np.nan, 3.0, 100.0]])
    found = means_before(values, np.array([0, 2, 3, 4]), 2)
    np.testing.assert_allclose(found, [[np.nan, 1, 3, 51.5]])


def test_a_forecast_knows_nothing_of_its_own_day(rows, read):
    panel, _ = read(rows(n_series=6))
    days = np.arange(60, 70)
    sales = panel.sales.copy()
    sales[:, 69] += 50
    other = panel_of(sales, panel.empty)
    for name, values in forecasts(panel, days).items():
        np.testing.assert_allclose(values, forecasts(other, days)[name], err_msg=name)
    changed = panel.sales.copy()
    changed[:, 68] += 50
    moved = forecasts(panel_of(changed, panel.empty), days)
    assert (moved[SOLD][:, -1] > forecasts(panel, days)[SOLD][:, -1]).all()


def test_demand_that_was_hidden_is_foretold_better_where_it_is_steady():
    # Ten are asked for every day; every second day the last two of four hours run out.
    sales = np.tile([2.5] * 4, (40, 70, 1))
    empty = np.zeros_like(sales)
    empty[:, ::2, 2:] = 1
    sales[:, ::2, 2:] = 0
    table = errors(panel_of(sales, empty), np.arange(40).astype(str), np.arange(56, 70))
    mean = table.groupby("arm")["value"].mean()
    assert mean[SCALED] == pytest.approx(0, abs=0.05)
    assert mean[SOLD] > 2
    assert (table["days"] == 7).all()


@pytest.fixture
def poisson():
    """Thirty series that sell pieces at random, and never run out but once."""
    rng = np.random.default_rng(1)
    level = rng.uniform(0.5, 4, (30, 1, 1))
    sales = rng.poisson(np.broadcast_to(level, (30, 90, 4))).astype(float)
    empty = np.zeros_like(sales)
    empty[:, 3, 3] = 1
    prices = np.full((30, 90), 2.0)
    return panel_of(sales, empty, price=prices)


def test_distributions_cover_what_they_promise(poisson):
    params = ForecastParams()
    table = scored(demand_of(poisson, 76), np.arange(76, 90), params).set_index("method")
    smoothed = table.loc["SES, negative binomial"]
    assert smoothed["covered"] == pytest.approx(0.95, abs=0.03)
    assert smoothed["cost_98"] > smoothed["cost_90"] > 0
    assert table["wql"].between(0.02, 0.2).all()
    assert (table["days"] == 30 * 14).all()


def test_what_is_judged_is_what_is_ordered():
    # A piece a day but every tenth, when it is two; so that a range says 1.7, and an order 2.
    sales = np.zeros((30, 90, 4))
    sales[..., 0] = 1
    sales[:, 9::10, 0] = 2
    demand = demand_of(panel_of(sales, np.zeros_like(sales)), 76)
    table = scored(demand, np.arange(76, 90), ForecastParams()).set_index("method")
    past = table.loc[EMPIRICAL]
    assert past["covered"] == 1
    # Two pieces a day for 16 that were asked for in 14 days: one is left on 12 of them.
    assert past[["cost_95", "cost_98"]].tolist() == pytest.approx([12 / 14] * 2)


def test_a_series_by_weight_is_ordered_and_judged_by_weight(poisson):
    sales, empty = poisson.sales[:2].copy(), poisson.empty[:2].copy()
    sales[0], sales[1] = 0, 0
    sales[0, :, 0], sales[1, :, 0] = 0.4, 4.0
    panel = panel_of(sales, empty)
    demand = demand_of(panel, 76)
    assert demand.step.tolist() == [0.1, 1.0]
    np.testing.assert_allclose(demand.units, sales.sum(axis=2), rtol=1e-6)
    orders = orders_of(panel, np.zeros(2), EMPIRICAL, ForecastParams()).set_index("item_id")
    assert orders["stock_95"].tolist() == pytest.approx([0.4, 4.0])
    assert orders["usual"].tolist() == pytest.approx([0.4, 4.0])
    row = scored(demand, np.arange(76, 90), ForecastParams()).set_index("method").loc[EMPIRICAL]
    assert row[["covered", "wql", "cost_95"]].tolist() == pytest.approx([1, 0, 0], abs=1e-9)


def test_an_order_rises_with_the_service_level_and_has_its_value(poisson):
    params = ForecastParams()
    chance = np.linspace(0, 1, 30)
    table = orders_of(poisson, chance, "SES, negative binomial", params)
    assert table["item_id"].iloc[0] == "i29"
    assert table["chance"].is_monotonic_decreasing
    assert (table["stock_98"] >= table["stock_95"]).all()
    assert (table["stock_95"] > table["usual"]).all()
    assert (table["value_95"] == 2 * table["stock_95"]).all()
    assert table["day"].unique().tolist() == ["2024-03-31"]
    mean = poisson.sales.sum(axis=2).mean(axis=1)
    by_item = table.set_index("item_id").loc[poisson.items, "stock_95"].to_numpy()
    assert np.corrcoef(mean, by_item)[0, 1] > 0.95
