"""Whether what is made is near enough to what is real for "no evidence" to mean anything."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from doppelcart.metrics.summaries import NAN

COVERED, BY_REAL = "covered", "covered_by_real"
"""Columns of a log of a training: coverage by what was made, and by other real examples."""
NEIGHBOURS: Final = 5
WIDTH: Final = 32
"""Principal components that wide points are brought to."""
SAME: Final = 1e-6
"""Distance below which two points are one: many items have the same attributes."""


def covered(real: np.ndarray, made: np.ndarray) -> float:
    """Share of real points that have one that was made in their neighbourhood.

    It is the coverage of Naeem et al. (Reliable Fidelity and Diversity Metrics for Generative
    Models, ICML 2020), for points of which many may be the same.

    Args:
        real: (n, d) points; a neighbourhood reaches to the fifth nearest other one.
        made: (n, d) points.

    Returns:
        0 to 1; NaN if either has five points or fewer.
    """
    from sklearn.neighbors import NearestNeighbors

    if min(len(real), len(made)) <= NEIGHBOURS:
        return NAN
    radii = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(real).kneighbors()[0][:, -1]
    nearest = NearestNeighbors(n_neighbors=1).fit(made).kneighbors(real)[0][:, 0]
    return float((nearest <= radii + SAME).mean())


def covered_and_floor(
    real: np.ndarray, others: np.ndarray, made: np.ndarray
) -> tuple[float, float]:
    """Coverage by what was made, and what other real points reach.

    Args:
        real: (n, d) points.
        others: (n, d) other real points.
        made: (n, d) points that were made.

    Returns:
        Both 0 to 1; NaN where there are too few.
    """
    real, others, made = narrowed(real, others, made)
    return covered(real, made), covered(real, others)


def narrowed(*parts: np.ndarray) -> list[np.ndarray]:
    """As many points of each, brought to principal components of all if they are wide.

    Args:
        parts: (n, d) points each.
    """
    from sklearn.decomposition import PCA

    number = min(len(part) for part in parts)
    points = np.concatenate([part[:number] for part in parts])
    if points.shape[1] > WIDTH and number > WIDTH:
        points = PCA(WIDTH, svd_solver="full").fit_transform(points)
    return np.split(points, len(parts))


def with_coverage(log: pd.DataFrame, found: tuple[float, float]) -> pd.DataFrame:
    """A log of a training that says how real what came out of it is.

    Args:
        log: One row per epoch.
        found: As from ``covered_and_floor``.
    """
    return log.assign(**dict(zip((COVERED, BY_REAL), found, strict=True)))
