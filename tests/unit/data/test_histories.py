"""Histories: parts of them keep users, catalogue and order."""

import numpy as np
import pytest

from doppelcart.data.histories import Histories


@pytest.fixture
def three() -> Histories:
    """Users with three, no and two items."""
    rows = [np.array([4, 0, 2]), np.array([], dtype=int), np.array([1, 3])]
    return Histories.from_lists(rows, np.array(["a", "b", "c"]), np.arange(5).astype(str))


def rows_of(histories: Histories) -> list[list[int]]:
    return [histories.of(user).tolist() for user in range(histories.n_users)]


def test_positions_begin_anew_with_every_user(three):
    assert three.positions.tolist() == [0, 1, 2, 0, 1]


def test_items_that_are_kept_keep_their_order_and_everybody_stays(three):
    kept = three.where(np.array([True, False, True, False, False]))
    assert rows_of(kept) == [[4, 2], [], []]
    assert kept.user_ids.tolist() == ["a", "b", "c"]
    assert kept.item_ids.tolist() == three.item_ids.tolist()


def test_first_and_rest_part_every_history_in_two(three):
    counts = np.array([1, 1, 2])
    assert rows_of(three.first(counts)) == [[4], [], [1, 3]]
    assert rows_of(three.rest(counts)) == [[0, 2], [], []]


def test_more_than_there_is_is_all_there_is(three):
    assert rows_of(three.first(9)) == rows_of(three)
    assert rows_of(three.rest(9)) == [[], [], []]
    assert rows_of(three.between(1, 2)) == [[0], [], [3]]
