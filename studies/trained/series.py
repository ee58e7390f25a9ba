"""Windows of sales and stock-outs, and samples of the next day, by the pipeline ``stockouts``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from doppelcart.metrics.forecasting import weighted_quantile_loss
from doppelcart.models.series.likeness import statistics
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.pipelines.stockouts import sample_trials as samples
from doppelcart.pipelines.stockouts import trials
from doppelcart.pipelines.stockouts.daily import LOG_SALES, LOOKBACK, Daily, by_day
from doppelcart.pipelines.stockouts.detectors import Spans, spans
from doppelcart.pipelines.stockouts.nodes import makers_of
from doppelcart.pipelines.stockouts.orders import LEVELS, demand_of
from doppelcart.pipelines.stockouts.params import ExperimentParams, ForecastParams, SamplesParams
from doppelcart.pipelines.stockouts.sampled_demand import (
    CHOOSING_DRAWS,
    CHOOSING_ROWS,
    Windows,
    demand_in,
    fit_sampler,
    ready,
    sampled_quantiles,
    windows_of,
)
from studies import runs, stockouts
from studies.trained.family import TRAINER, Family, Inputs, Made, spread_of

SIZE: Final = 20
"""Series of the shop, the size that the claim is about."""
CODE: Final = (
    *TRAINER,
    "src/doppelcart/models/series",
    *(
        f"src/doppelcart/pipelines/stockouts/{name}.py"
        for name in ("daily", "panel", "plain_makers", "trained_makers", "trials")
    ),
    "studies/trained/series.py",
)
SAMPLES_CODE: Final = (
    *CODE,
    *(
        f"src/doppelcart/pipelines/stockouts/{name}.py"
        for name in ("hidden_demand", "orders", "sample_trials", "sampled_demand")
    ),
)
WINDOWS: Final = {
    trials.GAN: "windows of series: GAN",
    trials.WITHOUT_CRITIC: "windows of series: scoring rule in the critic's place",
    trials.TIME_VAE: "windows of series: TimeVAE",
}
DAYS: Final = {
    samples.GAN: "the next day's demand: GAN",
    samples.WITHOUT_CRITIC: "the next day's demand: scoring rule in the critic's place",
    samples.TIME_VAE: "the next day's demand: TimeVAE",
}


class Shop(NamedTuple):
    """A shop of few series, before validation.

    Attributes:
        past: Its series.
        own: Windows of these.
        real: Windows of all series.
        number: Windows to make.
        generator: How a generator is trained.
    """

    past: Daily
    own: Daily
    real: Daily
    number: int
    generator: WindowConfig


class Tomorrow(NamedTuple):
    """Weeks and the days after them.

    Attributes:
        train: To learn from.
        later: That choose the epoch.
        generator: How a generator is trained.
    """

    train: Windows
    later: Windows
    generator: WindowConfig


def _read() -> tuple[Any, Daily, Spans, dict[str, Any], list[bytes]]:
    given = runs.all_parameters(stockouts.ENVIRONMENT)["stockouts"]
    panel = stockouts.panel_of(stockouts.ENVIRONMENT)
    daily = by_day(panel)
    values = daily.values
    told = [given[name] for name in ("forecast", "experiment", "samples", "generator")]
    data = [part.tobytes() for part in (values, daily.planned, daily.observed)]
    days = spans(daily.n_days, ForecastParams(**given["forecast"]))
    return panel, daily, days, given, [*data, json.dumps(told, sort_keys=True).encode()]


def read_shop() -> Inputs:
    """The first shop of 20 series that the pipeline draws."""
    _, daily, days, given, made_from = _read()
    params = ExperimentParams(**given["experiment"])
    rng = np.random.default_rng([params.seed, SIZE, 0])
    own = daily.part(np.sort(rng.choice(daily.n_series, SIZE, replace=False)))
    past = own.part(slice(None), slice(0, int(days.validation[0])))
    windows, real = (
        trials.past_windows(part, days, np.random.default_rng(params.seed)) for part in (own, daily)
    )
    data = Shop(past, windows, real, trials.N_COMPARED, WindowConfig(**given["generator"]))
    return Inputs(data, made_from)


def make(data: Shop, seed: int, arm: str) -> Mapping[str, Made]:
    """Windows of a generator that is trained on the shop's series."""
    made = makers_of(data.generator)[arm](data.past, data.number, np.random.default_rng(seed))
    floor = trials.unlike(data.own, data.real)
    # A shop's own windows overlap, so that neighbourhoods among them are too small to be hit.
    theirs = statistics(_whole(data.real))
    scale = theirs.std(axis=0) + 1e-6
    spread = spread_of(theirs / scale, statistics(_whole(made)) / scale)
    return {arm: Made(trials.unlike(made, data.real) / floor, spread)}


def _whole(windows: Daily) -> np.ndarray:
    values = windows.values
    return values[~np.isnan(values).any(axis=(1, 2))]


def read_days() -> Inputs:
    """Weeks of all series, and the days after them, with validation days that choose."""
    panel, daily, days, given, made_from = _read()
    first = int(days.validation[0])
    whole, scales = ready(daily, first)
    demand = demand_of(panel, first)
    train, later = (
        windows_of(whole, demand, span, scales)
        for span in (np.arange(LOOKBACK, first), days.validation)
    )
    seed = SamplesParams(**given["samples"]).seed
    known = np.flatnonzero(~np.isnan(later.values[:, -1, LOG_SALES]))
    judged = np.random.default_rng(seed).permutation(known)[-CHOOSING_ROWS:]
    data = Tomorrow(train, later, WindowConfig(**given["generator"]))
    return Inputs((data, later.rows(judged)), [*made_from, demand.units.tobytes()])


def foretell(data: tuple[Tomorrow, Windows], seed: int, arm: str) -> Mapping[str, Made]:
    """Samples of the next day, of validation windows."""
    from doppelcart.models.series.window_training import generate

    own, judged = data
    config, family = samples.networks(own.generator)[arm]
    sampler = fit_sampler(own.train, own.later, config, family, seed)
    rng = np.random.default_rng(seed)
    quantiles = sampled_quantiles(sampler, judged, LEVELS, CHOOSING_DRAWS, rng)
    real = judged.values[:, -1]
    came = demand_in(real[:, LOG_SALES], judged.level)
    made = generate(sampler, judged.known, np.full(judged.known.shape[:2], 16), rng)[:, -1]
    scale = real.std(axis=0) + 1e-6
    return {
        arm: Made(
            weighted_quantile_loss(came, quantiles, LEVELS), spread_of(real / scale, made / scale)
        )
    }


def families() -> list[Family]:
    """Windows and samples, each with a critic, without, and by TimeVAE."""
    return [
        *(
            Family(
                f"windows, {arm}",
                f"{stockouts.DATA}, a shop of {SIZE} series",
                {arm: title},
                "distance of windows from those of all series, over that of the shop's own: less "
                "is better, 1 is that of real windows",
                CODE,
                read_shop,
                partial(make, arm=arm),
            )
            for arm, title in WINDOWS.items()
        ),
        *(
            Family(
                f"next day, {arm}",
                f"{stockouts.DATA}, all series",
                {arm: title},
                "weighted quantile loss of 400 validation days' demand: less is better",
                SAMPLES_CODE,
                read_days,
                partial(foretell, arm=arm),
            )
            for arm, title in DAYS.items()
        ),
    ]
