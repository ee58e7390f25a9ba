"""Bursts of an item's ratings betray a group in a hurry, and nobody who takes his time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doppelcart.metrics.classification import auc
from doppelcart.pipelines.shilling.attack_times import timed
from doppelcart.pipelines.shilling.attacks import MAKERS, MIMICRY, Scene, attack
from doppelcart.pipelines.shilling.item_bursts import burst_suspicion, excess, pushes_of

SPAN = 200


def sessions(has: np.ndarray, seed: int) -> np.ndarray:
    """Every user rates what he has within a day or two of a day of his own."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, SPAN - 2, (len(has), 1))
    return np.where(has, start + rng.uniform(0, 2, has.shape), np.nan)


def attacked(ratings, within, number=10):
    shop, elsewhere = ratings(), ratings(seed=5)
    times = sessions(shop.given > 0, 1)
    donors = sessions(elsewhere.given > 0, 2)
    rng = np.random.default_rng(0)
    target = int(np.argsort((shop.given > 0).sum(axis=0))[5])
    made = attack(MAKERS[MIMICRY], Scene(shop, elsewhere.given, 0.1, 0.3), target, number, rng)
    found = timed(made, target, times, donors, within, rng)
    return shop, times, made, found, target


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1.0, 3.0, 30.0, None]))
def test_times_of_fakes_are_those_of_users(seed, within):
    rng = np.random.default_rng(seed)
    genuine = sessions(rng.random((30, 20)) < 0.4, seed)
    donors = sessions(rng.random((8, 20)) < 0.5, seed + 1)
    made = (rng.random((6, 20)) < 0.4).astype(np.float32)
    made[:, 3] = 5
    found = timed(made, 3, genuine, donors, within, rng)
    assert (np.isfinite(found) == (made > 0)).all()
    first, last = np.nanmin(genuine), np.nanmax(genuine)
    seen, real = found[np.isfinite(found)], donors[np.isfinite(donors)]
    if within is None:
        assert set(seen) <= set(real)
        return
    assert first <= seen.min()
    assert seen.max() <= last
    assert np.ptp(found[:, 3]) <= within + 1e-9
    # Times are moved by whole days, so that the hour of the day is a real one, but for what came to
    # lie after the last of all.
    apart = np.mod(seen[:, None] - real[None, :] + 0.5, 1) - 0.5
    assert ((np.abs(apart).min(axis=1) < 1e-6) | (seen == last)).all()


def test_a_span_shorter_than_the_attack_is_left_as_it_is():
    genuine = np.array([[0.0, 1.0], [0.5, 2.0]])
    made = np.array([[5.0, 5.0]])
    found = timed(made, 0, genuine, genuine, 3.0, np.random.default_rng(0))
    assert set(found.ravel()) <= set(genuine.ravel())


def test_who_hurries_is_found_and_who_does_not_is_not(ratings):
    told = {}
    for within in (3.0, None):
        shop, times, made, when, _ = attacked(ratings, within)
        given = np.concatenate([shop.given, made])
        fake = np.arange(len(given)) >= shop.n_users
        said = burst_suspicion(given, np.concatenate([times, when]), (1.0, 3.0, 10.0))
        told[within] = auc(fake, said)
    assert told[3.0] > 0.95
    assert 0.2 < told[None] < 0.75


def test_suspicion_by_hand():
    # Nine users push one item each; four of them the same one on the same day. Of all pushes,
    # 4/9 lie on that day, so that of three others 4/3 are to be expected, and there are three.
    given = np.zeros((9, 6))
    times = np.full((9, 6), np.nan)
    for user in range(9):
        item = 0 if user < 4 else 1 + user % 5
        given[user, item] = 5
        times[user, item] = 50.0 if user < 4 else 100.0 * user
    said = burst_suspicion(given, times, (1.0,))
    striking = np.sqrt(2 * (3 * np.log(3 / (4 / 3)) - (3 - 4 / 3)))
    assert said[:4] == pytest.approx(np.full(4, striking**2))
    assert (said[4:] == 0).all()


def test_only_highest_ratings_that_say_when_are_pushes():
    given = np.array([[5.0, 3.0, 5.0], [2.0, 2.0, 0.0]])
    times = np.array([[4.0, 1.0, np.nan], [3.0, 1.0, np.nan]])
    pushes = pushes_of(given, times)
    assert list(zip(pushes.user, pushes.item, pushes.day, strict=True)) == [
        (1, 0, 3.0), (0, 0, 4.0), (1, 1, 1.0),
    ]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_bursts_know_no_calendar(seed):
    rng = np.random.default_rng(seed)
    given = np.where(rng.random((25, 10)) < 0.4, rng.integers(1, 6, (25, 10)), 0).astype(float)
    times = sessions(given > 0, seed)
    said = burst_suspicion(given, times, (1.0, 10.0))
    # Times of whole days have no rounding that could move a rating out of a window.
    whole = np.round(times)
    later = burst_suspicion(given, whole + 64.0, (1.0, 10.0))
    assert later == pytest.approx(burst_suspicion(given, whole, (1.0, 10.0)))
    order = rng.permutation(25)
    assert burst_suspicion(given[order], times[order], (1.0, 10.0)) == pytest.approx(said[order])
    assert (said >= 0).all()


def test_as_many_as_expected_are_no_excess():
    assert excess(np.array([3, 0]), np.array([3.0, 2.0])).tolist() == [0.0, -2.0]


def test_nothing_is_a_burst_where_nobody_rates():
    nothing = np.zeros((3, 4))
    assert burst_suspicion(nothing, np.full((3, 4), np.nan), (1.0,)).tolist() == [0, 0, 0]
