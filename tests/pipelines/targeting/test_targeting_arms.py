"""Who is added, who chooses how many, and that everybody else gets as many."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.pipelines.evaluation.params import EvaluationParams
from doppelcart.pipelines.targeting import arms
from doppelcart.pipelines.targeting.groups import Group
from doppelcart.pipelines.targeting.params import ExperimentParams
from doppelcart.recommendation.arms import NONE, TARGETED, UNIFORM

EVALUATION = EvaluationParams(k=3, cutoffs=(3,), grids={"ease": {"l2": [1.0, 10.0]}}, workers=1)
PARAMS = ExperimentParams(ratios=(0.0, 0.5))
INSIDE, OTHERS = (Group("cold_2", "half", who) for who in ("segment", "others"))


def of_half(users: Histories, half: int) -> Histories:
    """Users of every other row, who nearly all buy of one half of the catalogue."""
    return users.select(np.arange(half, users.n_users, 2))


@pytest.fixture
def train(make) -> Histories:
    """All buy of the first half, so that nobody knows what goes together in the second."""
    return of_half(make(80, 0), 0)


@pytest.fixture
def cases(make) -> dict[Group, Case]:
    held_out = make(60, 1)
    whole = Case("cold_2", held_out.first(2), held_out.rest(2))
    rows = np.arange(60)
    return {INSIDE: whole.select(rows[1::2]), OTHERS: whole.select(rows[::2])}


@pytest.fixture
def sets(make) -> dict[str, Histories]:
    """The GAN's users are what the segment lacks; the others' are what there is already."""
    lacking, known = of_half(make(80, 2), 1), of_half(make(80, 3), 0)
    return {"gan": lacking, "denoiser": known, "copies": known}


@pytest.fixture
def these(sets, cases) -> arms.Round:
    return arms.Round(TARGETED, sets, cases)


def test_one_round_for_all_and_one_per_segment(sets, cases):
    more = {Group("cold_2", "other", "others"): cases[OTHERS]}
    targeted = {arms.set_name(segment, maker): users for segment in ("half", "other")
                for maker, users in sets.items()}  # fmt: skip
    plain, first, second = arms.rounds({"gan": sets["gan"]}, targeted, cases | more)
    assert (plain.arms, list(plain.cases)) == (UNIFORM, [*cases, *more])
    assert (list(first.cases), list(second.cases)) == (list(cases), list(more))
    assert first.sets == sets


def test_the_segment_chooses_and_the_others_get_as_many(train, these):
    chosen = arms.choose(train, these, EVALUATION, PARAMS).set_index(["customers", "arm"])
    assert set(chosen.index.get_level_values("arm")) == set(TARGETED)
    assert chosen["level"]["segment", "targeted_gan"] == 0.5
    for arm in TARGETED:
        assert chosen["level"]["others", arm] == chosen["level"]["segment", arm]
    assert set(chosen["segment"]) == {"half"}


def test_what_a_segment_lacks_helps_it(train, sets, these, cases):
    chosen = arms.choose(train, these, EVALUATION, PARAMS)
    plain = arms.Round(UNIFORM, sets, cases)
    chosen = pd.concat([chosen, arms.choose(train, plain, EVALUATION, PARAMS)])
    features = np.ones((train.n_items, 1))
    users = pd.concat(
        [arms.score(train, part, chosen, features, EVALUATION) for part in (plain, these)]
    )
    means = users.groupby(["customers", "arm"])["ndcg@3"].mean()
    assert means["segment", "targeted_gan"] > 1.2 * means["segment", NONE]
    # the same users, whatever they are called
    assert means["segment", "uniform_gan"] == means["segment", "targeted_gan"]
    counted = users.groupby(["customers", "arm"])["user_id"].nunique()
    assert counted["segment", NONE] == counted["others", "targeted_copies"] == 30
