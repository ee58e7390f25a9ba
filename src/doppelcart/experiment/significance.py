"""Whether a difference between two arms is more than luck of the users.

How this was chosen, and how often it is wrong, is measured by ``studies.false_verdicts`` and told
in ``docs/significance.md``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import ceil
from typing import Final

import numpy as np
from scipy import special

from doppelcart.errors import InputError

CONFIDENCE: Final = 0.95
"""Level of the intervals of comparisons, whatever error rate verdicts are held to."""

LEAST_UNITS: Final = 30
"""Users, or clusters of them, below which a verdict is undefined unless it is asked for.

With fewer, no test of a mean keeps its promise where differences are skewed.
"""

_EXACT: Final = 14
"""Changed units up to which all signs are gone through: half of 2 ** 14 cases."""

_UNSEEN: Final = 60
"""How much of its skewness a sample hides, times its size; settled by the study."""

_CELLS: Final = 1 << 22
_DOUBLINGS: Final = 40
_HALVINGS: Final = 50

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
        relative_low: Lower end of the relative difference's interval; NaN where the base is so
            uncertain that it has none.
        relative_high: Upper end of the relative difference's interval; NaN likewise.
        n_users: Users compared.
        n_undefined: Users left out because either arm's metric is NaN.
        n_units: Independent units among the users compared: clusters, or the users themselves.
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
    n_units: int


def least_resamples(comparisons: int, alpha: float) -> int:
    """Resamples from which on a family of comparisons can show anything.

    The smallest p-value of ``n`` resamples is 1 / (n + 1), and Holm multiplies the smallest of a
    family by the number of its comparisons.

    Args:
        comparisons: Comparisons in the family.
        alpha: Error rate of the family.
    """
    return ceil(comparisons / alpha)


def least_units(comparisons: int, alpha: float) -> int:
    """Units from which on a family of comparisons can show anything.

    All of ``n`` units changed in one direction have the p-value (2/3)^n + (1/3)^n.

    Args:
        comparisons: Comparisons in the family.
        alpha: Error rate of the family.
    """
    target = alpha / max(comparisons, 1)
    return next(n for n in count(1) if _one_sided(n) <= target)


def paired_bootstrap(
    value: np.ndarray,
    base: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    confidence: float = CONFIDENCE,
    clusters: np.ndarray | None = None,
) -> Uplift:
    """Compare two arms over the same users.

    The p-value is the larger of two, so that it holds where either does:

    - of the wild bootstrap with random signs, which is the permutation test of the mean (Fisher
      1935, section 21; Liu 1988): exact at any size where differences are symmetric around 0, as
      they are of two arms that are alike. To divide by the standard error would change nothing,
      since signs leave the sum of squares as it is (Efron 1969). All signs are gone through where
      few units changed;
    - of Student's t with its skewness taken out by Hall's transformation (1992, "On the Removal of
      Skewness by Transformation"), over the units that changed. A small sample shows
      too little of its skewness, so it is taken 1 + 60 / n times, a factor that the study
      settled; where all changed in one direction it shows nothing (see ``skewness_corrected``).

    The interval holds the differences that Student's t or Hall's would not reject, the wider end
    of the two, with one more unit that did not change: it is no point where all changed alike. It
    holds 0 if and only if the p-value is above ``1 - confidence``; at most it ends there otherwise.
    The relative one is that of the ratio by the same tests (Fieller 1954).

    Args:
        value: (n_users,) metric of the arm, NaN where undefined.
        base: (n_users,) metric of the arm compared against.
        rng: Source of the signs; advanced by one draw whatever the data.
        n_resamples: Number of draws of signs; the least p-value is ``1 / (n_resamples + 1)``
            where not all can be gone through.
        confidence: Coverage of the intervals.
        clusters: (n_users,) label of the unit that a user belongs to, where users of one unit do
            not change independently of one another; None takes every user as one.

    Returns:
        The comparison; all figures NaN without a pair of defined values.

    Raises:
        InputError: If the arrays differ in shape, or an argument is out of its bounds.
    """
    value, base = np.asarray(value, dtype=np.float64), np.asarray(base, dtype=np.float64)
    if value.ndim != 1:
        raise InputError(f"paired_bootstrap: one value a user is needed, got shape {value.shape}")
    return paired_bootstraps(
        value[:, None],
        base[:, None],
        rng=rng,
        n_resamples=n_resamples,
        confidence=confidence,
        clusters=clusters,
    )[0]


def paired_bootstraps(
    values: np.ndarray,
    bases: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    confidence: float = CONFIDENCE,
    clusters: np.ndarray | None = None,
) -> list[Uplift]:
    """``paired_bootstrap`` of many comparisons over the same users with the same signs.

    One draw of signs serves every comparison as a matrix product. A comparison's figures do not
    depend on which others it is computed with.

    Args:
        values: (n_users, n_comparisons) metric of the arms.
        bases: (n_users, n_comparisons) metric of the arms compared against.
        rng: Source of the signs.
        n_resamples: Number of draws of signs.
        confidence: Coverage of the intervals.
        clusters: (n_users,) label of the unit of each user; None takes every user as one.

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
    labels = np.arange(len(values)) if clusters is None else np.asarray(clusters)
    if labels.shape != values.shape[:1]:
        raise InputError(
            f"paired_bootstrap: {len(values)} users need as many clusters, got {labels.shape}"
        )
    seed = int(rng.integers(2**63))
    defined = np.isfinite(values) & np.isfinite(bases)
    results: dict[int, Uplift] = {}
    masks, group = np.unique(defined.T, axis=0, return_inverse=True)
    for number, mask in enumerate(masks):
        columns = np.flatnonzero(group.ravel() == number)
        pairs = values[np.ix_(mask, columns)], bases[np.ix_(mask, columns)]
        n_users, n_undefined = int(mask.sum()), int((~mask).sum())
        n_units = n_users
        if clusters is not None:
            pairs = _by_cluster(pairs[0], labels[mask]), _by_cluster(pairs[1], labels[mask])
            n_units = len(pairs[0])
        compared = _compare(*pairs, np.random.default_rng(seed), n_resamples, confidence)
        for column, figures in zip(columns.tolist(), compared.tolist(), strict=True):
            results[column] = Uplift(
                **dict(zip(_FIGURES, figures, strict=True)),
                n_users=n_users,
                n_undefined=n_undefined,
                n_units=n_units,
            )
    return [results[column] for column in range(values.shape[1])]


def _by_cluster(columns: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n_clusters, n_columns) sums of each cluster, scaled so that their mean is that of users."""
    names, places = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(names), columns.shape[1]))
    np.add.at(sums, places.ravel(), columns)
    return sums * (len(names) / max(len(labels), 1))


def _compare(
    values: np.ndarray,
    bases: np.ndarray,
    rng: np.random.Generator,
    n_resamples: int,
    confidence: float,
) -> np.ndarray:
    """(n_comparisons, 9) in the order of ``_FIGURES``; rows of the arrays are units."""
    n_units, n_comparisons = values.shape
    if n_units == 0:
        return np.full((n_comparisons, 9), np.nan)
    differences = values - bases
    # What is only the last digits of the same sum taken in another order is no change.
    differences[np.abs(differences) <= 1e-12 * np.maximum(np.abs(values), np.abs(bases))] = 0
    base, difference = bases.mean(axis=0), differences.mean(axis=0)
    p_value = np.maximum(sign_flip(differences, rng, n_resamples), skewness_corrected(differences))
    excluded = p_value <= 1 - confidence
    sides = np.where(excluded, np.sign(difference), 0)
    low, high = _interval(differences, np.ones_like(bases), confidence, sides)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(base != 0, difference / base, np.nan)
    relative_low, relative_high = _interval(differences, bases, confidence, sides)
    figures = base, base + difference, difference, low, high, p_value
    return np.column_stack([*figures, relative, relative_low, relative_high])


def sign_flip(differences: np.ndarray, rng: np.random.Generator, n_resamples: int) -> np.ndarray:
    """Two-sided p-values of the permutation test of the mean, by random signs.

    Units whose difference is 0 have no sign to flip: a comparison of which at most 14 units changed
    is gone through whole, and its p-value is exact.

    Args:
        differences: (n_units, n_comparisons) of two arms.
        rng: Source of the signs.
        n_resamples: Draws of signs, the same for all comparisons.

    Returns:
        (n_comparisons,) p-values; 1 where nothing changed.
    """
    changed = (differences != 0).sum(axis=0)
    # Sums of the same numbers in another order differ in their last digits.
    reached = np.abs(differences.sum(axis=0)) - 1e-9 * np.abs(differences).sum(axis=0)
    p_values = np.ones(differences.shape[1])
    for n in np.unique(changed[(changed > 0) & (changed <= _EXACT)]):
        columns = np.flatnonzero(changed == n)
        few = differences.T[columns]
        few = few[few != 0].reshape(len(columns), n)
        # The last sign stays: all others flipped give the same sums with the other sign.
        cases = np.arange(2 ** (n - 1))
        signs = 1.0 - 2.0 * ((cases[:, None] >> np.arange(n)) & 1)
        p_values[columns] = (np.abs(signs @ few.T) >= reached[columns]).mean(axis=0)
    many = np.flatnonzero(changed > _EXACT)
    if len(many):
        counts = _count_flips(differences[:, many], reached[many], rng, n_resamples)
        p_values[many] = (1 + counts) / (n_resamples + 1)
    return p_values


def _count_flips(
    differences: np.ndarray, reached: np.ndarray, rng: np.random.Generator, n_resamples: int
) -> np.ndarray:
    """(n_comparisons,) draws of signs whose sum is as far from 0, in bounded memory."""
    n_units, n_comparisons = differences.shape
    total, words = differences.sum(axis=0), -(-n_units // 64)
    counts = np.zeros(n_comparisons, dtype=np.int64)
    step = max(1, _CELLS // max(n_units, n_comparisons))
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        drawn = rng.integers(2**64, size=(size, words), dtype=np.uint64)
        plus = np.unpackbits(drawn.view(np.uint8), axis=1, count=n_units).astype(np.float64)
        counts += (np.abs(2 * (plus @ differences) - total) >= reached).sum(axis=0)
    return counts


def skewness_corrected(differences: np.ndarray) -> np.ndarray:
    """Two-sided p-values of Student's t with its skewness taken out, over the units that changed.

    Where all of ``n`` changed in one direction nothing is seen of the other, in which changes may
    be twice as large and half as many: a sample without one has the chance (2/3)^n + (1/3)^n, and
    no p-value is smaller.

    Args:
        differences: (n_units, n_comparisons) of two arms.

    Returns:
        (n_comparisons,) p-values.
    """
    changed = differences != 0
    n = np.maximum(changed.sum(axis=0), 1)
    mean = differences.sum(axis=0) / n
    centred = np.where(changed, differences - mean, 0.0)
    squared = centred * centred
    variance = squared.sum(axis=0) / n
    third = np.einsum("ij,ij->j", squared, centred) / n
    spread = variance > 1e-20 * mean**2
    _, transformed = _statistics(mean, np.where(spread, variance, 1.0), third, n, cautious=True)
    degrees = max(len(differences) - 1, 1)
    p_values = np.where(spread & (n > 1), 2 * special.stdtr(degrees, -transformed), 0.0)
    one_sided = np.abs(differences.sum(axis=0)) >= (1 - 1e-9) * np.abs(differences).sum(axis=0)
    return np.where(one_sided, np.maximum(p_values, _one_sided(n)), p_values)


def _one_sided(n: np.ndarray | int) -> np.ndarray | float:
    """Chance of ``n`` changes in one direction where those of the other are twice as large."""
    return (2 / 3) ** n + (1 / 3) ** n


def _statistics(
    mean: np.ndarray,
    variance: np.ndarray,
    third: np.ndarray,
    n: np.ndarray | int,
    *,
    cautious: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """How far a mean is from 0: Student's t, and the same by Hall's transformation; both >= 0.

    Args:
        mean: Of ``n`` values.
        variance: Their second central moment, above 0.
        third: Their third central moment.
        n: How many they are.
        cautious: Whether the skewness is taken larger than it is seen, and nothing lies further
            away than where Hall's cubic is flat.
    """
    standardised = np.abs(mean) / np.sqrt(variance)
    skewness = np.sign(mean) * third / variance**1.5
    if cautious:
        skewness = skewness * (1 + _UNSEEN / n)
    skewness = np.where(np.abs(skewness) < 1e-6, 1e-6, skewness)
    stretched = 1 + skewness * standardised / 3
    if cautious:
        stretched = np.maximum(stretched, 0)
    root = np.sqrt(np.maximum(n - 1, 0))
    transformed = ((stretched**3 - 1) / skewness + skewness / (6 * n)) * root
    return standardised * root, np.maximum(transformed, 0)


def _interval(
    differences: np.ndarray, bases: np.ndarray, confidence: float, sides: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the ratios r of two means at which differences - r * bases might have mean 0.

    Args:
        differences: (n_units, n_comparisons).
        bases: (n_units, n_comparisons); ones for the mean difference itself.
        confidence: Coverage.
        sides: (n_comparisons,) sign of the difference where the p-value excludes 0, else 0.

    Returns:
        Lower and upper ends; NaN where there is none.
    """
    base = bases.mean(axis=0)
    n = len(differences) + 1
    over, under = (  # with one more unit that did not change
        np.vstack([differences, np.zeros_like(base)]),
        np.vstack([bases, base]),
    )
    top = over.mean(axis=0)
    over, under = over - top, under - base
    products = over * over, over * under, under * under
    squares = [product.mean(axis=0) for product in products]
    pairs = zip((products[0], *products), (over, *[under] * 3), strict=True)
    cubes = [np.einsum("ij,ij->j", product, other) / n for product, other in pairs]
    quantile = special.stdtrit(n - 1, (1 + confidence) / 2)

    def rejected(ratio: np.ndarray) -> np.ndarray:
        variance = squares[0] - 2 * ratio * squares[1] + ratio**2 * squares[2]
        third = cubes[0] - ratio * (3 * cubes[1] - ratio * (3 * cubes[2] - ratio * cubes[3]))
        least = np.finfo(float).tiny
        both = _statistics(
            top - ratio * base, np.maximum(variance, least), third, n, cautious=False
        )
        return np.minimum(*both) > quantile

    with np.errstate(all="ignore"):
        start = top / base
        step = np.sqrt(squares[0] - 2 * start * squares[1] + start**2 * squares[2]) / np.abs(base)
        nothing = squares[0] == 0
        ends = [_end(rejected, start, side * step) for side in (-1, 1)]
    # Of tests so near to one another, the p-value has the last word on 0.
    low = np.where(sides > 0, np.maximum(ends[0], 0), ends[0])
    high = np.where(sides < 0, np.minimum(ends[1], 0), ends[1])
    low = np.where(sides == 0, np.minimum(low, 0), low)
    high = np.where(sides == 0, np.maximum(high, 0), high)
    low, high = np.where(nothing, 0.0, low), np.where(nothing, 0.0, high)
    undefined = base == 0
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def _end(
    rejected: Callable[[np.ndarray], np.ndarray], start: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """The first value on one side of the start that is rejected; NaN where none is."""
    near, far = start, start + step
    beyond = ~rejected(far)
    for _ in range(_DOUBLINGS):
        if not beyond.any():
            break
        step = 2 * step
        near, far = np.where(beyond, far, near), np.where(beyond, start + step, far)
        beyond &= ~rejected(far)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        out = rejected(middle)
        near, far = np.where(out, near, middle), np.where(out, middle, far)
    return np.where(beyond, np.nan, far)


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
