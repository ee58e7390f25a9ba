"""Plainer ways to more series than a generator: what it has to beat. No learning, NumPy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from doppelcart.pipelines.stockouts.daily import EMPTY, FIRST, LAST, LOG_SALES, LOOKBACK, Daily
from doppelcart.pipelines.stockouts.panel import GENERATED

WEEK: Final = 7
SCALE, NOISE = 0.1, 0.05
"""Spread of the factor of a window's log sales, and of what is added to each of its days."""
PRIOR: Final = 5.0
"""Days of all series that a series' own frequencies of stock-outs are mixed with."""

Maker = Callable[[Daily, int, np.random.Generator], Daily]
"""Real series, number of windows, randomness -> windows of ``LOOKBACK`` days."""


def cut_windows(daily: Daily, places: np.ndarray, starts: np.ndarray) -> Daily:
    """Windows of ``LOOKBACK`` days out of series.

    Args:
        daily: Series.
        places: (n,) series of each window.
        starts: (n,) its first day.
    """
    days = starts[:, None] + np.arange(LOOKBACK)
    rows = places[:, None]
    return Daily(
        daily.ids[places],
        daily.values[rows, days],
        daily.hours[rows, days],
        daily.weekdays[rows, days],
        daily.planned[rows, days],
        daily.observed[rows, days],
    )


def random_windows(daily: Daily, number: int, rng: np.random.Generator) -> Daily:
    """Real windows, each series as often as another, at random days.

    Args:
        daily: Series of ``LOOKBACK`` days or more.
        number: Windows.
        rng: Of the choice.
    """
    places = rng.permutation(np.resize(rng.permutation(daily.n_series), number))
    return cut_windows(daily, places, rng.integers(0, daily.n_days - LOOKBACK + 1, number))


def marked(windows: Daily, maker: str) -> Daily:
    """The same windows, with ids that say that they were generated.

    Args:
        windows: What was made.
        maker: By what.
    """
    ids = np.array([f"{GENERATED}{maker}-{number}" for number in range(windows.n_series)])
    return replace(windows, ids=ids)


def copy_windows(daily: Daily, number: int, rng: np.random.Generator) -> Daily:
    """Real windows once more.

    Args:
        daily: Real series.
        number: Windows.
        rng: Of the choice.
    """
    return marked(random_windows(daily, number, rng), "copy")


def jitter_windows(daily: Daily, number: int, rng: np.random.Generator) -> Daily:
    """Real windows, their sales scaled and every day moved a little.

    Source: Um et al. (2017), "Data augmentation of wearable sensor data": jitter and scaling.

    Args:
        daily: Real series.
        number: Windows.
        rng: Of choice, factors and noise.
    """
    real = random_windows(daily, number, rng)
    values = real.values.copy()
    factors = rng.normal(1, SCALE, (number, 1))
    noise = rng.normal(0, NOISE, (3, number, LOOKBACK))
    values[..., LOG_SALES] = np.maximum(values[..., LOG_SALES] * factors + noise[0], 0)
    is_out = values[..., EMPTY] > 0
    hour = 1 / np.maximum(real.hours, 1)
    moved = {
        EMPTY: np.clip(values[..., EMPTY] + noise[1], hour, 1),
        FIRST: np.clip(values[..., FIRST] + noise[2], 0, 1 - hour),
    }
    for channel, shifted in moved.items():
        values[..., channel] = np.where(is_out, shifted, values[..., channel])
    return marked(replace(real, values=values), "jitter")


def bootstrap_windows(daily: Daily, number: int, rng: np.random.Generator) -> Daily:
    """Weeks of a series put together anew, each beginning on the same weekday.

    Source: Kuensch (1989), the moving block bootstrap.

    Args:
        daily: Real series.
        number: Windows.
        rng: Of the choice.
    """
    places = rng.permutation(np.resize(rng.permutation(daily.n_series), number))
    offset = rng.integers(0, WEEK, number)
    n_starts = (daily.n_days - WEEK - offset) // WEEK + 1
    blocks = LOOKBACK // WEEK
    starts = offset[:, None] + WEEK * (rng.random((number, blocks)) * n_starts[:, None]).astype(int)
    days = (starts[..., None] + np.arange(WEEK)).reshape(number, LOOKBACK)
    rows = places[:, None]
    made = Daily(
        daily.ids[places],
        daily.values[rows, days],
        daily.hours[rows, days],
        daily.weekdays[rows, days],
        daily.planned[rows, days],
        daily.observed[rows, days],
    )
    return marked(made, "bootstrap")


def seasonal_windows(daily: Daily, number: int, rng: np.random.Generator) -> Daily:
    """Trend and weekday of a series with new residuals, and stock-outs that follow one another.

    Log sales are a line, an effect of the weekday and a residual. Whether a day has a stock-out
    depends on the day before, as often as it did in the series. Residual and course of a stock-out
    are those of a day of the series that had one, or had none.

    Args:
        daily: Real series.
        number: Windows.
        rng: Of windows, stock-outs and residuals.
    """
    places = rng.permutation(np.resize(rng.permutation(daily.n_series), number))
    starts = rng.integers(0, daily.n_days - LOOKBACK + 1, number)
    real = cut_windows(daily, places, starts)
    fitted, residuals = _trend_and_season(daily)
    had = np.where(np.isnan(daily.values[..., EMPTY]), np.nan, daily.values[..., EMPTY] > 0)
    follows = _transitions(had)
    values = np.full_like(real.values, np.nan)
    rows = np.arange(number)
    state = rng.random(number) < np.nanmean(had, axis=1)[places]
    for day in range(LOOKBACK):
        if day:
            state = rng.random(number) < follows[places, state.astype(int)]
        source = _day_like(had[places], state, rng)
        values[:, day] = daily.values[places, source]
        line = fitted[places, starts + day]
        values[:, day, LOG_SALES] = np.maximum(line + residuals[places, source], 0)
        values[rows[~state], day, EMPTY] = 0
        values[rows[~state], day, FIRST] = 1
        values[rows[~state], day, LAST] = 0
    return marked(replace(real, values=values), "seasonal")


def _trend_and_season(daily: Daily) -> tuple[np.ndarray, np.ndarray]:
    """(n_series, n_days) line and weekday effect of log sales, and what they leave over."""
    days = np.arange(daily.n_days) / max(daily.n_days - 1, 1)
    fitted = np.empty(daily.values.shape[:2])
    for place, sales in enumerate(daily.values[..., LOG_SALES]):
        known = ~np.isnan(sales)
        weekday = np.eye(WEEK)[daily.weekdays[place]][:, 1:]
        design = np.column_stack([np.ones_like(days), days, weekday])
        # A little ridge, for weekdays that a gap hides.
        gram = design[known].T @ design[known] + 1e-3 * np.eye(design.shape[1])
        fitted[place] = design @ np.linalg.solve(gram, design[known].T @ sales[known])
    residuals = daily.values[..., LOG_SALES] - fitted
    return fitted, np.nan_to_num(residuals)


def _transitions(had: np.ndarray) -> np.ndarray:
    """(n_series, 2) how often a stock-out follows a day without one, and with one."""
    before, after = had[:, :-1], had[:, 1:]
    known = ~np.isnan(before) & ~np.isnan(after)
    found = np.empty((len(had), 2))
    for state in (0, 1):
        from_state = known & (before == state)
        count, total = (from_state & (after == 1)).sum(axis=1), from_state.sum(axis=1)
        overall = count.sum() / max(total.sum(), 1)
        found[:, state] = (count + PRIOR * overall) / (total + PRIOR)
    return found


def _day_like(had: np.ndarray, state: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) a day of each series in the state that is asked for; any known day where none is."""
    keys = rng.random(had.shape)
    fits = had == state[:, None]
    # Known days of the other state come after all that fit, and unknown ones after those.
    return np.argmax(np.where(fits, 2 + keys, np.where(np.isnan(had), -1, keys)), axis=1)


PLAIN: Final[dict[str, Maker]] = {
    "copies": copy_windows,
    "jitter": jitter_windows,
    "bootstrap": bootstrap_windows,
    "seasonal": seasonal_windows,
}
"""By the name of their arm."""
