"""Recommenders: a fit, and lists for many users over a whole catalogue."""

import numpy as np
import pytest

from benchmarks.data import made_histories
from benchmarks.records import about
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.metrics import ranking
from doppelcart.recommendation.scoring import rank
from doppelcart.recommenders import RECOMMENDERS, EASEConfig, PureSVDConfig
from studies.figures import Target

ITEMS, TRAINING_USERS, RANKED_USERS = 10_000, 1_440, 4_096
ROUNDS = 7
FIT_ROUNDS = 3
RANKED = {"ease": EASEConfig(l2=1000.0, centred=True), "puresvd": PureSVDConfig(rank=20)}


@pytest.fixture(scope="module")
def train() -> Histories:
    """Training users with 200 items each."""
    return made_histories(TRAINING_USERS, ITEMS, 200, np.random.default_rng(0))


@pytest.fixture(scope="module")
def case() -> Case:
    """Users of whose 100 items 50 are known."""
    asked = made_histories(RANKED_USERS, ITEMS, 100, np.random.default_rng(1))
    return Case("synthetic", asked.first(50), asked.rest(50))


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_fit(benchmark, train, name):
    """With the first scores, for which some recommenders put off what a configuration needs."""
    how = (
        f"Fit on {TRAINING_USERS:,} synthetic users with 200 of {ITEMS:,} items each and the "
        "scores of one of them, in the default configuration."
    )
    benchmark.extra_info |= about(f"fit at {ITEMS:,} items, {name}", how)
    recommender = RECOMMENDERS[name]
    matrix = recommender.matrix_of(train)
    benchmark.pedantic(
        lambda: recommender().fit(matrix).score(matrix[:1], recommender.Config()),
        rounds=FIT_ROUNDS,
    )


@pytest.mark.parametrize("name", RANKED)
def test_full_ranking(benchmark, train, case, name):
    """The first round, which solves for the configuration, is not timed."""
    how = (
        f"Scores, the best 20 and their NDCG of {RANKED_USERS:,} synthetic users with 50 known "
        f"items each; the fit, on {TRAINING_USERS:,} synthetic users, is not in the figure."
    )
    benchmark.extra_info |= about(
        f"full ranking of {ITEMS:,} items, {name}",
        how,
        Target(">=", 2000),
        amount=RANKED_USERS,
        unit="users/s",
    )
    fitted = RECOMMENDERS[name]().fit(train.matrix)
    known, relevant = case.seen.matrix, case.relevant.matrix
    benchmark.pedantic(
        lambda: ranking.ndcg(rank(fitted, RANKED[name], known, known, 20), relevant, 20),
        rounds=ROUNDS,
        warmup_rounds=1,
    )
