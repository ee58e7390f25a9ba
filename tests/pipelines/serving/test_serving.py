from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.models.histories.hyperparameters import NetworkConfig
from doppelcart.models.histories.networks import build_generator
from doppelcart.models.histories.serving_arrays import completer_arrays
from doppelcart.pipelines.profiles.scaling import columns_of, one_hot, to_matrix
from doppelcart.pipelines.serving import nodes
from doppelcart.pipelines.serving.params import ServingParams
from doppelcart.pipelines.serving.section import write_section
from doppelcart.recommendation.protocol import EvaluationParams

CHOSEN = pd.DataFrame(
    [
        ("cold_5", "ease", "none", "{}", 0.0, 0.9),
        ("warm", "popularity", "none", "{}", 0.0, 0.1),
        ("warm", "itemknn", "none", '{"shrink": 0.0}', 0.0, 0.3),
        ("warm", "itemknn", "gan_new_users", '{"shrink": 5.0}', 1.0, 0.5),
        ("warm", "popularity", "gan_new_users", "{}", 1.0, 0.6),
    ],
    columns=["slice", "recommender", "arm", "config", "level", "value"],
)
NOTHING = {"promoted": [], "admitted": []}
PROMOTED = {"promoted": [
    {"slice": "cold_5", "recommender": "popularity", "arm": "gan_new_users"},
    {"slice": "warm", "recommender": "itemknn", "arm": "gan_new_users"},
], "admitted": []}  # fmt: skip
ADMITTED = {"promoted": [], "admitted": [
    {"slice": "warm", "recommender": "popularity", "arm": "gan_new_users"},
]}  # fmt: skip
ITEMS = ibis.memtable(
    pd.DataFrame(
        {
            "item_id": ["bread", "butter", "jam"],
            "department": ["BAKERY", "DAIRY", None],
            "title": ["Rye bread", None, ""],
        }
    ),
    schema={"item_id": "string", "department": "string", "title": "string"},
)
LINES = ibis.memtable(
    pd.DataFrame(
        {
            "user_id": ["a", "a", "b", "c"],
            "item_id": ["bread", "butter", "bread", "plum"],
            "timestamp": pd.Timestamp("2031-01-01"),
        }
    )
)
TRAIN = Histories.from_lists(
    [np.array([0, 1]), np.array([0, 2])], np.array(["a", "z"]), np.array(["bread", "butter", "jam"])
)

MEASURED = pd.DataFrame(
    {"slice": ["warm"], "recommender": "popularity", "arm": "none", "user_id": "a", "ndcg@20": 0.5}
)
JUDGED = EvaluationParams(grids={"popularity": {}}, completion_top=50, completion_draws=3, seed=7)


def test_without_a_promotion_the_best_plain_recommender_recommends() -> None:
    system = nodes.choose_system(NOTHING, CHOSEN)
    assert (system["recommender"], system["arm"], system["promoted"]) == ("itemknn", "none", False)
    assert (system["config"], system["group"]) == ('{"shrink": 0.0}', "warm")


def test_what_was_promoted_for_returning_customers_recommends() -> None:
    system = nodes.choose_system(PROMOTED, CHOSEN)
    assert (system["recommender"], system["arm"]) == ("itemknn", "gan_new_users")
    assert (system["level"], system["config"]) == (1.0, '{"shrink": 5.0}')
    assert system["promoted"]


def test_where_nothing_won_what_is_shown_to_help_recommends() -> None:
    system = nodes.choose_system(ADMITTED, CHOSEN)
    assert (system["recommender"], system["arm"]) == ("popularity", "gan_new_users")
    assert (system["promoted"], system["admitted"]) == (False, True)


def test_profiles_are_told_by_the_columns_of_what_made_them() -> None:
    ages = ["young", "old", None, "young"]
    users = pd.DataFrame({"age": ages}, index=pd.Index(list("abcd"), name="user_id"))
    users["age_missing"] = users["age"].isna()
    users["missing"] = users["age"].isna()
    transformer = columns_of(
        [
            ("level", one_hot([["young", "old"]]), ["age"]),
            ("flag", "passthrough", ["age_missing", "missing"]),
        ]
    ).fit(users)
    matrix = to_matrix(users, transformer, "demographic", "user_id")
    profiles = nodes.profiles_of(matrix, transformer, np.array(["b", "c"]))
    assert profiles is not None
    assert profiles.rows.tolist() == [[0, 1, 0, 0], [0, 0, 1, 1]]
    # what a question says is what the log says
    assert profiles.row_of({"age": "old"})[0].tolist() == profiles.rows[0].tolist()
    assert profiles.row_of({})[0].tolist() == profiles.rows[1].tolist()
    assert nodes.profiles_of(matrix[["user_id"]], None, np.array(["b"])) is None


def test_without_returning_customers_the_first_group_counts() -> None:
    system = nodes.choose_system(NOTHING, CHOSEN[CHOSEN["slice"] == "cold_5"])
    assert (system["recommender"], system["group"]) == ("ease", "cold_5")


def test_where_nothing_was_tuned_nothing_can_recommend() -> None:
    with pytest.raises(InputError, match="Nothing was tuned"):
        nodes.choose_system(NOTHING, CHOSEN.head(0))


def test_everybody_gets_what_they_have_not_bought_with_its_name() -> None:
    system = nodes.choose_system(NOTHING, CHOSEN[CHOSEN["recommender"] == "popularity"])
    table = nodes.recommend_items(
        system, LINES, ITEMS, TRAIN, {}, pd.DataFrame(), JUDGED, ServingParams(k=2)
    )
    assert list(table) == ["user_id", "rank", "item_id", "score", "title"]
    told = {user: rows["title"].tolist() for user, rows in table.groupby("user_id")}
    # c bought only what is not in the catalogue: what is popular is all that there is to say
    assert told == {"a": ["jam"], "b": ["DAIRY", "jam"], "c": ["Rye bread", "DAIRY"]}


def test_customers_are_known_by_what_they_bought_of_the_catalogue_in_order() -> None:
    lines = ibis.memtable(
        pd.DataFrame(
            {
                "user_id": ["d", "d", "d", "c", "a"],
                "item_id": ["bread", "plum", "jam", "plum", "butter"],
                "timestamp": pd.to_datetime([f"2031-01-0{day}" for day in (4, 2, 1, 1, 1)]),
            }
        )
    )
    everybody = nodes.histories_of_all(lines, TRAIN.item_ids)
    assert everybody.user_ids.tolist() == ["a", "c", "d"]
    assert [everybody.of(row).tolist() for row in range(3)] == [[1], [], [2, 0]]


def test_histories_are_completed_as_when_they_were_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def completer_of(*args: Any) -> None:
        asked["draws"], asked["seed"] = args[-2:]

    def top_items(*_: Any, completion_top: int, **__: Any) -> pd.DataFrame:
        asked["top"] = completion_top
        return pd.DataFrame({"item_id": ["jam"]})

    monkeypatch.setattr(nodes, "completer_of", completer_of)
    monkeypatch.setattr(nodes, "top_items", top_items)
    system = nodes.choose_system(NOTHING, CHOSEN)
    nodes.recommend_items(system, LINES, ITEMS, TRAIN, {}, pd.DataFrame(), JUDGED, ServingParams())
    assert asked == {"draws": 3, "seed": 7, "top": 50}


def test_what_is_served_completes_histories_as_it_was_judged() -> None:
    sizes = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8)
    generator = build_generator(sizes, np.full(3, 0.2), 60, np.zeros((3, 0)), 0, 1, seed=0)
    plain = CHOSEN[CHOSEN["recommender"] == "popularity"]
    baskets = LINES.mutate(basket_id=ibis.literal("1"))
    model = nodes.export_model(
        NOTHING, plain, MEASURED, pd.DataFrame(), baskets, ITEMS, TRAIN, {},
        pd.DataFrame({"user_id": ["a"]}), None, JUDGED, ServingParams(), gan=generator,
    )  # fmt: skip
    judged = completer_arrays(generator, 3, 7)
    assert np.array_equal(model.completers["gan"].noises, judged.noises)
    assert model.completion_top == 50


def test_synthetic_customers_are_told_with_what_they_bought() -> None:
    table = nodes.list_synthetic_customers({"gan": TRAIN}, ITEMS)
    assert table.to_dict("list") == {
        "customer": ["a", "a", "z", "z"],
        "item_id": ["bread", "butter", "bread", "jam"],
        "title": ["Rye bread", "DAIRY", "Rye bread", "jam"],
    }


def test_items_of_which_nothing_is_said_are_called_by_their_id() -> None:
    assert nodes.titles_of(ITEMS.select("item_id")).to_dict() == {
        "bread": "bread", "butter": "butter", "jam": "jam"
    }  # fmt: skip


def test_the_section_says_what_recommends_and_names_no_customer() -> None:
    lists = pd.DataFrame({"user_id": ["secret-1", "secret-1", "secret-2"], "rank": [1, 2, 1]})
    customers = pd.DataFrame({"customer": ["x", "x", "y"]})
    plain = write_section(nodes.choose_system(NOTHING, CHOSEN), lists, customers)
    assert plain.failure == ""
    assert plain.answer == (
        "Recommendations for 2 customers by ItemKNN, the best without synthetic data, since "
        "nothing was promoted for returning customers."
    )
    assert "up to 2 items" in plain.model_dump_json()
    assert "secret" not in plain.model_dump_json()
    won = write_section(nodes.choose_system(PROMOTED, CHOSEN), lists, customers)
    assert "by ItemKNN with customers made by the gan, which the verdict promoted" in won.answer
    helps = write_section(nodes.choose_system(ADMITTED, CHOSEN), lists, customers)
    assert "which is shown to help, and the GAN is not shown to do better" in helps.answer


def test_a_promotion_for_others_is_not_denied_and_one_is_no_plural() -> None:
    others = {"promoted": PROMOTED["promoted"][:1], "admitted": []}
    lists = pd.DataFrame({"user_id": ["u"], "rank": [1]})
    told = write_section(
        nodes.choose_system(others, CHOSEN), lists, pd.DataFrame({"customer": ["x"]})
    )
    assert told.answer == (
        "Recommendations for 1 customer by ItemKNN, the best without synthetic data, since "
        "nothing was promoted for returning customers."
    )
    assert "up to 1 item per customer" in told.model_dump_json()
    assert "holds 1 customer made by the GAN" in told.model_dump_json()


def test_pairs_are_what_lies_in_one_basket_above_chance() -> None:
    baskets = [["bread", "butter", "plum"], ["bread", "butter", "plum"], ["jam"], ["jam"]]
    rows = [
        ("u", item, pd.Timestamp("2031-01-01"), str(number))
        for number, held in enumerate(baskets)
        for item in held
    ]
    columns = ["user_id", "item_id", "timestamp", "basket_id"]
    lines = ibis.memtable(pd.DataFrame(rows, columns=columns))
    # bread, butter: 2 of 4 baskets, 2 by 2 of 4 expected; plum is not in the catalogue
    pairs = nodes.pairs_of(lines, TRAIN.item_ids, ServingParams(min_baskets=2, min_lift=2))
    held = [(a, b) for a in range(3) for b in range(3) if pairs.holds(a, b)]
    assert held == [(0, 1), (1, 0)]
    none = nodes.pairs_of(lines, TRAIN.item_ids, ServingParams(min_baskets=3, min_lift=2))
    assert len(none.partners) == 0
