"""Membership inference: can someone who knows a history tell that a generator was trained on it?

The attacks compare what was released with a *reference*: real users of the same shop of whom the
attacker knows that the generator never saw them. What is common in the shop is then no sign of
membership; only what is more common in the release is (Watson et al. 2022, "On the Importance of
Difficulty Calibration in Membership Inference Attacks"; van Breugel et al. 2023, "Membership
Inference Attacks against Synthetic Data through Overfitting Detection", the density ratio).

Success is the area under the ROC curve over members and non-members, and, since an attack that is
sure of a few people harms them, the share of members found at a false positive rate of one in a
hundred (Carlini et al. 2022, "Membership Inference Attacks From First Principles").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from scipy import sparse

from doppelcart.metrics.summaries import lengths

NAN: Final = float("nan")
CHUNK_CELLS: Final = 4_000_000

Attack = Callable[[sparse.csr_matrix, sparse.csr_matrix], Mapping[str, np.ndarray]]
"""(candidates, reference) -> a score per candidate, by attack; higher: rather a member."""


@dataclass(frozen=True)
class Separation:
    """How well scores tell members from non-members, with bootstrap intervals over users.

    Args:
        auc: Area under the ROC curve; 0.5 is a guess.
        auc_low: Lower end of its interval.
        auc_high: Upper end of its interval.
        tpr: Share of members found at the false positive rate asked for.
        tpr_low: Lower end of its interval.
        tpr_high: Upper end of its interval.
        n_members: Members scored.
        n_non_members: Non-members scored.
    """

    auc: float
    auc_low: float
    auc_high: float
    tpr: float
    tpr_low: float
    tpr_high: float
    n_members: int
    n_non_members: int


def closeness(
    candidates: sparse.csr_matrix,
    released: sparse.csr_matrix,
    reference: sparse.csr_matrix,
    n_neighbours: int,
) -> np.ndarray:
    """How much closer a candidate is to its nearest released users than to its nearest reference.

    Similarity is the cosine over items weighted by the log of their rarity in the reference: to
    share a rare item says more.

    Args:
        candidates: (n, n_items) CSR of ones.
        released: (n_released, n_items) CSR of ones.
        reference: (n_reference, n_items) CSR of ones.
        n_neighbours: Nearest users averaged over; fewer where there are fewer.

    Returns:
        (n,) float64, between -1 and 1.
    """
    weights = -np.log(_shares(reference))
    theirs, ours = (
        _nearest(candidates, users, weights, n_neighbours) for users in (reference, released)
    )
    return ours - theirs


def tracing(
    candidates: sparse.csr_matrix, released: sparse.csr_matrix, reference: sparse.csr_matrix
) -> np.ndarray:
    """Log-likelihood ratio of a candidate's items under the popularity of either set.

    Finds members in published counts alone (Homer et al. 2008, "Resolving Individuals Contributing
    Trace Amounts of DNA to Highly Complex Mixtures"; Sankararaman et al. 2009 for the ratio). With
    more items than users, popularity itself gives members away.

    Args:
        candidates: (n, n_items) CSR of ones.
        released: (n_released, n_items) CSR of ones.
        reference: (n_reference, n_items) CSR of ones.

    Returns:
        (n,) float64; divided by the root of the history's length, so that long ones do not decide.
    """
    ratio = np.log(_shares(released) / _shares(reference))
    return (candidates @ ratio) / np.sqrt(np.maximum(lengths(candidates), 1))


def likelihood_ratio(
    hidden: sparse.csr_matrix, probabilities: np.ndarray, reference: sparse.csr_matrix
) -> np.ndarray:
    """Mean log-ratio of the share a model gives to hidden items to their popularity elsewhere.

    The loss attack on a model that is served (Yeom et al. 2018), calibrated by how likely the items
    are for anybody. Predictions are made shares of a user's total, since that total says how long
    the model takes the history to be, which hides what it knows of the items.

    Args:
        hidden: (n, n_items) CSR of ones: what the model was not shown.
        probabilities: (n, n_items) what it predicts, 0 for items that it was shown.
        reference: (n_reference, n_items) CSR of ones.

    Returns:
        (n,) float64; NaN where nothing is hidden.
    """
    popularity = np.log(_shares(reference))
    rows = np.repeat(np.arange(hidden.shape[0]), np.diff(hidden.indptr))
    whole = probabilities.sum(axis=1)[rows]
    predicted = np.log(np.maximum(probabilities[rows, hidden.indices] / whole, 1e-9))
    total = np.bincount(rows, predicted - popularity[hidden.indices], hidden.shape[0])
    size = lengths(hidden)
    return np.divide(total, size, out=np.full(len(total), NAN), where=size > 0)


def cross_fit(
    members: sparse.csr_matrix,
    non_members: sparse.csr_matrix,
    attack: Attack,
    n_folds: int,
    rng: np.random.Generator,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Score everyone by attacks whose reference never holds whom they judge.

    Non-members are parted into folds. Those of one fold, and as large a share of the members, are
    judged with the other folds as the reference, so that either side meets the same one.

    Args:
        members: (n_members, n_items) CSR of ones: users the generator was trained on.
        non_members: (n_non_members, n_items) CSR of ones: users like them that it never saw.
        attack: Scores candidates, given a reference.
        n_folds: Folds, at least 2.
        rng: Deals the folds.

    Returns:
        By attack: scores of the members and of the non-members, each fold after the other.
    """
    sides = [(users, rng.permutation(users.shape[0]) % n_folds) for users in (members, non_members)]
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for fold in range(n_folds):
        judged = [users[np.flatnonzero(folds == fold)] for users, folds in sides]
        reference = non_members[np.flatnonzero(sides[1][1] != fold)]
        scores = attack(sparse.vstack(judged, format="csr"), reference)
        for name, values in scores.items():
            ours, theirs = np.split(values, [judged[0].shape[0]])
            parts.setdefault(name, []).append((ours, theirs))
    return {
        name: (np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found]))
        for name, found in parts.items()
    }


def separation(
    members: np.ndarray,
    non_members: np.ndarray,
    rng: np.random.Generator,
    max_fpr: float = 0.01,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
) -> Separation:
    """Area under the ROC curve and true positive rate at a low false positive rate.

    Args:
        members: (n_members,) scores; NaN is left out.
        non_members: (n_non_members,) scores; NaN is left out.
        rng: Of the bootstrap, which draws members and non-members apart.
        max_fpr: The false positive rate.
        n_bootstrap: Resamples.
        confidence: Level of the intervals.
    """
    ours, theirs = (scores[~np.isnan(scores)] for scores in (members, non_members))
    if not len(ours) or not len(theirs):
        return Separation(NAN, NAN, NAN, NAN, NAN, NAN, len(ours), len(theirs))
    draws = np.array(
        [
            _figures(rng.choice(ours, len(ours)), rng.choice(theirs, len(theirs)), max_fpr)
            for _ in range(n_bootstrap)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    value = _figures(ours, theirs, max_fpr)
    return Separation(
        auc=value[0],
        auc_low=float(low[0]),
        auc_high=float(high[0]),
        tpr=value[1],
        tpr_low=float(low[1]),
        tpr_high=float(high[1]),
        n_members=len(ours),
        n_non_members=len(theirs),
    )


def auc(members: np.ndarray, non_members: np.ndarray) -> float:
    """Chance that a member's score exceeds a non-member's; a tie counts one half."""
    ranks = scipy.stats.rankdata(np.concatenate([members, non_members]))[: len(members)]
    wins = ranks.sum() - len(members) * (len(members) + 1) / 2
    return float(wins / (len(members) * len(non_members)))


def tpr_at_fpr(members: np.ndarray, non_members: np.ndarray, max_fpr: float) -> float:
    """Share of members above a threshold that at most ``max_fpr`` of the non-members exceed.

    NaN with fewer than ``1 / max_fpr`` non-members, who cannot show so low a rate.
    """
    allowed = int(np.floor(max_fpr * len(non_members) + 1e-9))
    if not allowed:
        return NAN
    threshold = -np.partition(-non_members, allowed)[allowed]
    return float((members > threshold).mean())


def _figures(members: np.ndarray, non_members: np.ndarray, max_fpr: float) -> tuple[float, float]:
    return auc(members, non_members), tpr_at_fpr(members, non_members, max_fpr)


def _shares(users: sparse.csr_matrix) -> np.ndarray:
    """(n_items,) smoothed share of users who have each item, never 0."""
    counts = np.asarray(users.sum(axis=0)).ravel()
    return (counts + 0.5) / (users.shape[0] + 1.0)


def _nearest(
    queries: sparse.csr_matrix, users: sparse.csr_matrix, weights: np.ndarray, n_neighbours: int
) -> np.ndarray:
    """(n_queries,) mean weighted cosine of each query to its nearest users; NaN without users."""
    k = min(n_neighbours, users.shape[0])
    means = np.full(queries.shape[0], NAN)
    if k:
        for rows, similarity in cosines(queries, users, weights):
            means[rows] = np.partition(similarity, -k, axis=1)[:, -k:].mean(axis=1)
    return means


def cosines(
    queries: sparse.csr_matrix, users: sparse.csr_matrix, weights: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Cosines over weighted items, in blocks of queries, so that memory stays bounded."""
    left, right = (_normalised(data, weights) for data in (queries, users))
    transposed = right.T.tocsc()
    step = max(1, CHUNK_CELLS // max(users.shape[0], 1))
    for start in range(0, queries.shape[0], step):
        rows = slice(start, min(start + step, queries.shape[0]))
        yield rows, (left[rows] @ transposed).toarray()


def _normalised(users: sparse.csr_matrix, weights: np.ndarray) -> sparse.csr_matrix:
    scaled = sparse.csr_matrix(users.multiply(weights))
    norms = np.sqrt(np.asarray(scaled.multiply(scaled).sum(axis=1)).ravel())
    return sparse.diags(1 / np.maximum(norms, 1e-12)).tocsr() @ scaled
