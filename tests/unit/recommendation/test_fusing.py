"""Fusion of lists, worked by hand, and beside ranx."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from doppelcart.errors import InputError
from doppelcart.recommendation.fusing import PLACE, SCORE, Ranked, diversify, fuse, join, order

NAN = np.nan
# Of five items, a lists 3, 1, 4 and b lists 1, 2; to the second user a has nothing to say.
A = Ranked(np.array([[3, 1, 4], [-1, -1, -1]]), np.array([[9.0, 5.0, 1.0], [NAN, NAN, NAN]]))
B = Ranked(np.array([[1, 2, -1], [0, 3, 2]]), np.array([[0.8, 0.2, NAN], [3.0, 2.0, 1.0]]))


def lists(weights: dict, k: int = 4) -> list[list[int]]:
    joined = join({"a": A, "b": B})
    return order(joined, fuse(joined, weights), k).tolist()


class TestVotes:
    def test_candidates_are_what_any_source_lists(self):
        joined = join({"a": A, "b": B})
        assert joined.items.tolist() == [[1, 2, 3, 4], [0, 2, 3, -1]]
        assert joined.names == (("a", PLACE), ("a", SCORE), ("b", PLACE), ("b", SCORE))

    def test_a_place_votes_by_its_reciprocal_rank(self):
        votes = join({"a": A, "b": B}).votes
        assert_allclose(votes[0, 0], [1 / 62, 0, 1 / 61, 1 / 63])
        assert_allclose(votes[2, 1], [1 / 61, 1 / 63, 1 / 62, 0])

    def test_a_score_votes_from_0_to_1_and_what_is_not_listed_not_at_all(self):
        votes = join({"a": A, "b": B}).votes
        assert_allclose(votes[1], [[0.5, 0, 1, 0], [0, 0, 0, 0]])
        assert_allclose(votes[3], [[1, 0, 0, 0], [1, 0, 0.5, 0]])

    def test_a_source_that_scores_all_alike_has_no_vote(self):
        flat = Ranked(np.array([[2, 0]]), np.array([[7.0, 7.0]]))
        assert not join({"flat": flat}).votes[1].any()

    @pytest.mark.parametrize("wrong", [NAN, np.inf])
    def test_scores_that_are_no_numbers_are_refused_by_name(self, wrong):
        bad = Ranked(np.array([[0, 1]]), np.array([[wrong, 1.0]]))
        good = Ranked(np.array([[0, 1]]), np.array([[2.0, 1.0]]))
        with pytest.raises(InputError, match=r"1 of 2 sources .* \(bad for 1 users\)"):
            join({"good": good, "bad": bad})

    def test_sources_of_other_users_are_refused(self):
        with pytest.raises(InputError, match="a 2, b 1"):
            join({"a": A, "b": Ranked(B.items[:1], B.scores[:1])})

    def test_without_a_source_nothing_can_be_fused(self):
        with pytest.raises(InputError, match="no source to fuse"):
            join({})

    def test_sources_without_a_candidate_leave_an_empty_list(self):
        nothing = Ranked(np.full((2, 3), -1), np.full((2, 3), NAN))
        joined = join({"nothing": nothing})
        assert order(joined, fuse(joined, {("nothing", SCORE): 1.0}), 2).tolist() == [[-1, -1]] * 2


class TestFusion:
    def test_equal_places_are_added(self):
        # 1: 1/62 + 1/61; 3: 1/61; 2: 1/62; 4: 1/63.
        assert lists({("a", PLACE): 1, ("b", PLACE): 1}) == [[1, 3, 2, 4], [0, 3, 2, -1]]

    def test_weights_decide(self):
        # 3: 1; 1: .5 + .4.
        assert lists({("a", SCORE): 1, ("b", SCORE): 0.4}, k=2)[0] == [3, 1]
        assert lists({("a", SCORE): 1, ("b", SCORE): 0.6}, k=2)[0] == [1, 3]

    def test_one_source_alone_keeps_its_own_order(self):
        assert lists({("a", SCORE): 2.0}, k=2)[0] == [3, 1]
        assert lists({("b", SCORE): 1.0}, k=2)[1] == [0, 3]

    def test_ties_go_to_the_lower_position(self):
        tied = {"a": Ranked(np.array([[4]]), np.array([[1.0]])),
                "b": Ranked(np.array([[2]]), np.array([[1.0]]))}  # fmt: skip
        joined = join(tied)
        fused = fuse(joined, {("a", PLACE): 1, ("b", PLACE): 1})
        assert order(joined, fused, 2).tolist() == [[2, 4]]

    def test_a_weight_of_a_source_that_is_not_there_is_refused(self):
        with pytest.raises(InputError, match=r"1 weights are of sources .* c/score"):
            lists({("c", SCORE): 1.0})

    def test_selected_users_are_fused_as_before(self):
        joined = join({"a": A, "b": B})
        weights = {("b", SCORE): 1.0}
        second = joined.select(np.array([1]))
        assert_array_equal(fuse(second, weights)[0], fuse(joined, weights)[1])

    @pytest.mark.slow
    @pytest.mark.parametrize(("method", "kind"), [("rrf", PLACE), ("sum", SCORE)])
    def test_agrees_with_ranx(self, method, kind):
        ranx = pytest.importorskip("ranx")
        rng = np.random.default_rng(0)
        sources, runs = {}, []
        for name in "ab":
            items = np.argsort(rng.random((3, 8)), axis=1)[:, :5]
            scores = -np.sort(-rng.random((3, 5)), axis=1)
            sources[name] = Ranked(items, scores)
            runs.append(
                ranx.Run(
                    {
                        f"u{u}": {f"i{i}": s for i, s in zip(items[u], scores[u], strict=True)}
                        for u in range(3)
                    }
                )
            )
        joined = join(sources)
        fused = fuse(joined, {(name, kind): 1.0 for name in sources})
        norm = {"norm": "min-max"} if method == "sum" else {"norm": None}
        theirs = ranx.fuse(runs=runs, method=method, **norm)
        for user in range(3):
            ours = dict(zip(joined.items[user], fused[user], strict=True))
            for item, score in theirs[f"u{user}"].items():
                assert ours[int(item[1:])] == pytest.approx(score, abs=1e-6)


class TestVariety:
    # Items 0 and 1 are alike, 2 is otherwise; one user likes them in this order.
    LIKED = join({"a": Ranked(np.array([[0, 1, 2]]), np.array([[3.0, 2.8, 1.0]]))})
    FEATURES = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])

    def ranked(self, balance: float) -> list[int]:
        scores = fuse(self.LIKED, {("a", SCORE): 1.0})
        return diversify(self.LIKED, scores, self.FEATURES, balance, 3)[0].tolist()

    def test_without_variety_the_ranking_stands(self):
        assert self.ranked(1.0) == [0, 1, 2]

    def test_what_is_like_the_first_is_put_off(self):
        # At .5, item 1 is worth .5 * .9 - .5 * 1 = -.05, and item 2 worth 0.
        assert self.ranked(0.5) == [0, 2, 1]
        # At .6, item 1 is worth .6 * .9 - .4 = .14.
        assert self.ranked(0.6) == [0, 1, 2]

    def test_what_must_not_be_listed_is_not(self):
        scores = np.array([[3.0, -np.inf, 1.0]])
        assert diversify(self.LIKED, scores, self.FEATURES, 0.5, 3).tolist() == [[0, 2, -1]]
        # Nor where the scores do not count at all.
        assert diversify(self.LIKED, scores, self.FEATURES, 0.0, 3).tolist() == [[0, 2, -1]]
        nothing = np.full((1, 3), -np.inf)
        assert diversify(self.LIKED, nothing, self.FEATURES, 0.5, 2).tolist() == [[-1, -1]]
