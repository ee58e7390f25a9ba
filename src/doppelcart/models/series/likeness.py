"""How far generated windows lie from real ones; without TensorFlow."""

from __future__ import annotations

import numpy as np


def statistics(windows: np.ndarray) -> np.ndarray:
    """(n, 12) mean, spread and product of neighbouring days of each channel of each window."""
    mean, spread = windows.mean(axis=1), windows.std(axis=1)
    centred = windows - mean[:, None]
    follows = (centred[:, 1:] * centred[:, :-1]).mean(axis=1)
    return np.concatenate([mean, spread, follows], axis=1)


def distance(real: np.ndarray, made: np.ndarray) -> float:
    """How far the statistics of windows lie apart, in spreads of the real ones.

    It is the mean over statistics of the distance of their sorted values (Wasserstein, order 1).

    Args:
        real: (n, days, 4) real windows.
        made: (n, days, 4) as many others.
    """
    ours, theirs = np.sort(statistics(real), axis=0), np.sort(statistics(made), axis=0)
    return float(np.mean(np.abs(ours - theirs).mean(axis=0) / (ours.std(axis=0) + 1e-6)))
