"""Plainer ways to more series: what is kept of the real ones, and how it is marked."""

import numpy as np
import pytest

from doppelcart.pipelines.stockouts.daily import EMPTY, FIRST, LAST, LOG_SALES, LOOKBACK
from doppelcart.pipelines.stockouts.panel import GENERATED
from doppelcart.pipelines.stockouts.plain_makers import PLAIN


@pytest.fixture
def made(daily):
    real = daily(6, n_days=60)
    return real, {name: make(real, 40, np.random.default_rng(3)) for name, make in PLAIN.items()}


@pytest.mark.parametrize("name", PLAIN)
def test_windows_are_marked_whole_and_the_same_for_the_same_seed(made, daily, name):
    real, windows = made
    own = windows[name]
    assert all(identity.startswith(GENERATED) for identity in own.ids)
    assert len(set(own.ids)) == 40
    assert own.values.shape == (40, LOOKBACK, 4)
    assert np.isfinite(own.values).all()
    again = PLAIN[name](real, 40, np.random.default_rng(3))
    np.testing.assert_array_equal(own.values, again.values)
    other = PLAIN[name](real, 40, np.random.default_rng(4))
    assert not np.array_equal(own.values, other.values)


@pytest.mark.parametrize("name", PLAIN)
def test_stock_outs_are_of_one_piece(made, name):
    values = made[1][name].values
    is_out = values[..., EMPTY] > 0
    assert ((values[..., EMPTY] >= 0) & (values[..., EMPTY] <= 1)).all()
    assert (values[..., FIRST][~is_out] == 1).all()
    assert (values[..., LAST][~is_out] == 0).all()
    assert (values[..., FIRST][is_out] < 1).all()
    assert (values[..., LOG_SALES] >= 0).all()


@pytest.mark.parametrize("name", PLAIN)
def test_weekdays_follow_one_another(made, name):
    weekdays = made[1][name].weekdays
    np.testing.assert_array_equal((weekdays[:, 1:] - weekdays[:, :-1]) % 7, 1)


def test_a_copy_is_a_piece_of_a_real_series(made):
    real, windows = made
    pieces = {
        real.values[series, start : start + LOOKBACK].tobytes()
        for series in range(real.n_series)
        for start in range(real.n_days - LOOKBACK + 1)
    }
    assert {window.tobytes() for window in windows["copies"].values} <= pieces
    for name in ("jitter", "bootstrap", "seasonal"):
        assert not {window.tobytes() for window in windows[name].values} <= pieces


def test_a_bootstrap_is_of_whole_weeks(made):
    real, windows = made
    weeks = {
        real.values[series, start : start + 7].tobytes()
        for series in range(real.n_series)
        for start in range(real.n_days - 6)
    }
    values = windows["bootstrap"].values
    for week in range(4):
        assert {window.tobytes() for window in values[:, 7 * week : 7 * week + 7]} <= weeks


def test_jitter_invents_no_stock_out(made):
    windows = made[1]
    copies = windows["copies"].values[..., EMPTY] > 0
    jittered = windows["jitter"].values[..., EMPTY] > 0
    np.testing.assert_array_equal(jittered, copies)


def test_seasonal_series_keep_how_often_stock_outs_follow_one_another(daily):
    real = daily(8, n_days=60)
    # Stock-outs of two days each, four days apart.
    out = np.arange(60) % 4 < 2
    real.values[..., EMPTY] = np.where(out, 0.5, 0)
    real.values[..., FIRST] = np.where(out, 0.5, 1)
    real.values[..., LAST] = out
    windows = PLAIN["seasonal"](real, 400, np.random.default_rng(0))
    had = windows.values[..., EMPTY] > 0
    assert had.mean() == pytest.approx(0.5, abs=0.03)
    assert had[:, 1:][had[:, :-1]].mean() == pytest.approx(0.5, abs=0.03)
