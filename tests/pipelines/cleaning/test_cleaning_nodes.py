from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from doppelcart.columns import Tables
from doppelcart.data.schemas import SCHEMAS
from doppelcart.errors import InputError
from doppelcart.pipelines.cleaning.nodes import (
    _completed,
    clean,
    clean_items,
    clean_users,
    flag_entities,
    with_own_baskets,
)
from doppelcart.pipelines.cleaning.params import CleaningParams, Outlier
from doppelcart.pipelines.cleaning.rules import DESCRIPTIONS, outlier_bounds
from doppelcart.reading.tolerance import NUMBERS, IngestionParams

ANYTHING = {"support": {"enabled": False}, "outlier": {"enabled": False}}
# Enough of a shop that single lines can be looked at: two users and two items that stay.
GROUND = [
    {"user_id": "u", "item_id": "a", "day": 1},
    {"user_id": "v", "item_id": "b", "day": 1},
]


def table(name: str, rows: list[dict[str, Any]]) -> ibis.Table:
    frame = pd.DataFrame(rows).reindex(columns=list(SCHEMAS[name]))
    return ibis.memtable(frame, schema=ibis.schema(SCHEMAS[name])).select(*SCHEMAS[name])


def lines(rows: list[dict[str, Any]]) -> ibis.Table:
    defaults = {"quantity": 1.0, "amount": 1.0}
    full = [
        {
            "timestamp": None
            if row.get("day", 1) is None
            else pd.Timestamp("2024-01-01") + pd.Timedelta(days=row.get("day", 1)),
            "basket_id": f"b{number}",
            **defaults,
            **{key: value for key, value in row.items() if key != "day"},
        }
        for number, row in enumerate(rows)
    ]
    return table(Tables.INTERACTIONS, full)


def run(
    rows: list[dict[str, Any]],
    items: list[dict[str, Any]] = [],  # noqa: B006 - never changed
    users: list[dict[str, Any]] = [],  # noqa: B006
    ground: list[dict[str, Any]] = GROUND,
    **params: Any,
) -> dict[str, Any]:
    settings_ = CleaningParams(**{**ANYTHING, **params})
    result = clean(
        lines([*rows, *ground]),
        table(Tables.ITEMS, items),
        table(Tables.USERS, users),
        settings_,
        IngestionParams(),
    )
    return {
        name: value if name == "report" else value.to_pandas() for name, value in result.items()
    }


def taken(result: dict[str, Any], name: str = Tables.INTERACTIONS) -> dict[str, str]:
    """Rule by basket of the quarantined interactions."""
    rejected = result["quarantine"]
    rejected = rejected[rejected["table"] == name]
    return dict(zip(rejected["basket_id"], rejected["rule"], strict=True))


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"user_id": None, "item_id": "a"}, "missing_id"),
        ({"user_id": "u", "item_id": None}, "missing_id"),
        ({"user_id": "u", "item_id": "a", "day": None}, "missing_timestamp"),
        ({"user_id": "u", "item_id": "POST"}, "non_product"),
        ({"user_id": "u", "item_id": "diesel"}, "non_product"),
        ({"user_id": "u", "item_id": "a", "quantity": -1.0}, "return"),
        ({"user_id": "u", "item_id": "a", "quantity": 0.0}, "non_positive_quantity"),
        ({"user_id": "u", "item_id": "a", "quantity": None}, "non_positive_quantity"),
        ({"user_id": "u", "item_id": "a", "amount": 0.0}, "non_positive_amount"),
        ({"user_id": "u", "item_id": "a", "amount": -2.0}, "non_positive_amount"),
        ({"user_id": "u", "item_id": "a", "amount": float("nan")}, "non_positive_amount"),
        ({"user_id": "u", "item_id": "a", "amount": float("inf")}, "not_finite"),
        ({"user_id": "u", "item_id": "a", "quantity": float("inf")}, "not_finite"),
        ({"user_id": "u", "item_id": "a", "discount": float("-inf")}, "not_finite"),
        ({"user_id": "u", "item_id": "a", "coupon_amount": float("inf")}, "not_finite"),
        ({"user_id": "u", "item_id": "a", "discount": 1e13}, "not_finite"),
        ({"user_id": "u", "item_id": "a", "day": -30_000}, "implausible_time"),
        ({"user_id": "u", "item_id": "a", "day": 80_000}, "implausible_time"),
        ({"user_id": "u", "item_id": "a", "basket_id": "C1"}, "cancellation"),
        ({"user_id": None, "item_id": "POST", "quantity": -1.0}, "missing_id"),
    ],
)
def test_each_rule_takes_its_line_and_no_other(row: dict[str, Any], rule: str) -> None:
    result = run(
        [row],
        items=[{"item_id": "diesel", "department": " fuel "}],
        non_product={"item_pattern": "POST|M", "departments": ["FUEL"]},
        cancellation={"basket_pattern": "^C"},
    )
    assert list(taken(result).values()) == [rule]
    assert len(result["interactions"]) == len(GROUND)
    counts = result["report"].set_index(["table", "rule"])["rows"]
    assert counts["interactions", rule] == 1
    assert counts["interactions", "kept"] == 2


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("returns", {"quantity": -1.0, "amount": 1.0}),
        ("non_positive_amount", {"amount": -1.0}),
        ("non_product", {"item_id": "POST"}),
    ],
)
def test_a_rule_that_is_switched_off_takes_nothing(name: str, row: dict[str, Any]) -> None:
    line = {"user_id": "u", "item_id": "a", **row}
    rules: dict[str, Any] = {
        "non_product": {"item_pattern": "POST"},
        "non_positive_quantity": {"enabled": False},
    }
    assert len(taken(run([line], **rules))) == 1
    rules[name] = {**rules.get(name, {}), "enabled": False}
    assert taken(run([line], **rules)) == {}


def test_a_source_without_amounts_keeps_its_lines() -> None:
    rows = [{**row, "amount": None} for row in GROUND]
    assert len(run([], ground=rows)["interactions"]) == 2


def test_a_pattern_must_match_the_whole_item_id() -> None:
    result = run([{"user_id": "u", "item_id": "MUG"}], non_product={"item_pattern": "M|POST"})
    assert taken(result) == {}


@pytest.mark.parametrize("name", ["Gruß & Karten", "GRUẞ & KARTEN", " gruß  & karten "])
def test_departments_are_found_as_the_source_or_a_report_writes_them(name: str) -> None:
    items = [{"item_id": "card", "department": "Gruß &  Karten"}]
    rows = [{"user_id": "u", "item_id": "card"}]
    result = run(rows, items, non_product={"departments": [name]})
    assert list(taken(result).values()) == ["non_product"]


def test_names_that_no_item_has_are_said(caplog: pytest.LogCaptureFixture) -> None:
    items = [{"item_id": "roll", "department": "food", "category": "bread"}]
    run([], items, non_product={"departments": ["Food", "Gift"], "categories": ["Food", "BREAD"]})
    assert "no item has the department 'Gift', nor the category 'Food'" in caplog.text


NUMBER = st.sampled_from([1.0, -1.0, 0.0, None, 1e300, *map(float, ("inf", "-inf", "nan"))])


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(
    numbers=st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), min_size=1, max_size=6),
    enabled=st.booleans(),
)
def test_no_number_that_is_kept_is_infinite_whatever_the_rules(
    numbers: list[tuple[float | None, ...]], enabled: bool
) -> None:
    names = list(NUMBERS)
    rows = [
        {"user_id": "u", "item_id": "a", **dict(zip(names, values, strict=True))}
        for values in numbers
    ]
    rules = ("returns", "non_positive_quantity", "non_positive_amount", "duplicate")
    kept = run(rows, **{name: {"enabled": enabled} for name in rules})["interactions"]
    # pandas has null and NaN alike, so that sums are looked at as the engine makes them
    sums = ibis.memtable(kept[names]).aggregate(ibis._[name].sum().name(name) for name in names)
    found = sums.to_pandas().iloc[0].dropna().astype(float)
    assert np.isfinite(found).all()
    assert (found.abs() < 1e12).all()


def visits(rows: list[tuple[str, str, float]]) -> dict[str, int]:
    """Baskets by user that cleaning leaves, of lines of a user, a basket and a day."""
    given_rows = [
        {"user_id": user, "item_id": f"i{number}", "basket_id": basket, "day": day}
        for number, (user, basket, day) in enumerate(rows)
    ]
    kept = with_own_baskets(lines(given_rows)).to_pandas()
    return kept.groupby("user_id")["basket_id"].nunique().to_dict()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [("u", "1", 1), ("u", "1", 1.125), ("u", "1", 5), ("v", "1", 1), ("v", "2", 5)],
            {"u": 2, "v": 2},
            id="numbers that begin anew every day",
        ),
        pytest.param(
            [("u", "u1", 1), ("u", "u1", 5), ("v", "v1", 1), ("v", "v1", 9)],
            {"u": 2, "v": 2},
            id="numbers of each customer that begin anew",
        ),
        pytest.param(
            [("u", "1", 1), ("u", "1", 1.25), ("v", "1", 1), ("v", "2", 4)],
            {"u": 1, "v": 2},
            id="numbers of two branches",
        ),
        pytest.param(
            [("u", "1", 1.9375), ("u", "1", 2.0625), ("v", "2", 1), ("v", "2", 1)],
            {"u": 1, "v": 1},
            id="a visit around midnight",
        ),
        pytest.param(
            [("u", "1", 1), ("u", "1", 8), *(("v", str(n), n) for n in range(2, 50))],
            {"u": 1, "v": 48},
            id="an order in two parts among many in one",
        ),
        pytest.param(
            [("u", None, 1), ("u", None, 8), ("v", "1", 1), ("v", "1", 8)],
            {"u": 0, "v": 2},
            id="lines without a basket",
        ),
    ],
)
def test_a_basket_is_one_visit_of_one_user(
    rows: list[tuple[str, str, float]], expected: dict[str, int]
) -> None:
    assert visits(rows) == expected


@settings(deadline=None, max_examples=8)
@given(
    visited=st.lists(
        st.tuples(st.sampled_from("uvwxyz"), st.integers(0, 60)), min_size=8, unique=True
    ),
    data=st.data(),
)
def test_receipts_numbered_daily_give_the_visits_of_unique_numbers(
    visited: list[tuple[str, int]], data: st.DataObject
) -> None:
    # Everybody's first number of the day is 1, and every visit has two lines.
    pieces = data.draw(st.permutations(visited)) * 2
    unique = visits([("a", "0", 0), ("b", "0x", 9), *((u, f"{u}{d}", d) for u, d in pieces)])
    daily = visits([("a", "1", 0), ("b", "1", 9), *((u, "1", d) for u, d in pieces)])
    assert daily == unique


def test_baskets_that_are_unique_stay_as_they_are_written() -> None:
    kept = run([{"user_id": "u", "item_id": "a", "basket_id": " R-1 "}])["interactions"]
    assert set(kept["basket_id"]) == {" R-1 ", "b1", "b2"}


def line(basket: str, day: float, quantity: float, user: str = "u") -> dict[str, Any]:
    return {
        "user_id": user,
        "item_id": "x",
        "day": day,
        "quantity": quantity,
        "amount": quantity,
        "basket_id": basket,
    }


@pytest.mark.parametrize(
    ("rows", "cancelled"),
    [
        pytest.param([line("1", 1, 2), line("C2", 2, -2)], {"1"}, id="its original"),
        pytest.param(
            [line("1", 1, 2), line("2", 2, 2), line("C3", 3, -2)], {"2"}, id="the latest before"
        ),
        pytest.param(
            [line("1", 1, 2), line("C2", 2, -2), line("3", 3, 2)], {"1"}, id="never a later one"
        ),
        pytest.param(
            [line("1", 1, 2), line("2", 2, 2), line("C3", 3, -2), line("C4", 4, -2)],
            {"1", "2"},
            id="one each",
        ),
        pytest.param(
            [
                line("1", 1, 2),
                line("C2", 2, -2),
                line("C3", 3, -2),
                line("4", 4, 2),
                line("5", 5, 2),
                line("C6", 6, -2),
            ],
            {"1", "5"},
            id="one without original takes none",
        ),
        pytest.param(
            [line("C0", 0.5, -2), line("1", 1, 2), line("2", 2, 2), line("C3", 3, -2)],
            {"2"},
            id="one before every original",
        ),
        pytest.param([line("1", 1, 3), line("C2", 2, -2)], set(), id="another quantity"),
        pytest.param([line("1", 1, 2, "v"), line("C2", 2, -2)], set(), id="another user"),
        pytest.param([line("1", 1, 2), line("C2", 1, -2)], {"1"}, id="the same moment"),
    ],
)
def test_a_cancellation_undoes_the_latest_equal_line_before_it(
    rows: list[dict[str, Any]], cancelled: set[str]
) -> None:
    result = taken(run(rows, cancellation={"basket_pattern": "^C"}))
    assert {name for name, rule in result.items() if rule == "cancelled_original"} == cancelled
    assert {name for name, rule in result.items() if rule == "cancellation"} == {
        row["basket_id"] for row in rows if row["basket_id"].startswith("C")
    }


def test_cancellations_match_as_a_stack_does() -> None:
    rng = np.random.default_rng(0)
    rows, undone = [], set()
    for user in range(60):
        stack: list[str] = []
        for day in range(12):
            basket = f"{user}-{day}"
            if rng.random() < 0.5:
                stack.append(basket)
                rows.append(line(basket, day, 2, f"u{user}"))
                continue
            rows.append(line(f"C{basket}", day, -2, f"u{user}"))
            if stack:
                undone.add(stack.pop())
    result = taken(run(rows, cancellation={"basket_pattern": "^C"}))
    assert {name for name, rule in result.items() if rule == "cancelled_original"} == undone


def test_all_copies_but_one_are_taken() -> None:
    copy = {"user_id": "u", "item_id": "a", "basket_id": "same"}
    result = run([copy, copy, copy, {**copy, "store_id": "s"}])
    assert list(result["quarantine"]["rule"]) == ["duplicate", "duplicate"]
    assert (result["interactions"]["basket_id"] == "same").sum() == 2


def test_the_outlier_bound_is_worked_by_hand() -> None:
    # Logarithms 0, 1, 2 and 9: median 1.5, deviations 1.5, 0.5, 0.5, 7.5, so a MAD of 1.
    import math

    data = lines([{"user_id": "u", "item_id": "a", "amount": math.exp(x)} for x in (0, 1, 2, 9)])
    bounds = outlier_bounds(data, Outlier(columns=("amount", "quantity"), n_mads=2, min_mad=0.5))
    assert bounds["amount"] == pytest.approx(math.exp(1.5 + 2 * 1.4826))
    # All quantities are 1, so that the least deviation stands in.
    assert bounds["quantity"] == pytest.approx(math.exp(2 * 1.4826 * 0.5))


def test_a_line_beyond_the_bound_is_taken() -> None:
    result = run(
        [{"user_id": "u", "item_id": "a", "quantity": 1e6, "basket_id": "big"}],
        outlier={"enabled": True},
    )
    assert taken(result) == {"big": "outlier"}


def test_support_is_iterated_to_the_fixed_point() -> None:
    # c has one user; without c, w has one item; without w, b has one user; without b, v has one
    # item. What stays is the square of x, y and d, e.
    pairs = ["uc", "wc", "wb", "vb", "va", "xd", "xe", "yd", "ye", "va", "xa"]
    pairs.remove("uc")
    rows = [{"user_id": pair[0], "item_id": pair[1]} for pair in pairs]
    result = run(
        rows,
        ground=[],
        support={"min_users_per_item": 2, "min_items_per_user": 2},
    )
    kept = result["interactions"]
    assert set(kept["user_id"] + kept["item_id"]) == {"xd", "xe", "yd", "ye"}
    rules = result["quarantine"].set_index("item_id")["rule"]
    assert set(rules) <= {"item_support", "user_support"}
    assert rules["c"] == "item_support"


def test_support_stops_after_the_stated_rounds() -> None:
    pairs = ["wc", "wb", "vb", "va", "xa", "xd", "xe", "yd", "ye"]
    rows = [{"user_id": pair[0], "item_id": pair[1]} for pair in pairs]
    once = {"min_users_per_item": 2, "min_items_per_user": 2, "max_rounds": 1}
    left = run(rows, ground=[], support=once)["interactions"]
    assert {"vb", "va"} <= set(left["user_id"] + left["item_id"])


def test_nothing_left_says_which_rule_took_how_many() -> None:
    with pytest.raises(InputError) as raised:
        run([{"user_id": None, "item_id": "a"}], support={"min_users_per_item": 5})
    message = str(raised.value)
    assert "leaves 0 users and 0 items of 3 lines" in message
    assert "missing_id: 1" in message
    assert "item_support: 2" in message
    assert "5 users per item" in message


def test_one_user_left_is_too_few() -> None:
    with pytest.raises(InputError, match="leaves 1 users and 2 items"):
        run([], ground=[{"user_id": "u", "item_id": "a"}, {"user_id": "u", "item_id": "b"}])


def test_items_and_users_have_one_row_for_each_that_stays() -> None:
    result = run(
        [],
        items=[
            {"item_id": "a", "department": "food"},
            {"item_id": "a", "department": "food", "brand": "own"},
            {"item_id": "never bought"},
            {"item_id": None},
        ],
        users=[{"user_id": "v"}, {"user_id": "nobody"}],
    )
    items = result["items"].set_index("item_id")
    assert items["brand"].to_dict() == {"a": "OWN", "b": None}
    assert result["users"]["user_id"].tolist() == ["u", "v"]
    rejected = result["quarantine"].groupby("table")["rule"].apply(sorted).to_dict()
    assert rejected == {
        "items": ["duplicate_id", "missing_id", "not_bought"],
        "users": ["not_bought"],
    }


def test_demographics_may_have_any_name_and_ids_stay_as_they_were_read() -> None:
    """Among the names are some that a working column could have."""
    users = pd.DataFrame(
        {"user_id": ["u  1"], "position": [" boss "], "filled": ["yes"], "bought_id": ["x"]}
    )
    kept = ibis.memtable(pd.DataFrame({"user_id": ["u  1", "v"]}))
    flagged = flag_entities(clean_users(ibis.memtable(users)), kept, "user_id")
    frame = _completed(flagged, kept, "user_id").to_pandas().set_index("user_id")
    assert frame.loc["u  1"].tolist() == ["boss", "yes", "x"]
    assert frame.loc["v"].isna().all()


def test_texts_are_trimmed_and_names_have_one_case() -> None:
    rows = [{"item_id": "a", "category": "  Fresh \t bread ", "title": " A  loaf", "brand": " "}]
    frame = clean_items(table(Tables.ITEMS, rows), "upper").to_pandas()
    assert frame.loc[0, ["category", "title", "brand"]].tolist() == ["FRESH BREAD", "A loaf", None]
    frame = clean_items(table(Tables.ITEMS, rows), "keep").to_pandas()
    assert frame.loc[0, "category"] == "Fresh bread"


@pytest.mark.parametrize(
    "params",
    [
        {"no_such_rule": {}},
        {"non_product": {"item_pattern": "("}},
        {"non_product": {"item_pattern": "(?!SKU).*"}},
        {"cancellation": {"basket_pattern": "["}},
        {"outlier": {"n_mads": 0}},
        {"support": {"min_users_per_item": 0}},
        {"text": {"case": "title"}},
    ],
)
def test_parameters_out_of_bounds_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CleaningParams(**params)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(["u", "v", "w", None]),
            "item_id": st.sampled_from(["x", "y", "POST", None]),
            "day": st.sampled_from([1, 2, 3, None]),
            "quantity": st.sampled_from([1.0, 2.0, -1.0, -2.0, 0.0, 1e9, None]),
            "amount": st.sampled_from([1.0, 5.0, -1.0, 0.0, None, float("nan")]),
            "basket_id": st.sampled_from(["1", "2", "C3", "C4", None]),
        }
    ),
    min_size=5,
    max_size=40,
)
PROPERTY = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
RULES: dict[str, Any] = {
    "non_product": {"item_pattern": "POST"},
    "cancellation": {"basket_pattern": "^C"},
    "outlier": {"enabled": True},
}
SQUARE = [
    {"user_id": user, "item_id": item, "basket_id": user + item}
    for user in ("s", "t")
    for item in ("a", "b")
]


def rows_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Rows without their order, missing values all alike."""
    return sorted(map(str, frame.astype(object).where(frame.notna(), None).itertuples(index=False)))


@PROPERTY
@given(rows=ROWS)
def test_no_row_is_lost_or_doubled_or_changed(rows: list[dict[str, Any]]) -> None:
    result = run(rows, ground=SQUARE, **RULES)
    columns = list(SCHEMAS[Tables.INTERACTIONS])
    rejected = result["quarantine"]
    rejected = rejected[rejected["table"] == Tables.INTERACTIONS]
    everything = rows_of(result["interactions"][columns]) + rows_of(rejected[columns])
    assert sorted(everything) == rows_of(lines([*rows, *SQUARE]).to_pandas()[columns])
    assert set(rejected["rule"]) <= set(DESCRIPTIONS)
    report = result["report"]
    assert report.loc[report["table"] == Tables.INTERACTIONS, "rows"].sum() == len(everything)


@PROPERTY
@given(rows=ROWS, data=st.data())
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    # Baskets are given here, since the helper numbers them by position.
    first = run(rows, ground=SQUARE, **RULES)
    second = run(data.draw(st.permutations(rows)), ground=SQUARE, **RULES)
    assert rows_of(first["interactions"]) == rows_of(second["interactions"])
    assert rows_of(first["quarantine"]) == rows_of(second["quarantine"])


@PROPERTY
@given(rows=ROWS)
def test_cleaning_what_is_clean_takes_nothing_more(rows: list[dict[str, Any]]) -> None:
    # Support is at its fixed point after the first time. The outlier bound is not, being taken
    # from the rows at hand.
    rules = {**RULES, "outlier": {"enabled": False}}
    rules["support"] = {"min_users_per_item": 2, "min_items_per_user": 2}
    once = run(rows, ground=SQUARE, **rules)["interactions"]
    again = clean(
        ibis.memtable(once, schema=ibis.schema(SCHEMAS[Tables.INTERACTIONS])),
        table(Tables.ITEMS, []),
        table(Tables.USERS, []),
        CleaningParams(**rules),
        IngestionParams(),
    )
    assert rows_of(again["interactions"].to_pandas()) == rows_of(once)
