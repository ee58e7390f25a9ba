"""Predicted audiences and real buyers, by hand and in the planted shop."""

import dataclasses

import numpy as np
import pytest
from scipy import sparse

from doppelcart.pipelines.ideas import audience
from doppelcart.pipelines.ideas.params import ExperimentParams


def test_area_under_by_hand():
    bought = np.array([[True, False, False, True], [True, False, False, False]])
    scores = np.array([[3.0, 1, 2, 1], [1, 1, 1, 0]])
    # The first buyer stands above both others; the second above none, level with one.
    assert audience.area_under(scores, bought).tolist() == [0.625, 2 / 3]


def test_who_bought_a_launch(planted):
    (cut,), features = planted
    own = cut.judged
    found = audience.buyers_of(own, features, 2)
    assert (found.bought.sum(axis=1) >= 2).all()
    kind = features.columns[own.kinds[found.launched[:, 0]]]
    item = found.items
    assert (features.columns[features.values("type")[item]] == kind).all()
    # Every combination has one item here.
    column = np.searchsorted(own.window.new, item)
    assert (found.bought == (own.window.bought[:, column].T > 0).toarray()).all()
    assert len(audience.buyers_of(own, features, 10_000).launched) == 0


def test_households_that_bought_of_the_kind_and_the_maker_stand_first(planted):
    (cut,), features = planted
    own = cut.judged
    buyers = audience.buyers_of(own, features, 1)
    kind, maker = buyers.launched[0]
    of_kind = own.window.old[
        np.flatnonzero(features.values("type")[own.window.old] == own.kinds[kind])
    ]
    of_maker = own.window.old[
        np.flatnonzero(features.values("manufacturer")[own.window.old] == own.makers[maker])
    ]
    counts = np.zeros((3, len(own.window.old)), dtype=np.float32)
    place = {item: n for n, item in enumerate(own.window.old)}
    other = next(i for i in own.window.old if i not in {*of_kind, *of_maker})
    for row, items in enumerate([(of_kind[0], of_maker[0]), (of_kind[0], other), (other, other)]):
        for item in items:
            counts[row, place[item]] += 1
    window = dataclasses.replace(
        own.window,
        counts=sparse.csr_matrix(counts),
        user_ids=np.array(["a", "b", "c"]),
        bought=own.window.bought[:3],
    )
    asked = dataclasses.replace(own, window=window)
    first = audience.Buyers(buyers.launched[:1], buyers.items[:1], np.zeros((1, 3), dtype=bool))
    found = audience.plain_audiences(asked, features, first, 1.0)
    expected, both = found[audience.EXPECTED][0], found[audience.WITH_MAKER][0]
    assert found[audience.LINES].tolist() == [[2, 2, 2]]
    assert min(expected[:2]) > expected[2]
    # The maker's share multiplies that of the kind: with one line of the maker in two it is
    # greater than with none.
    assert both[0] / expected[0] > 2 * both[1] / expected[1]
    assert both[1] / expected[1] == pytest.approx(both[2] / expected[2])


def test_audiences_are_compared_with_who_buys_most():
    buyers = audience.Buyers(
        np.column_stack([np.arange(40), np.arange(40)]), np.arange(40), np.eye(40, 50, dtype=bool)
    )
    right = np.eye(40, 50)
    table = audience.measure_audiences(
        0.8, {audience.LINES: 0 * right, "imagined": right}, buyers, ExperimentParams()
    ).set_index("audience")
    assert table.loc["lines", "auc"] == 0.5
    assert np.isnan(table.loc["lines", "difference"])
    assert table.loc["imagined", "auc"] == 1
    assert table.loc["imagined", "low"] > 0
    assert table.loc["imagined", "launches"] == 40
    none = buyers._replace(launched=buyers.launched[:0])
    assert audience.measure_audiences(0.8, {}, none, ExperimentParams()).empty
