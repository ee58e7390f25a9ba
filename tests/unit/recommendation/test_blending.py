"""Weights chosen on validation users: complementary sources win, worthless ones are left out."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.errors import InputError
from doppelcart.recommendation import blending
from doppelcart.recommendation.blending import METHODS, Tried, Validation, choose, try_methods
from doppelcart.recommendation.fusing import PLACE, SCORE, Ranked, join

N_ITEMS, DEPTH = 60, 30


def top(scores: np.ndarray) -> Ranked:
    items = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    return Ranked(items, np.take_along_axis(scores, items, axis=1))


def make(seed: int, second: float) -> Validation:
    """Users whose taste two sources see through noise of their own; the second so much of it."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(120, N_ITEMS))
    relevant = taste > np.sort(taste, axis=1)[:, [-6]]
    noise = rng.normal(size=(2, *taste.shape))
    sources = {"first": top(taste + noise[0]), "second": top(second * taste + noise[1])}
    return Validation(join(sources), sparse.csr_matrix(relevant, dtype=np.float32), "ndcg", 10)


@pytest.mark.parametrize("method", METHODS[1:])
def test_two_sources_that_err_otherwise_are_better_together(method):
    validation = make(0, 1.0)
    (tried,) = try_methods(validation, "first", [method], 3, 0)
    assert tried.gain > 4 * tried.error
    assert choose(try_methods(validation, "first", METHODS, 3, 0)).method != "single"


def test_a_source_that_knows_nothing_is_left_out():
    chosen = [choose(try_methods(make(seed, 0.0), "first", METHODS, 3, 0)) for seed in range(4)]
    for one in chosen:
        worth = {kind: one.weights.get(("second", kind), 0.0) for kind in (PLACE, SCORE)}
        assert one.method == "single" or max(map(abs, worth.values())) < 0.3
    assert [one.method for one in chosen].count("single") >= 2


def test_one_source_stands_alone():
    validation = make(0, 1.0)
    items = validation.candidates.items[:, :DEPTH]
    alone = join({"first": Ranked(items, -items.astype(float))})
    tried = try_methods(validation._replace(candidates=alone), "first", METHODS, 3, 0)
    assert {source for one in tried for source, _ in one.weights} == {"first"}
    assert choose(tried).method == "single"


def test_the_gain_is_that_of_users_whose_weights_were_found_on_others(monkeypatch):
    validation = make(1, 1.0)
    seen = []

    def find(users: Validation, best: str) -> blending.Weights:
        seen.append(users.relevant.shape[0])
        return {(best, SCORE): 1.0}

    monkeypatch.setitem(blending.FINDERS, "learned", find)
    (tried,) = try_methods(validation, "first", ["learned"], 3, 0)
    assert seen == [80, 80, 80, 120]
    assert tried.gain == tried.error == 0


def test_the_plainest_stands_where_the_gain_may_be_chance():
    plain = Tried("single", 0.3, 0.0, 0.0, {("a", SCORE): 1.0})
    doubtful = plain._replace(method="learned", gain=0.02, error=0.02)
    sure = plain._replace(method="weighted_sum", gain=0.015, error=0.01)
    assert choose([plain, doubtful]) is plain
    assert choose([plain, doubtful, sure]) is sure


def test_too_few_users_are_refused():
    validation = make(0, 1.0)
    few = validation.select(np.arange(2))
    with pytest.raises(InputError, match=r"2 validation users bought anything, .* 3 folds"):
        try_methods(few, "first", METHODS, 3, 0)


def test_users_who_bought_nothing_have_no_say():
    validation = make(0, 1.0)
    relevant = validation.relevant.tolil()
    relevant[60:] = 0
    halved = validation._replace(relevant=sparse.csr_matrix(relevant))
    ours = try_methods(halved, "first", METHODS, 3, 0)
    theirs = try_methods(validation.select(np.arange(60)), "first", METHODS, 3, 0)
    assert [one.value for one in ours] == pytest.approx([one.value for one in theirs])


def test_where_no_candidate_was_bought_there_is_nothing_to_learn():
    validation = make(0, 1.0)
    unlisted = sparse.csr_matrix((120, N_ITEMS), dtype=np.float32)
    weights = blending.learned(validation._replace(relevant=unlisted), "first")
    assert weights == {("first", PLACE): 1.0, ("second", PLACE): 1.0}
