"""Whether synthetic users live where real ones do, and everywhere they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from doppelcart.metrics.fidelity.floor import SAME
from doppelcart.metrics.summaries import NAN

if TYPE_CHECKING:
    from sklearn.decomposition import TruncatedSVD


def embed(
    real: sparse.csr_matrix, synthetic: sparse.csr_matrix, seed: int, n_components: int = 32
) -> tuple[np.ndarray, np.ndarray]:
    """Places users in a space fit for neighbourhoods: truncated SVD of unit-length histories.

    Both sides are sampled down to the same number and the SVD is fitted on both. Fitted on the real
    users alone it would hold more of their length than of anyone else's, and even other real users
    would seem to live in another place.

    Args:
        real: (n_real, n_items) CSR of ones.
        synthetic: (n_synthetic, n_items) CSR of ones.
        seed: Seed of the samples and the SVD.
        n_components: Dimensions wanted; fewer if there are fewer users or items.

    Returns:
        Two (n, d) float arrays, n the smaller number of users.
    """
    from sklearn.preprocessing import normalize

    rng = np.random.default_rng(seed)
    size = min(real.shape[0], synthetic.shape[0])
    if size == 0:
        return np.empty((0, 1)), np.empty((0, 1))
    sample = [data[rng.choice(data.shape[0], size, replace=False)] for data in (real, synthetic)]
    data = normalize(sparse.vstack(sample, format="csr").astype(np.float64))
    with threadpool_limits(limits=1):
        points = svd(data.shape, n_components, seed).fit_transform(data)
    return points[:size], points[size:]


def prdc(real: np.ndarray, synthetic: np.ndarray, k: int = 5) -> dict[str, float]:
    """Precision, recall, density and coverage of neighbourhoods.

    Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models" (ICML 2020).
    Recall and coverage fall when a generator collapses onto a few kinds of users;
    for a perfect generator with as many users, coverage tends to 1 - 2**-k. Of points that are the
    same, as short histories often are, a neighbourhood has no width: they lie in it all the same.

    Args:
        real: (n_real, d) points.
        synthetic: (n_synthetic, d) points.
        k: Neighbours that make a point's neighbourhood, itself not counted.

    Returns:
        ``precision``: share of synthetic points within a real neighbourhood; ``recall``: share of
        real points within a synthetic one; ``density``: real neighbourhoods a synthetic point lies
        in, over k; ``coverage``: share of real neighbourhoods that hold a synthetic point. NaN if
        a side has k points or fewer.
    """
    if min(len(real), len(synthetic)) <= k:
        return dict.fromkeys(("precision", "recall", "density", "coverage"), NAN)
    real_radii, synthetic_radii = (_radii(points, k) + SAME for points in (real, synthetic))
    inside = np.zeros(len(synthetic))
    recalled = np.zeros(len(real), dtype=bool)
    nearest = np.full(len(real), np.inf)
    for start in range(0, len(synthetic), 1024):
        rows = slice(start, start + 1024)
        distances = _distances(real, synthetic[rows])
        inside[rows] = (distances <= real_radii[:, None]).sum(axis=0)
        recalled |= (distances <= synthetic_radii[rows]).any(axis=1)
        nearest = np.minimum(nearest, distances.min(axis=1))
    return {
        "precision": float((inside > 0).mean()),
        "recall": float(recalled.mean()),
        "density": float(inside.mean() / k),
        "coverage": float((nearest <= real_radii).mean()),
    }


def svd(shape: tuple[int, int], n_components: int, seed: int) -> TruncatedSVD:
    """Truncated SVD of as many components as wanted and possible, not fitted."""
    from sklearn.decomposition import TruncatedSVD

    return TruncatedSVD(max(1, min(n_components, *(size - 1 for size in shape))), random_state=seed)


def _radii(points: np.ndarray, k: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    neighbours = NearestNeighbors(n_neighbors=k).fit(points)
    # without an argument a point is no neighbour of its own
    return neighbours.kneighbors()[0][:, -1]


def _distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)
    return np.sqrt(np.maximum(squares - 2 * left @ right.T, 0))
