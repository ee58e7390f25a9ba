"""p-values of a mean difference: of random signs, and of Student's t without its skewness."""

from typing import Final

import numpy as np
from scipy import special

_EXACT: Final = 14
"""Changed units up to which all signs are gone through: half of 2 ** 14 cases."""

_UNSEEN: Final = 60
"""How much of its skewness a sample hides, times its size; settled by the study."""

_CELLS: Final = 1 << 22


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
    _, transformed = statistics(mean, np.where(spread, variance, 1.0), third, n, cautious=True)
    degrees = max(len(differences) - 1, 1)
    p_values = np.where(spread & (n > 1), 2 * special.stdtr(degrees, -transformed), 0.0)
    one_sided = np.abs(differences.sum(axis=0)) >= (1 - 1e-9) * np.abs(differences).sum(axis=0)
    return np.where(one_sided, np.maximum(p_values, all_one_sided(n)), p_values)


def all_one_sided(n: np.ndarray | int) -> np.ndarray | float:
    """Chance of ``n`` changes in one direction where those of the other are twice as large."""
    return (2 / 3) ** n + (1 / 3) ** n


def statistics(
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
