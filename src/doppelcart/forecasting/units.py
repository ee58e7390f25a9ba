"""The units in which a shop counts what it sells."""

from __future__ import annotations

from typing import Final

import numpy as np

STEPS: Final = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01)
"""Units in which a shop may count."""
MOST: Final = 0.9
"""Share of sales that a unit fits: a few odd ones make no weighed good of one by the piece."""
TOLERANCE: Final = 0.02
"""Steps by which an amount may miss a whole number of them: it is stored in single precision."""


def unit_step(sales: np.ndarray) -> float:
    """The coarsest unit in which most sales can be counted; the finest there is, where none fits.

    Args:
        sales: Units sold of one series, NaN where unknown.

    Examples:
        >>> unit_step(np.array([0.0, 0.5, 2.0]))
        0.5
    """
    sold = sales[sales > 0].astype(float)
    for step in STEPS:
        if len(sold) and _is_whole(sold / step).mean() >= MOST:
            return step
    return STEPS[-1]


def unit_steps(sales: np.ndarray) -> np.ndarray:
    """(n_series,) unit of each series: a shop may sell by the piece and by weight.

    Args:
        sales: (n_series, ...) units sold, NaN where unknown.
    """
    return np.array([unit_step(own) for own in sales])


def in_steps(amounts: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Amounts counted in steps; what is no whole number of them stays so, and none is lost.

    Args:
        amounts: Units of any shape.
        step: Units of a step, to be broadcast.

    Examples:
        >>> in_steps(np.array([0.3, 0.37]), np.array(0.1)).round(6)
        array([3. , 3.7])
    """
    parts = np.asarray(amounts, float) / step
    return np.where(_is_whole(parts), np.round(parts), parts)


def whole_steps(amounts: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The least whole number of steps that holds an amount, in units: what can be ordered.

    Args:
        amounts: Units of any shape.
        step: Units of a step, to be broadcast.

    Examples:
        >>> whole_steps(np.array([0.3, 0.31]), np.array(0.1)).round(6)
        array([0.3, 0.4])
    """
    # What arithmetic adds to a whole number asks for no further step.
    return np.ceil(np.round(amounts / step, 6)) * step


def _is_whole(parts: np.ndarray) -> np.ndarray:
    """Whether numbers of steps are whole; the little that is no step is not 0 either."""
    whole = np.round(parts)
    return (np.abs(parts - whole) < TOLERANCE) & ((whole > 0) | (parts == 0))
