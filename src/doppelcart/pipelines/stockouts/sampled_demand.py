"""Samples of a generator as a distribution of the next day's demand.

A window is a week and the day after it. The week is given, as is what is planned for the day, and
the generator makes the day, so that many draws are a distribution of its demand.

Source: Koochali, Schichtel, Dengel and Ahmed (2019), "Probabilistic forecasting of sensory data
with generative adversarial networks - ForGAN" (IEEE Access 7): a GAN on the past as its condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from doppelcart.metrics.forecasting import weighted_quantile_loss
from doppelcart.models.series.window_config import Family, WindowConfig
from doppelcart.pipelines.stockouts.daily import EMPTY, LOG_SALES, LOOKBACK, Daily
from doppelcart.pipelines.stockouts.hidden_demand import means_before
from doppelcart.pipelines.stockouts.orders import LEVELS, Demand
from doppelcart.pipelines.stockouts.trained_makers import filled, scales_of

GIVEN: Final = 7
"""Days before the one that is foretold, which the generator is shown."""
MOST_ROWS: Final = 20_000
"""Windows that are learnt from, as many as boosted quantiles learn from."""
CHOOSING_ROWS, CHOOSING_DRAWS = 400, 40
"""Windows of later days, and draws of each, by which an epoch is kept."""
AT_ONCE: Final = 20_000
"""Draws that are made at once."""


class Windows(NamedTuple):
    """Weeks, and the days after them.

    Attributes:
        values: (n, 8, 4) channels; sales as log(1 + demand over the level of the series).
        known: (n, 8, n_conditions) what is known the evening before the last of the days.
        level: (n,) demand that a series is scaled by, in units.
    """

    values: np.ndarray
    known: np.ndarray
    level: np.ndarray

    def rows(self, places: np.ndarray) -> Windows:
        """Some of them."""
        return Windows(*(part[places] for part in self))


def windows_of(daily: Daily, demand: Demand, days: np.ndarray, scales: np.ndarray) -> Windows:
    """Windows that end with some days, series by series.

    Args:
        daily: Series, without missing numbers.
        demand: That of the same series by day.
        days: (n,) places of the days, none before ``LOOKBACK``.
        scales: Of the traits.

    Returns:
        (n_series * n) windows; NaN sales on a last day whose demand is unknown.
    """
    counts = demand.counts
    level = np.nan_to_num(means_before(counts, days, LOOKBACK)) + 0.5
    squares = np.nan_to_num(means_before(np.square(counts), days, LOOKBACK))
    empty = daily.values[..., EMPTY].astype(float)
    wide = [np.log(level), np.sqrt(squares) / level]
    wide += [means_before(had, days, LOOKBACK) for had in (empty, (empty > 0).astype(float))]
    place = days[:, None] + np.arange(-GIVEN, 1)
    values = daily.values[:, place].astype(float)
    sales = np.log1p(counts[:, place] / level[..., None])
    # A day that nobody knows of looks like a usual one.
    sales[..., :GIVEN] = np.nan_to_num(sales[..., :GIVEN], nan=np.log(2))
    values[..., LOG_SALES] = sales
    told = values.copy()
    told[..., GIVEN, :] = 0
    observed = daily.observed[:, place].copy()
    observed[..., GIVEN, :] = observed[..., GIVEN - 1, :]
    traits = np.concatenate([daily.planned[:, place], observed], axis=3)
    scaled = np.clip((traits - scales[0]) / scales[1], -5, 5)
    weekday = np.eye(7)[daily.weekdays[:, place]]
    shape = values.shape[:3]
    own = np.broadcast_to(np.stack(wide, axis=2)[:, :, None], (*shape, len(wide)))
    asked = np.broadcast_to((np.arange(GIVEN + 1) == GIVEN)[:, None], (*shape, 1))
    known = np.concatenate([told, scaled, weekday, own, asked], axis=3)
    flat = [part.reshape(-1, *part.shape[2:]).astype(np.float32) for part in (values, known)]
    return Windows(flat[0], flat[1], (level * demand.step[:, None]).ravel())


def ready(daily: Daily, n_days: int) -> tuple[Daily, np.ndarray]:
    """The series without missing numbers, and the scales of their traits.

    Args:
        daily: All series.
        n_days: Days that scales, and what fills a gap, are taken of, from the first.
    """
    whole = filled(daily, n_days)
    return whole, scales_of(whole.part(slice(None), slice(0, n_days)))


def fit_sampler(
    train: Windows, later: Windows, config: WindowConfig, family: Family, seed: int
) -> Any:
    """Train a generator to foretell, and keep the epoch that does best on later days.

    Args:
        train: Windows to learn from.
        later: Windows that choose the epoch, by wQL.
        config: How to train.
        family: What trains the generator.
        seed: Of which windows are taken, of weights and of draws.
    """
    from doppelcart.models.series.window_training import fit_generator

    rng = np.random.default_rng(seed)
    known_of = [np.flatnonzero(~np.isnan(part.values[:, -1, LOG_SALES])) for part in (train, later)]
    learnt = train.rows(rng.permutation(known_of[0])[:MOST_ROWS])
    choosing = later.rows(rng.permutation(known_of[1])[:CHOOSING_ROWS])
    came = demand_in(choosing.values[:, -1, LOG_SALES], choosing.level)

    def evaluate(candidate: Any) -> dict[str, float]:
        own = np.random.default_rng(seed)
        found = sampled_quantiles(candidate, choosing, LEVELS, CHOOSING_DRAWS, own)
        return {"selection": -weighted_quantile_loss(came, found, LEVELS)}

    seeded = config.model_copy(update={"seed": seed})
    return fit_generator(learnt.values, learnt.known, seeded, family, GIVEN, evaluate)


def demand_in(log_sales: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Demand in units, of log sales over the level of their series."""
    return np.expm1(log_sales.astype(float)) * level


def sampled_quantiles(
    generator: Any,
    windows: Windows,
    levels: Sequence[float],
    n_draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(n, n_levels) quantiles of the last day's demand, in units, over draws of it.

    Args:
        generator: As from ``fit_sampler``.
        windows: Whose last days.
        levels: Of the quantiles.
        n_draws: Draws of each day.
        rng: Of the draws.
    """
    from doppelcart.models.series.window_training import generate

    found = []
    rows_at_once = max(AT_ONCE // n_draws, 1)
    for start in range(0, len(windows.level), rows_at_once):
        part = windows.rows(np.arange(start, min(start + rows_at_once, len(windows.level))))
        known = np.repeat(part.known, n_draws, axis=0)
        made = generate(generator, known, np.full(known.shape[:2], 1), rng)
        last = made[:, -1, LOG_SALES].reshape(-1, n_draws)
        found.append(np.quantile(demand_in(last, part.level[:, None]), levels, axis=1).T)
    return np.concatenate(found)
