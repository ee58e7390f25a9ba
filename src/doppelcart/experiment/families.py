"""Families of comparisons: Holm's correction, and what it takes for a family to show anything."""

from itertools import count
from math import ceil
from typing import Final

import numpy as np

from doppelcart.errors import InputError
from doppelcart.experiment.p_values import all_one_sided

LEAST_UNITS: Final = 30
"""Users, or clusters of them, below which a verdict is undefined unless it is asked for.

With fewer, no test of a mean keeps its promise where differences are skewed.
"""


def least_resamples(comparisons: int, alpha: float) -> int:
    """Resamples from which on a family of comparisons can show anything.

    The smallest p-value of ``n`` resamples is 1 / (n + 1), and Holm multiplies the smallest of a
    family by the number of its comparisons.

    Args:
        comparisons: Comparisons in the family.
        alpha: Error rate of the family.
    """
    return ceil(comparisons / alpha)


def least_units(comparisons: int, alpha: float) -> int:
    """Units from which on a family of comparisons can show anything.

    All of ``n`` units changed in one direction have the p-value (2/3)^n + (1/3)^n.

    Args:
        comparisons: Comparisons in the family.
        alpha: Error rate of the family.
    """
    target = alpha / max(comparisons, 1)
    return next(n for n in count(1) if all_one_sided(n) <= target)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment of p-values for their number.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".

    Args:
        p_values: (n,) p-values; NaN stays NaN and counts as no comparison.

    Returns:
        (n,) adjusted p-values, at most 1.

    Raises:
        InputError: If a p-value is outside [0, 1].

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p_values))
    if ((p_values[tested] < 0) | (p_values[tested] > 1)).any():
        raise InputError("holm: p-values must lie in [0, 1]")
    adjusted = np.full(p_values.shape, np.nan)
    order = tested[np.argsort(p_values[tested], kind="stable")]
    scaled = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(scaled))
    return adjusted
