"""Whether a classifier tells synthetic users from real ones."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy
from scipy import sparse
from threadpoolctl import threadpool_limits

from doppelcart.metrics.fidelity.neighbourhoods import svd
from doppelcart.metrics.summaries import NAN, lengths, popularity


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
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    if min(real.shape[0], synthetic.shape[0]) < n_folds:
        return NAN
    data = sparse.vstack([real, synthetic], format="csr")
    labels = np.repeat([0, 1], [real.shape[0], synthetic.shape[0]])
    scores = np.empty(len(labels))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for train, test in folds.split(labels, labels):
        # on tables this small, threads cost far more than they give
        with threadpool_limits(limits=1):
            seen, unseen = _features(data[train], data[test], n_components, seed)
            found = _classifier(model, seed).fit(seen, labels[train]).predict_proba(unseen)
        # ranks, because the scales of the folds' classifiers need not agree
        scores[test] = scipy.stats.rankdata(found[:, 1]) / len(test)
    return float(roc_auc_score(labels, scores))


def _features(
    train: sparse.csr_matrix, test: sparse.csr_matrix, n_components: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.preprocessing import normalize

    reducer = svd(train.shape, n_components, seed).fit(normalize(train.astype(np.float64)))
    weights = np.log1p(popularity(train) * train.shape[0])
    sides = []
    for side in (train, test):
        length = lengths(side).astype(np.float64)
        mean = (side @ weights) / np.maximum(length, 1)
        spread = np.sqrt(np.maximum((side @ weights**2) / np.maximum(length, 1) - mean**2, 0))
        reduced = reducer.transform(normalize(side.astype(np.float64)))
        sides.append(np.column_stack([reduced, np.log1p(length), mean, spread]))
    return sides[0], sides[1]


def _classifier(model: Literal["boosting", "logistic"], seed: int) -> Any:
    """A classifier of scikit-learn, not fitted."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if model == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=seed)
