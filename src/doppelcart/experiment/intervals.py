"""Intervals of a mean difference and of its ratio to a base, by inversion of two tests."""

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy import special

from doppelcart.experiment.p_values import statistics

_DOUBLINGS: Final = 40
_HALVINGS: Final = 50


def interval(
    differences: np.ndarray, bases: np.ndarray, confidence: float, sides: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the ratios r of two means at which differences - r * bases might have mean 0.

    Args:
        differences: (n_units, n_comparisons).
        bases: (n_units, n_comparisons); ones for the mean difference itself.
        confidence: Coverage.
        sides: (n_comparisons,) sign of the difference where the p-value excludes 0, else 0.

    Returns:
        Lower and upper ends; NaN where there is none.
    """
    base = bases.mean(axis=0)
    n = len(differences) + 1
    over, under = (  # with one more unit that did not change
        np.vstack([differences, np.zeros_like(base)]),
        np.vstack([bases, base]),
    )
    top = over.mean(axis=0)
    over, under = over - top, under - base
    products = over * over, over * under, under * under
    squares = [product.mean(axis=0) for product in products]
    pairs = zip((products[0], *products), (over, *[under] * 3), strict=True)
    cubes = [np.einsum("ij,ij->j", product, other) / n for product, other in pairs]
    quantile = special.stdtrit(n - 1, (1 + confidence) / 2)

    def rejected(ratio: np.ndarray) -> np.ndarray:
        variance = squares[0] - 2 * ratio * squares[1] + ratio**2 * squares[2]
        third = cubes[0] - ratio * (3 * cubes[1] - ratio * (3 * cubes[2] - ratio * cubes[3]))
        least = np.finfo(float).tiny
        both = statistics(top - ratio * base, np.maximum(variance, least), third, n, cautious=False)
        return np.minimum(*both) > quantile

    with np.errstate(all="ignore"):
        start = top / base
        step = np.sqrt(squares[0] - 2 * start * squares[1] + start**2 * squares[2]) / np.abs(base)
        nothing = squares[0] == 0
        ends = [_end(rejected, start, side * step) for side in (-1, 1)]
    sides = sides * np.sign(base)  # of the ratios
    # Of tests so near to one another, the p-value has the last word on 0.
    low = np.where(sides > 0, np.maximum(ends[0], 0), ends[0])
    high = np.where(sides < 0, np.minimum(ends[1], 0), ends[1])
    low = np.where(sides == 0, np.minimum(low, 0), low)
    high = np.where(sides == 0, np.maximum(high, 0), high)
    low, high = np.where(nothing, 0.0, low), np.where(nothing, 0.0, high)
    undefined = base == 0
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def _end(
    rejected: Callable[[np.ndarray], np.ndarray], start: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """The first value on one side of the start that is rejected; NaN where none is."""
    near, far = start, start + step
    beyond = ~rejected(far)
    for _ in range(_DOUBLINGS):
        if not beyond.any():
            break
        step = 2 * step
        near, far = np.where(beyond, far, near), np.where(beyond, start + step, far)
        beyond &= ~rejected(far)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        out = rejected(middle)
        near, far = np.where(out, near, middle), np.where(out, middle, far)
    return np.where(beyond, np.nan, far)
