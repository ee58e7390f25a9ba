"""What the head of a list for a person to look at is worth, at the share of fakes that there is.

Lists are judged on more fakes than a shop has. Precision at another share is that of the same list
in which fakes count less: false alarms among the genuine do not change with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

RESAMPLES: Final = 2000
CELLS: Final = 4_000_000
"""Weights that are kept at a time."""
Z: Final = 1.959964
"""Standard errors on either side of 95 %."""


class Ranked(NamedTuple):
    """What was ranked by those who had not seen it.

    Attributes:
        fake: (n,) whether it is one.
        scores: (n,) the higher, the nearer to the head of the list.
        clusters: (n,) what it belongs to: rows of one cluster are resampled together.
    """

    fake: np.ndarray
    scores: np.ndarray
    clusters: np.ndarray


class Measured(NamedTuple):
    """A share, and its interval of 95 %; NaN where it is undefined."""

    value: float
    low: float
    high: float


NOTHING: Final = Measured(float("nan"), float("nan"), float("nan"))


def precision_at(
    fake: np.ndarray, scores: np.ndarray, k: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Share of fakes in the first k of a list, in which rows may count more or less than once.

    Args:
        fake: (n,) whether it is one.
        scores: (n,) the higher, the nearer to the head; of equal ones the first comes first.
        k: Places of the list.
        weights: (n_draws, n) how often each row is there; None for once each, in one draw.

    Returns:
        (n_draws,) precision; of a list that is shorter than k, that of the whole list, and NaN of
        an empty one.

    Examples:
        >>> fake, scores = np.array([True, False, True, False]), np.array([4.0, 3.0, 2.0, 1.0])
        >>> precision_at(fake, scores, 2).tolist()
        [0.5]

        Fakes that count half: one half of a fake, one genuine, and another half.

        >>> precision_at(fake, scores, 2, np.array([[0.5, 1.0, 0.5, 1.0]])).tolist()
        [0.5]
    """
    order = np.argsort(-scores, kind="stable")
    ordered = np.ones((1, len(fake))) if weights is None else weights[:, order]
    taken = np.clip(k - (np.cumsum(ordered, axis=1) - ordered), 0, ordered)
    # Of fractions a sum may come out a little above itself, and a share above 1.
    return np.minimum(_ratios(taken @ fake[order].astype(float), taken.sum(axis=1)), 1.0)


def at_share(fake: np.ndarray, weights: np.ndarray, share: float | None) -> np.ndarray:
    """Weights by which fakes are a given share; genuine rows keep theirs.

    Args:
        fake: (n,) whether it is one.
        weights: (n_draws, n) how often each row is there.
        share: Of fakes, above 0 and below 1; None leaves it as it is.

    Returns:
        (n_draws, n) weights; NaN for fakes of draws that have none.

    Examples:
        >>> at_share(np.array([True, False, False, True]), np.ones((1, 4)), 0.2).tolist()
        [[0.25, 1.0, 1.0, 0.25]]
    """
    if share is None:
        return weights
    genuine, fakes = weights[:, ~fake].sum(axis=1), weights[:, fake].sum(axis=1)
    factor = _ratios(share * genuine, (1 - share) * fakes)
    return np.where(fake, weights * factor[:, None], weights)


def precision(ranked: Ranked, k: int, share: float | None, rng: np.random.Generator) -> Measured:
    """Precision at k, clusters resampled.

    Args:
        ranked: What was ranked.
        k: Places of the list.
        share: Of fakes; None for the one that there is.
        rng: Of clusters.

    Returns:
        The wider of what clusters say and what chance alone says of k (Wilson 1927): a list without
        a mistake, resampled, has none either. NaN where the list is no selection, since there are
        no more than k rows, and at a given share without both fake and genuine rows.
    """
    fake = ranked.fake.astype(bool)
    n = (~fake).sum() / (1 - share) if share is not None else len(fake)
    if n <= k or (share is not None and fake.all() | ~fake.any()):
        return NOTHING

    def of(weights: np.ndarray) -> np.ndarray:
        return precision_at(fake, ranked.scores, k, at_share(fake, weights, share))

    found = float(of(np.ones((1, len(fake))))[0])
    drawn = [of(weights) for weights in _resampled(ranked.clusters, rng)]
    return _interval(found, np.concatenate(drawn), k)


def false_alarms(
    fake: np.ndarray, called: np.ndarray, clusters: np.ndarray, rng: np.random.Generator
) -> Measured:
    """Share of the genuine that is called fake, clusters resampled; NaN where none is genuine.

    Args:
        fake: (n,) whether it is one.
        called: (n,) whether it is called one.
        clusters: (n,) what it belongs to.
        rng: Of clusters.
    """
    genuine = ~fake.astype(bool)
    if not genuine.any():
        return NOTHING
    alarms = called[genuine].astype(float)
    drawn = [
        _ratios(weights @ alarms, weights.sum(axis=1))
        for weights in _resampled(clusters[genuine], rng)
    ]
    return _interval(float(alarms.mean()), np.concatenate(drawn), len(alarms))


def wilson(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share of n independent trials (Wilson 1927).

    Examples:
        >>> [round(end, 3) for end in wilson(1.0, 20)]
        [0.839, 1.0]
    """
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def _interval(value: float, drawn: np.ndarray, n: int) -> Measured:
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    least, most = wilson(value, n)
    return Measured(value, min(float(low), least), max(float(high), most))


def _resampled(clusters: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """(n_draws, n) how often each row is there when clusters are drawn with replacement.

    In parts, so that memory stays bounded.
    """
    _, codes = np.unique(clusters, return_inverse=True)
    n_clusters = int(codes.max()) + 1
    each = max(1, CELLS // max(len(codes), n_clusters))
    for start in range(0, RESAMPLES, each):
        number = min(each, RESAMPLES - start)
        counts = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), number)
        yield counts[:, codes].astype(float)


def _ratios(values: np.ndarray, bases: np.ndarray) -> np.ndarray:
    """Elementwise, NaN over 0."""
    return np.divide(values, bases, out=np.full(len(values), np.nan), where=bases > 0)
