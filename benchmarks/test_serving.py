"""Serving: lists for all customers at once, and for one."""

from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.data import made_histories
from benchmarks.records import about
from doppelcart.data.histories import Histories
from doppelcart.recommendation.exporting import export
from doppelcart.recommendation.listing import System
from doppelcart.serving.answers import answer
from doppelcart.serving.batch import ranked, recommend_all
from doppelcart.serving.model import Catalogue, Model, Pairs
from doppelcart.serving.questions import Question
from doppelcart.serving.reasons import reasons_of
from studies.figures import Target

ITEMS, CUSTOMERS, KNOWN, K = 10_000, 16_384, 50, 20
ROUNDS = 5
SERVED = {
    "ease": ('{"l2": 1000.0}', 4500),
    "puresvd": ('{"rank": 64}', 12_000),
    "ials": ('{"factors": 64, "iterations": 2}', 12_000),
}


@pytest.fixture(scope="module")
def customers() -> Histories:
    """Customers who bought 50 items each."""
    return made_histories(CUSTOMERS, ITEMS, KNOWN, np.random.default_rng(0))


def model_of(name: str, customers: Histories) -> Model:
    """What serves them by one recommender, fitted on the first of them."""
    config = SERVED[name][0]
    system = System(
        recommender=name, arm="none", level=0.0, config=config, group="warm", promoted=False
    )
    catalogue = Catalogue(customers.item_ids.tolist(), customers.item_ids.tolist(), {})
    some = customers.select(np.arange(1440))
    made = export({"warm": (system, "")}, some, {}, catalogue, {}, n_judged=some.n_users)
    known = export(
        {"warm": (system.model_copy(update={"recommender": "popularity", "config": "{}"}), "")},
        customers, {}, catalogue, {}, n_judged=1,
    )  # fmt: skip
    return Model(catalogue, known.customers, made.strategies, {})


@pytest.mark.parametrize("name", SERVED)
def test_lists_for_all(benchmark, customers, name, tmp_path: Path):
    """As ``doppelcart recommend`` writes them, Parquet included."""
    how = (
        f"The best {K} for {CUSTOMERS:,} synthetic customers with {KNOWN} of {ITEMS:,} items each, "
        "written as Parquet; reading the model is not in the figure."
    )
    benchmark.extra_info |= about(
        f"lists for all customers, {name}",
        how,
        Target(">=", SERVED[name][1]),
        amount=CUSTOMERS,
        unit="users/s",
    )
    model = model_of(name, customers)

    def again():
        rmtree(tmp_path / "lists", ignore_errors=True)

    benchmark.pedantic(
        lambda: recommend_all(model, "a" * 64, tmp_path / "lists", K),
        setup=again,
        rounds=ROUNDS,
        warmup_rounds=1,
    )


def test_lists_by_a_peer(benchmark, customers):
    """What the same lists take another library: implicit's filtered recommend, on all cores."""
    benchmark.extra_info |= about(
        "lists for all customers, implicit's iALS",
        f"implicit's recommend of {K} items, filtered by what is known; nothing is written.",
        amount=CUSTOMERS,
        unit="users/s",
    )
    matrix = customers.matrix
    with threadpool_limits(1, "blas"):
        fitted = AlternatingLeastSquares(factors=64, iterations=2, random_state=0)
        fitted.fit(matrix[:1440], show_progress=False)
        users = np.arange(CUSTOMERS)
        benchmark.pedantic(
            lambda: fitted.recommend(
                users, matrix, N=K, filter_already_liked_items=True, recalculate_user=True
            ),
            rounds=ROUNDS,
            warmup_rounds=1,
        )


@pytest.mark.parametrize("name", SERVED)
def test_one_list(benchmark, customers, name):
    """One customer, with reasons, without HTTP."""
    benchmark.extra_info |= about(
        f"one list with reasons, {name}",
        f"The best {K} of {ITEMS:,} items for a customer with {KNOWN} known ones, with reasons.",
        Target("<=", 0.005),
        unit="s",
    )
    model = model_of(name, customers)
    question = Question(user_id=str(model.customers.ids[7]), k=K, explain=True)
    with threadpool_limits(1, "blas"):
        benchmark.pedantic(lambda: answer(model, question, "1"), rounds=200, warmup_rounds=5)


def related(customers: Histories) -> Catalogue:
    """Items of a thousand types and makers, every one bought together with some ten others."""
    rng = np.random.default_rng(1)
    attributes = {
        name: [f"{name} {value}" for value in rng.integers(0, 1000, ITEMS)]
        for name in ("type", "manufacturer")
    }
    pairs = sparse.random_array((ITEMS, ITEMS), density=5 / ITEMS, format="csr", rng=rng)
    both = (pairs + pairs.T).tocsr()
    ids = customers.item_ids.tolist()
    return Catalogue(ids, ids, attributes, Pairs(both.indptr, both.indices))


@pytest.mark.parametrize("name", SERVED)
def test_reasons_for_many(benchmark, customers, name):
    """Why some customers are recommended what they are: shares, path and words."""
    some = 500
    benchmark.extra_info |= about(
        f"reasons in words, {name}",
        f"Ten reasons, a path and a sentence for each of {K} items of {some} customers with "
        f"{KNOWN} of {ITEMS:,} items each; the lists are there.",
        Target(">=", 5000),
        amount=some * K,
        unit="recommendations/s",
    )
    model = model_of(name, customers)
    catalogue = related(customers)
    best, _ = ranked(model, slice(0, some), K)
    system = model.strategies["warm"].system

    def explain():
        for row in range(some):
            reasons_of(catalogue, system, model.customers.of(row), best[row])

    with threadpool_limits(1, "blas"):
        benchmark.pedantic(explain, rounds=ROUNDS, warmup_rounds=1)


@pytest.mark.parametrize("name", SERVED)
def test_one_reason(benchmark, customers, name):
    """Why one customer is recommended one item."""
    benchmark.extra_info |= about(
        f"one explanation, {name}",
        f"Ten reasons, a path and a sentence for one item of a customer with {KNOWN} of "
        f"{ITEMS:,} items.",
        Target("<=", 0.005),
        unit="s",
    )
    model = model_of(name, customers)
    catalogue = related(customers)
    best, _ = ranked(model, slice(7, 8), 1)
    system, known = model.strategies["warm"].system, model.customers.of(7)
    with threadpool_limits(1, "blas"):
        benchmark.pedantic(
            lambda: reasons_of(catalogue, system, known, best[0]), rounds=200, warmup_rounds=5
        )
