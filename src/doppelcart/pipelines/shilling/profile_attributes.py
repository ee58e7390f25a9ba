"""What may betray a fake: fifteen attributes of a profile, one of its items, and PCA.

Sources: Chirita, Nejdl and Zamfir (2005) for RDMA and DegSim, Burke, Mobasher, Williams and
Bhaumik (2006) for the others of ratings; Mehta and Nejdl (2009) for PCASelectUsers. That raters of
one item have little else in common is this project's own way to see a group by its target.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from doppelcart.pipelines.shilling.rating_matrix import Ratings

NEIGHBOURS: Final = 25
COMPONENTS: Final = 3
LEAST_RATERS: Final = 5
ODDEST: Final = 9.0
AROUND: Final = (11, 101)
"""Items, by number of raters, that an item is held against: an eighth of all, at least and at most
as many as these."""
OF_RATINGS: Final = (
    "RDMA", "WDMA", "WDA", "MeanVar", "FMTD", "mean rating", "spread of ratings",
    "share of highest ratings",
)  # fmt: skip
"""Undefined for purchases, which have no rating."""
OF_ALL: Final = (
    "LengthVar", "length", "DegSim", "nearest user", "mean popularity", "spread of popularity",
    "share of rare items", "oddest company",
)  # fmt: skip


def attributes(ratings: Ratings) -> np.ndarray:
    """What betrays each profile, in the order ``OF_ALL`` and, for ratings, ``OF_RATINGS``.

    Args:
        ratings: Genuine users and whatever hides among them.

    Returns:
        (n_users, 16), or (n_users, 8) for purchases; finite.
    """
    found = _of_all(ratings)
    if not ratings.is_implicit:
        found += _of_ratings(ratings)
    return np.nan_to_num(np.column_stack(found))


def _of_all(ratings: Ratings) -> list[np.ndarray]:
    has = (ratings.given > 0).astype(np.float32)
    length, raters = has.sum(axis=1), has.sum(axis=0)
    off = np.abs(length - length.mean())
    alike = _nearest(_similarity(ratings))
    log_raters = np.log1p(raters)
    per_item = np.maximum(length, 1)
    mean = has @ log_raters / per_item
    square = has @ np.square(log_raters) / per_item
    rare = raters <= np.quantile(raters, 0.5)
    return [
        off / max(float(np.square(off).sum()), 1e-9),
        np.log1p(length),
        alike.mean(axis=1),
        alike.max(axis=1),
        mean,
        np.sqrt(np.maximum(square - np.square(mean), 0)),
        has @ rare.astype(np.float32) / per_item,
        _oddness(ratings).max(axis=1),
    ]


def _oddness(ratings: Ratings) -> np.ndarray:
    """(n_users, n_items) how little the raters of an item have in common; -9 if it is not pushed.

    Pushed may be what a user gives the highest of his ratings.
    """
    values = ratings.given
    pushed = (values > 0) & (values == values.max(axis=1, keepdims=True))
    odd = np.nan_to_num(-coherence(values > 0), nan=-ODDEST).clip(-ODDEST, ODDEST)
    return np.where(pushed, odd, -ODDEST)


def oddest_items(ratings: Ratings) -> np.ndarray:
    """(n_users,) the item of each user whose raters have least in common: his target, if any.

    Args:
        ratings: Users and items.
    """
    found: np.ndarray = _oddness(ratings).argmax(axis=1)
    return found


def coherence(has: np.ndarray) -> np.ndarray:
    """How alike the raters of an item are, against items of as many raters.

    An attack puts people together who have nothing in common but its target. It is the mean cosine
    of the histories of two raters, the item itself left out, less the median over the items that
    come before and after by number of raters, in median deviations.

    Args:
        has: (n_users, n_items) whether a user rated an item.

    Returns:
        (n_items,) NaN for items of fewer than five raters.
    """
    from scipy.ndimage import median_filter

    raters = has.sum(axis=0)
    unit = has / np.maximum(np.sqrt(has.sum(axis=1, keepdims=True)), 1e-9).astype(np.float32)
    sums = has.astype(np.float32).T @ unit
    # A pair is two raters: nobody is held against himself.
    own = (has * (1 - np.square(unit))).sum(axis=0)
    within = np.square(sums).sum(axis=1) - np.square(np.diag(sums)) - own
    mean = within / np.maximum(raters * (raters - 1), 1)
    order = np.argsort(raters, kind="stable")
    order = order[raters[order] >= LEAST_RATERS]
    found = np.full(len(raters), np.nan)
    if len(order):
        around = int(np.clip(len(order) // 8, *AROUND))
        usual = median_filter(mean[order], around, mode="nearest")
        spread = median_filter(np.abs(mean[order] - usual), around, mode="nearest")
        found[order] = (mean[order] - usual) / np.maximum(spread, 1e-9)
    return found


def _of_ratings(ratings: Ratings) -> list[np.ndarray]:
    values, has = ratings.given, ratings.given > 0
    raters, length = has.sum(axis=0), np.maximum(has.sum(axis=1), 1)
    off = np.abs(values - values.sum(axis=0) / np.maximum(raters, 1)) * has
    weight = 1 / np.maximum(raters, 1)
    mean = values.sum(axis=1) / length
    spread = np.sqrt((np.square(values - mean[:, None]) * has).sum(axis=1) / length)
    # An attacker's target is among the items that he gives his highest rating.
    pushed = has & (values == values.max(axis=1, keepdims=True))
    rest = has & ~pushed
    n_rest, n_pushed = np.maximum(rest.sum(axis=1), 1), np.maximum(pushed.sum(axis=1), 1)
    means = [(values * part).sum(axis=1) / n for part, n in ((pushed, n_pushed), (rest, n_rest))]
    return [
        off @ weight / length,
        off @ np.square(weight) / length,
        off @ weight,
        (np.square(off) * rest).sum(axis=1) / n_rest,
        np.abs(means[0] - means[1]),
        mean,
        spread,
        ((values == ratings.top) & has).sum(axis=1) / length,
    ]


def _similarity(ratings: Ratings) -> np.ndarray:
    """(n_users, n_users) cosine of profiles, centred on the user's mean where there are ratings."""
    values = ratings.given
    if not ratings.is_implicit:
        has = values > 0
        mean = values.sum(axis=1, keepdims=True) / np.maximum(has.sum(axis=1, keepdims=True), 1)
        values = (values - mean) * has
    norms = np.sqrt(np.square(values).sum(axis=1, keepdims=True))
    unit = values / np.maximum(norms, 1e-9)
    found: np.ndarray = unit @ unit.T
    np.fill_diagonal(found, -np.inf)
    return found


def _nearest(similarity: np.ndarray) -> np.ndarray:
    """(n_users, k) similarities of the nearest others."""
    k = min(NEIGHBOURS, len(similarity) - 1)
    return np.partition(similarity, -k, axis=1)[:, -k:]


def eccentricity(ratings: Ratings) -> np.ndarray:
    """How much a user looks like an attacker to PCASelectUsers; no labels are used.

    Profiles that were made up correlate with none of the tastes that shape the data, so that they
    hardly load on the first principal components of the users.

    Args:
        ratings: Genuine users and whatever hides among them.

    Returns:
        (n_users,) minus the squared loadings on the first three components.
    """
    from scipy.linalg import eigh

    values = ratings.given.astype(np.float64)
    rows = values - values.mean(axis=1, keepdims=True)
    rows /= np.maximum(rows.std(axis=1, keepdims=True), 1e-9)
    n = len(rows)
    _, vectors = eigh(rows @ rows.T, subset_by_index=(n - COMPONENTS, n - 1))
    loadings: np.ndarray = np.square(vectors).sum(axis=1)
    return -loadings
