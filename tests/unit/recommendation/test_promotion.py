"""What serves is replaced by rules that were declared before, over the same held-out customers."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from serving_model import facts, make_model

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.verdict import judge
from doppelcart.recommendation.promotion import (
    EVERYBODY,
    comparisons,
    decide,
    declare,
    judged_slices,
    score_entrants,
)
from doppelcart.serving.contest import Entrant, cost_of, strategy_for
from doppelcart.serving.decisions import Comparison, Cost, Decision, Outcome
from doppelcart.serving.model import Strategy
from doppelcart.serving.release import Version

ITEMS = np.array([f"i{number:02d}" for number in range(20)])
DESIGN = declare(
    "ndcg@5", ["warm", "cold_1"], margin=0.02, alpha=0.05, n_bootstrap=2000, min_customers=30,
    seed=0,
)  # fmt: skip


def entrant(version: str, *, size: int = 100, customers: int = 3, **systems: str) -> Entrant:
    """A model that serves returning customers, and those of whom one item is known, by a system."""
    model, given = make_model(), {"warm": "ease", "cold_1": "ease"} | systems
    strategies = {
        name: Strategy(facts(name, recommender), model.strategies["warm"].system)
        for name, recommender in given.items()
    }
    model = replace(model, strategies=strategies, lineage={"customers": customers})
    since = datetime(2031, 1, 1, tzinfo=UTC)
    named = Version(version=version, path=version, digest=version * 64, since=since)
    return Entrant(named, model, size)


def told(name: str, relative: float, low: float, p_value: float, n: int = 500) -> Comparison:
    return Comparison(
        slice=name, customers=name, champion="EASE", candidate="iALS", base=0.1,
        value=0.1 * (1 + relative), relative=relative, low=low, high=2 * relative - low,
        p_value=p_value, n_customers=n,
    )  # fmt: skip


def decided(
    candidate: Entrant, *tests: Comparison, promotion: dict[str, object] | None = None
) -> Decision:
    champion = entrant("a")
    costs = {
        "champion": Cost(size=champion.size, milliseconds=1),
        "candidate": Cost(size=candidate.size, milliseconds=1),
    }
    return decide(
        champion, candidate, tests, costs, promotion or {}, DESIGN, saving=0.1,
        made=datetime(2031, 1, 1, tzinfo=UTC),
    )  # fmt: skip


OTHER = entrant("b", warm="ials")
GAIN, FLAT = told("all", 0.03, 0.01, 0.001), told("all", 0.0, -0.01, 1.0)


@pytest.mark.parametrize(
    ("candidate", "tests", "outcome"),
    [
        (OTHER, [GAIN, told("warm", -0.019, -0.05, 0.1)], Outcome.BETTER),
        (OTHER, [GAIN, told("warm", -0.021, -0.05, 0.1)], Outcome.HARMS),
        # of too few customers nothing can be said
        (OTHER, [GAIN, told("warm", -0.5, -0.9, 0.1, n=29)], Outcome.BETTER),
        (OTHER, [told("all", 0.03, -0.001, 0.051)], Outcome.NOT_BETTER),
        (OTHER, [told("all", -0.03, -0.04, 0.001)], Outcome.NOT_BETTER),
        (OTHER, [FLAT], Outcome.NOT_BETTER),
        (replace(OTHER, size=90), [FLAT], Outcome.CHEAPER),
        (replace(OTHER, size=91), [FLAT], Outcome.NOT_BETTER),
        (replace(OTHER, size=1), [told("all", 0.0, -0.021, 1.0)], Outcome.NOT_BETTER),
        (replace(OTHER, size=1), [FLAT, told("warm", -0.03, -0.1, 0.2)], Outcome.HARMS),
        (entrant("a"), [FLAT], Outcome.SERVES),
        (entrant("b", customers=4), [FLAT, told("warm", 0, 0, 1)], Outcome.RENEWED),
        (entrant("b"), [FLAT, told("warm", 0, 0, 1)], Outcome.NOT_BETTER),
    ],
)
def test_the_rules(candidate: Entrant, tests: list[Comparison], outcome: Outcome) -> None:
    slices = tests[1:] or [told("warm", 0.0, -0.01, 1.0)]
    decision = decided(candidate, tests[0], *slices)
    assert decision.outcome is outcome
    assert (decision.version, decision.against) == (candidate.version.version, "a")


@pytest.mark.parametrize(
    ("test", "size", "words"),
    [
        (told("all", 0.01, -0.01, 0.2), 100, "which proves nothing; not smaller either."),
        (
            told("all", -0.01, -0.019, 0.04),
            100,
            (
                "which is shown to be worse, though by less than the 2 % that is bearable; not "
                "smaller either."
            ),
        ),
        (told("all", -0.01, -0.02, 0.04), 100, "which is shown to be worse; not smaller either."),
        (
            told("all", -0.01, -0.02, 0.04),
            50,
            "which is shown to be worse; it might be worse by more than is bearable.",
        ),
        (
            told("all", -0.01, -0.02, 0.06),
            50,
            "which proves nothing; it might be worse by more than is bearable.",
        ),
    ],
)
def test_what_is_shown_to_be_worse_is_told_so(test: Comparison, size: int, words: str) -> None:
    found = decided(replace(OTHER, size=size), test, told("warm", 0.0, -0.01, 1.0))
    told_first = f"{100 * (test.relative or 0):+.1f} % over all customers (p = {test.p_value}), "
    assert (found.outcome, found.reason) == (Outcome.NOT_BETTER, told_first + words)


def test_who_loses_is_named_and_so_is_what_was_refused_before() -> None:
    found = decided(
        OTHER,
        GAIN,
        told("cold_1", -0.03, -0.05, 0.1),
        told("warm", -0.04, -0.05, 0.1),
        promotion={
            "refused": [
                {"verdict": "not proven", "reason": "A control does as well."},
                {"verdict": "no evidence", "reason": "Nothing."},
            ]
        },
    )
    assert found.reason == "warm would lose 4.0 %, and at most 2 % is bearable."
    assert found.refused == (
        "A control does as well.",
        "1 other, which changed nothing for certain",
    )


def shop(n: int, seed: int) -> tuple[Histories, Case]:
    """Customers of one of two tastes; one of their ten items is known, two are bought next."""
    rng = np.random.default_rng(seed)
    taste = rng.integers(0, 2, n)
    bought = [rng.choice(10, 3, replace=False) + 10 * kind for kind in taste]
    names = np.array([f"u{number:04d}" for number in range(n)])
    train = Histories.from_lists(bought, names, ITEMS)
    case = Case(
        "cold_1",
        Histories.from_lists([items[:1] for items in bought], names, ITEMS),
        Histories.from_lists([items[1:] for items in bought], names, ITEMS),
    )
    return train, case


def test_a_better_strategy_is_seen_and_the_same_one_changes_nothing() -> None:
    train, case = shop(300, 0)
    _, judged = shop(200, 1)
    cases = {"cold_1": judged, "cold_50pct": replace(judged, name="cold_50pct")}
    champion, candidate = entrant("a", cold_1="popularity"), entrant("b", cold_1="itemknn")
    scores = score_entrants(champion, candidate, cases, train, {}, {}, None, "ndcg", 5)
    # what part of a history is known is never known when serving
    assert scores["slice"].unique().tolist() == [EVERYBODY, "cold_1"]
    tests = comparisons(compare(scores, DESIGN), DESIGN, champion, candidate)
    assert [(test.champion, test.candidate) for test in tests] == [
        ("", ""), ("POPULARITY", "ITEMKNN")
    ]  # fmt: skip
    assert tests[0].low is not None
    assert tests[0].low > 0.2
    assert (tests[0].n_customers, tests[0].customers) == (200, "all customers")
    assert decided(entrant("b", cold_1="itemknn"), *tests).outcome is Outcome.BETTER
    same = score_entrants(champion, champion, cases, train, {}, {}, None, "ndcg", 5)
    assert compare(same, DESIGN)["difference"].eq(0).all()
    assert case.n_users == 300


def test_the_verdict_on_all_customers_goes_by_the_test_that_decides() -> None:
    """Nothing changed in seven slices: over eight comparisons, .03 would be no evidence."""
    slices = ["warm", *(f"cold_{n}" for n in (0, 1, 2, 5, 10, 20))]
    design = declare(
        "ndcg@5", slices, margin=0.02, alpha=0.05, n_bootstrap=2000, min_customers=30, seed=0
    )
    gain = np.where(np.arange(100) < 61, 0.1, -0.1)
    scores = pd.concat(
        pd.DataFrame({"slice": name, "arm": arm, "user_id": np.arange(100), "value": 0.5 + change})
        for name in (EVERYBODY, *slices)
        for arm, change in (
            ("champion", np.zeros(100)),
            ("candidate", gain if name == EVERYBODY else np.zeros(100)),
        )
    )
    differences = compare(scores, design)
    verdicts = judge(differences, design).set_index("slice")["verdict"]
    p_value = differences.set_index("slice").loc[EVERYBODY, "p_value"]
    assert 0.05 / 8 < p_value <= 0.05
    tests = comparisons(differences, design, entrant("a"), OTHER)
    assert decided(OTHER, *tests).outcome is Outcome.BETTER
    assert verdicts.to_dict() == {EVERYBODY: "helps", **dict.fromkeys(slices, "no evidence")}


def test_a_customer_of_several_slices_counts_once() -> None:
    train, judged = shop(60, 0)
    cases = {"cold_1": judged, "cold_2": replace(judged.select(np.arange(30)), name="cold_2")}
    champion = entrant("a", cold_1="popularity", cold_2="itemknn")
    scores = score_entrants(champion, champion, cases, train, {}, {}, None, "ndcg", 5)
    wide = scores[scores["arm"] == "champion"].pivot(
        index="user_id", columns="slice", values="value"
    )
    expected = pd.concat([wide["cold_1"], wide["cold_2"]], axis=1).mean(axis=1)
    assert np.allclose(wide[EVERYBODY], expected)
    assert len(wide) == 60


def test_without_test_customers_nothing_is_compared() -> None:
    _, judged = shop(5, 0)
    empty = judged.select(np.arange(0))
    with pytest.raises(InputError, match="No slice has test customers"):
        judged_slices({"cold_1": empty, "cold_50pct": judged})


def test_a_slice_that_a_model_does_not_know_goes_with_the_one_it_would_serve_by() -> None:
    model = make_model()
    assert strategy_for(model, "cold_2").facts.slice == "cold_1"
    assert strategy_for(model, "cold_20").facts.slice == "cold_5"
    assert strategy_for(model, "warm").facts.slice == "warm"


def test_costs_are_measured_on_what_is_known() -> None:
    model = make_model()
    one = Entrant(entrant("a").version, model, 7)
    known = {"warm": model.customers.matrix(slice(0, 2), 4)}
    found = cost_of(one, known)
    assert found.size == 7
    assert 0 < found.milliseconds < 1000
    assert cost_of(one, {}).milliseconds == 0
