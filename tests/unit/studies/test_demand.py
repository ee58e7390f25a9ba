"""Forecasts beside peers': what is made of their answers, and scores worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from studies import demand
from studies.demand import HORIZON, LEVELS, ORIGINS, Forecast
from studies.study import Study


@pytest.fixture
def weeks():
    return np.random.default_rng(0).poisson(6, (30, 52)).astype(float)


def test_ends_of_intervals_become_quantiles_in_order():
    means = np.full((1, 1, 1), 10.0)
    half = np.array([1.0, 2.0, 3.0, 4.0])
    lows, highs = (means[..., None] + sign * half for sign in (-1, 1))
    arrays = {"m": means, "m low": lows, "m high": highs}
    found = demand.forecast_of(arrays, "m", True)
    # .025 is no level that is asked for; .975 is the upper end of 95 %.
    assert found.quantiles[0, 0, 0].tolist() == [7, 8, 9, 10, 11, 12, 13, 14]
    assert len(LEVELS) == 8
    assert demand.forecast_of({"m": means}, "m", False).quantiles is None
    crossed = {"m": means, "m low": lows - 20, "m high": highs}
    assert demand.forecast_of(crossed, "m", True).quantiles.min() == 0


def test_every_method_of_ours_sees_only_what_came_before(weeks):
    changed = weeks.copy()
    changed[:, ORIGINS[0] :] += 50
    one, other = demand.ours_by_week(weeks), demand.ours_by_week(changed)
    for name, forecast in one.items():
        np.testing.assert_array_equal(forecast.means[0], other[name].means[0])
        assert not np.array_equal(forecast.means[1], other[name].means[1]), name
        assert forecast.means.shape == (len(ORIGINS), 30, HORIZON)


def test_what_comes_is_scored_as_worked_by_hand(tmp_path):
    weeks = np.tile([2.0, 4.0], (3, 26))
    came = np.stack([weeks[:, o : o + HORIZON] for o in ORIGINS])
    order = np.repeat(np.full_like(came, 3.0)[..., None], len(LEVELS), axis=3)
    methods = {"flat": Forecast(np.full_like(came, 3.0), order)}
    figures = demand.by_week(Study("demand", tmp_path), weeks, methods)
    found = {figure.figure: figure.value for figure in figures}
    # One too much or too little where the naive is wrong by two; half of the weeks ask for more.
    assert found["by week: flat, MASE"] == pytest.approx(0.5)
    assert found["by week: flat, weeks met at 95 %"] == 0.5
    assert found["by week: flat, cost at 95 %"] == pytest.approx((1 + 19) / 2)


def test_days_are_judged_where_all_have_a_forecast_and_nothing_ran_out(tmp_path):
    series = np.array([[4.0, 4.0, 8.0, 2.0]])
    judged = np.array([[True, True, True, False]])
    ours = Forecast(np.array([[[5.0]], [[1.0]]]))
    theirs = Forecast(np.array([[[6.0]], [[2.0]]]))
    methods = {"a": ours, "b": theirs}
    days = np.array([2, 3])
    figures = demand.by_day(Study("demand", tmp_path), series, judged, days, methods)
    assert [figure.value for figure in figures] == [pytest.approx(3 / 8), pytest.approx(2 / 8)]
    missing = methods | {"b": Forecast(np.full((2, 1, 1), np.nan))}
    figures = demand.by_day(Study("demand", tmp_path), series, judged, days, missing)
    assert np.isnan([figure.value for figure in figures]).all()


def test_what_was_measured_earlier_is_aimed_at():
    assert str(demand._aim("ours, TSB", "MASE")) == "<= 0.984"
    assert demand._aim("ours, SES, negative binomial", "cost at 95 %").bound == 6.64
    assert demand._aim("ours, SES, negative binomial", "wQL") is None
    assert demand._aim("theirs, TSB", "MASE") is None
