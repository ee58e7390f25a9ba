"""Scorers score as the recommenders they were taken from, and their reasons add up."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.metrics.ranking import top_k
from doppelcart.recommenders import RECOMMENDERS, Recommender
from doppelcart.serving.scorer import (
    KINDS,
    FoldIn,
    ItemWeights,
    Popular,
    Projection,
    Scorer,
    histories_of,
    rank,
)

CASES = [
    ("popularity", "{}"),
    ("itemknn", '{"shrink": 0.0, "alpha": 0.7}'),
    ("itemknn", '{"shrink": 5.0}'),
    ("itemknn", '{"shrink": 5.0, "neighbours": 6}'),
    ("ials", '{"factors": 8, "iterations": 3}'),
    ("puresvd", '{"rank": 5}'),
    ("ease", '{"l2": 20.0}'),
    ("ease", '{"l2": 20.0, "centred": true}'),
]


def shop(n_users: int, n_items: int = 40, seed: int = 0) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    chances = np.linspace(0.02, 0.4, n_items)
    return sparse.csr_matrix((rng.random((n_users, n_items)) < chances).astype(np.float32))


# fewer users than items, and more: EASE solves the smaller of its two equations
@pytest.fixture(params=[30, 200], scope="module")
def train(request: pytest.FixtureRequest) -> sparse.csr_matrix:
    return shop(request.param)


def fitted(name: str, config: str, train: sparse.csr_matrix) -> tuple[Recommender, Scorer]:
    recommender = RECOMMENDERS[name](seed=1).fit(train)
    scorer = recommender.scorer(recommender.Config.model_validate_json(config))
    assert scorer is not None
    return recommender, scorer


@pytest.mark.parametrize(("name", "config"), CASES)
def test_a_scorer_scores_as_its_recommender(
    name: str, config: str, train: sparse.csr_matrix
) -> None:
    recommender, scorer = fitted(name, config, train)
    # shorter and longer than the mean one, where the mean's share is capped
    seen = shop(50, seed=2)
    expected = recommender.score(seen, recommender.Config.model_validate_json(config))
    np.testing.assert_allclose(scorer.score(seen), expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(("name", "config"), CASES)
def test_one_history_is_scored_as_among_others(
    name: str, config: str, train: sparse.csr_matrix
) -> None:
    _, scorer = fitted(name, config, train)
    seen = shop(40, seed=3)
    together = scorer.score(seen)
    for user in range(40):
        np.testing.assert_array_equal(scorer.score(seen[[user]])[0], together[user])


@pytest.mark.parametrize(("name", "config"), CASES)
def test_reasons_add_up_to_the_score(name: str, config: str, train: sparse.csr_matrix) -> None:
    _, scorer = fitted(name, config, train)
    known, targets = np.array([3, 17, 30]), np.array([0, 8, 39])
    shares = scorer.shares(known, targets)
    assert shares.by_item.shape == (3, 3)
    score = scorer.score(histories_of([known], 40))[0, targets]
    np.testing.assert_allclose(shares.by_item.sum(axis=0) + shares.base, score, atol=1e-5)


@pytest.mark.parametrize(("name", "config"), CASES)
def test_a_scorer_is_made_again_of_its_arrays_and_numbers(
    name: str, config: str, train: sparse.csr_matrix
) -> None:
    _, scorer = fitted(name, config, train)
    again = KINDS[scorer.kind].of(scorer.parts(), scorer.numbers())
    np.testing.assert_array_equal(again.score(train[:3]), scorer.score(train[:3]))


def test_what_a_known_item_brings_is_its_weight() -> None:
    weights = np.array([[0, 2, 1], [4, 0, 0], [0, 0, 0]], dtype=np.float32)
    scorer = ItemWeights(weights)
    assert scorer.score(histories_of([np.array([1, 0])], 3)).tolist() == [[4, 2, 1]]
    assert scorer.shares(np.array([0, 1]), np.array([1])).by_item.tolist() == [[2], [0]]


def test_a_centred_history_is_held_to_what_its_length_leads_one_to_expect() -> None:
    # mean length 1: of one known item the whole mean is taken off, W is the identity of item 0 to 1
    weights = np.array([[0, 1], [0, 0]], dtype=np.float32)
    mean = np.array([0.75, 0.25])
    scorer = ItemWeights(weights, mean, mean @ weights)
    # item 1: 1 (from item 0) - 0.75 (expected of anybody) + 0.25 (its own mean)
    assert scorer.score(histories_of([np.array([0])], 2))[0].tolist() == [0.75, 0.5]
    assert scorer.shares(np.array([0]), np.array([1])).base.tolist() == [-0.5]


def test_popularity_brings_no_reason() -> None:
    shares = Popular(np.array([3, 1], dtype=np.float32)).shares(np.array([0]), np.array([1]))
    assert (shares.by_item.tolist(), shares.base.tolist()) == ([[0]], [1])


def test_factors_score_what_points_the_same_way() -> None:
    directions = np.array([[1], [0.5], [0]], dtype=np.float32)
    seen = histories_of([np.array([0])], 3)
    assert Projection(directions).score(seen).tolist() == [[1, 0.5, 0]]
    # one factor: (1 + alpha) y / (y^2 (n + alpha) + l2) with items 1, 1: 2 / (2 + 1 + 1)
    folded = FoldIn(np.ones((2, 1), dtype=np.float32), 1.0, 1.0)
    assert folded.score(histories_of([np.array([0])], 2)).tolist() == [[0.5, 0.5]]


def test_a_ranking_is_that_of_the_evaluation_without_what_is_hidden() -> None:
    scorer = Popular(np.array([1, 5, 5, 3], dtype=np.float32))
    seen = histories_of([np.array([1]), np.array([], dtype=int)], 4)
    best, scores = rank(scorer, scorer.popularity, seen, 3)
    assert best.tolist() == top_k(scorer.score(seen), seen, 3).tolist() == [[2, 3, 0], [1, 2, 3]]
    assert scores.tolist() == [[5, 3, 1], [5, 5, 3]]
    hidden = np.array([True, False, True, False])
    best, scores = rank(scorer, scorer.popularity, seen, 3, hidden)
    assert best.tolist() == [[3, -1, -1], [1, 3, -1]]
    assert scores.tolist() == [[3, 0, 0], [5, 3, 0]]


def test_of_whom_nothing_is_known_gets_what_is_popular() -> None:
    scorer = ItemWeights(np.zeros((3, 3), dtype=np.float32))
    popularity = np.array([1, 2, 3], dtype=np.float32)
    best, _ = rank(scorer, popularity, histories_of([np.array([], dtype=int)], 3), 2)
    assert best.tolist() == [[2, 1]]
