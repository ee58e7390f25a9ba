"""How good forecasts of demand and the orders made of them are: pure functions over arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def wape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Sum of absolute errors over the sum of what came; NaN if nothing came.

    Args:
        actual: (...) what came.
        forecast: (...) what was expected.

    Examples:
        >>> wape(np.array([2.0, 6.0]), np.array([4.0, 6.0]))
        0.25
    """
    total = float(np.abs(actual).sum())
    return float(np.abs(actual - forecast).sum()) / total if total else float("nan")


def mase(actual: np.ndarray, forecast: np.ndarray, past: np.ndarray) -> np.ndarray:
    """(n_series,) mean absolute error over that of the last value within the past.

    Source: Hyndman and Koehler (2006), "Another look at measures of forecast accuracy".

    Args:
        actual: (n_series, horizon) what came.
        forecast: (n_series, horizon) what was expected.
        past: (n_series, n_periods) what came before.

    Returns:
        NaN for a series that never changed.
    """
    scale = np.abs(np.diff(past, axis=1)).mean(axis=1)
    error = np.abs(actual - forecast).mean(axis=1)
    return np.where(scale > 0, error / np.where(scale > 0, scale, 1.0), np.nan)


def pinball(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """(..., n_levels) loss of quantiles: level for what is lacking, the rest for what is left over.

    Source: Koenker and Bassett (1978).

    Args:
        actual: (...) what came.
        quantiles: (..., n_levels) what was expected.
        levels: Of the quantiles.
    """
    lack = actual[..., None] - quantiles
    at = np.asarray(levels)
    return np.where(lack >= 0, at * lack, (at - 1) * lack)


def weighted_quantile_loss(
    actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]
) -> float:
    """Twice the pinball loss over the sum of what came, mean over levels (as in the M5 contest).

    Args:
        actual: (...) what came.
        quantiles: (..., n_levels) what was expected.
        levels: Of the quantiles.
    """
    total = float(np.abs(actual).sum())
    loss = pinball(actual, quantiles, levels).reshape(-1, len(levels)).sum(axis=0)
    return float(np.mean(2 * loss / total)) if total else float("nan")


def covered(actual: np.ndarray, quantile: np.ndarray) -> float:
    """Share of periods in which what came was not above a quantile.

    Args:
        actual: (...) what came.
        quantile: (...) what was expected at most.
    """
    return float((actual <= quantile).mean())


def newsvendor_cost(actual: np.ndarray, order: np.ndarray, level: float) -> float:
    """Mean cost of an order: 1 per piece left over, ``level / (1 - level)`` per piece lacking.

    With these costs the order that costs least is the quantile at ``level`` (Arrow, Harris and
    Marschak 1951).

    Args:
        actual: (...) demand, pieces.
        order: (...) stock to begin with, pieces.
        level: Service level, such as .95.

    Examples:
        >>> round(newsvendor_cost(np.array([10.0, 4.0]), np.array([8.0, 8.0]), 0.9), 6)
        11.0
    """
    lack, rest = np.maximum(actual - order, 0), np.maximum(order - actual, 0)
    return float((level / (1 - level) * lack + rest).mean())
