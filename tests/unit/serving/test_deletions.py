"""What is said to be missed is missed: without it the item is not listed, with one less it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from serving_model import facts, make_model

from doppelcart.serving.answers import answer
from doppelcart.serving.deletions import FIRST, MOST_DELETED, deletions_of, fewest
from doppelcart.serving.model import Catalogue, Customers, Model, Strategy, System
from doppelcart.serving.questions import Question
from doppelcart.serving.scorer import FoldIn, ItemWeights, Popular, Projection, Scorer, histories_of

N = 40


def served_by(scorer: Scorer) -> Model:
    """A model of one strategy for whoever is new."""
    popularity = np.arange(N, dtype=np.float32)
    return Model(
        Catalogue([f"i{n}" for n in range(N)], [f"item {n}" for n in range(N)], {}),
        Customers(np.array(["ann"]), np.array([0, 1]), np.array([0], dtype=np.int32)),
        {"cold_0": Strategy(facts("cold_0", "any"), System(scorer, popularity))},
        {"customers": 1},
    )


def scorers() -> list[Scorer]:
    rng = np.random.default_rng(0)
    dense = rng.normal(0, 1, (N, N)).astype(np.float32)
    return [
        ItemWeights(dense),
        ItemWeights(sparse.csr_matrix(np.where(dense > 1, dense, 0).astype(np.float32))),
        Projection(rng.normal(0, 1, (N, 5)).astype(np.float32)),
        FoldIn(rng.normal(0, 1, (N, 5)).astype(np.float32), 2.0, 1.0),
        Popular(np.arange(N, dtype=np.float32)),
    ]


def list_of(model, rows, k, closed):
    strategy = model.strategies["cold_0"]
    return model.rank(strategy, histories_of([rows], N), k, hidden=closed)[0][0]


@pytest.mark.parametrize("scorer", scorers(), ids=lambda scorer: type(scorer).__name__)
def test_without_the_set_it_is_not_listed_and_with_one_less_it_is(scorer):
    model, rng, k, n_found = served_by(scorer), np.random.default_rng(1), 5, 0
    for _ in range(15):
        known = rng.choice(N, 8, replace=False)
        closed = np.isin(np.arange(N), known)
        listed = list_of(model, known, k, closed)
        sets = deletions_of(model, model.strategies["cold_0"], known, listed, k)
        for item, gone in zip(listed, sets, strict=True):
            if gone is None:
                continue
            n_found += 1
            assert set(gone) <= set(known)
            left = known[~np.isin(known, gone)]
            assert item not in list_of(model, left, k, closed)
            one_less = known[~np.isin(known, gone[:-1])]
            assert item in list_of(model, one_less, k, closed)
    # Best sellers hang on no purchase.
    assert (n_found > 30) == (not isinstance(scorer, Popular))


@given(st.lists(st.integers(1, 13), min_size=1, max_size=6), st.integers(1, 10))
def test_halving_finds_the_first_count_by_which_an_item_is_gone(firsts, most):
    asked = []

    def is_gone(places, counts):
        asked.append(len(places))
        return counts >= np.array(firsts)[places]

    found = fewest(is_gone, len(firsts), most)
    assert found.tolist() == [first if first <= most else 0 for first in firsts]
    assert len(asked) <= 5


def test_one_purchase_by_hand():
    # 0 leads to 10 alone, 1 and 2 to 11; 12 comes next, by whatever is known.
    weights = np.zeros((N, N), np.float32)
    weights[0, 10], weights[1, 11], weights[2, 11] = 5, 3, 2
    weights[:3, 12] = 0.5
    model = served_by(ItemWeights(weights))
    known = np.array([0, 1, 2])
    first, second = deletions_of(model, model.strategies["cold_0"], known, np.array([10, 11]), 2)
    assert first.tolist() == [0]
    assert second.tolist() == [1, 2]


def test_what_was_deleted_is_recommended_to_nobody():
    # Without 0, item 0 itself would have the best score of all.
    weights = np.zeros((N, N), np.float32)
    weights[0, 10], weights[1, 11], weights[1, 0] = 5, 3, 9
    model = served_by(ItemWeights(weights))
    found = deletions_of(model, model.strategies["cold_0"], np.array([0, 1]), np.array([10]), 1)
    assert found[0].tolist() == [0]


def test_who_is_known_by_nothing_or_asks_for_much_is_told_nothing():
    model = served_by(scorers()[0])
    strategy = model.strategies["cold_0"]
    assert deletions_of(model, strategy, np.array([], int), np.array([3, 4]), 2) == [None, None]
    known = np.arange(N - 30)
    long = deletions_of(model, strategy, known, np.arange(N - 30, N), 30)
    assert long[FIRST:] == [None] * (30 - FIRST)


def test_no_more_than_ten_are_deleted():
    # Each of twenty brings the same: half of them would have to go.
    weights = np.zeros((N, N), np.float32)
    weights[:20, 30], weights[:20, 31] = 1.0, 0.9
    weights[0, 31] = 3.0
    model = served_by(ItemWeights(weights))
    (found,) = deletions_of(model, model.strategies["cold_0"], np.arange(20), np.array([30]), 2)
    assert found is None
    assert MOST_DELETED < 20


def test_the_answer_names_them_only_if_it_is_asked_to():
    model = make_model()
    # Jam leads to salt, and bread to butter, which takes its place.
    asked = {"items": [{"item_id": "bread"}, {"item_id": "jam"}], "k": 1}
    (plain,) = answer(model, Question.model_validate(asked | {"explain": True}), "1").items
    (told,) = answer(model, Question.model_validate(asked | {"deletions": True}), "1").items
    assert [plain.item_id, told.item_id] == ["salt", "salt"]
    assert plain.reasons is not None
    assert told.reasons is not None
    assert plain.reasons.without is None
    assert [(one.id, one.title) for one in told.reasons.without or ()] == [("jam", "Jam")]
    assert told.reasons.model_copy(update={"without": None}) == plain.reasons


def test_a_filter_holds_without_purchases_too():
    weights = np.zeros((N, N), np.float32)
    weights[0, 10], weights[1, 11] = 5, 3
    model = served_by(ItemWeights(weights))
    hidden = np.ones(N, bool)
    hidden[10] = False
    # Nothing else may be listed, so that nothing can take its place.
    (found,) = deletions_of(
        model, model.strategies["cold_0"], np.array([0, 1]), np.array([10]), 1, hidden=hidden
    )
    assert found is None
