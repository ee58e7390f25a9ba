"""Rows of sales become items by week, and what cannot be foretold is refused in words."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doppelcart.errors import InputError
from doppelcart.pipelines.weekly_demand.params import WeeksParams
from doppelcart.pipelines.weekly_demand.weeks import are_live, read_weeks

ALL = WeeksParams(min_weeks_sold=1, max_weeks_unsold=1000)


def rows(n_items=6, n_weeks=10, first="2024-01-01"):
    """One piece of item k more than k times in every week, on its Wednesday."""
    start = pd.Timestamp(first)
    return pd.DataFrame(
        [
            {
                "item_id": f"i{item}",
                "timestamp": start + pd.Timedelta(days=7 * week + 2),
                "sold": float(item + 1),
                "value": 2.0 * (item + 1),
            }
            for item in range(n_items)
            for week in range(n_weeks)
        ]
    )


def read(frame, params=ALL, least_weeks=4):
    return read_weeks(ibis.memtable(frame), params, least_weeks)


def test_weeks_end_with_the_last_day_and_are_whole():
    frame = rows(n_weeks=10)
    # A sale on the Sunday before the first week's Wednesday makes the log start earlier.
    early = frame.iloc[[0]].assign(timestamp=pd.Timestamp("2023-12-31"))
    weeks, _ = read(pd.concat([frame, early]))
    last = frame["timestamp"].max().to_datetime64().astype("datetime64[D]")
    assert weeks.starts[-1] == last - 6
    assert (np.diff(weeks.starts) == 7).all()
    # 3 days before the first whole week do not make one.
    assert weeks.n_weeks == 9
    np.testing.assert_array_equal(weeks.sold, np.arange(1, 7)[:, None] * np.ones((6, 9)))
    np.testing.assert_allclose(weeks.prices, 2.0)


def test_a_week_is_the_sum_of_its_rows():
    frame = rows(n_weeks=9)
    more = frame.iloc[[8]].assign(timestamp=frame["timestamp"].iloc[8] - pd.Timedelta(days=6))
    weeks, _ = read(pd.concat([frame, more]))
    assert weeks.sold[0, -1] == 2.0
    assert weeks.sold[0, -2] == 1.0


def test_before_its_first_sale_nobody_knows_and_after_it_no_sale_is_none():
    frame = rows(n_weeks=10)
    late = (frame["item_id"] == "i2") & (frame["timestamp"] < "2024-01-22")
    gap = (frame["item_id"] == "i2") & frame["timestamp"].between("2024-02-01", "2024-02-10")
    weeks, _ = read(frame[~late & ~gap])
    own = weeks.sold[2]
    n_unknown = int(np.isnan(own).sum())
    assert n_unknown >= 2
    assert np.isnan(own[:n_unknown]).all()
    assert (own[n_unknown:] == 0).sum() == 1


def test_items_sold_seldom_or_no_more_have_no_forecast_and_are_counted():
    frame = rows(n_items=8, n_weeks=30)
    seldom = (frame["item_id"] == "i0") & (frame["timestamp"] < "2024-06-10")
    gone = (frame["item_id"] == "i1") & (frame["timestamp"] >= "2024-04-01")
    weeks, counts = read(frame[~seldom & ~gone], WeeksParams())
    live = are_live(weeks, weeks.n_weeks, WeeksParams())
    assert set(weeks.items[live]) == {f"i{k}" for k in range(2, 8)}
    # Nobody knew it after a dozen weeks.
    assert are_live(weeks, 12, WeeksParams())[1]
    told = counts.set_index("what")["number"]
    assert told["items sold in fewer than 8 weeks"] == 1
    assert told["items not sold for 13 weeks"] == 1
    assert told["items"] == 6


def test_returns_and_rows_without_a_number_are_left_out_and_counted():
    frame = rows(n_items=6, n_weeks=20)
    frame.loc[3, "sold"] = -5.0
    frame.loc[4, "sold"] = np.nan
    frame.loc[5, "item_id"] = "  "
    weeks, counts = read(frame)
    told = counts.set_index("what")["number"]
    assert told["rows of less than nothing, such as returns"] == 1
    assert told["rows without item, moment or number"] == 2
    # The first of twenty Wednesdays lies before the first whole week.
    assert weeks.sold[0].tolist() == [1.0] * 2 + [0.0] * 3 + [1.0] * 14


@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e300])
def test_what_is_no_number_of_a_shop_is_none(number):
    frame = rows(n_items=6, n_weeks=20)
    frame.loc[19, "sold"] = number
    frame.loc[39, "value"] = number
    weeks, counts = read(frame)
    assert counts.set_index("what")["number"]["rows without item, moment or number"] == 1
    assert weeks.sold[0, -1] == 0
    assert np.isfinite(weeks.sold).all()
    # A week without a value leaves the price to the others.
    assert counts.set_index("what")["number"]["rows without a value"] == 1
    np.testing.assert_allclose(weeks.prices, 2.0)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e15])
def test_a_price_is_of_rows_whose_value_is_known(number):
    frame = rows(n_weeks=10)
    frame.loc[frame["item_id"] == "i3", "value"] = number
    # Beside 9 times 2 pieces for 4, two for 24 and five of which nobody knows what was paid.
    more = frame[frame["item_id"] == "i1"].tail(1)
    dear, unknown = more.assign(sold=2.0, value=24.0), more.assign(sold=5.0, value=number)
    weeks, counts = read(pd.concat([frame, dear, unknown]))
    assert weeks.sold[1].tolist() == [2.0] * 8 + [9.0]
    # (9 * 4 + 24) / (9 * 2 + 2), not / (9 * 2 + 2 + 5).
    np.testing.assert_allclose(weeks.prices, [2, 3, 2, np.nan, 2, 2])
    # 10 of i3 and the one, out of 6 items by 10 weeks and two.
    told = counts.set_index("what").loc["rows without a value"]
    assert told.tolist() == [11, 62, "left out of prices"]


def test_the_value_of_what_is_left_out_counts_nowhere():
    frame = rows(n_weeks=20)
    frame.loc[19, ["sold", "value"]] = [-1.0, np.nan]
    frame.loc[39, ["sold", "value"]] = [np.nan, 1000.0]
    weeks, counts = read(frame)
    np.testing.assert_allclose(weeks.prices, 2.0)
    told = counts.set_index("what").loc["rows without a value"]
    assert told[["number", "of"]].tolist() == [0, 118]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sold": -1.0}, r"rows of less than nothing, such as returns: 60 of 60, more than "),
        ({"sold": None}, r"rows without item, moment or number: 60 of 60, more than "),
        ({"item_id": "gen-1"}, r"60 rows are of items whose id begins with gen-"),
    ],
)
def test_too_much_of_what_is_wrong_is_refused(changed, words):
    frame = rows().assign(**changed).astype({"sold": float})
    with pytest.raises(InputError, match=words):
        read(frame)


def test_missing_columns_and_moments_that_are_none_are_named():
    with pytest.raises(InputError, match="it has no column timestamp, sold"):
        read(rows().drop(columns=["timestamp", "sold"]))
    with pytest.raises(InputError, match=r"`timestamp` is string, no moment\. Correct"):
        read(rows().astype({"timestamp": str}))


def test_a_short_log_an_empty_one_and_one_of_few_items_are_refused():
    with pytest.raises(InputError, match=r"it holds 9 whole weeks, from 2024-01-03 to 2024-03-06"):
        read(rows(), least_weeks=48)
    with pytest.raises(InputError, match="it has no row"):
        read(rows().iloc[:0])
    with pytest.raises(InputError, match=r"3 of 3 items can be foretold, and it takes 5"):
        read(rows(n_items=3))


@settings(max_examples=15, deadline=None)
@given(st.permutations(list(range(40))), st.integers(0, 5))
def test_neither_the_order_of_rows_nor_the_day_they_begin_changes_a_week(order, shift):
    frame = rows(n_items=5, n_weeks=8)
    frame["sold"] = np.arange(40) % 7 + 1.0
    plain, _ = read(frame)
    moved = frame.iloc[order].assign(
        timestamp=frame["timestamp"].iloc[order] + pd.Timedelta(days=shift)
    )
    again, _ = read(moved)
    np.testing.assert_array_equal(again.sold, plain.sold)
    assert (again.starts - plain.starts == shift).all()


def test_sums_of_weeks_without_a_value_have_no_price():
    for frame in (rows().drop(columns="value"), rows().assign(value=np.nan)):
        weeks, counts = read(frame)
        assert np.isnan(weeks.prices).all()
        # Where nothing is said of money, none is missed.
        assert "rows without a value" not in set(counts["what"])


def test_a_label_goes_with_its_item_and_may_be_missing():
    frame = rows().assign(label=lambda found: found["item_id"].map({"i1": "pears"}))
    weeks, _ = read(frame)
    assert weeks.labels.tolist() == ["", "pears", "", "", "", ""]
    assert weeks.select(np.array([1])).labels.tolist() == ["pears"]
