"""Strategies that complete a history first: by whom, by which profile, and what that brings."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from serving_model import POPULARITY, WEIGHTS, facts, make_completer, make_model

from doppelcart.errors import InputError
from doppelcart.serving import artefact, batch
from doppelcart.serving.answers import answer
from doppelcart.serving.model import Model, Profiles, Strategy, System
from doppelcart.serving.questions import Purchase, Question, read_json
from doppelcart.serving.reasons import EXPECTED
from doppelcart.serving.scorer import (
    Bottleneck,
    FoldIn,
    ItemWeights,
    Projection,
    Scorer,
    histories_of,
)

PROFILES = Profiles(
    values={"age": {"young": 0, "old": 1}},
    missing={"age": 2, "income": 3},
    nothing=4,
    rows=np.array([[1, 0, 0, 1, 0], [0, 1, 0, 1, 0], [0, 0, 1, 1, 1]], np.float32),
)


def completing() -> Model:
    """Every history is completed, whoever is old with salt, and whoever is young with jam."""
    model, plain = make_model(), make_completer()
    units = 2
    # A unit is pushed up by the profile; layer normalisation leaves 1 and -1 of the two.
    told = np.zeros((6, units), np.float32)
    told[0], told[1] = (9, -9), (-9, 9)
    completer = replace(
        plain,
        told=told,
        hidden=10 * np.eye(units, dtype=np.float32),
        output=np.array([[-9, -9, 9, -9], [-9, -9, -9, 9]], np.float32),
        output_bias=np.full(4, -1, np.float32),
    )
    strategies = {
        name: Strategy(
            facts(name, "ease", arm="gan_completion", level=0.5, completed_by="gan"),
            System(ItemWeights(WEIGHTS), POPULARITY),
        )
        for name in ("warm", "cold_0", "cold_1")
    }
    return replace(
        model,
        strategies=strategies,
        completers={"gan": completer},
        completion_top=1,
        profiles=PROFILES,
    )


def test_a_profile_is_written_in_the_columns_of_its_attributes() -> None:
    row, silent = PROFILES.row_of({"age": "old", "shoe": 44})
    assert (row.tolist(), silent) == ([0, 1, 0, 1, 0], ["shoe"])
    # a value without a column is known, and says nothing
    row, silent = PROFILES.row_of({"age": "ancient"})
    assert (row.tolist(), silent) == ([0, 0, 0, 1, 0], ["age"])
    row, silent = PROFILES.row_of({"age": None})
    assert (row.tolist(), silent) == ([0, 0, 1, 1, 1], ["age"])
    assert PROFILES.row_of({})[0].tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("sent", ["2", 2, 2.0])
def test_a_number_of_a_profile_is_one_of_its_values(sent: str | float) -> None:
    sizes = Profiles({"household_size": {"1": 0, "2": 1}}, {}, None, np.zeros((1, 2), np.float32))
    asked = read_json(json.dumps({"profile": {"household_size": sent}}).encode())
    profile = Question.model_validate(asked).profile
    assert profile is not None
    row, silent = sizes.row_of(profile)
    assert (row.tolist(), silent) == ([0, 1], [])


def test_a_profile_alone_is_answered_by_what_goes_with_it() -> None:
    model = completing()
    # jam leads to salt, salt to nothing: the young are listed salt first
    young = answer(model, Question(profile={"age": "young", "shoe": 44}, k=2, explain=True), "1")
    assert young.items[0].item_id == "salt"
    assert young.strategy.completed_by == "gan"
    assert young.unused == ["shoe"]
    assert young.items[0].reasons is not None
    assert young.items[0].reasons.words == EXPECTED
    assert young.items[0].reasons.base == pytest.approx(young.items[0].score, rel=1e-5)
    old = answer(model, Question(profile={"age": "old"}, k=2), "1")
    assert [item.item_id for item in old.items] != [item.item_id for item in young.items]


def test_known_customers_are_completed_by_what_the_log_says() -> None:
    model = completing()
    # ann has bread, and is young; what the question says of her is not used
    ann = answer(model, Question(user_id="ann", profile={"age": "old"}, complete=True, k=3), "1")
    assert ann.unused == ["age"]
    assert ann.completion is not None
    assert ann.completion[0].item_id == "jam"
    scores = {item.item_id: item.score for item in ann.items}
    probability = ann.completion[0].probability
    assert scores == pytest.approx({"butter": 3, "jam": 2, "salt": 0.5 * probability * 5}, rel=1e-6)


def test_reasons_of_a_completed_history_add_up_and_speak_of_purchases_alone() -> None:
    model = completing()
    asked = [Purchase(item_id="bread")]
    of_age = {
        age: answer(model, Question(items=asked, profile={"age": age}, explain=True, k=3), "1")
        for age in ("young", "old")
    }
    words = {}
    for age, found in of_age.items():
        for item in found.items:
            assert item.reasons is not None
            whole = sum(reason.share for reason in item.reasons.items)
            whole += item.reasons.others + item.reasons.base
            assert whole == pytest.approx(item.score, rel=1e-5, abs=1e-6)
            words[age, item.item_id] = item.reasons.words
    for item in ("butter", "jam"):
        assert words["young", item] == words["old", item]


@pytest.mark.parametrize(
    "scorer",
    [
        ItemWeights(np.random.default_rng(0).random((9, 9), np.float32)),
        ItemWeights(
            sparse.random(9, 9, 0.5, "csr", np.float32, 0),
            np.full(9, 0.3),
            np.random.default_rng(1).random(9),
        ),
        Projection(np.random.default_rng(2).random((9, 3), np.float32)),
        FoldIn(np.random.default_rng(3).random((9, 3), np.float32), 4.0, 2.0),
        Bottleneck(
            *(
                np.random.default_rng(n).normal(size=shape).astype(np.float32)
                for n, shape in enumerate([(9, 4), 4, (4, 2), 2, (2, 4), 4, (4, 9), 9])
            )
        ),
    ],
    ids=lambda scorer: type(scorer).__name__,
)
def test_shares_of_a_completed_history_add_up_to_its_score(scorer: Scorer) -> None:
    known, targets = np.array([1, 4]), np.arange(9)
    added = sparse.csr_matrix((np.array([0.2, 0.7], np.float32), ([0, 0], [0, 6])), shape=(1, 9))
    shares = scorer.shares(known, targets, added)
    given = (histories_of([known], 9) + added).tocsr()
    found = shares.by_item.sum(axis=0) + shares.base
    np.testing.assert_allclose(found, scorer.score(given)[0], rtol=1e-4)


def test_all_customers_get_what_the_server_answers_each() -> None:
    model = completing()
    best, scores = batch.ranked(model, slice(0, 3), 3)
    for row, name in enumerate(model.customers.ids):
        found = answer(model, Question(user_id=str(name), k=3), "1").items
        listed = best[row][best[row] >= 0]
        assert [model.catalogue.ids[item] for item in listed] == [item.item_id for item in found]
        assert scores[row][: len(found)].tolist() == [item.score for item in found]


def test_an_artefact_keeps_completers_profiles_and_what_they_are_for(tmp_path: Path) -> None:
    model = completing()
    again = artefact.read(tmp_path / "a", artefact.write(model, tmp_path / "a"))
    assert again.completion_top == 1
    assert again.profiles is not None
    assert again.profiles.values == PROFILES.values
    question = Question(items=[Purchase(item_id="bread")], profile={"age": "young"}, explain=True)
    assert answer(again, question, "1") == answer(model, question, "1")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda model: replace(model, completers={}), "complete histories by gan, which the model"),
        (
            lambda model: replace(model, profiles=None),
            "learnt 5 columns of profiles, and there are 0",
        ),
    ],
)
def test_a_model_that_could_not_complete_is_refused(
    change: Callable[[Model], Model], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        change(completing())


def test_a_customer_whom_the_log_does_not_know_is_one_of_whom_nothing_is_known() -> None:
    model = completing()
    stranger = answer(model, Question(user_id="nobody", k=2), "1")
    empty = answer(model, Question(profile={}, k=2), "1")
    assert stranger.unknown_user
    assert [item.item_id for item in stranger.items] == [item.item_id for item in empty.items]
