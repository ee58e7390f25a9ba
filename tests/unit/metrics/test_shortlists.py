"""The head of a list is judged as by hand, at any share of fakes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doppelcart.metrics.shortlists import (
    Ranked,
    at_share,
    false_alarms,
    precision,
    precision_at,
    wilson,
)

FAKE = np.array([True, True, False, True, False, False, False, False])
SCORES = np.arange(8, 0, -1.0)


def ranked(fake, scores, clusters=None):
    return Ranked(fake, scores, np.arange(len(fake)) if clusters is None else clusters)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("k", "found"), [(1, 1), (2, 1), (3, 2 / 3), (4, 3 / 4), (99, 3 / 8)])
def test_precision_by_hand(k, found):
    assert precision_at(FAKE, SCORES, k)[0] == pytest.approx(found)


def test_precision_at_another_share_by_hand():
    # Five genuine; fakes are to be one in six of all: 5 genuine and 1 fake in three thirds.
    # The first 2 places: 1/3 + 1/3 of a fake, a genuine, and 1/3 of a fake: 1 of 2.
    found = precision(ranked(FAKE, SCORES), 2, 1 / 6, rng())
    assert found.value == pytest.approx(1 / 2)
    # The first place: 2/3 of fakes and 1/3 of a genuine one.
    assert precision(ranked(FAKE, SCORES), 1, 1 / 6, rng()).value == pytest.approx(2 / 3)


def test_reweighting_is_what_drawn_markets_have_on_average():
    generator = rng()
    fake = np.arange(1000) < 400
    scores = generator.normal(0, 1, 1000) + 1.5 * fake
    said = precision(ranked(fake, scores), 20, 0.05, rng()).value
    shares = []
    for _ in range(400):
        drawn = generator.choice(np.flatnonzero(fake), round(600 * 0.05 / 0.95), replace=False)
        rows = np.concatenate([np.flatnonzero(~fake), drawn])
        shares.append(precision_at(fake[rows], scores[rows], 20)[0])
    assert said == pytest.approx(np.mean(shares), abs=0.02)


def test_a_list_without_a_mistake_is_not_certain():
    found = precision(ranked(np.arange(100) < 50, -np.arange(100.0)), 20, None, rng())
    assert found.value == 1
    assert found.low == pytest.approx(wilson(1.0, 20)[0])
    assert found.high == 1


def test_fractions_that_add_up_to_a_little_more_are_no_more_than_all():
    # At this share the first five places are fakes in fractions whose sum rounds to above 1.
    fake = np.arange(15) != 4
    scores = np.array([1, 0, 0, -2, -4, 4, 2, -4, 0, -1, -1, -5, 2, -5, 5.0])
    found = precision(ranked(fake, scores), 5, 0.9, rng())
    assert found.value == 1
    assert found.low == pytest.approx(wilson(1.0, 5)[0])


def test_clusters_that_differ_widen_the_interval():
    fake = np.tile([True, False], 200)
    clusters = np.repeat(np.arange(8), 50)
    # All that is called fake wrongly is of two clusters.
    called = ~fake & (clusters < 2)
    narrow = false_alarms(fake, called, np.arange(400), rng())
    wide = false_alarms(fake, called, clusters, rng())
    assert narrow.value == wide.value == 0.25
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


@pytest.mark.parametrize(
    ("fake", "k", "share"),
    [
        (np.ones(30, bool), 5, 0.05),
        (np.zeros(30, bool), 5, 0.05),
        (np.arange(30) < 15, 30, None),
        (np.arange(30) < 15, 16, 0.05),
        (np.zeros(0, bool), 5, None),
    ],
)
def test_what_is_undefined_is_nan(fake, k, share):
    assert np.isnan(precision(ranked(fake, np.arange(float(len(fake)))), k, share, rng())).all()


def test_without_genuine_ones_there_is_no_false_alarm_to_tell_of():
    ones = np.ones(4, bool)
    assert np.isnan(false_alarms(ones, ones, np.arange(4), rng())).all()


def test_wilson_by_hand():
    # 0 of 10: the upper end is z^2 / (n + z^2).
    assert wilson(0.0, 10) == pytest.approx((0, 3.8415 / 13.8415), abs=1e-4)


@given(st.data())
def test_rules_of_precision(data):
    n = data.draw(st.integers(3, 40))
    fake = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    scores = np.array(
        data.draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n, unique=False)), float
    )
    k, share = data.draw(st.integers(1, n)), data.draw(st.floats(0.01, 0.9))
    once = np.ones((1, n))
    weights = at_share(fake, once, share)
    found = precision_at(fake, scores, k, weights)[0]
    if fake.any() and not fake.all():
        assert 0 <= found <= 1
        # Fakes are the share that was asked for.
        assert weights[0, fake].sum() / weights.sum() == pytest.approx(share)
        # A higher share is never a worse list.
        more = precision_at(fake, scores, k, at_share(fake, once, min(0.95, share + 0.05)))[0]
        assert more >= found - 1e-9
    # A row that is there twice is two rows.
    doubled = precision_at(np.repeat(fake, 2), np.repeat(scores, 2), k)[0]
    assert precision_at(fake, scores, k, np.full((1, n), 2.0))[0] == pytest.approx(doubled)
