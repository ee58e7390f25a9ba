"""Privacy figures against values worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from doppelcart.metrics.privacy import copies as p


def histories(*users: set[int], n_items: int = 10) -> sparse.csr_matrix:
    dense = np.zeros((len(users), n_items), dtype=np.float32)
    for row, items in enumerate(users):
        dense[row, list(items)] = 1
    return sparse.csr_matrix(dense)


def unrelated(rng: np.random.Generator, n_users: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((rng.random((n_users, 60)) < 0.2).astype(np.float32))


TRAIN = histories({0, 1, 2, 3}, {4})
SYNTHETIC = histories({0, 1, 2, 3}, {0, 1, 2}, {5}, set())

small = npst.arrays(np.bool_, st.tuples(st.integers(1, 8), st.just(5))).map(
    lambda cells: sparse.csr_matrix(cells.astype(np.float32))
)


def test_copies_by_hand() -> None:
    # the user without items is nobody's copy and is not counted
    assert p.exact_copy_rate(SYNTHETIC, TRAIN) == pytest.approx(1 / 3)
    assert p.near_copy_rate(SYNTHETIC, TRAIN, 0.75) == pytest.approx(2 / 3)
    assert p.near_copy_rate(SYNTHETIC, TRAIN, 0.8) == pytest.approx(1 / 3)


def test_distances_by_hand() -> None:
    distances = p.distance_to_closest(SYNTHETIC, TRAIN)
    assert distances[:3].tolist() == [0.0, 0.25, 1.0]
    assert np.isnan(distances[3])
    assert np.isnan(p.distance_to_closest(SYNTHETIC, TRAIN[:0])).all()


def test_nothing_to_compare_is_undefined() -> None:
    rng = np.random.default_rng(0)
    nobody = histories(set())
    assert np.isnan(p.exact_copy_rate(nobody, TRAIN))
    assert np.isnan(p.near_copy_rate(nobody, TRAIN))
    assert np.isnan(p.closer_to_train_share(SYNTHETIC, TRAIN, nobody, rng))


def test_closer_to_train_by_hand() -> None:
    rng = np.random.default_rng(0)
    holdout = histories({5}, {6})
    assert p.closer_to_train_share(TRAIN, TRAIN, holdout, rng) == 1
    assert p.closer_to_train_share(holdout, TRAIN, holdout, rng) == 0
    # as far from either side
    assert p.closer_to_train_share(histories({9}), TRAIN, holdout, rng) == 0.5


def test_a_larger_training_set_is_no_advantage() -> None:
    rng = np.random.default_rng(1)
    synthetic, train, holdout = (unrelated(rng, n) for n in (400, 300, 60))
    share = p.closer_to_train_share(synthetic, train, holdout, rng, n_draws=20)
    assert share == pytest.approx(0.5, abs=0.06)


def test_a_generator_that_repeats_its_users_raises_the_alarm() -> None:
    rng = np.random.default_rng(2)
    train, holdout = unrelated(rng, 100), unrelated(rng, 100)
    figures = p.privacy(train[:50], train, holdout, rng)
    assert figures["exact_copy_rate"] == figures["near_copy_rate"] == 1
    assert figures["closer_to_train_share"] == 1
    assert figures["dcr_train_median"] == 0
    assert figures["dcr_holdout_median"] == pytest.approx(figures["dcr_reference_median"], abs=0.05)
    assert all(type(value) is float for value in figures.values())


@settings(max_examples=40, deadline=None)
@given(small, small, st.integers(1, 20))
def test_similarity_agrees_with_sets_in_any_chunk(
    queries: sparse.csr_matrix, reference: sparse.csr_matrix, cells: int
) -> None:
    sides = [[set(row.indices.tolist()) for row in data] for data in (queries, reference)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(p, "CHUNK_CELLS", cells)
        found = p.nearest_similarity(queries, reference)
    for value, mine in zip(found, sides[0], strict=True):
        if mine:
            expected = max(len(mine & theirs) / len(mine | theirs) for theirs in sides[1])
            assert value == pytest.approx(expected, abs=1e-6)
        else:
            assert np.isnan(value)


@settings(max_examples=40, deadline=None)
@given(small)
def test_a_training_user_is_a_copy_of_one(data: sparse.csr_matrix) -> None:
    expected = 1.0 if data.nnz else np.nan
    assert p.exact_copy_rate(data, data) == pytest.approx(expected, nan_ok=True)
    assert p.near_copy_rate(data, data, 1.0) == pytest.approx(expected, nan_ok=True)
