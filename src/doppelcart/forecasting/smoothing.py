"""Exponential smoothing of many series at once, for steady and for intermittent demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

ALPHA: Final = 0.1
BETA: Final = 0.1

Smoother = Callable[[np.ndarray], np.ndarray]
"""(n_series, n_periods) demand -> (n_series, n_periods + 1) forecast of each period from those
before it, the last that of the period to come; NaN where nothing came before."""


def ses(demand: np.ndarray, alpha: float = ALPHA) -> np.ndarray:
    """Simple exponential smoothing (Brown 1959); periods without a number change nothing.

    Args:
        demand: (n_series, n_periods), NaN where unknown.
        alpha: Weight of the latest period.

    Examples:
        >>> ses(np.array([[4.0, 8.0]]), alpha=0.5)
        array([[nan,  4.,  6.]])
    """
    level = np.full(len(demand), np.nan)
    path = [level]
    for now in demand.T:
        began = np.where(np.isnan(level), now, level)
        level = np.where(np.isnan(now), level, began + alpha * (now - began))
        path.append(level)
    return np.column_stack(path)


def croston(demand: np.ndarray, alpha: float = ALPHA, bias: float = 1.0) -> np.ndarray:
    """Size of a demand over the time between two, each smoothed where there is one (Croston 1972).

    Args:
        demand: (n_series, n_periods), NaN where unknown.
        alpha: Weight of the latest demand.
        bias: Factor of the forecast.
    """
    n_series = len(demand)
    size, interval = np.full(n_series, np.nan), np.full(n_series, np.nan)
    since = np.ones(n_series)
    path = [np.full(n_series, np.nan)]
    seen = np.zeros(n_series, bool)
    for now in demand.T:
        known = ~np.isnan(now)
        seen |= known
        is_sold = known & (now > 0)
        first = is_sold & np.isnan(size)
        later = is_sold & ~first
        size = np.where(first, now, np.where(later, size + alpha * (now - size), size))
        gap = interval + alpha * (since - interval)
        interval = np.where(first, since, np.where(later, gap, interval))
        since = np.where(is_sold, 1, since + known)
        forecast = np.where(np.isnan(size), 0.0, bias * size / interval)
        path.append(np.where(seen, forecast, np.nan))
    return np.column_stack(path)


def sba(demand: np.ndarray, alpha: float = ALPHA) -> np.ndarray:
    """Croston's method less its bias (Syntetos and Boylan 2005).

    Args:
        demand: (n_series, n_periods), NaN where unknown.
        alpha: Weight of the latest demand.
    """
    return croston(demand, alpha, 1 - alpha / 2)


def tsb(demand: np.ndarray, alpha: float = ALPHA, beta: float = BETA) -> np.ndarray:
    """Chance of a demand times its size, the chance smoothed every period (Teunter et al. 2011).

    So the forecast of what is sold no more falls to 0.

    Args:
        demand: (n_series, n_periods), NaN where unknown.
        alpha: Weight of the latest demand in its size.
        beta: Weight of the latest period in the chance.
    """
    n_series = len(demand)
    size, chance = np.full(n_series, np.nan), np.full(n_series, np.nan)
    path = [np.full(n_series, np.nan)]
    for now in demand.T:
        known = ~np.isnan(now)
        is_sold = known & (now > 0)
        event = is_sold.astype(float)
        began = np.where(np.isnan(chance), event, chance)
        chance = np.where(known, began + beta * (event - began), chance)
        grown = np.where(np.isnan(size), now, size + alpha * (now - size))
        size = np.where(is_sold, grown, size)
        path.append(chance * np.where(np.isnan(size), 0.0, size))
    return np.column_stack(path)


SMOOTHERS: Final[dict[str, Smoother]] = {"SES": ses, "TSB": tsb, "SBA": sba, "Croston": croston}
"""By the name that the field gives them."""
