"""Days of series, and features that know nothing of the day that they foretell."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import ParameterError
from doppelcart.pipelines.stockouts.daily import (
    NAMES,
    WARM_UP,
    by_day,
    extended,
    features,
    happened,
)
from doppelcart.pipelines.stockouts.detectors import (
    chances,
    fit,
    least_days,
    rows_of,
    settings,
    spans,
)
from doppelcart.pipelines.stockouts.foretelling import foretell
from doppelcart.pipelines.stockouts.params import ForecastParams, StockSource
from doppelcart.pipelines.stockouts.section import _sure
from doppelcart.pipelines.stockouts.stock_card import describe_detector
from doppelcart.pipelines.stockouts.stock_tables import detectors_table, forecasts_table
from doppelcart.pipelines.stockouts.trials import declare

SOURCE = StockSource(name="x", files={"a": {}}, table={"sql": "SELECT 1"})


def of(table: np.ndarray, name: str) -> np.ndarray:
    return table[..., NAMES.index(name)]


def test_a_day_is_summed_up(rows, read):
    panel, _ = read(rows())
    daily = by_day(panel)
    ran_out, whole = daily.values[0, 0], daily.values[0, 1]
    assert ran_out[1:].tolist() == [0.5, 0.5, 1]
    assert whole[1:].tolist() == [0, 1, 0]
    assert whole[0] == pytest.approx(np.log1p(panel.sales[0, 1].sum()))
    assert daily.ids.tolist() == ["s0/i0", "s0/i1", "s1/i2", "s1/i3"]
    assert daily.weekdays[0, :8].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]


def test_a_day_that_is_missing_stays_so(rows, read):
    table = rows()
    panel, _ = read(table[table["timestamp"].dt.date.astype(str) != "2024-01-11"])
    daily = by_day(panel)
    assert np.isnan(daily.values[:, 10]).all()
    assert np.isnan(happened(daily, np.array([10]), 1)).all()
    table_of = features(daily, np.array([25]))
    assert np.isfinite(of(table_of, "empty_mean_28")).all()


def test_features_are_what_they_are_called(daily):
    series = daily(3)
    day = 40
    table = features(series, np.array([day]))[:, 0]
    empty = series.values[..., 1]
    assert table.shape == (3, len(NAMES))
    np.testing.assert_allclose(of(table, "empty_1"), empty[:, 39])
    np.testing.assert_allclose(of(table, "empty_7"), empty[:, 33])
    np.testing.assert_allclose(of(table, "empty_mean_7"), empty[:, 33:40].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(of(table, "had_mean_28"), (empty[:, 12:40] > 0).mean(1), rtol=1e-5)
    same = empty[:, [33, 26, 19, 12]].mean(axis=1)
    np.testing.assert_allclose(of(table, "empty_same_weekday"), same, rtol=1e-5)
    assert of(table, f"weekday_{day % 7}").tolist() == [1, 1, 1]
    since = [np.flatnonzero(row[12:40][::-1] > 0)[0] / 28 for row in empty]
    np.testing.assert_allclose(of(table, "days_since"), since, rtol=1e-5)


def test_the_event_is_so_many_hours(daily):
    series = daily(2)
    series.values[:, 30, 1] = [3 / 16, 4 / 16]
    assert happened(series, np.array([30]), 4).tolist() == [[0], [1]]
    assert happened(series, np.array([30]), 1).tolist() == [[1], [1]]


@pytest.mark.parametrize("setting", settings(ForecastParams())[::4])
def test_predictions_do_not_move_when_the_days_they_are_of_are_shuffled(daily, setting):
    series = daily(30)
    params = ForecastParams()
    days = spans(series.n_days, params)
    model = fit(setting, rows_of(series, np.concatenate(days[:2]), 1), seed=0)
    for day in days.test:
        shuffled, observed = series.values.copy(), series.observed.copy()
        order = np.random.default_rng(day).permutation(series.n_series)
        # The day itself and all that comes after it.
        shuffled[:, day:], observed[:, day:] = shuffled[order, day:], observed[order, day:]
        other = replace(series, values=shuffled, observed=observed)
        one = np.array([day])
        said = chances(model, rows_of(series, one, 1))
        np.testing.assert_array_equal(said, chances(model, rows_of(other, one, 1)))
        # What is known of the day before does move them.
        earlier = series.values.copy()
        earlier[:, day - 1] = earlier[order, day - 1]
        moved = chances(model, rows_of(replace(series, values=earlier), one, 1))
        assert not np.array_equal(said, moved)


def test_a_shop_that_is_never_out_for_long_is_told_so_in_words(rows, read):
    # Its shelves are empty for two hours at most, so that nobody can rank days with four.
    panel, _ = read(rows())
    found = foretell(by_day(panel), ForecastParams(penalties=(0.01,), leaves=(4,)))
    chosen = found.table[found.table["chosen"]].set_index("event", drop=False)
    assert chosen.loc["at least 1 hour", "auc"] > 0.9
    never = chosen.loc["at least 4 hours"]
    assert np.isnan(never[["auc", "low", "high"]].to_numpy(float)).all()
    assert _sure(never).startswith(
        "How well the detector ranks days is undefined: a stock-out of at least 4 hours came on "
        "0.0 % of the test days"
    )
    design = declare({"series_2": "a shop of 2 series"}, {}, 2000)
    nothing = pd.DataFrame()
    told = describe_detector(found.table, nothing, nothing, design, SOURCE)
    first, second, *_ = told["result"]
    assert "AUC 1.000 (" in first
    assert "AUC undefined" in second
    assert "nan" not in second
    assert dict(detectors_table(found.table, 10).groups)["at least 4 hours"][0][1] == "\N{EN DASH}"


def test_the_days_that_judge_choose_nothing():
    days = spans(90, ForecastParams(test_days=14, validation_days=10))
    assert days.fit.tolist() == list(range(WARM_UP, 66))
    assert days.validation.tolist() == list(range(66, 76))
    assert days.test.tolist() == list(range(76, 90))


@pytest.mark.parametrize(
    ("n_days", "test", "validation"), [(56, 14, 14), (63, 20, 20), (56, 30, 30)]
)
def test_days_that_leave_nothing_to_learn_from_are_refused_by_name(n_days, test, validation):
    params = ForecastParams(test_days=test, validation_days=validation)
    told = rf"test_days = {test} .*validation_days = {validation} leave too little of {n_days} days"
    with pytest.raises(ParameterError, match=told):
        spans(n_days, params)
    assert least_days(params) == test + validation + 29
    assert len(spans(least_days(params), params).fit) == 29 - WARM_UP


def test_tomorrow_is_foretold_from_today(daily):
    series = daily(3)
    longer = extended(series)
    assert longer.n_days == series.n_days + 1
    table = features(longer, np.array([series.n_days]))[:, 0]
    np.testing.assert_allclose(of(table, "empty_1"), series.values[:, -1, 1])
    assert np.isfinite(table).all()
    assert longer.weekdays[0, -1] == (series.weekdays[0, -1] + 1) % 7


def test_the_cost_of_lacking_is_that_of_the_service_levels_that_are_set():
    found = pd.DataFrame({"method": ["a"], "wql": 0.2, "covered": 0.95, "chosen": True,
                          "cost_75": 1.2, "cost_99": 3.4})  # fmt: skip
    table = forecasts_table(found, ForecastParams(service_levels=(0.75, 0.99)), "pieces", 10)
    assert "costs least (3 and 99 at 75 and 99 %)" in table.note
