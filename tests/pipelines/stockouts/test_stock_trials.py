"""The experiment finds an effect that is planted, and none where there is none."""

import re
from dataclasses import replace

import hypothesis
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from doppelcart.experiment.comparison import compare
from doppelcart.experiment.verdict import judge
from doppelcart.pipelines.stockouts.detectors import chances, fit, joined, rows_of, settings, spans
from doppelcart.pipelines.stockouts.fidelity_floor import floor_sentence, floors, told_by_floor
from doppelcart.pipelines.stockouts.params import ExperimentParams, ForecastParams
from doppelcart.pipelines.stockouts.plain_makers import PLAIN, marked, random_windows
from doppelcart.pipelines.stockouts.trials import (
    GAN,
    NONE,
    ORACLE,
    declare,
    measure,
    shop_sizes,
    summary,
)

FORECAST = ForecastParams(penalties=(0.01, 1.0), leaves=(4,))
PARAMS = ExperimentParams(series=(2,), draws=3, ratios=(0, 4), n_bootstrap=2000)


def verdict_on(series, maker):
    days = spans(series.n_days, FORECAST)
    train, validation, test = (rows_of(series, part, 1) for part in days)
    model = fit(settings(FORECAST)[1], joined(train, validation), 0)
    makers = {"copies": PLAIN["copies"], GAN: maker}
    stores = np.array([name.partition("/")[0] for name in series.ids])
    scores, drawn = measure(series, stores, days, makers, chances(model, test), FORECAST, PARAMS)
    design = declare({"series_2": "a shop of 2 series"}, makers, PARAMS.n_bootstrap)
    return judge(compare(scores, design), design).iloc[0], scores, drawn


def test_a_planted_effect_is_found(daily):
    series = daily(70)
    # What such a shop lacks: real series of others, before the days that choose.
    others = daily(200, seed=9).part(slice(None), slice(0, 49))

    def plant(own, number, rng):
        return marked(random_windows(others, number, rng), "gan")

    verdict, scores, drawn = verdict_on(series, plant)
    assert verdict["outcome"] == "helps"
    assert verdict["win"]
    assert 0 < verdict["gap_closed"] < 1.2
    means = summary(drawn).set_index("arm")
    assert means.loc[GAN, "auc"] > means.loc["copies", "auc"]
    assert means.loc[ORACLE, "auc"] > means.loc[NONE, "auc"]
    mean = scores[scores["arm"] == GAN]["value"].mean()
    assert mean == pytest.approx(means.loc[GAN, "auc"])


def test_what_is_only_noise_is_not_found_to_help(daily):
    def noise(own, number, rng):
        windows = random_windows(own, number, rng)
        shuffled = rng.permuted(windows.values, axis=1)
        return marked(replace(windows, values=shuffled), "gan")

    verdict, _, _ = verdict_on(daily(70), noise)
    assert verdict["outcome"] != "helps"
    assert not verdict["promoted"]


def test_makers_see_nothing_of_the_days_that_choose_or_judge(daily):
    series = daily(70)
    seen = []

    def spy(own, number, rng):
        seen.append(own)
        return PLAIN["copies"](own, number, rng)

    verdict_on(series, spy)
    assert len(seen) == PARAMS.draws
    assert {own.n_days for own in seen} == {series.n_days - 28}
    assert {own.n_series for own in seen} == {2}


def test_ratios_must_hold_0():
    with pytest.raises(ValueError, match="every arm may add nothing"):
        ExperimentParams(ratios=(1.0,))


def means_of(real, made):
    return pd.DataFrame(
        {"shop": ["series_5", "series_5"], "arm": [NONE, GAN], "unlike": [real, made]}
    )


@pytest.mark.parametrize(
    ("made", "passed", "said"),
    [
        (0.25, True, r"passed its fidelity floor: its windows lie 1\.25 times as far"),
        (0.31, False, r"missed .* 1\.55 times .* 1\.5 is the limit, so that a better generator"),
        (np.nan, False, "is unknown, so that a better generator is not ruled out"),
    ],
)
def test_a_verdict_says_whether_the_generator_passed_its_floor(made, passed, said):
    found = floors(means_of(0.2, made), 1.5)
    assert found["passed"].tolist() == [passed]
    verdict = pd.DataFrame({"shop": ["series_5"], "reason": ["No evidence that it helps."]})
    (reason,) = told_by_floor(verdict, found)["reason"]
    assert reason.startswith("No evidence that it helps. ")
    assert re.search(said, reason)
    assert verdict["reason"].tolist() == ["No evidence that it helps."]


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(st.floats(0.01, 10), st.floats(0, 10), st.floats(1, 5))
def test_the_floor_is_a_multiple_of_real_against_real(real, made, multiple):
    row = floors(means_of(real, made), multiple).iloc[0]
    assert row["passed"] == (made / real <= multiple)
    assert ("not ruled out" in floor_sentence(row)) == (not row["passed"])


def test_a_shop_has_at_most_half_of_the_series_there_are():
    sizes = ExperimentParams()
    assert list(shop_sizes(3200, sizes)) == ["series_5", "series_20", "series_100", "series_400"]
    assert list(shop_sizes(400, sizes)) == ["series_5", "series_20", "series_100"]
    assert list(shop_sizes(6, sizes)) == ["series_3"]
