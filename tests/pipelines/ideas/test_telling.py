"""Ideas in words, by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.pipelines.ideas.combinations import Combinations, combine_items
from doppelcart.pipelines.ideas.design import CUT, PLAIN, declare
from doppelcart.pipelines.ideas.params import ExperimentParams
from doppelcart.pipelines.ideas.section import plain_in_short
from doppelcart.pipelines.ideas.telling import first_ideas, tell_ideas

from .conftest import features_of


@pytest.fixture
def shop(planted):
    """Jam is made by m and k, tea by m and dear; k makes no tea."""
    (cut,), _ = planted
    items = pd.DataFrame(
        {
            "item_id": ["a", "b", "c", "d"],
            "department": "food",
            "category": ["spreads", "spreads", "drinks", "drinks"],
            "type": ["jam", "jam", "tea", "tea"],
            "brand": ["own", "national", "own", "national"],
            "manufacturer": ["m", "k", "m", "dear"],
            "size": ["1 kg", "1 kg", "20 bags", "50 bags"],
        }
    )
    features = features_of(items)
    counts = np.array([[1.0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=np.float32)
    window = dataclasses.replace(
        cut.judged.window,
        user_ids=np.array(["u", "v", "w"]),
        old=np.arange(4),
        new=np.array([], dtype=int),
        launched=np.array([], dtype=int),
        counts=sparse.csr_matrix(counts),
        bought=sparse.csr_matrix((3, 0), dtype=np.float32),
        recent_launch=np.zeros(4, dtype=bool),
        prices=np.array([2.0, 4, 1, np.nan]),
    )
    return combine_items(window, features), features


def idea(combinations: Combinations, features, kind: str, maker: str) -> np.ndarray:
    named = (features.columns[combinations.kinds], features.columns[combinations.makers])
    return np.array([[named[0].tolist().index(kind), named[1].tolist().index(maker)]])


def test_an_idea_by_hand(shop):
    combinations, features = shop
    (told,) = tell_ideas(idea(*shop, "tea", "k"), combinations, features).to_dict("records")
    assert told["department"] == "food"
    assert told["category"] == "drinks"
    assert told["manufacturer"] == "k"
    assert told["brand"] == "national"
    # Of two sizes as common the first by its letters.
    assert told["size"] == "20 bags"
    # Jam of k costs 4, where jam costs 3 in the middle; the one priced tea costs 1.
    assert told["price_from"] == told["price_to"] == pytest.approx(4 / 3)
    # u and v bought tea, w another; v bought of k too.
    assert (told["households_of_both"], told["households_of_type"]) == (1, 3)
    # Of the makers of tea m makes jam as k does.
    assert (told["nearest_item"], told["nearest_manufacturer"]) == ("c", "m")


def test_without_a_price_of_the_type_none_is_told(shop):
    combinations, features = shop
    unpriced = dataclasses.replace(combinations.window, prices=np.array([2.0, 4, np.nan, np.nan]))
    other = dataclasses.replace(combinations, window=unpriced)
    assert tell_ideas(idea(*shop, "tea", "k"), other, features)["price_from"].isna().all()


def test_the_best_ideas_are_not_what_is_sold(shop):
    combinations, _ = shop
    scores = np.full(combinations.shape, 5.0)
    scores[~combinations.unseen] = 9.0
    found = first_ideas(scores, combinations, 100)
    assert len(found) == combinations.unseen.sum() == 2
    scores[tuple(found[1])] = 6.0
    assert first_ideas(scores, combinations, 1).tolist() == [found[1].tolist()]


def test_of_equal_score_the_first_in_order_are_told(shop):
    combinations = dataclasses.replace(shop[0], items=sparse.csr_matrix((50, 40)), kept={})
    assert first_ideas(np.zeros((50, 40)), combinations, 3).tolist() == [[0, 0], [0, 1], [0, 2]]
    scores = np.random.default_rng(0).integers(0, 3, (50, 40))
    best = np.flatnonzero(scores.ravel() == 2)[:5]
    found = first_ideas(scores, combinations, 5)
    assert (40 * found[:, 0] + found[:, 1]).tolist() == best.tolist()


def test_a_window_without_a_scored_launch_is_told_with_its_ideas():
    scores = pd.DataFrame({"arm": PLAIN, CUT: "0.8", "value": [1.0, 0.0]})
    sizes = pd.DataFrame({CUT: [0.7, 0.8], "ideas": [1_200, 900]})
    assert plain_in_short(
        scores, sizes, declare(ExperimentParams(list_lengths=(50,)), [0.7, 0.8])
    ) == (
        "The best plain ranking had 0 of 0 launches among its first 50 of 1,200 ideas, and 1 of 2 "
        "launches among its first 50 of 900 ideas."
    )
