"""Histories as sequences: in order, cut into windows, baskets shuffled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.recommenders.sequences import (
    Sequences,
    last_items,
    sequences_of,
    shuffled_baskets,
    windows,
)

PADDING = 20
ROWS = st.lists(
    st.lists(st.integers(0, PADDING - 1), unique=True, max_size=12), min_size=1, max_size=6
)


def sequences(rows: list[list[int]]) -> Sequences:
    lengths = [len(row) for row in rows]
    items = np.array([item for row in rows for item in row], dtype=np.int64)
    return Sequences(items, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def lists(found: Sequences) -> list[list[int]]:
    return [part.tolist() for part in np.split(found.items, found.indptr[1:-1])]


@settings(deadline=None)
@given(rows=ROWS)
def test_an_order_comes_back_from_a_matrix(rows: list[list[int]]) -> None:
    users, items = np.arange(len(rows)).astype(str), np.arange(PADDING).astype(str)
    histories = Histories.from_lists([np.array(row, int) for row in rows], users, items)
    assert lists(sequences_of(histories.places)) == rows
    assert lists(sequences_of(histories.places.toarray())) == rows
    assert lists(sequences_of(histories.places[::-1])) == rows[::-1]
    assert ((histories.places > 0) != (histories.matrix > 0)).nnz == 0


def test_a_history_without_order_is_refused() -> None:
    with pytest.raises(InputError, match=r"1 of 3 histories do not say in which order"):
        sequences_of(np.array([[1, 2, 0], [2, 0, 2], [0, 1, 0]]))


def test_users_are_chosen_and_may_repeat() -> None:
    found = sequences([[1, 2], [], [5, 4, 3]]).select(np.array([2, 0, 2, 1]))
    assert lists(found) == [[5, 4, 3], [1, 2], [5, 4, 3], []]


def test_last_items_by_hand() -> None:
    rows = sequences([[1, 2, 3, 4], [], [7]])
    assert last_items(rows, np.array([4, 0, 1]), 3, PADDING).tolist() == [
        [2, 3, 4],
        [PADDING] * 3,
        [PADDING, PADDING, 7],
    ]
    assert last_items(rows, np.array([2, 0, 0]), 3, PADDING)[0].tolist() == [PADDING, 1, 2]
    assert last_items(sequences([[]]), np.array([0]), 2, PADDING).tolist() == [[PADDING] * 2]


@settings(deadline=None)
@given(rows=ROWS, width=st.integers(2, 6), seed=st.integers(0, 99))
def test_windows_predict_each_item_up_to_an_end_once(
    rows: list[list[int]], width: int, seed: int
) -> None:
    # Items say whose they are, so that a window tells its user.
    named = [[100 * user + item for item in row] for user, row in enumerate(rows)]
    found = windows(sequences(named), width, -1, np.random.default_rng(seed))
    predicted: dict[int, list[int]] = {}
    for window in found.tolist():
        items = [item for item in window if item >= 0]
        assert window == [-1] * (width - len(items)) + items
        row = named[items[0] // 100]
        start = row.index(items[0])
        assert row[start : start + len(items)] == items
        predicted.setdefault(items[0] // 100, []).extend(items[1:])
    assert set(predicted) == {user for user, row in enumerate(rows) if len(row) > 1}
    for user, items in predicted.items():
        row = named[user]
        end = 1 + len(items)
        assert sorted(items) == sorted(row[1:end])
        assert len(row) - end < width - 1


@settings(deadline=None)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_baskets_are_shuffled_and_stay_where_they_are(rows: list[list[int]], seed: int) -> None:
    found = lists(shuffled_baskets(sequences(rows), np.random.default_rng(seed)))
    for row, other in zip(rows, found, strict=True):
        ends = [n for n in range(1, len(row)) if row[n] < row[n - 1]]
        for start, end in zip([0, *ends], [*ends, len(row)], strict=True):
            assert sorted(other[start:end]) == row[start:end]


def test_every_order_of_a_basket_comes() -> None:
    row = sequences([[1, 2, 3]])
    rng = np.random.default_rng(0)
    found = {tuple(shuffled_baskets(row, rng).items.tolist()) for _ in range(100)}
    assert len(found) == 6
