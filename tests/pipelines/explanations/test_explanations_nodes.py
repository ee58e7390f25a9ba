"""What the nodes make of a small shop: words as they are served, counts, refusals."""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from serving_model import make_model

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.pipelines.explanations import nodes, telling_why
from doppelcart.pipelines.explanations.params import SampleParams, WordsParams
from doppelcart.pipelines.explanations.pipeline import create_pipeline
from doppelcart.pipelines.explanations.section import draw_curves, write_section
from doppelcart.reporting.params import ReportingParams
from doppelcart.serving.answers import answer
from doppelcart.serving.model import Model
from doppelcart.serving.questions import Question

IDS = np.array(["bread", "butter", "jam", "salt"])
SAMPLE = SampleParams(
    slices=("warm",), households=8, recommendations=2, list_length=3, most_deleted=5
)


@pytest.fixture
def model() -> Model:
    return make_model()


def case(name: str, *rows: list[int], ids: np.ndarray = IDS) -> Case:
    users = np.array([f"u{n}" for n in range(len(rows))])
    return Case(
        name,
        Histories.from_lists([np.array(row, dtype=int) for row in rows], users, ids),
        Histories.from_lists([np.array([3])] * len(rows), users, ids),
    )


def shop(n_users: int = 40, n_items: int = 24) -> Histories:
    rng = np.random.default_rng(0)
    rows = [rng.choice(n_items, 8, replace=False, p=CHANCES) for _ in range(n_users)]
    users = np.array([f"u{n:02d}" for n in range(n_users)])
    return Histories.from_lists(rows, users, np.array([f"i{n:02d}" for n in range(n_items)]))


CHANCES = np.linspace(1, 3, 24) / np.linspace(1, 3, 24).sum()


def test_reasons_are_those_that_are_served(model: Model) -> None:
    told = telling_why.reasons_of_all(model, 3)
    assert set(told["user_id"]) == {"ann", "bob", "eve"}
    for user, rows in told.groupby("user_id"):
        question = Question.model_validate({"user_id": user, "k": 3, "explain": True})
        served = answer(model, question, "1").items
        assert rows["item_id"].tolist() == [item.item_id for item in served]
        for row, item in zip(rows.to_dict("records"), served, strict=True):
            assert item.reasons is not None
            assert row["words"] == item.reasons.words
            assert row["relation"] == item.reasons.relation
            first = max(item.reasons.items, key=lambda r: r.weight, default=None)
            assert row["reason_id"] == (first.item_id if first else None)


def test_paths_are_counted_by_hand(model: Model) -> None:
    # of bread: butter and jam, no edge; of butter: jam by Farm, and bread; salt is nobody's
    cases = {"warm": case("warm", [0], [1], []), "cold_0": case("cold_0", [])}
    params = WordsParams(list_length=2)
    found = telling_why.count_paths(model, cases, params, seed=0).set_index("slice")
    assert found.index.tolist() == ["warm"]
    row = found.loc["warm"]
    assert (row["customers"], row["recommendations"]) == (2, 4)
    assert (row["carried"], row["with_path"], row["brand"], row["type"]) == (1.0, 0.25, 1, 0)
    assert row["related_by_chance"] == 0.25


def test_customers_of_another_catalogue_are_refused(model: Model) -> None:
    cases = {"warm": case("warm", [0], ids=IDS[::-1])}
    with pytest.raises(InputError, match="The model that serves has 4 items"):
        telling_why.count_paths(model, cases, WordsParams(), seed=0)


def test_examples_are_made_up_customers(model: Model) -> None:
    users = Histories.from_lists(
        [np.array([1, 3]), np.array([0]), np.array([], dtype=int)],
        np.array(["synthetic-1", "synthetic-2", "synthetic-3"]), IDS,
    )  # fmt: skip
    found = telling_why.examples_of(model, users, WordsParams(examples=2, example_items=1))
    assert found["customer"].tolist() == ["synthetic-1", "synthetic-2"]
    assert found["bought"].tolist() == [1, 1]
    assert found["title"].tolist() == ["Jam", "Butter"]
    assert found["words"][0].startswith("Because you bought Butter (100 %")


def test_slices_of_which_nothing_is_known_are_refused_with_those_there_are() -> None:
    cases: Mapping[str, Case] = {"cold_0": case("cold_0", []), "other": case("other", [1])}
    with pytest.raises(InputError, match=r"None of the slices warm has a test customer.*other"):
        nodes.delete_from_sums(shop(), pd.DataFrame(), cases, SAMPLE)


def test_a_slice_that_is_missing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    train = shop()
    params = SAMPLE.model_copy(update={"slices": ("warm", "cold_7")})
    chosen = pd.DataFrame(
        [("warm", "ease", "none", '{"l2": 5.0}'), ("warm", "popularity", "none", "{}")],
        columns=["slice", "recommender", "arm", "config"],
    )
    with caplog.at_level(logging.WARNING):
        found = nodes.delete_from_sums(train, chosen, {"warm": Case("warm", train, train)}, params)
    assert "Nobody of cold_7 is known among test customers." in caplog.text
    # Best sellers are recommended whatever was bought: there is nothing to delete.
    assert set(found["recommender"]) == {"ease"}
    assert set(found["arm"]) == {"slopes", "margin", "cosine", "random", "popular", "recent"}
    assert len(found) == 8 * 2 * 6


def test_where_only_best_sellers_were_tuned_there_are_no_sums() -> None:
    train = shop()
    chosen = pd.DataFrame(
        [("warm", "popularity", "none", "{}")], columns=["slice", "recommender", "arm", "config"]
    )
    cases = {"warm": Case("warm", train, train)}
    assert nodes.delete_from_sums(train, chosen, cases, SAMPLE).empty


def test_words_are_made_without_anything_known_of_customers_but_purchases() -> None:
    """No table of users, no profile reaches the nodes that write words."""
    tellers = [
        node
        for node in create_pipeline().nodes
        if node.short_name.startswith(("explain_customers", "give_examples"))
    ]
    assert len(tellers) == 2
    read = {name for node in tellers for name in node.inputs}
    assert read == {
        "serving.model", "test_cases", "synthetic_users", "params:explanations.words",
        "params:explanations.sample",
    }  # fmt: skip


def test_a_section_without_any_figure_is_written_all_the_same() -> None:
    from doppelcart.experiment.comparison import columns_of
    from doppelcart.pipelines.explanations.design import declare
    from doppelcart.pipelines.explanations.params import ExperimentParams

    design = declare(ExperimentParams(), [("items to delete", "warm", "Mult-VAE")])
    nothing = pd.DataFrame(columns=columns_of(design))
    deletions = pd.DataFrame(
        columns=["recommender", "slice", "arm", "set_size", "flips_within_5", "left", "back",
                 "listed", "returned", "left_5", "back_5", "listed_5"]
    )  # fmt: skip
    verdict = nothing.assign(verdict=[], reason=[], not_beaten=[])
    section = write_section(
        verdict, nothing, design.model_dump(mode="json"), deletions, pd.DataFrame(), deletions,
        pd.DataFrame(columns=["slice", "recommendations", "carried", "with_path"]),
        pd.DataFrame(columns=["bought", "title", "words"]),
        pd.DataFrame(columns=["recommender", "where", "contrast", "set_size", "recommendations"]),
        ReportingParams(),
    )  # fmt: skip
    assert section.failure == ""
    assert section.answer == "Nothing was compared."
    assert draw_curves(pd.DataFrame()).layout.meta["alt"] == "No recommendation was tested."
