"""Rules of a shop, by hand and for any ranking."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from doppelcart.errors import InputError
from doppelcart.recommendation.fusing import SCORE, Ranked, fuse, join, order
from doppelcart.recommendation.listing_rules import (
    Quota,
    Rules,
    RulesParams,
    allow,
    bought_since,
    rules_of,
    within_quota,
)

ITEMS = pd.DataFrame(
    {"category": ["tea", "tea", "tea", "jam", None], "in_stock": [True, True, False, True, None]},
    index=pd.Index(["i0", "i1", "i2", "i3", "i4"], name="item_id"),
)
# One user likes i0 best, then i1, and so on.
LIKED = join({"a": Ranked(np.arange(5)[None], np.arange(5.0, 0, -1)[None])})


def listed(params: RulesParams, forbidden: sparse.csr_matrix | None = None) -> list[int]:
    rules = rules_of(params, ITEMS)
    open_to = allow(rules, LIKED, forbidden)
    scores = within_quota(rules, open_to, fuse(open_to, {("a", SCORE): 1.0}))
    return [item for item in order(open_to, scores, 5)[0].tolist() if item >= 0]


def test_without_rules_the_ranking_stands():
    assert listed(RulesParams()) == [0, 1, 2, 3, 4]


def test_what_is_excluded_is_not_listed():
    assert listed(RulesParams(exclude=("i1", "i4"))) == [0, 2, 3]


def test_what_is_not_known_to_be_in_stock_is_not_listed():
    assert listed(RulesParams(in_stock="in_stock")) == [0, 1, 3]


def test_of_a_kind_so_many_are_listed_and_what_has_no_kind_is_not_counted():
    assert listed(RulesParams(quota=Quota(most=1))) == [0, 3, 4]
    assert listed(RulesParams(quota=Quota(most=2))) == [0, 1, 3, 4]


def test_a_place_that_a_rule_frees_is_not_lost_to_the_quota():
    assert listed(RulesParams(exclude=("i0",), quota=Quota(most=1))) == [1, 3, 4]


def test_what_was_bought_lately_is_not_listed():
    lines = pd.DataFrame(
        {
            "user_id": ["u", "u", "v", "u"],
            "item_id": ["i0", "i1", "i2", "gone"],
            "timestamp": pd.to_datetime(["2024-01-01", "2024-01-09", "2024-01-09", "2024-01-09"]),
        }
    )
    recent = bought_since(lines, pd.Timestamp("2024-01-05"), np.array(["u"]), np.array(ITEMS.index))
    assert recent.toarray().tolist() == [[False, True, False, False, False]]
    assert listed(RulesParams(), recent) == [0, 2, 3, 4]


def test_excluded_items_that_nobody_knows_are_told(caplog):
    with caplog.at_level(logging.WARNING):
        assert listed(RulesParams(exclude=("i0", "x1", "x2"))) == [1, 2, 3, 4]
    assert "2 of 3 excluded items are not in the catalogue, such as x1, x2" in caplog.text


def test_a_rule_about_a_column_that_there_is_not_is_refused():
    with pytest.raises(InputError, match=r"2 rules .*: shelf, kind; they have category, in_stock"):
        rules_of(RulesParams(in_stock="shelf", quota=Quota(column="kind", most=1)), ITEMS)


def test_a_column_that_says_nothing_of_stock_is_refused():
    with pytest.raises(InputError, match=r"'category' .* 4 of 5 values .*, such as 'tea'"):
        rules_of(RulesParams(in_stock="category"), ITEMS)


def test_rules_that_leave_nothing_are_refused():
    with pytest.raises(InputError, match="none of 5 items"):
        rules_of(RulesParams(exclude=tuple(ITEMS.index)), ITEMS)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.lists(st.integers(0, 11), max_size=8),
)
def test_whatever_the_ranking_the_list_is_that_of_going_down_it(seed, most, excluded):
    rng = np.random.default_rng(seed)
    scores = rng.permutation(12).astype(np.float32)[None]
    kinds = rng.integers(-1, 3, 12)
    rules = Rules(~np.isin(np.arange(12), excluded), kinds, most)
    joined = join({"a": Ranked(np.argsort(-scores, axis=1), -np.sort(-scores, axis=1))})
    open_to = allow(rules, joined)
    found = order(open_to, within_quota(rules, open_to, fuse(open_to, {("a", SCORE): 1})), 12)[0]
    expected, room = [], dict.fromkeys(range(3), most)
    for item in np.argsort(-scores[0]):
        kind = int(kinds[item])
        if item in excluded or room.get(kind, 1) == 0:
            continue
        expected.append(int(item))
        if kind in room:
            room[kind] -= 1
    assert found[found >= 0].tolist() == expected
