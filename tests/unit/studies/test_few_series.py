"""Generated series over seeds: figures worked by hand, and what the results say for the claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from doppelcart.pipelines.stockouts import trials
from doppelcart.pipelines.stockouts.daily import Daily
from doppelcart.pipelines.stockouts.detectors import Setting
from doppelcart.pipelines.stockouts.params import ExperimentParams
from studies import claims, stockouts

N_SERIES, N_SEEDS = 80, 5
MAKERS = dict.fromkeys(stockouts.HELD)


def judged(gain: float, seed: int = 0) -> list[stockouts.Judged]:
    """By seed, every arm: all alike but the GAN, which gains something for every series."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(N_SEEDS):
        base = rng.uniform(0.5, 0.8, N_SERIES)
        own = {
            arm: trials.Scored(base, 0.2, Setting("", 0), 2.0, 0.2)
            for arm in (trials.NONE, trials.TREES, *stockouts.HELD, trials.ORACLE)
        }
        better = base + gain + rng.normal(0, 0.01, N_SERIES)
        own[trials.GAN] = trials.Scored(better, 0.2, Setting("", 0), 2.0, 0.25)
        found.append(own)
    return found


def figures_of(gain: float) -> dict[str, stockouts.Figure]:
    ids = np.array([f"s{n}" for n in range(N_SERIES)])
    stores = np.array([f"store-{n // 2}" for n in range(N_SERIES)])
    params = ExperimentParams(n_bootstrap=2000)
    figures = stockouts.figures_of(20, judged(gain), ids, stores, MAKERS, params)
    return {figure.figure: figure for figure in figures}


def test_a_gain_is_told_over_seeds_and_over_stores():
    found = figures_of(0.05)
    gain = found["20 series: series of the GAN, gain of AUC"]
    assert gain.value == pytest.approx(0.05, abs=0.003)
    assert gain.low > 0.04
    assert gain.met
    assert found["20 series: copies of its series, gain of AUC"].value == 0
    verdict = found["20 series: verdict on the GAN, change of AUC"]
    assert verdict.low < 100 * 0.05 / 0.65 < verdict.high
    assert "verdict: helps. " in verdict.how
    assert found["20 series: verdict on the GAN, p after Holm"].value < 0.05
    floor = found["20 series: distance of the GAN's windows over that of the shop's own"]
    assert floor.value == pytest.approx(1.25)
    assert floor.met
    content = {
        "benchmark": "stockouts",
        "date": "2031-02-03T04:05:06+00:00",
        "commit": "c" * 40,
        "figures": [figure.entry() for figure in found.values()],
    }
    row = claims.few_series(content)
    assert (row.verdict, row.seeds, row.not_beaten) == ("helps", 5, "")
    assert row.controls_beaten.startswith("copies of its series; ")


def test_what_gains_nothing_beats_nobody():
    found = figures_of(0.0)
    assert not found["20 series: series of the GAN, gain of AUC"].met
    told = found["20 series: verdict on the GAN, change of AUC"].how
    assert "verdict: no evidence. Controls beaten: none." in told


def test_how_often_an_arm_is_used():
    some = judged(0.0)
    for one in some[:2]:
        one[trials.GAN] = one[trials.GAN]._replace(ratio=0.0)
    found = {(("shop"), arm): [one[arm] for one in some] for arm in some[0]}
    shares = {figure.figure: figure.value for figure in stockouts._gains(20, found, "shop", "how")}
    assert shares["20 series: series of the GAN, share of seeds in which it is used"] == 0.6


def test_every_array_of_the_series_counts_for_what_is_remembered():
    one = np.zeros((1, 1, 1))
    own = Daily(np.array(["a"]), one, one[0], one[0], one, one)
    known = stockouts.bytes_of(own)
    for name in ("values", "hours", "weekdays", "planned", "observed"):
        assert stockouts.bytes_of(replace(own, **{name: getattr(own, name) + 1})) != known
