"""How generated pictures lie among real ones, in any features: pure functions over arrays.

Distances keep the names of their features: what is measured in EfficientNet-Lite0 is FD-EL0 and
KD-EL0, and compares with no published FID or KID, which are of another network.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from doppelcart.metrics.summaries import NAN

NEAREST_SHARE: Final = 1
"""Percentile of unseen pictures' distances below which a picture counts as a copy."""
ROWS: Final = 512


def frechet_distance(real: np.ndarray, made: np.ndarray) -> float:
    """Squared Frechet distance of the normal distributions that fit two sets of features.

    Heusel et al. 2017, GANs trained by a two time-scale update rule (NeurIPS), equation 6. The
    trace of the root of the product of covariances is the sum of the singular values of the
    product of the centred features, so that no covariance is formed. It is biased upwards where
    there are few pictures: compare sets of one size only.

    Args:
        real: (n, d) features.
        made: (m, d) features.

    Returns:
        The distance; NaN with fewer than two pictures on a side.

    Examples:
        >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
        9.0
    """
    if min(len(real), len(made)) < 2:
        return NAN
    first, second = (np.asarray(side, np.float64) for side in (real, made))
    apart = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    first = (first - first.mean(axis=0)) / np.sqrt(len(first) - 1)
    second = (second - second.mean(axis=0)) / np.sqrt(len(second) - 1)
    common = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    return float(apart + np.square(first).sum() + np.square(second).sum() - 2 * common)


def kernel_distance(real: np.ndarray, made: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy under the kernel ``(x y / d + 1)^3``.

    Binkowski et al. 2018, Demystifying MMD GANs (ICLR), section 4. Of two samples of one
    distribution it is 0 on average, and may be below.

    Args:
        real: (n, d) features.
        made: (m, d) features.

    Returns:
        The distance; NaN with fewer than two pictures on a side.
    """
    if min(len(real), len(made)) < 2:
        return NAN
    first, second = (np.asarray(side, np.float64) for side in (real, made))

    def kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        alike: np.ndarray = (left @ right.T / left.shape[1] + 1) ** 3
        return alike

    def within(rows: np.ndarray) -> float:
        alike = kernel(rows, rows)
        return float((alike.sum() - np.trace(alike)) / (len(rows) * (len(rows) - 1)))

    return within(first) + within(second) - 2 * float(kernel(first, second).mean())


def memorised_share(to_learnt: np.ndarray, unseen_to_learnt: np.ndarray) -> float:
    """Share of generated pictures nearer to one that was learnt than unseen pictures ever are.

    Args:
        to_learnt: (m,) distance of each generated picture to the nearest that was learnt.
        unseen_to_learnt: (n,) the same of real pictures that were not learnt.

    Returns:
        The share below the 1st percentile of the latter; NaN where a side is empty.

    Examples:
        >>> memorised_share(np.array([0.0, 0.1, 3.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        0.5
    """
    if not len(to_learnt) or not len(unseen_to_learnt):
        return NAN
    return float((to_learnt < np.percentile(unseen_to_learnt, NEAREST_SHARE)).mean())


def nearest_distances(asked: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """(m,) Euclidean distance of features to the nearest of others.

    Args:
        asked: (m, d) features.
        learnt: (n, d) features.
    """
    lengths = np.square(learnt).sum(axis=1)
    found = np.empty(len(asked))
    for start in range(0, len(asked), ROWS):
        rows = asked[start : start + ROWS]
        squares = np.square(rows).sum(axis=1)[:, None] + lengths - 2 * rows @ learnt.T
        found[start : start + ROWS] = np.sqrt(np.maximum(squares.min(axis=1), 0))
    return found


def nearest_bits(asked: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """(m,) bits by which prints differ from the nearest of others.

    Args:
        asked: (m,) uint64, such as of ``imaging.duplicates.dhash``.
        learnt: (n,) uint64.
    """
    found = np.empty(len(asked))
    for start in range(0, len(asked), ROWS):
        differ = np.bitwise_count(asked[start : start + ROWS, None] ^ learnt[None, :])
        found[start : start + ROWS] = differ.min(axis=1)
    return found
