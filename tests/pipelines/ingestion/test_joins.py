"""Tables of one source that do not speak of the same things."""

from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import log, read, refused, warnings

from doppelcart.columns import Columns, Tables
from doppelcart.pipelines.ingestion.joins import JOINED, matching

NUMBERED = [f"{number:05d}" for number in range(100, 110)]
LISTED = {"item_id": "sku", "department": "area"}


def products(skus: list[str]) -> dict[str, tuple[pd.DataFrame, dict[str, str]]]:
    return {"items": (pd.DataFrame({"sku": skus, "area": "Food"}), LISTED)}


def lines(articles: list[str]) -> pd.DataFrame:
    return log().assign(article=[articles[n % len(articles)] for n in range(len(log()))])


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ([f"{n}" for n in range(100, 110)], NUMBERED, "leading zeros"),
        (
            [f"{n}.0" for n in range(100, 110)],
            [f"{n}" for n in range(100, 110)],
            r"a trailing `.0`",
        ),
        ([f"ab{n}" for n in range(10)], [f"AB{n}" for n in range(10)], "the case of letters"),
        ([f"a {n}" for n in range(10)], [f"a{n}" for n in range(10)], "blanks"),
        ([f"a-{n}" for n in range(10)], [f"a{n}" for n in range(10)], "signs between"),
    ],
)
def test_a_list_that_is_written_otherwise_stops_the_run_with_the_difference(
    tmp_path: Path, ours: list[str], theirs: list[str], said: str
) -> None:
    message = refused(tmp_path, lines(theirs), lists=products(ours))
    assert "table items" in message
    assert "column item_id: 0.0% of its 10 identifiers are in table interactions" in message
    assert "0.0% of the rows there" in message
    assert ", ".join(map(repr, ours[:3])) in message
    assert ", ".join(map(repr, theirs[:3])) in message
    assert f"They differ in {said}" in message
    assert "ingestion.min_match_share = 5%" in message


def test_the_expressions_proposed_make_them_match(tmp_path: Path) -> None:
    shop: dict[str, Any] = {"lines": lines(NUMBERED), "lists": products(["100", "101", "102"])}
    message = refused(tmp_path, **shop)
    assert "`item_id: ltrim(sku, '0')` here" in message
    assert "`item_id: ltrim(article, '0')` in interactions" in message
    frame, columns = shop["lists"]["items"]
    shop["lists"] = {"items": (frame, columns | {"item_id": "ltrim(sku, '0')"})}
    (warning,) = warnings(tmp_path, columns={"item_id": "ltrim(article, '0')"}, **shop)
    assert "100.0% of its 3 identifiers are in table interactions" in warning


def test_a_list_of_other_things_stops_the_run_without_a_guess(tmp_path: Path) -> None:
    message = refused(tmp_path, log(), lists=products(["x", "y"]))
    assert "They differ" not in message
    assert "leave the table out of `source: tables:`" in message


def test_a_list_of_a_few_products_is_only_told(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, lines(NUMBERED), lists=products(NUMBERED[:3]))
    assert "100.0% of its 3 identifiers" in warning
    assert "30.0% of the rows there" in warning


def test_an_assortment_of_which_little_is_bought_is_in_order(tmp_path: Path) -> None:
    everything = [f"{number:05d}" for number in range(5_000)]
    assert warnings(tmp_path, lines(NUMBERED), lists=products(everything)) == []


def test_a_survey_of_few_customers_is_in_order(tmp_path: Path) -> None:
    people = pd.DataFrame({"customer": ["k1"], "age": ["old"]})
    lists = {"users": (people, {"user_id": "customer", "age": "age"})}
    assert warnings(tmp_path, log(), lists=lists) == []


def test_a_list_of_which_a_third_is_known_is_told(tmp_path: Path) -> None:
    listed = [*NUMBERED[:3], *(str(int(number)) for number in NUMBERED[3:])]
    (warning,) = warnings(tmp_path, lines(NUMBERED), lists=products(listed))
    assert "30.0% of its 10 identifiers" in warning
    assert "They differ in leading zeros" in warning
    assert warnings(tmp_path, lines(NUMBERED), lists=products(listed), warn_match_share=0.3) == []


def test_the_shares_that_stop_and_warn_can_be_set(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, log(), lists=products(["x", "y"]), min_match_share=0)
    assert "0.0% of its 2 identifiers" in warning


@pytest.mark.parametrize(("name", "key", "other"), JOINED)
def test_every_table_is_held_against_the_one_that_it_is_joined_to(
    tmp_path: Path, name: str, key: str, other: str
) -> None:
    good = {Columns.USER: "k1", Columns.ITEM: "a1", Columns.COUPON: "c1", Columns.CAMPAIGN: "m1"}
    good |= {Columns.PATH: "a1.png"}
    frames = {
        other: [key],
        Tables.COUPONS: [Columns.COUPON, Columns.ITEM],
        name: {
            Tables.PROMOTIONS: [Columns.ITEM],
            Tables.COUPONS: [Columns.COUPON, Columns.ITEM],
            Tables.CAMPAIGNS: [Columns.CAMPAIGN, Columns.USER],
            Tables.REDEMPTIONS: [Columns.USER, Columns.COUPON],
            Tables.REVIEWS: [Columns.USER, Columns.ITEM],
            Tables.PICTURES: [Columns.ITEM, Columns.PATH],
        }.get(name, [key]),
    }
    frames.pop(Tables.INTERACTIONS, None)
    lists = {}
    for table, columns in frames.items():
        row = {column: good[column] for column in columns}
        expressions = {column: column for column in columns}
        if table == Tables.PROMOTIONS:
            expressions |= {"week": "TIMESTAMP '2024-01-15'"}
        lists[table] = (pd.DataFrame([row]), expressions)
    told = warnings(tmp_path, log(), lists=lists, warn_match_share=0.05)
    assert told == [], "each matches as long as nothing is wrong"
    lists[name] = (lists[name][0].assign(**{key: "nobody"}), lists[name][1])
    message = refused(tmp_path, log(), lists=lists)
    assert f"column {key}: 0.0% of its 1 identifiers are in table {other}" in message


ROWS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9), min_size=1)


@settings(deadline=None, max_examples=40)
@given(listed=ROWS, bought=ROWS)
def test_shares_are_those_of_sets(listed: dict[str, int], bought: dict[str, int]) -> None:
    sides = [
        ibis.memtable({"item_id": list(rows), "row_count": list(rows.values())})
        for rows in (listed, bought)
    ]
    both = set(listed) & set(bought)
    match = matching(*sides)
    assert match.listed == pytest.approx(len(both) / len(listed))
    assert match.known == pytest.approx(sum(bought[i] for i in both) / sum(bought.values()))
    assert match.better == max(match.listed, match.known)


def test_a_shop_whose_tables_agree_reads_as_ever(tmp_path: Path) -> None:
    result = read(tmp_path, lines(NUMBERED), lists=products(NUMBERED))
    assert result["summary"]["warnings"] == []
    assert result["items"].to_pandas()["item_id"].tolist() == NUMBERED
