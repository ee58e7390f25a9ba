"""Samples of a generator as a range of demand: what they see, how they are scored and judged."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from doppelcart.metrics.forecasting import weighted_quantile_loss
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.pipelines.stockouts.daily import EMPTY, LOG_SALES
from doppelcart.pipelines.stockouts.detectors import spans
from doppelcart.pipelines.stockouts.nodes import judge_samples
from doppelcart.pipelines.stockouts.orders import LEVELS, Demand
from doppelcart.pipelines.stockouts.params import ForecastParams, SamplesParams
from doppelcart.pipelines.stockouts.sample_trials import (
    GAN,
    MADE,
    PLAIN,
    SES,
    Foretold,
    best_plain,
    chosen_widenings,
    declare,
    foretold,
    levels_of,
    scores_of,
    tabulated,
    widened,
)
from doppelcart.pipelines.stockouts.sampled_demand import (
    GIVEN,
    Windows,
    demand_in,
    ready,
    sampled_quantiles,
    windows_of,
)

FORECAST = ForecastParams()
ASKED = levels_of(FORECAST)


def pieces(counts):
    """Demand of series that are sold by the piece, and never ran out."""
    return Demand(counts, np.ones_like(counts, bool), np.ones(len(counts)))


@pytest.fixture
def series(daily):
    """Six series of 60 days, and their demand in steps."""
    own = daily(6, n_days=60)
    return own, np.random.default_rng(1).poisson(5, (6, 60)).astype(float)


def test_a_window_is_a_week_and_the_day_after_it(series):
    daily, counts = series
    whole, scales = ready(daily, 46)
    found = windows_of(whole, pieces(counts), np.array([40, 50]), scales)
    assert found.values.shape == (12, GIVEN + 1, 4)
    level = counts[2, 22:50].mean() + 0.5
    window = 2 * 2 + 1
    assert found.level[window] == pytest.approx(level)
    expected = np.log1p(counts[2, 43:51] / level)
    np.testing.assert_allclose(found.values[window, :, LOG_SALES], expected, rtol=1e-6)
    np.testing.assert_array_equal(found.values[window, :, EMPTY], whole.values[2, 43:51, EMPTY])
    # What is told of the week is the week itself; of the day after it, nothing but its place.
    np.testing.assert_array_equal(found.known[window, :GIVEN, :4], found.values[window, :GIVEN])
    assert (found.known[window, GIVEN, :4] == 0).all()
    assert found.known[window, :, -1].tolist() == [0] * GIVEN + [1]


def test_nothing_is_known_of_the_day_that_is_foretold(series):
    daily, counts = series
    day = np.array([50])
    before = windows_of(*_with_scales(daily, counts, day))
    values, observed, later = daily.values.copy(), daily.observed.copy(), counts.copy()
    values[:, 50:], observed[:, 50:], later[:, 50:] = 0.5, 9.0, 99.0
    other = replace(daily, values=values, observed=observed)
    after = windows_of(*_with_scales(other, later, day))
    np.testing.assert_array_equal(before.known, after.known)
    np.testing.assert_array_equal(before.level, after.level)
    later[:, 49] = 99
    moved = windows_of(*_with_scales(other, later, day))
    assert not np.array_equal(before.known, moved.known)


def _with_scales(daily, counts, days):
    whole, scales = ready(daily, 40)
    return whole, pieces(counts), days, scales


def test_a_gap_is_filled_by_what_was_known_before_the_days_that_judge(series):
    daily, _ = series
    daily.values[0, 30] = np.nan
    later = daily.values.copy()
    later[:, 46:] = 9
    one, other = (ready(part, 46)[0] for part in (daily, replace(daily, values=later)))
    mean = np.nanmean(daily.values[0, :46], axis=0)
    np.testing.assert_allclose(one.values[0, 30], mean, rtol=1e-6)
    np.testing.assert_array_equal(one.values[0, 30], other.values[0, 30])


def test_a_day_that_nobody_knows_looks_like_a_usual_one_and_teaches_nothing(series):
    daily, counts = series
    counts[0, 45], counts[1, 50] = np.nan, np.nan
    whole, scales = ready(daily, 40)
    found = windows_of(whole, pieces(counts), np.array([50]), scales)
    assert found.values[0, 2, LOG_SALES] == pytest.approx(np.log(2))
    assert np.isnan(found.values[1, -1, LOG_SALES])
    assert np.isfinite(found.known).all()


@pytest.mark.slow
def test_quantiles_are_those_of_the_draws():
    from doppelcart.models.series.window_networks import N_HEADS, SALES, SOLD, SPREAD

    def generator(told, training):
        heads = np.zeros((len(told["known"]), GIVEN + 1, N_HEADS + 1), np.float32)
        heads[..., SALES], heads[..., SOLD], heads[..., SPREAD] = 3.0, 50.0, np.log(0.1)
        return heads

    level = np.array([1.0, 4.0, 2.0])
    windows = Windows(np.zeros((3, 8, 4)), np.zeros((3, 8, 5), np.float32), level)
    rng = np.random.default_rng(0)
    found = sampled_quantiles(generator, windows, [0.1, 0.5, 0.9], 8000, rng)
    middle = np.log1p(np.exp(3))
    expected = np.expm1(middle + 0.1 * np.array([-1.2816, 0, 1.2816]))
    np.testing.assert_allclose(found, expected * level[:, None], rtol=0.01)
    few = [
        sampled_quantiles(generator, windows, [0.5], 20, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(few[0], few[1])
    assert not np.array_equal(few[0], few[2])


def test_a_range_is_widened_about_its_median_and_not_below_0():
    found = widened(np.array([[1.0, 4.0, 6.0]]), [0.1, 0.5, 0.9], 2.0)
    assert found.tolist() == [[0, 4, 8]]
    same = widened(np.array([[1.0, 4.0, 6.0]]), [0.1, 0.5, 0.9], 1.0)
    assert same.tolist() == [[1, 4, 6]]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 100), min_size=3, max_size=3).map(sorted),
    st.floats(1, 5),
)
def test_a_wider_range_holds_the_narrower_one(quantiles, factor):
    narrow = np.array([quantiles])
    wide = widened(narrow, [0.1, 0.5, 0.9], factor)
    assert wide[0, 0] <= narrow[0, 0] + 1e-9
    assert wide[0, 2] >= narrow[0, 2] - 1e-9
    assert wide[0, 1] == pytest.approx(narrow[0, 1])
    assert (np.diff(wide[0]) >= -1e-9).all()


def ranges(n_series=60, n_days=14, seed=0, narrow=1.0, bias=0.0):
    """Demand that is Poisson, its true range by the GAN, and a worse one by all others."""
    rng = np.random.default_rng(seed)
    means = rng.uniform(3, 12, (n_series, 1)) * np.ones(n_days)
    actual = rng.poisson(means).astype(float)
    true = poisson.ppf(np.array(ASKED), means[..., None])
    others = dict.fromkeys((*PLAIN, *MADE), true + bias)
    gan = widened(true, ASKED, narrow)
    judged = rng.random(actual.shape) < 0.8
    return Foretold(others | {GAN: gan}, actual, judged, np.ones(n_series))


def judged(found, best=SES):
    chosen = pd.DataFrame({"arm": list(found.quantiles), "level": 1.0, "loss": 0.0})
    ids = np.array([f"s{n}" for n in range(len(found.actual))])
    stores = np.array([f"store-{n // 2}" for n in range(len(found.actual))])
    scores = scores_of(found, chosen, ASKED, ids, stores)
    design = declare(best, 2000).model_dump(mode="json")
    return scores, judge_samples(scores, design)


def test_a_planted_gain_is_found_and_none_where_there_is_none():
    _, (_, verdict) = judged(ranges(bias=3.0))
    assert verdict.iloc[0]["outcome"] == "helps"
    assert verdict.iloc[0]["promoted"]
    _, (differences, verdict) = judged(ranges(bias=0.0))
    assert verdict.iloc[0]["outcome"] == "no evidence"
    assert (differences["difference"].abs() < 1e-12).all()
    _, (_, verdict) = judged(ranges(narrow=0.2))
    assert verdict.iloc[0]["outcome"] == "harms"


def test_the_score_of_an_arm_is_its_quantile_loss():
    found = ranges()
    scores, _ = judged(found)
    own = scores[scores["arm"] == GAN]
    mean = np.average(own["value"], weights=own["days"])
    actual = found.actual[found.judged]
    wanted = [ASKED.index(level) for level in LEVELS]
    whole = weighted_quantile_loss(actual, found.quantiles[GAN][found.judged][:, wanted], LEVELS)
    assert mean / actual.mean() == pytest.approx(whole)
    assert own["days"].sum() == found.judged.sum()


def test_a_range_that_is_too_narrow_is_told_and_widened_by_earlier_days():
    found = ranges(narrow=0.5)
    chosen = chosen_widenings(found, ASKED, (1.0, 2.0)).set_index("arm")
    assert chosen.loc[GAN, "level"] == 2
    assert chosen.loc[SES, "level"] == 1
    table = tabulated(found, chosen.reset_index(), ASKED, FORECAST)
    own = table[table["arm"] == GAN].set_index("widening")
    assert own.loc[1.0, "covered_95"] < 0.9
    assert own.loc[2.0, "covered_95"] > 0.92
    assert own.loc[2.0, "wql"] < own.loc[1.0, "wql"]
    assert own["chosen"].tolist() == [False, True]
    assert (
        table.groupby("arm").size() == [1 + (arm == GAN) for arm in sorted(found.quantiles)]
    ).all()


def test_orders_are_scored_as_worked_by_hand():
    # Sold in halves: who expects 1.8 at most orders 2.
    quantiles = np.full((1, 2, len(ASKED)), 1.8)
    step = np.array([0.5])
    found = Foretold({SES: quantiles}, np.array([[1.0, 3.0]]), np.ones((1, 2), bool), step)
    chosen = pd.DataFrame({"arm": [SES], "level": [1.0], "loss": [0.0]})
    row = tabulated(found, chosen, ASKED, FORECAST).iloc[0]
    assert row["covered_90"] == 0.5
    # Of 4 asked for 3 are met; 1 is left over once and 1 lacks once, at 9 to 1.
    assert row["met_90"] == pytest.approx(3 / 4)
    assert row["cost_90"] == pytest.approx((1 + 9 * 1) / 2)
    met = found._replace(actual=np.array([[1.9, 2.0]]))
    row = tabulated(met, chosen, ASKED, FORECAST).iloc[0]
    assert row["covered_90"] == 1
    # Its range is judged as it is: at every level 1.9 and 2 lie above it.
    lack = np.array([0.1, 0.2]).sum() * np.mean(LEVELS)
    assert row["wql"] == pytest.approx(2 * lack / 3.9)


def test_a_series_by_weight_is_learnt_from_as_one_by_the_piece(series):
    daily, counts = series
    whole, scales = ready(daily, 46)
    by_piece = pieces(counts)
    by_weight = by_piece._replace(step=np.full(6, 0.1))
    day = np.array([50])
    one, other = (windows_of(whole, demand, day, scales) for demand in (by_piece, by_weight))
    np.testing.assert_array_equal(one.known, other.known)
    np.testing.assert_array_equal(one.values, other.values)
    came = demand_in(other.values[:, -1, LOG_SALES], other.level)
    np.testing.assert_allclose(came, 0.1 * counts[:, 50], rtol=1e-5)


def test_the_best_plain_distribution_is_chosen_among_plain_ones():
    names = [*PLAIN, GAN]
    chosen = pd.DataFrame({"arm": names, "level": 1.0, "loss": [3.0, 2.0, 4.0, 5.0, 0.1]})
    assert best_plain(chosen) == names[1]


@pytest.mark.slow
def test_every_arm_has_a_range_of_every_day(daily):
    series = daily(8, n_days=77)
    counts = np.random.default_rng(0).poisson(6, (8, 77)).astype(float)
    demand = pieces(counts)
    days = spans(77, FORECAST)
    params = SamplesParams(draws=20)
    config = WindowConfig(epochs=1, steps_per_epoch=2, evaluate_every=1)
    demands, places = {"validation": demand, "test": demand}, np.array([1, 5])
    found = foretold(series, demands, days, config, FORECAST, params, places)
    assert set(found["test"].quantiles) == {*PLAIN, *MADE}
    for arm, quantiles in found["test"].quantiles.items():
        assert quantiles.shape == (2, 14, len(ASKED)), arm
        assert (np.diff(quantiles, axis=2) >= 0).all(), arm
        assert (quantiles >= 0).all(), arm
    np.testing.assert_array_equal(found["test"].actual, counts[[1, 5], 63:])


def test_a_widening_of_nothing_is_refused():
    with pytest.raises(ValueError, match="greater than 0"):
        SamplesParams(widenings=(0.0,))
