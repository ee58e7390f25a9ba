"""From a forecast mean to a distribution of counts, and to the stock to order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def variances(demand: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """(n_series,) mean squared error of one-step forecasts, as far as there are any.

    Args:
        demand: (n_series, n_periods), NaN where unknown.
        forecast: (n_series, n_periods) what was expected of each; NaN where nothing was.
    """
    squared = np.square(demand - forecast)
    known = ~np.isnan(squared)
    return np.where(known, squared, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def count_quantiles(means: np.ndarray, variance: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles of counts: negative binomial, or Poisson where the variance is not above the mean.

    Args:
        means: (n,) expected counts.
        variance: (n,) their variance.
        levels: (n_levels,) which quantiles.

    Returns:
        (n, n_levels) counts; NaN where the mean is.
    """
    from scipy.stats import nbinom, poisson

    mean = np.maximum(means, 1e-6)[:, None]
    excess = np.asarray(variance)[:, None] - mean
    is_wide = excess > 1e-6 * mean
    size = np.where(is_wide, mean**2 / np.where(is_wide, excess, 1.0), 1.0)
    at = np.asarray(levels)[None, :]
    wide = nbinom.ppf(at, size, size / (size + mean))
    found = np.where(is_wide, wide, poisson.ppf(at, mean))
    return np.where(np.isnan(means)[:, None], np.nan, found)


def empirical_quantiles(past: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles of what was demanded before; NaN where nothing is known.

    Args:
        past: (n, n_periods), NaN where unknown.
        levels: (n_levels,) which quantiles.

    Returns:
        (n, n_levels).
    """
    known = ~np.isnan(past).all(axis=1)
    found = np.full((len(past), len(levels)), np.nan)
    found[known] = np.nanquantile(past[known], levels, axis=1).T
    return found
