"""Beyond-accuracy metrics against values worked by hand."""

import numpy as np
import pytest

from doppelcart.metrics.beyond import (
    average_popularity,
    coverage,
    gini,
    intra_list_diversity,
    novelty,
    recommended_counts,
)

ENDED = np.array([[0, 1], [2, -1], [-1, -1]])


def test_counts_leave_out_ended_lists() -> None:
    assert recommended_counts(ENDED, 5).tolist() == [1, 1, 1, 0, 0]


def test_coverage() -> None:
    assert coverage(ENDED, 5) == pytest.approx(3 / 5)
    assert np.isnan(coverage(np.empty((0, 2), dtype=int), 0))


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ([[0, 1], [2, 3]], 0.0),
        ([[0], [0], [0]], 3 / 4),
        # Counts 0, 1, 1, 2: (-3 * 0 - 1 + 1 + 3 * 2) / (4 * 4)
        ([[0, 1], [0, 2]], 6 / 16),
    ],
)
def test_gini(ranked: list, expected: float) -> None:
    assert gini(np.array(ranked), 4) == pytest.approx(expected)


def test_gini_of_nothing() -> None:
    assert np.isnan(gini(np.full((2, 3), -1), 4))


def test_novelty_is_in_bits() -> None:
    # 8 users: items bought by 4, 1 and 0 (read as 1) of them carry 1, 3 and 3 bits.
    values = novelty(ENDED, np.array([4, 1, 0]), 8)
    np.testing.assert_allclose(values, [2, 3, np.nan])


def test_average_popularity() -> None:
    values = average_popularity(ENDED, np.array([4, 1, 0]), 8)
    np.testing.assert_allclose(values, [5 / 16, 0, np.nan])


def test_intra_list_diversity() -> None:
    features = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [0.0, 0.0], [5.0, 0.0]])
    ranked = np.array([[0, 1, 2], [0, 4, -1], [0, 4, 3], [0, 3, -1], [-1, -1, -1]])
    half = 2**-0.5
    expected = [1 - (0 + half + half) / 3, 0, 0, np.nan, np.nan]
    np.testing.assert_allclose(intra_list_diversity(ranked, features), expected, atol=1e-12)
