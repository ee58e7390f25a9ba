"""What each control is, beyond what every generator must do."""

from collections import Counter

import numpy as np
import pytest

from doppelcart.data.histories import Histories
from doppelcart.models.histories.controls import (
    copy_users,
    draw_by_popularity,
    draw_independently,
    mix_users,
)


def shop(rows: list[list[int]], n_items: int) -> Histories:
    arrays = [np.array(row) for row in rows]
    return Histories.from_lists(arrays, np.arange(len(rows)).astype(str), np.arange(n_items))


ROWS = [[3, 0], [1], [2, 4, 0], [4, 3, 1, 2]]


def test_copies_take_every_user_once_before_any_twice():
    made = copy_users(shop(ROWS, 5), 10, np.random.default_rng(0))
    found = Counter(tuple(made.of(user).tolist()) for user in range(10))
    assert set(found) == {tuple(row) for row in ROWS}
    assert sorted(found.values()) == [2, 2, 3, 3]
    first = [tuple(made.of(user).tolist()) for user in range(4)]
    assert sorted(first) == sorted(tuple(row) for row in ROWS)


@pytest.mark.parametrize("control", [copy_users, draw_by_popularity, mix_users])
def test_nobody_is_made_where_nobody_is_asked_for(control):
    assert control(shop(ROWS, 5), 0, np.random.default_rng(0)).n_users == 0


def test_independent_draws_have_every_item_with_its_own_chance():
    shares = np.array([0.0, 1.0, 0.5, 0.2])
    made = draw_independently(shares, 4000, np.arange(4), np.random.default_rng(0))
    has = made.matrix.toarray()
    assert has.mean(axis=0) == pytest.approx(shares, abs=0.03)
    assert np.corrcoef(has[:, 2], has[:, 3])[0, 1] == pytest.approx(0, abs=0.05)
    assert len(set(made.user_ids)) == 4000


def test_draws_follow_popularity_and_take_over_real_lengths():
    # Of every eight users five have only item 0, two only item 1, one only item 2; nobody item 3.
    real = shop([[0]] * 5 + [[1]] * 2 + [[2]], 4)
    made = draw_by_popularity(real, 8000, np.random.default_rng(0))
    assert set(made.lengths) == {1}
    shares = np.bincount(made.items, minlength=4) / 8000
    np.testing.assert_allclose(shares, [5 / 8, 2 / 8, 1 / 8, 0], atol=0.025)


def test_draws_have_the_lengths_of_real_users():
    real = shop([[0], [0, 1, 2], [0, 1, 2]], 3)
    made = draw_by_popularity(real, 6000, np.random.default_rng(0))
    assert set(made.lengths) == {1, 3}
    assert (made.lengths == 3).mean() == pytest.approx(2 / 3, abs=0.03)


def test_draws_know_no_taste():
    # Two kinds of users who share nothing: with a draw, both kinds of items meet in one history.
    real = shop([[0, 1], [2, 3]] * 10, 4)
    made = draw_by_popularity(real, 3000, np.random.default_rng(0))
    kinds = [len({int(item) // 2 for item in made.of(user)}) for user in range(3000)]
    # The second item is of the other kind in two cases of three.
    assert np.mean(np.array(kinds) == 2) == pytest.approx(2 / 3, abs=0.04)


def test_mixtures_keep_what_both_have_and_half_of_what_one_has():
    real = shop([[0, 1, 2], [0, 3]], 5)
    made = mix_users(real, 8000, np.random.default_rng(0))
    shares = np.bincount(made.items, minlength=5) / 8000
    # Both have item 0. Items 1 and 2: both parents are the first user (1/4), or one is (1/2)
    # and the coin falls for it (1/4).
    np.testing.assert_allclose(shares, [1, 1 / 2, 1 / 2, 1 / 2, 0], atol=0.025)
    found = {frozenset(made.of(user).tolist()) for user in range(8000)}
    assert all(0 in items for items in found)
    assert {frozenset({0}), frozenset({0, 1, 2, 3})} <= found
