"""The unit in which a shop counts what it sells."""

from __future__ import annotations

from typing import Final

import numpy as np

STEPS: Final = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01)
"""Units in which a shop may count."""


def unit_step(sales: np.ndarray) -> float:
    """The unit in which sales are counted; the finest there is, where none fits.

    Args:
        sales: Units sold, NaN where unknown.

    Examples:
        >>> unit_step(np.array([0.0, 0.5, 2.0]))
        0.5
    """
    sold = sales[sales > 0][:100_000].astype(float)
    for step in STEPS:
        parts = sold / step
        if len(parts) and np.mean(np.abs(parts - parts.round()) < 0.02) > 0.99:
            return step
    return STEPS[-1]
