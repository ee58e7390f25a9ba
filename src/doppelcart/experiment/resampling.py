"""Whether a difference between two arms is more than luck of the units.

How this was chosen, and how often it is wrong, is measured by ``studies.false_verdicts`` and told
in ``docs/significance.md``.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from doppelcart.errors import InputError
from doppelcart.experiment.intervals import interval
from doppelcart.experiment.p_values import sign_flip, skewness_corrected

CONFIDENCE: Final = 0.95
"""Level of the intervals of comparisons, whatever error rate verdicts are held to."""

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
class Difference:
    """A paired comparison of two arms over the same units.

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
        n_units: Units compared.
        n_undefined: Units left out because either arm's metric is NaN.
        n_clusters: Independent clusters of the units compared; without any, the units themselves.
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
    n_units: int
    n_undefined: int
    n_clusters: int


def paired_bootstrap(
    value: np.ndarray,
    base: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    confidence: float = CONFIDENCE,
    clusters: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Difference:
    """Compare two arms over the same units.

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
        value: (n_units,) metric of the arm, NaN where undefined.
        base: (n_units,) metric of the arm compared against.
        rng: Source of the signs; advanced by one draw whatever the data.
        n_resamples: Number of draws of signs; the least p-value is ``1 / (n_resamples + 1)``
            where not all can be gone through.
        confidence: Coverage of the intervals.
        clusters: (n_units,) label of what a unit belongs to, where units of one cluster do not
            change independently of one another; None takes every unit as one.
        weights: (n_units,) how much each unit counts, at least 0; None counts all alike.

    Returns:
        The comparison; all figures NaN without a pair of defined values.

    Raises:
        InputError: If the arrays differ in shape, or an argument is out of its bounds.
    """
    value, base = np.asarray(value, dtype=np.float64), np.asarray(base, dtype=np.float64)
    if value.ndim != 1:
        raise InputError(f"paired_bootstrap: one value per unit is needed, got shape {value.shape}")
    return paired_bootstraps(
        value[:, None],
        base[:, None],
        rng=rng,
        n_resamples=n_resamples,
        confidence=confidence,
        clusters=clusters,
        weights=weights,
    )[0]


def paired_bootstraps(
    values: np.ndarray,
    bases: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    confidence: float = CONFIDENCE,
    clusters: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> list[Difference]:
    """``paired_bootstrap`` of many comparisons over the same units with the same signs.

    One draw of signs serves every comparison as a matrix product. A comparison's figures do not
    depend on which others it is computed with.

    Args:
        values: (n_units, n_comparisons) metric of the arms.
        bases: (n_units, n_comparisons) metric of the arms compared against.
        rng: Source of the signs.
        n_resamples: Number of draws of signs.
        confidence: Coverage of the intervals.
        clusters: (n_units,) label of the cluster of each unit; None takes every unit as one.
        weights: (n_units,) how much each unit counts; None counts all alike.

    Returns:
        One comparison per column.

    Raises:
        InputError: If the arrays differ in shape, or an argument is out of its bounds.
    """
    values, bases = np.asarray(values, dtype=np.float64), np.asarray(bases, dtype=np.float64)
    if values.shape != bases.shape or values.ndim != 2:
        raise InputError(f"paired_bootstrap: shapes differ, {values.shape} and {bases.shape}")
    if n_resamples < 1 or not 0 < confidence < 1:
        raise InputError("paired_bootstrap: n_resamples must be >= 1 and confidence in (0, 1)")
    labels = np.arange(len(values)) if clusters is None else np.asarray(clusters)
    counts = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    _check_units(len(values), labels, counts)
    seed = int(rng.integers(2**63))
    defined = np.isfinite(values) & np.isfinite(bases)
    results: dict[int, Difference] = {}
    masks, group = np.unique(defined.T, axis=0, return_inverse=True)
    for number, mask in enumerate(masks):
        columns = np.flatnonzero(group.ravel() == number)
        pairs = values[np.ix_(mask, columns)], bases[np.ix_(mask, columns)]
        n_units, n_undefined = int(mask.sum()), int((~mask).sum())
        n_clusters = n_units
        if clusters is not None or weights is not None:
            own = labels[mask], counts[mask]
            pairs = _by_cluster(pairs[0], *own), _by_cluster(pairs[1], *own)
            n_clusters = len(pairs[0])
        compared = _compare(*pairs, np.random.default_rng(seed), n_resamples, confidence)
        for column, figures in zip(columns.tolist(), compared.tolist(), strict=True):
            results[column] = Difference(
                **dict(zip(_FIGURES, figures, strict=True)),
                n_units=n_units,
                n_undefined=n_undefined,
                n_clusters=n_clusters,
            )
    return [results[column] for column in range(values.shape[1])]


def _check_units(n_units: int, labels: np.ndarray, weights: np.ndarray) -> None:
    """Refuse clusters and weights that are not one per unit, and weights that weigh nothing."""
    if labels.shape != (n_units,) or weights.shape != (n_units,):
        raise InputError(
            f"paired_bootstrap: {n_units} units need as many clusters and weights, got "
            f"{labels.shape} and {weights.shape}"
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or (n_units and not weights.any()):
        raise InputError("paired_bootstrap: weights must be finite, at least 0, and not all 0")


def _by_cluster(columns: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n_clusters, n_columns) weighted sums, scaled so that their mean is that of the units."""
    counted = weights > 0
    names, places = np.unique(labels[counted], return_inverse=True)
    sums = np.zeros((len(names), columns.shape[1]))
    np.add.at(sums, places.ravel(), weights[counted, None] * columns[counted])
    return sums * (len(names) / max(weights.sum(), 1e-300))


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
    low, high = interval(differences, np.ones_like(bases), confidence, sides)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(base != 0, difference / base, np.nan)
    relative_low, relative_high = interval(differences, bases, confidence, sides)
    figures = base, base + difference, difference, low, high, p_value
    return np.column_stack([*figures, relative, relative_low, relative_high])
