"""Lengths, popularity, pairs, categories and copies: what can be counted, compared."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import scipy
from scipy import sparse

from doppelcart.metrics.summaries import (
    NAN,
    category_counts,
    correlation,
    density,
    lengths,
    popularity,
    ratio,
    row_keys,
    total_variation,
)


def length_fidelity(real: sparse.csr_matrix, synthetic: sparse.csr_matrix) -> dict[str, float]:
    """Compares how many distinct items users have.

    Args:
        real: (n_real, n_items) CSR of ones.
        synthetic: (n_synthetic, n_items) CSR of ones.

    Returns:
        ``length_ks``, the two-sample Kolmogorov-Smirnov distance (0 equal, 1 disjoint);
        ``length_mean_ratio`` and ``length_sd_ratio``, synthetic over real.
    """
    ours, theirs = lengths(synthetic), lengths(real)
    if not len(ours) or not len(theirs):
        return {"length_ks": NAN, "length_mean_ratio": NAN, "length_sd_ratio": NAN}
    return {
        "length_ks": _largest_gap(theirs, ours),
        "length_mean_ratio": ratio(ours.mean(), theirs.mean()),
        "length_sd_ratio": ratio(ours.std(), theirs.std()),
    }


def popularity_fidelity(real: sparse.csr_matrix, synthetic: sparse.csr_matrix) -> dict[str, float]:
    """Compares how many users have each item.

    Args:
        real: (n_real, n_items) CSR of ones.
        synthetic: (n_synthetic, n_items) CSR of ones.

    Returns:
        ``popularity_pearson`` and ``popularity_spearman`` over the items' shares of users;
        ``popularity_curve_ks``, the largest distance between the two cumulated curves of
        interactions over items sorted from the most to the least popular, each in its own order:
        it sees the shape of the long tail and not which items are in it.
    """
    ours, theirs = popularity(synthetic), popularity(real)
    return {
        "popularity_pearson": correlation(theirs, ours),
        "popularity_spearman": correlation(
            scipy.stats.rankdata(theirs), scipy.stats.rankdata(ours)
        ),
        "popularity_curve_ks": _curve_distance(theirs, ours),
    }


def cooccurrence_correlation(
    real: sparse.csr_matrix,
    synthetic: sparse.csr_matrix,
    n_top: int = 200,
    measure: Literal["share", "lift"] = "share",
) -> float:
    """Correlates how often pairs of popular items meet in one user's history.

    Args:
        real: (n_real, n_items) CSR of ones.
        synthetic: (n_synthetic, n_items) CSR of ones.
        n_top: Pairs are those of this many items, the most popular with real users.
        measure: ``share`` is the share of users with both; independent draws by popularity do
            well at it. ``lift`` divides by the product of the items' shares, which popularity
            alone cannot imitate; pairs with an item that the synthetic users lack are left out.

    Returns:
        Pearson's correlation over the pairs.
    """
    top = np.argsort(-popularity(real), kind="stable")[:n_top]
    upper = np.triu_indices(len(top), k=1)
    theirs, ours = (_pair_measure(data[:, top], measure)[upper] for data in (real, synthetic))
    defined = np.isfinite(theirs) & np.isfinite(ours)
    return correlation(theirs[defined], ours[defined])


def sparsity_fidelity(real: sparse.csr_matrix, synthetic: sparse.csr_matrix) -> dict[str, float]:
    """Shares of empty cells, ``sparsity_real`` and ``sparsity_synthetic``; ratio of densities."""
    theirs, ours = density(real), density(synthetic)
    return {
        "sparsity_real": 1 - theirs,
        "sparsity_synthetic": 1 - ours,
        "density_ratio": ratio(ours, theirs),
    }


def category_mix_distance(
    real: sparse.csr_matrix,
    synthetic: sparse.csr_matrix,
    item_categories: np.ndarray,
    real_segments: np.ndarray | None = None,
    synthetic_segments: np.ndarray | None = None,
) -> dict[str, float]:
    """Total variation between the category mixes of real and synthetic users, by segment.

    Args:
        real: (n_real, n_items) CSR of ones.
        synthetic: (n_synthetic, n_items) CSR of ones.
        item_categories: (n_items,) category of each item; one without (None, NaN) is left out.
        real_segments: (n_real,) profile segment of each real user.
        synthetic_segments: (n_synthetic,) segment each synthetic user was made for. If either is
            None, only ``all`` is returned.

    Returns:
        Half the sum of absolute differences of the categories' shares of interactions (0 the same
        mix, 1 no category in common), for ``all`` and each segment of the real users.
    """
    codes, _ = _codes(item_categories)
    members: dict[str, tuple[np.ndarray, np.ndarray]] = {
        "all": (np.ones(real.shape[0], dtype=bool), np.ones(synthetic.shape[0], dtype=bool))
    }
    if real_segments is not None and synthetic_segments is not None:
        for segment in np.unique(real_segments.astype(str)):
            members[str(segment)] = (
                real_segments.astype(str) == segment,
                synthetic_segments.astype(str) == segment,
            )
    return {
        segment: total_variation(
            category_counts(real[theirs], codes), category_counts(synthetic[ours], codes)
        )
        for segment, (theirs, ours) in members.items()
    }


def duplicate_rate(histories: sparse.csr_matrix) -> float:
    """Share of users whose set of items another user before them has; a collapse shows here."""
    if not histories.shape[0]:
        return NAN
    return 1 - len(set(row_keys(histories))) / histories.shape[0]


def _largest_gap(left: np.ndarray, right: np.ndarray) -> float:
    size = int(max(left.max(), right.max())) + 1
    shares = [np.bincount(side, minlength=size) / len(side) for side in (left, right)]
    return float(np.abs(np.cumsum(shares[0] - shares[1])).max())


def _codes(values: np.ndarray) -> tuple[np.ndarray, Mapping[str, int]]:
    values = np.asarray(values, dtype=object)
    known = np.array([value is not None and value == value for value in values], dtype=bool)
    levels = {level: code for code, level in enumerate(sorted({str(v) for v in values[known]}))}
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[known] = [levels[str(value)] for value in values[known]]
    return codes, levels


def _curve_distance(left: np.ndarray, right: np.ndarray) -> float:
    if left.sum() == 0 or right.sum() == 0:
        return NAN
    curves = [np.cumsum(np.sort(side)[::-1]) / side.sum() for side in (left, right)]
    return float(np.abs(curves[0] - curves[1]).max())


def _pair_measure(histories: sparse.csr_matrix, measure: str) -> np.ndarray:
    share = (histories.T @ histories).toarray().astype(np.float64) / max(histories.shape[0], 1)
    if measure == "share":
        return share
    expected = np.outer(np.diag(share), np.diag(share))
    return np.divide(share, expected, out=np.full_like(share, NAN), where=expected > 0)
