import pandas as pd
import pytest

from doppelcart.metrics.item_groups import item_groups


def groups(table: dict, fewest: int = 1) -> list[str] | None:
    found = item_groups(pd.DataFrame(table), fewest)
    return None if found is None else found.tolist()


def test_categories_with_the_unknown_apart():
    table = {"category": ["a", None, "b"], "department": ["x", "x", "y"]}
    assert groups(table) == ["a", "unknown", "b"]


def test_departments_where_no_category_is_known():
    table = {"category": [None, None], "department": ["x", "y"]}
    assert groups(table) == ["x", "y"]
    assert groups({"department": ["x", "y"]}) == ["x", "y"]


def test_categorical_columns():
    assert groups({"category": pd.Categorical(["a", None, "a"])}) == ["a", "unknown", "a"]


@pytest.mark.parametrize(
    ("fewest", "expected"),
    [(1, ["a", "a", "unknown"]), (2, ["x", "y", "z"]), (3, ["x", "y", "z"]), (4, None)],
)
def test_a_column_of_too_few_groups_is_passed_over(fewest, expected):
    table = {"category": ["a", "a", None], "department": ["x", "y", "z"]}
    assert groups(table, fewest) == expected


def test_none_where_nothing_is_known():
    assert groups({"price": [1.0, 2.0]}) is None
