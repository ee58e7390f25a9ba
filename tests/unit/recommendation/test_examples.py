"""Customers who stand for all, and what a change is worth."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.titles import titles
from doppelcart.metrics import ranking
from doppelcart.recommendation import examples

ITEMS = np.array([f"i{n}" for n in range(12)])


def people(n_users: int, n_items: int) -> Histories:
    rows = [np.arange(n_items) for _ in range(n_users)]
    return Histories.from_lists(rows, np.array([f"u{n:02}" for n in range(n_users)]), ITEMS)


def test_what_hits_cost_counts_each_hit_once_and_items_without_price_nothing() -> None:
    relevant = sparse.csr_matrix([[1, 1, 0, 1], [0, 0, 0, 0]])
    ranked = np.array([[1, 2, 3, -1], [0, 1, 2, 3]])
    paid = ranking.sales(ranked, relevant, 4, np.array([9.0, 2.5, 4.0, np.nan]))
    assert paid[0] == pytest.approx(2.5)
    assert np.isnan(paid[1])
    assert ranking.sales(ranked, relevant, 1, np.array([9.0, 2.5, 4.0, 1.0]))[0] == 2.5


def test_typical_customers_are_those_at_the_quantiles_of_the_change() -> None:
    """Of eleven customers whose change is their number, the 10th, the 6th and the 2nd."""
    known = people(11, 2)
    case = Case("cold_2", known, Histories.from_lists([np.array([5])] * 11, known.user_ids, ITEMS))
    users = pd.DataFrame(
        {
            "slice": "cold_2",
            "recommender": "ease",
            "arm": ["none"] * 11 + ["gan_completion"] * 11,
            "user_id": [*known.user_ids, *known.user_ids],
            "ndcg@20": [0.0] * 11 + [n / 100 for n in range(11)],
        }
    )
    row = {"slice": "cold_2", "recommender": "ease", "arm": "gan_completion", "metric": "ndcg@20"}
    assert examples.typical(case, users, row).user_ids.tolist() == ["u09", "u05", "u01"]
    one = users[users["user_id"] == "u03"]
    assert examples.typical(case, one, row).user_ids.tolist() == ["u03"]


def test_of_synthetic_customers_as_much_is_known_as_of_the_real_ones() -> None:
    known = people(3, 2)
    like = Case("cold_2", known, Histories.from_lists([np.array([5])] * 3, known.user_ids, ITEMS))
    short, long_ = np.arange(4), np.arange(9)
    made = Histories.from_lists([short, long_, long_], np.array(["s0", "s1", "s2"]), ITEMS)
    case = examples.synthetic_case(made, like, 3)
    assert case.user_ids.tolist() == ["s1", "s2"]
    assert case.seen.lengths.tolist() == [2, 2]
    assert case.relevant.lengths.tolist() == [7, 7]


def test_the_case_shown_is_the_strongest_in_which_something_is_known_and_used() -> None:
    verdict = pd.DataFrame(
        {
            "slice": ["cold_0", "cold_5", "cold_5", "warm"],
            "level": [1.0, 0.0, 0.5, 0.5],
            "n": [0, 1, 3, 2],
        }
    )
    found = examples.strongest_case(verdict, lambda row: row["n"])
    assert found is not None
    assert found["slice"] == "warm"
    assert examples.strongest_case(verdict.assign(level=0.0), lambda row: row["n"]) is None


def test_items_are_called_by_the_most_telling_name_there_is() -> None:
    table = pd.DataFrame(
        {"category": ["fruit", "fruit", ""], "title": ["Gala apple", "", ""]},
        index=pd.Index(["a", "b", "c"], name="item_id"),
    )
    assert titles(table).tolist() == ["Gala apple", "fruit", "c"]
    assert titles(table[[]]).tolist() == ["a", "b", "c"]
