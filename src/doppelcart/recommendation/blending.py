"""Weights of a fusion: found on validation users, taken only where held-out ones gain by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import sparse

from doppelcart.errors import InputError
from doppelcart.metrics import ranking
from doppelcart.recommendation.fusing import PLACE, SCORE, Candidates, fuse, order
from doppelcart.recommendation.scoring import METRICS

Weights = dict[tuple[str, str], float]
"""Weight by (source, kind of vote); what is not named has none."""

SINGLE: Final = "single"
RECIPROCAL_RANK: Final = "reciprocal_rank"
WEIGHTED_SUM: Final = "weighted_sum"
LEARNED: Final = "learned"
METHODS: Final = (SINGLE, RECIPROCAL_RANK, WEIGHTED_SUM, LEARNED)
"""From the plainest to the one with most to learn."""

STEPS: Final = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Weights that the ascent tries of a source; the best single one begins with 1."""
PASSES: Final = 2
PENALTY: Final = 0.01
"""Inverse strength of the logistic regression's ridge, over votes of unit variance."""


class Validation(NamedTuple):
    """Users on whom weights are chosen.

    Attributes:
        candidates: What the sources list for them.
        relevant: (n_users, n_items) CSR of what they bought next.
        metric: Name in ``scoring.METRICS``.
        k: Length of the lists.
    """

    candidates: Candidates
    relevant: sparse.csr_matrix
    metric: str
    k: int

    def select(self, users: np.ndarray) -> Validation:
        """The same for the given rows only."""
        chosen = self.candidates.select(users), self.relevant[users]
        return Validation(*chosen, self.metric, self.k)

    def values(self, scores: np.ndarray) -> np.ndarray:
        """(n_users,) metric of the lists that scores make; NaN where a user bought nothing."""
        ranked = order(self.candidates, scores, self.k)
        return ranking.METRICS[METRICS[self.metric]](ranked, self.relevant, self.k)

    def mean(self, scores: np.ndarray) -> float:
        """Mean metric over users who bought something."""
        return float(np.nanmean(self.values(scores)))


class Tried(NamedTuple):
    """One method, as users saw it on whom its weights were not found.

    Attributes:
        method: In ``METHODS``.
        value: Mean of the metric.
        gain: Mean difference from the best single source.
        error: Standard error of that difference.
        weights: Found on all users.
    """

    method: str
    value: float
    gain: float
    error: float
    weights: Weights


def try_methods(
    validation: Validation, best: str, methods: Sequence[str], folds: int, seed: int
) -> list[Tried]:
    """Cross-validate ways to fuse.

    Args:
        validation: Users with what they bought next.
        best: The best single source.
        methods: Among ``METHODS``.
        folds: Parts of the users, each judged by weights found on the others.
        seed: Of the parts.

    Raises:
        InputError: If there are fewer users than parts, or none of a part bought anything.
    """
    bought = np.diff(validation.relevant.indptr) > 0
    if bought.sum() < folds:
        raise InputError(
            f"Weights cannot be chosen: {int(bought.sum())} validation users bought anything, and "
            f"there are {folds} folds. Lower the folds, or leave the slice to its best source."
        )
    users = np.random.default_rng(seed).permutation(np.flatnonzero(bought))
    parts = np.array_split(users, folds)
    single = validation.values(fuse(validation.candidates, {(best, SCORE): 1.0}))
    tried = []
    for method in methods:
        find = FINDERS[method]
        values = np.full(len(bought), np.nan)
        for part in parts:
            weights = find(validation.select(np.setdiff1d(users, part)), best)
            held_out = validation.select(part)
            values[part] = held_out.values(fuse(held_out.candidates, weights))
        gains = (values - single)[users]
        error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
        weights = find(validation.select(np.sort(users)), best)
        tried.append(Tried(method, float(np.nanmean(values)), float(gains.mean()), error, weights))
    return tried


def choose(tried: Sequence[Tried]) -> Tried:
    """The best method, if what it gains is more than the standard error of it; else the plainest.

    It is the rule of one standard error (Breiman, Friedman, Olshen and Stone 1984, "Classification
    and regression trees"): among methods that cannot be told apart the plainest stands.

    Args:
        tried: From the plainest on; the first is the best single source.
    """
    sure = [one for one in tried if one.gain > one.error]
    return max(sure, key=lambda one: one.gain, default=tried[0])


def single(_: Validation, best: str) -> Weights:
    """The best source alone."""
    return {(best, SCORE): 1.0}


def reciprocal_rank(validation: Validation, _: str) -> Weights:
    """All sources alike, by their places."""
    return {name: 1.0 for name in validation.candidates.names if name[1] == PLACE}


def weighted_sum(validation: Validation, best: str) -> Weights:
    """Coordinate ascent over the weights of the sources' scores, from the best source alone.

    Args:
        validation: Users who choose.
        best: The best single source.
    """
    candidates = validation.candidates
    weights = {name: float(name == (best, SCORE)) for name in candidates.names if name[1] == SCORE}
    fused = fuse(candidates, weights)
    reached = validation.mean(fused)
    for _ in range(PASSES):
        before = reached
        for name in weights:
            votes = candidates.votes[candidates.names.index(name)]
            for step in STEPS:
                others = sum(weights.values()) - weights[name]
                if step == weights[name] or not others + step:
                    continue
                changed = fused + np.float32(step - weights[name]) * votes
                value = validation.mean(changed)
                if value > reached + 1e-12:
                    reached, fused, weights[name] = value, changed, step
        if reached == before:
            break
    return {name: weight for name, weight in weights.items() if weight}


def learned(validation: Validation, _: str) -> Weights:
    """Logistic regression: how likely a candidate is bought, of all votes that it has.

    Args:
        validation: Users who choose.
    """
    # Loaded here, so that whoever only looks at the pipelines does not wait for it.
    from sklearn.linear_model import LogisticRegression

    candidates = validation.candidates
    listed = candidates.items >= 0
    votes = candidates.votes[:, listed].T
    spread = votes.std(axis=0)
    scale = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0.0)
    users = np.nonzero(listed)[0]
    bought = np.asarray(validation.relevant[users, candidates.items[listed]]).ravel() > 0
    if bought.all() or not bought.any():
        # Nothing to tell apart: no candidate was bought, or all were.
        return reciprocal_rank(validation, "")
    model = LogisticRegression(C=PENALTY, max_iter=500).fit(votes * scale, bought)
    return dict(zip(candidates.names, (model.coef_[0] * scale).tolist(), strict=True))


FINDERS: Final[Mapping[str, Callable[[Validation, str], Weights]]] = {
    SINGLE: single,
    RECIPROCAL_RANK: reciprocal_rank,
    WEIGHTED_SUM: weighted_sum,
    LEARNED: learned,
}
