"""Series of a trained generator, made on what is known of real days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from doppelcart.models.series.window_config import Family, WindowConfig
from doppelcart.pipelines.stockouts.daily import CHANNELS, EMPTY, LOG_SALES, LOOKBACK, Daily
from doppelcart.pipelines.stockouts.plain_makers import Maker, cut_windows, marked, random_windows


def trained_maker(config: WindowConfig, name: str, family: Family = "gan") -> Maker:
    """A maker that trains a generator on the series that it is given.

    Args:
        config: How to train; ``adversarial_loss: energy_score`` trains without a critic.
        name: Of the maker, for the ids of what it makes.
        family: What trains the generator.
    """

    def make(daily: Daily, number: int, rng: np.random.Generator) -> Daily:
        # TensorFlow is slow to import, and plain makers do without.
        from doppelcart.models.series.window_training import fit_generator, generate

        whole = filled(daily)
        level = levels(whole)
        places, starts = all_windows(whole)
        real = cut_windows(whole, places, starts)
        seeded = config.model_copy(update={"seed": int(rng.integers(2**31 - 1))})
        scales = scales_of(real)
        known = conditions(real, level[places], scales)
        generator = fit_generator(real.values, known, seeded, family)
        asked = random_windows(replace(whole, ids=np.arange(whole.n_series)), number, rng)
        known = conditions(asked, level[asked.ids], scales)
        return marked(replace(asked, values=generate(generator, known, asked.hours, rng)), name)

    return make


def all_windows(daily: Daily) -> tuple[np.ndarray, np.ndarray]:
    """Series and first day of every window that there is."""
    starts = np.arange(daily.n_days - LOOKBACK + 1)
    return np.repeat(np.arange(daily.n_series), len(starts)), np.tile(starts, daily.n_series)


def filled(daily: Daily, n_days: int | None = None) -> Daily:
    """The same without missing numbers: a channel takes the series' mean, a trait 0.

    Args:
        daily: Series.
        n_days: Days that means are taken of, from the first; by default all.
    """
    past = daily.values[:, :n_days]
    means = np.stack(
        [np.nan_to_num(np.nanmean(past[..., n], axis=1)) for n in range(len(CHANNELS))],
        axis=1,
    )
    values = np.where(np.isnan(daily.values), means[:, None], daily.values).astype(np.float32)
    hours = np.maximum(daily.hours, 1)
    planned, observed = np.nan_to_num(daily.planned), np.nan_to_num(daily.observed)
    return replace(daily, values=values, hours=hours, planned=planned, observed=observed)


def scales_of(real: Daily) -> np.ndarray:
    """(2, n) mean and spread of the traits of days, by which conditions are scaled."""
    traits = np.concatenate([real.planned, real.observed], axis=2).reshape(-1, 7)
    return np.stack([traits.mean(axis=0), traits.std(axis=0) + 1e-3])


def levels(daily: Daily) -> np.ndarray:
    """(n_series, 3) what a series is like: mean log sales, empty hours, days with a stock-out.

    Args:
        daily: Series without missing numbers.
    """
    values = daily.values
    had = (values[..., EMPTY] > 0).mean(axis=1)
    means = values[..., [LOG_SALES, EMPTY]].mean(axis=1)
    return np.column_stack([means, had])


def conditions(windows: Daily, level: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """(n, days, 14 + n_levels) what is known of each day: traits, weekday, level of the series.

    Args:
        windows: Whose days.
        level: (n, n_levels) what each window's series is like.
        scales: As from ``scales_of``.
    """
    traits = np.concatenate([windows.planned, windows.observed], axis=2)
    weekday = np.eye(7)[windows.weekdays]
    own = np.broadcast_to(level[:, None], (*traits.shape[:2], level.shape[1]))
    scaled = np.clip((traits - scales[0]) / scales[1], -5, 5)
    return np.concatenate([scaled, weekday, own], axis=2).astype(np.float32)
