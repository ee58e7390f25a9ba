"""Whether a difference between two arms is more than luck of the users."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from doppelcart.errors import InputError

CONFIDENCE: Final = 0.95
"""Level of the intervals of comparisons, whatever error rate verdicts are held to."""

_CELLS = 1 << 22
_UNBOUNDED = 1e200
"""Stands for infinity among resampled ratios: what is interpolated from it stays a number."""

_FIGURES = (
    "base",
    "value",
    "difference",
    "low",
    "high",
    "p_value",
    "relative",
    "relative_low",
    "relative_high",
)


@dataclass(frozen=True)
class Uplift:
    """A paired comparison of two arms over the same users.

    Args:
        base: Mean of the arm compared against.
        value: Mean of the arm.
        difference: ``value - base``.
        low: Lower end of the difference's interval.
        high: Upper end of the difference's interval.
        p_value: Two-sided, of the hypothesis that the difference is 0.
        relative: ``value / base - 1``; NaN where the base is 0.
        relative_low: Lower end of the relative difference's interval; NaN where so many resamples
            have a base of 0 that it has none.
        relative_high: Upper end of the relative difference's interval; NaN likewise.
        n_users: Users compared.
        n_undefined: Users left out because either arm's metric is NaN.
    """

    base: float
    value: float
    difference: float
    low: float
    high: float
    p_value: float
    relative: float
    relative_low: float
    relative_high: float
    n_users: int
    n_undefined: int


def paired_bootstrap(
    value: np.ndarray,
    base: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    confidence: float = CONFIDENCE,
) -> Uplift:
    """Compare two arms over the same users by resampling users with replacement.

    The interval is the percentile one (Efron and Tibshirani 1993, chapter 13). For the mean
    of hundreds of paired differences the corrections of BCa are below the noise of the
    metric, and the percentile interval excludes 0 exactly when the p-value (twice the smaller
    share of resamples on the other side of 0, counting the data itself as one) is below
    1 - confidence, up to that one: a verdict and its interval cannot disagree.

    Args:
        value: (n_users,) metric of the arm, NaN where undefined.
        base: (n_users,) metric of the arm compared against.
        rng: Source of the resamples; advanced by one draw whatever the data.
        n_resamples: Number of resamples; the least p-value is ``2 / (n_resamples + 1)``.
        confidence: Coverage of the intervals.

    Returns:
        The comparison; all figures NaN without a pair of defined values.

    Raises:
        InputError: If the arrays differ in shape, or an argument is out of its bounds.
    """
    value, base = np.asarray(value, dtype=np.float64), np.asarray(base, dtype=np.float64)
    if value.ndim != 1:
        raise InputError(f"paired_bootstrap: one value a user is needed, got shape {value.shape}")
    return paired_bootstraps(
        value[:, None], base[:, None], rng=rng, n_resamples=n_resamples, confidence=confidence
    )[0]


def paired_bootstraps(
    values: np.ndarray,
    bases: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    confidence: float = CONFIDENCE,
) -> list[Uplift]:
    """``paired_bootstrap`` of many comparisons over the same users with the same resamples.

    Drawing the resamples is most of the work, and one draw serves every comparison as a
    matrix product; ``scipy.stats.bootstrap`` would draw anew for each. A comparison's
    figures do not depend on which others it is computed with.

    Args:
        values: (n_users, n_comparisons) metric of the arms.
        bases: (n_users, n_comparisons) metric of the arms compared against.
        rng: Source of the resamples.
        n_resamples: Number of resamples.
        confidence: Coverage of the intervals.

    Returns:
        One comparison a column.

    Raises:
        InputError: If the arrays differ in shape, or an argument is out of its bounds.
    """
    values, bases = np.asarray(values, dtype=np.float64), np.asarray(bases, dtype=np.float64)
    if values.shape != bases.shape or values.ndim != 2:
        raise InputError(f"paired_bootstrap: shapes differ, {values.shape} and {bases.shape}")
    if n_resamples < 1 or not 0 < confidence < 1:
        raise InputError("paired_bootstrap: n_resamples must be >= 1 and confidence in (0, 1)")
    seed = int(rng.integers(2**63))
    defined = np.isfinite(values) & np.isfinite(bases)
    results: dict[int, Uplift] = {}
    masks, group = np.unique(defined.T, axis=0, return_inverse=True)
    for number, mask in enumerate(masks):
        columns = np.flatnonzero(group.ravel() == number)
        pairs = values[np.ix_(mask, columns)], bases[np.ix_(mask, columns)]
        compared = _compare(*pairs, np.random.default_rng(seed), n_resamples, confidence)
        n_users, n_undefined = int(mask.sum()), int((~mask).sum())
        for column, figures in zip(columns.tolist(), compared.tolist(), strict=True):
            results[column] = Uplift(
                **dict(zip(_FIGURES, figures, strict=True)),
                n_users=n_users,
                n_undefined=n_undefined,
            )
    return [results[column] for column in range(values.shape[1])]


def _compare(
    values: np.ndarray,
    bases: np.ndarray,
    rng: np.random.Generator,
    n_resamples: int,
    confidence: float,
) -> np.ndarray:
    """(n_comparisons, 9) in the order of ``_FIGURES``."""
    n_users, n_comparisons = values.shape
    if n_users == 0:
        return np.full((n_comparisons, 9), np.nan)
    differences = values - bases
    both = _resampled_means(np.hstack([differences, bases]), rng, n_resamples)
    drawn, drawn_bases = both[:, :n_comparisons], both[:, n_comparisons:]
    tail = [(1 - confidence) / 2, (1 + confidence) / 2]
    base, difference = bases.mean(axis=0), differences.mean(axis=0)
    # Sums of the same numbers in another order differ in their last digits from 0.
    drawn = np.where(np.abs(drawn) < 1e-12 * np.abs(differences).max(axis=0), 0.0, drawn)
    smaller = np.minimum((drawn <= 0).sum(axis=0), (drawn >= 0).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(drawn_bases != 0, drawn / drawn_bases, np.sign(drawn) * _UNBOUNDED)
        relative = np.where(base != 0, difference / base, np.nan)
    low, high = np.quantile(drawn, tail, axis=0)
    ends = np.quantile(ratios, tail, axis=0)
    bounded = (np.abs(ends) < _UNBOUNDED * 1e-9) & (base != 0)
    relative_low, relative_high = np.where(bounded, ends, np.nan)
    p_value = np.minimum(1, 2 * (smaller + 1) / (n_resamples + 1))
    figures = base, base + difference, difference, low, high, p_value
    return np.column_stack([*figures, relative, relative_low, relative_high])


def _resampled_means(columns: np.ndarray, rng: np.random.Generator, n_resamples: int) -> np.ndarray:
    """(n_resamples, n_columns) means over users drawn with replacement, in bounded memory."""
    n_users = len(columns)
    means = np.empty((n_resamples, columns.shape[1]))
    step = max(1, _CELLS // n_users)
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        drawn = rng.integers(n_users, size=(size, n_users))
        drawn += n_users * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n_users).reshape(size, n_users)
        means[start : start + size] = times @ columns / n_users
    return means


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment of p-values for their number.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".

    Args:
        p_values: (n,) p-values; NaN stays NaN and counts as no comparison.

    Returns:
        (n,) adjusted p-values, at most 1.

    Raises:
        InputError: If a p-value is outside [0, 1].

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p_values))
    if ((p_values[tested] < 0) | (p_values[tested] > 1)).any():
        raise InputError("holm: p-values must lie in [0, 1]")
    adjusted = np.full(p_values.shape, np.nan)
    order = tested[np.argsort(p_values[tested], kind="stable")]
    scaled = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(scaled))
    return adjusted
