"""What is counted of histories, by hand."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.metrics import summaries

USERS = sparse.csr_matrix(np.array([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0]], np.float32))


def test_counts_by_hand() -> None:
    assert summaries.lengths(USERS).tolist() == [2, 0, 2]
    assert summaries.popularity(USERS) == pytest.approx([2 / 3, 1 / 3, 0, 1 / 3])
    assert summaries.density(USERS) == pytest.approx(4 / 12)
    # the third item has no category, the last one is of the second
    assert summaries.category_counts(USERS, np.array([0, 0, -1, 1])).tolist() == [3, 1]


def test_nobody_has_no_popularity_and_no_density() -> None:
    assert summaries.popularity(USERS[:0]).tolist() == [0, 0, 0, 0]
    assert np.isnan(summaries.density(USERS[:0]))


def test_row_keys_do_not_depend_on_the_order_in_memory() -> None:
    turned = sparse.csr_matrix((np.ones(2), np.array([3, 0]), np.array([0, 2])), shape=(1, 4))
    assert summaries.row_keys(turned) == summaries.row_keys(USERS[:1])


def test_correlation_needs_variation() -> None:
    line = np.array([1.0, 2.0, 4.0])
    assert summaries.correlation(line, 3 - 2 * line) == pytest.approx(-1)
    assert np.isnan(summaries.correlation(line, np.ones(3)))
    assert np.isnan(summaries.correlation(line[:1], line[:1]))


def test_total_variation_compares_shares() -> None:
    assert summaries.total_variation(np.array([2, 2]), np.array([0, 9])) == pytest.approx(0.5)
    assert np.isnan(summaries.total_variation(np.array([1]), np.array([0])))
