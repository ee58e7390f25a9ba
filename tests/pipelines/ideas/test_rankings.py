"""Plain rankings by hand, and what they find in a shop that has a pattern or none."""

import dataclasses

import numpy as np
import pytest
from scipy import sparse

from doppelcart.pipelines.ideas import idea_rankings
from doppelcart.pipelines.ideas.combinations import Combinations
from doppelcart.pipelines.ideas.params import RankingsParams

PARAMS = RankingsParams(l2=(10.0,), factors=(4,), penalties=(0.1,), negatives=500)


@pytest.fixture
def few(planted) -> Combinations:
    """Three kinds in two categories, two makers; one combination launched."""
    (cut,), _ = planted
    counts = np.array([[2.0, 0], [1, 1], [0, 4]])
    recent = np.array([[0.0, 0], [1, 0], [0, 2]])
    return dataclasses.replace(
        cut.judged,
        kinds=np.arange(3),
        makers=np.arange(2),
        items=sparse.csr_matrix(counts),
        recent=sparse.csr_matrix(recent),
        categories=np.array([0, 0, 1]),
        launched=np.array([[0, 1]]),
        kept={},
    )


def test_plain_rankings_by_hand(few):
    assert idea_rankings.sizes(few).tolist() == [[6, 10], [6, 10], [12, 20]]
    launches = np.outer([0.1, 1.1, 2.1], [1.1, 2.1])
    assert idea_rankings.launches(few) == pytest.approx(launches)
    # Of the first category the first maker has three of four items.
    shares = np.array([[0.75, 0.25], [0.75, 0.25], [0, 1]])
    assert idea_rankings.share(few) == pytest.approx(shares * np.array([[2], [2], [4]]))
    assert idea_rankings.share_and_launches(few) == pytest.approx((shares + 1e-6) * launches)


def test_as_many_factors_as_there_can_be(few):
    assert idea_rankings.factors(few, 64).shape == (3, 2)


def test_places_among_ideas_by_hand(few):
    # Ideas are (0, 1), launched, and (2, 0).
    for scores, rank, tied in (
        (np.array([[9.0, 1], [9, 9], [2, 9]]), 2, 1),
        (np.array([[0.0, 3], [0, 0], [2, 0]]), 1, 1),
        (np.zeros((3, 2)), 1.5, 2),
    ):
        assert idea_rankings.places_of(scores, few) == (rank, tied)


def test_hits_and_share_of_ideas_below():
    # The last three: ideas 10 and 11 tie, and of five from the 8th on three are among the first 10.
    places = idea_rankings.Places(np.array([1.0, 10, 11, 10.5, 10]), np.array([1, 1, 1, 2, 5]))
    assert idea_rankings.hits(places, 10).tolist() == [1, 1, 0, 0.5, 0.6]
    assert idea_rankings.above_ideas(np.array([1.0, 6, 11]), 11).tolist() == [1, 0.5, 0]


def test_a_ranking_that_tells_nothing_apart_hits_as_often_as_a_random_one(planted):
    (cut,), _ = planted
    places = idea_rankings.places_of(np.zeros(cut.judged.shape), cut.judged)
    n_ideas, n_launched = cut.judged.unseen.sum(), len(cut.judged.launched)
    for k in (10, int(0.6 * n_ideas)):
        expected = n_launched * k / n_ideas
        assert idea_rankings.worth(places, cut.judged, [k])[f"hits_{k}"] == pytest.approx(expected)


def test_ease_is_kept_and_ranks_by_what_goes_together(few):
    ones = sparse.csr_matrix((few.items > 0).astype(float))
    gram = (ones @ ones.T).toarray() + 10 * np.eye(3)
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    expected = (ones.T.toarray() @ weights).T
    assert idea_rankings.ease_of_kinds(few, 10.0) == pytest.approx(expected, abs=1e-5)
    assert set(few.kept) == {("kinds", 10.0)}
    assert idea_rankings.ease_of_kinds(few, 10.0).base is few.kept["kinds", 10.0]


def auc(cut, scores: np.ndarray) -> float:
    return idea_rankings.worth(idea_rankings.places_of(scores, cut.judged), cut.judged, [10])["auc"]


def test_what_is_planted_is_found_by_the_ranking_that_was_best_before(planted):
    (cut,), _ = planted
    tuned = idea_rankings.tune(cut.tuning, cut.earlier, PARAMS, 100, 0)
    found = dict(idea_rankings.rank(cut.judged, cut.tuning, PARAMS, tuned.configs, 0))
    assert set(found) == {*idea_rankings.RANKINGS, idea_rankings.BLEND}
    assert auc(cut, found[tuned.best]) > 0.9
    # How often a kind and a maker are sold says nothing of whether they suit.
    assert auc(cut, found["sizes"]) < 0.75
    assert tuned.tried["hits_100"].max() == tuned.tried.loc[
        tuned.tried["system"] == tuned.best, "hits_100"
    ].max()  # fmt: skip


def test_where_nothing_is_planted_nothing_is_found(null):
    (cut,), _ = null
    tuned = idea_rankings.tune(cut.tuning, cut.earlier, PARAMS, 100, 0)
    best = {tuned.best: tuned.configs[tuned.best]}
    ((_, scores),) = idea_rankings.rank(cut.judged, cut.tuning, PARAMS, best, 0)
    assert 0.35 < auc(cut, scores) < 0.65


def test_the_blend_learns_nothing_of_the_window_that_it_ranks(planted):
    (cut,), _ = planted
    blend = idea_rankings.Blend(PARAMS.l2)
    (weights,) = blend.learn(cut.tuning, [0.1], 500, 0)
    (before,) = blend.rank(cut.judged, [weights])
    other = dataclasses.replace(cut.judged, launched=cut.judged.launched[:3], kept={})
    assert blend.rank(other, [weights])[0] == pytest.approx(before)


def test_where_every_idea_was_launched_there_is_nothing_to_learn(few):
    all_launched = dataclasses.replace(few, launched=np.argwhere(few.unseen), kept={})
    blend = idea_rankings.Blend(PARAMS.l2)
    (weights,) = blend.learn(all_launched, [0.1], 500, 0)
    assert not weights.any()
    assert not blend.rank(few, [weights])[0].any()


def test_of_equal_hits_the_greater_auc_is_chosen(planted):
    (cut,), _ = planted
    # Among all ideas every ranking has every launch.
    tuned = idea_rankings.tune(cut.tuning, cut.earlier, PARAMS, 10_000, 0)
    assert tuned.tried["hits_10000"].nunique() == 1
    best = tuned.tried.loc[tuned.tried["auc"].idxmax(), "system"]
    assert tuned.best == best
