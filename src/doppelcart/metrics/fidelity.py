"""How closely synthetic users resemble real ones: what a recommender needs, measured.

Every function takes binary histories as CSR matrices with the same columns and returns floats.
None of the figures means much by itself: give each function two disjoint halves of the real users
as well, and read the synthetic figure against that reference. What is undefined is NaN.
"""

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
from scipy import sparse, stats
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from threadpoolctl import threadpool_limits

NAN: Final = float("nan")


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
        "length_mean_ratio": _ratio(ours.mean(), theirs.mean()),
        "length_sd_ratio": _ratio(ours.std(), theirs.std()),
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
        "popularity_spearman": correlation(stats.rankdata(theirs), stats.rankdata(ours)),
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
        "density_ratio": _ratio(ours, theirs),
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


def detection_auc(
    real: sparse.csr_matrix,
    synthetic: sparse.csr_matrix,
    seed: int,
    n_components: int = 32,
    n_folds: int = 5,
    model: Literal["boosting", "logistic"] = "boosting",
) -> float:
    """How well a classifier tells synthetic users from real ones it has not seen.

    Features are the history reduced by a truncated SVD, which is fitted inside each fold, and the
    length of the history with the mean and spread of its items' log popularity, counted in the
    fold's training part. Exact copies on both sides of a fold can push the figure below 0.5.

    Args:
        real: (n_real, n_items) CSR of ones.
        synthetic: (n_synthetic, n_items) CSR of ones.
        seed: Seed of the folds, the SVD and the classifier.
        n_components: Dimensions of the SVD.
        n_folds: Cross-validation folds.
        model: ``boosting`` (histogram gradient boosting), or ``logistic`` (regression), which
            sees a shift and not, say, users who lie between the tastes of the real ones.

    Returns:
        Area under the ROC curve over all users, each scored out of fold: 0.5 cannot be told apart,
        1 always. NaN with fewer than ``n_folds`` users on a side.
    """
    if min(real.shape[0], synthetic.shape[0]) < n_folds:
        return NAN
    data = sparse.vstack([real, synthetic], format="csr")
    labels = np.repeat([0, 1], [real.shape[0], synthetic.shape[0]])
    scores = np.empty(len(labels))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for train, test in folds.split(labels, labels):
        # on tables this small, threads cost far more than they give
        with threadpool_limits(limits=1):
            seen, unseen = _detection_features(data[train], data[test], n_components, seed)
            found = _classifier(model, seed).fit(seen, labels[train]).predict_proba(unseen)
        # ranks, because the scales of the folds' classifiers need not agree
        scores[test] = stats.rankdata(found[:, 1]) / len(test)
    return float(roc_auc_score(labels, scores))


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
    rng = np.random.default_rng(seed)
    size = min(real.shape[0], synthetic.shape[0])
    if size == 0:
        return np.empty((0, 1)), np.empty((0, 1))
    sample = [data[rng.choice(data.shape[0], size, replace=False)] for data in (real, synthetic)]
    data = normalize(sparse.vstack(sample, format="csr").astype(np.float64))
    with threadpool_limits(limits=1):
        points = _svd(data.shape, n_components, seed).fit_transform(data)
    return points[:size], points[size:]


def prdc(real: np.ndarray, synthetic: np.ndarray, k: int = 5) -> dict[str, float]:
    """Precision, recall, density and coverage of neighbourhoods.

    Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models" (ICML 2020).
    Recall and coverage fall when a generator collapses onto a few kinds of users;
    for a perfect generator with as many users, coverage tends to 1 - 2**-k.

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
    real_radii, synthetic_radii = _radii(real, k), _radii(synthetic, k)
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


def fidelity(
    real: sparse.csr_matrix,
    synthetic: sparse.csr_matrix,
    seed: int,
    n_top: int = 200,
    n_components: int = 32,
    k: int = 5,
) -> dict[str, float]:
    """All figures of this module that need nothing but the two sets of histories.

    Args:
        real: (n_real, n_items) CSR of ones.
        synthetic: (n_synthetic, n_items) CSR of ones.
        seed: Seed of the detection and of the embedding.
        n_top: Items whose pairs are compared.
        n_components: Dimensions of the SVD in detection and neighbourhoods.
        k: Neighbours of a neighbourhood.

    Returns:
        Name and value of each figure.
    """
    return {
        **length_fidelity(real, synthetic),
        **popularity_fidelity(real, synthetic),
        "cooccurrence_share": cooccurrence_correlation(real, synthetic, n_top, "share"),
        "cooccurrence_lift": cooccurrence_correlation(real, synthetic, n_top, "lift"),
        **sparsity_fidelity(real, synthetic),
        "duplicate_rate": duplicate_rate(synthetic),
        "detection_auc": detection_auc(real, synthetic, seed, n_components),
        **prdc(*embed(real, synthetic, seed, n_components), k=k),
    }


def lengths(histories: sparse.csr_matrix) -> np.ndarray:
    """(n_users,) distinct items a user."""
    return np.diff(histories.indptr)


def popularity(histories: sparse.csr_matrix) -> np.ndarray:
    """(n_items,) share of users who have each item; zeros where there are no users."""
    counts = np.bincount(histories.indices, minlength=histories.shape[1])
    return counts / max(histories.shape[0], 1)


def density(histories: sparse.csr_matrix) -> float:
    """Share of cells that are filled."""
    return _ratio(histories.nnz, histories.shape[0] * histories.shape[1])


def row_keys(histories: sparse.csr_matrix) -> list[bytes]:
    """One key a user, equal if and only if the sets of items are."""
    ordered = histories.sorted_indices()
    indices = ordered.indices.astype(np.int64)
    pairs = zip(ordered.indptr[:-1], ordered.indptr[1:], strict=True)
    return [indices[start:stop].tobytes() for start, stop in pairs]


def correlation(left: np.ndarray, right: np.ndarray) -> float:
    """Pearson's correlation; NaN where a side does not vary."""
    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return NAN
    return float(np.corrcoef(left, right)[0, 1])


def category_counts(histories: sparse.csr_matrix, codes: np.ndarray) -> np.ndarray:
    """(n_categories,) interactions by category; items of code -1 are left out."""
    found = codes[histories.indices]
    return np.bincount(found[found >= 0], minlength=int(codes.max(initial=-1)) + 1)


def total_variation(left: np.ndarray, right: np.ndarray) -> float:
    """Half the L1 distance between two sets of counts taken as shares; NaN if one is empty."""
    if left.sum() == 0 or right.sum() == 0:
        return NAN
    return float(np.abs(left / left.sum() - right / right.sum()).sum() / 2)


def _largest_gap(left: np.ndarray, right: np.ndarray) -> float:
    size = int(max(left.max(), right.max())) + 1
    shares = [np.bincount(side, minlength=size) / len(side) for side in (left, right)]
    return float(np.abs(np.cumsum(shares[0] - shares[1])).max())


def _ratio(value: float, base: float) -> float:
    return float(value / base) if base else NAN


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


def _svd(shape: tuple[int, int], n_components: int, seed: int) -> TruncatedSVD:
    return TruncatedSVD(max(1, min(n_components, *(size - 1 for size in shape))), random_state=seed)


def _detection_features(
    train: sparse.csr_matrix, test: sparse.csr_matrix, n_components: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    svd = _svd(train.shape, n_components, seed).fit(normalize(train.astype(np.float64)))
    weights = np.log1p(popularity(train) * train.shape[0])
    sides = []
    for side in (train, test):
        length = lengths(side).astype(np.float64)
        mean = (side @ weights) / np.maximum(length, 1)
        spread = np.sqrt(np.maximum((side @ weights**2) / np.maximum(length, 1) - mean**2, 0))
        reduced = svd.transform(normalize(side.astype(np.float64)))
        sides.append(np.column_stack([reduced, np.log1p(length), mean, spread]))
    return sides[0], sides[1]


def _classifier(
    model: Literal["boosting", "logistic"], seed: int
) -> HistGradientBoostingClassifier | LogisticRegression:
    if model == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=seed)


def _radii(points: np.ndarray, k: int) -> np.ndarray:
    neighbours = NearestNeighbors(n_neighbors=k).fit(points)
    # without an argument a point is no neighbour of its own
    return neighbours.kneighbors()[0][:, -1]


def _distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)
    return np.sqrt(np.maximum(squares - 2 * left @ right.T, 0))
