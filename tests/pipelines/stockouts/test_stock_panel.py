"""A stock table is read as it is, and what cannot be learnt from is dropped, told or refused."""

import logging

import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import InputError
from doppelcart.pipelines.stockouts.daily import LOOKBACK, by_day
from doppelcart.pipelines.stockouts.detectors import spans
from doppelcart.pipelines.stockouts.nodes import correct_demand, plan_orders, try_detectors
from doppelcart.pipelines.stockouts.panel import describe
from doppelcart.pipelines.stockouts.params import ForecastParams
from doppelcart.pipelines.stockouts.stock_tables import orders_table
from doppelcart.pipelines.stockouts.trials import past_windows


def count(counts: pd.DataFrame, what: str) -> int:
    return int(counts.set_index("what").loc[what, "number"])


def test_rows_come_into_their_places(rows, read):
    table = rows()
    panel, counts = read(table)
    assert panel.sales.shape == (4, 70, 4)
    assert panel.items.tolist() == ["i0", "i1", "i2", "i3"]
    assert panel.stores.tolist() == ["s0", "s0", "s1", "s1"]
    assert panel.days[0] == np.datetime64("2024-01-01")
    assert panel.empty[0, 0].tolist() == [0, 0, 1, 1]
    assert panel.empty[0, 1].tolist() == [0, 0, 0, 0]
    first = table[(table["item_id"] == "i2") & (table["timestamp"] < "2024-01-02")]
    assert panel.sales[2, 0].tolist() == first["sales"].tolist()
    assert panel.traits["discount"][1, 5] == pytest.approx(0.1)
    assert count(counts, "series read") == 4


def test_a_panel_is_described_in_a_sentence(rows, read):
    table = rows()
    missing = (table["item_id"] == "i1") & (table["timestamp"].dt.day_of_year == 5)
    # Two of four hours on every third day are empty; of a day that is missing nobody knows.
    assert describe(read(table[~missing])[0]) == (
        "4 series of 4 products in 2 stores, 70 days from 2024-01-01 to 2024-03-10; 16.8 % of "
        "hours and 33.7 % of days with an empty shelf"
    )


def test_numbers_of_an_order_stand_under_each_other():
    orders = pd.DataFrame(
        {
            "item_id": ["a", "b"],
            "store_id": "s",
            "day": "2024-03-11",
            "chance": [0.5, 0.25],
            "usual": [7.0, 0.3401],
            **{f"stock_{level}": [8.0, 0.5] for level in (90, 95)},
            "stock_98": [9.0, 2.0],
        }
    )
    table = orders_table(orders, ForecastParams(), "kilos", 5)
    assert [row[3:] for row in table.rows] == [
        ("7.000", "8.0", "8.0", "9"),
        ("0.340", "0.5", "0.5", "2"),
    ]


def test_a_column_that_is_lacking_is_named_with_all_that_is_needed(rows, read):
    with pytest.raises(InputError, match=r"no column in_stock: stock-outs are learnt from item_id"):
        read(rows().drop(columns="in_stock"))


def test_a_gap_in_the_dates_is_missing_and_not_0(rows, read):
    table = rows()
    gap = (table["item_id"] == "i1") & (
        table["timestamp"].dt.date == pd.Timestamp("2024-01-11").date()
    )
    panel, counts = read(table[~gap])
    assert np.isnan(panel.sales[1, 10]).all()
    assert np.isnan(panel.empty[1, 10]).all()
    assert not np.isnan(panel.sales[1, 9]).any()
    assert count(counts, "days without rows") == 1


def test_a_series_cut_short_is_dropped_and_counted(rows, read):
    table = rows()
    panel, counts = read(table[(table["item_id"] != "i3") | (table["timestamp"] < "2024-02-01")])
    assert panel.n_series == 3
    assert count(counts, "series cut short") == 1


def test_a_series_with_many_gaps_is_dropped(rows, read):
    table = rows()
    day = (table["timestamp"] - table["timestamp"].min()).dt.days
    gaps = (table["item_id"] == "i0") & day.between(10, 18)
    assert read(table[~gaps])[0].n_series == 3
    assert read(table[~gaps], max_missing_days=0.2)[0].n_series == 4


@pytest.mark.parametrize(
    ("share", "told", "refused"), [(0.0, False, False), (0.03, True, False), (0.2, False, True)]
)
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("flagged", "hours with sales, though flagged empty"),
        ("negative", "hours with negative sales"),
        ("doubled", "hours that stand there more than once"),
        ("unknown", "hours without a number of sales or a flag"),
        ("infinite", "hours without a number of sales or a flag"),
        ("item_id", "rows without item, store or moment"),
        ("store_id", "rows without item, store or moment"),
        ("timestamp", "rows without item, store or moment"),
        ("blank", "rows without item, store or moment"),
    ],
)
def test_bad_hours_are_told_and_then_refused(
    rows, read, caplog, kind, message, share, told, refused
):
    table = rows()
    rng = np.random.default_rng(1)
    bad = rng.random(len(table)) < share
    if kind == "flagged":
        table.loc[bad, "in_stock"] = False
        table.loc[bad, "sales"] = 2.0
    elif kind == "negative":
        table.loc[bad, "sales"] = -1.0
    elif kind == "unknown":
        table.loc[bad, "sales"] = np.nan
    elif kind == "infinite":
        table.loc[bad, "sales"] = np.resize([np.inf, -np.inf, 1e300], bad.sum())
    elif kind == "blank":
        table.loc[bad, "item_id"] = " "
    elif kind in table.columns:
        table.loc[bad, kind] = None
    else:
        table = pd.concat([table, table[bad]])
    with caplog.at_level(logging.WARNING):
        if refused:
            with pytest.raises(InputError, match=message):
                read(table)
            return
        panel, counts = read(table)
    assert (message in caplog.text) == told
    assert panel.n_series == 4
    assert not np.isinf(panel.sales).any()
    assert (panel.sales[~np.isnan(panel.sales)] >= 0).all()
    assert bool(count(counts, message)) == (share > 0)


def test_hours_that_no_series_has_are_none_of_the_shops(rows, read):
    table = rows()
    panel, counts = read(table[table["timestamp"].dt.hour != 10])
    assert panel.sales.shape == (4, 70, 3)
    assert panel.empty[0, 0].tolist() == [0, 0, 1]
    at_eleven = table.loc[(table["item_id"] == "i1") & (table["timestamp"].dt.hour == 11), "sales"]
    np.testing.assert_array_equal(panel.sales[1, :, 2], at_eleven)
    assert count(counts, "hours of the day of which no series has a row") == 1
    assert count(read(table)[1], "hours of the day of which no series has a row") == 0


def test_hours_that_are_never_recorded_leave_the_days_as_they_are(rows, read):
    table = rows()
    # Of ten hours that count, the shop has four: that its days are not half there is no gap.
    panel, counts = read(table, open_hour=4, close_hour=14)
    np.testing.assert_array_equal(panel.sales, read(table)[0].sales)
    assert count(counts, "days without rows") == 0


def test_a_store_that_is_open_for_fewer_hours_lacks_none(rows, read):
    table = rows()
    # s0, with i0 and i1, is open from 8 to 20; s1, with i2 and i3, as ever from 8 to 12.
    late = [
        table[table["store_id"] == "s0"].assign(
            timestamp=lambda frame, more=more: frame["timestamp"] + pd.Timedelta(hours=more)
        )
        for more in (4, 8)
    ]
    panel, counts = read(pd.concat([table, *late]), close_hour=20)
    assert panel.stores.tolist() == ["s0", "s0", "s1", "s1"]
    assert panel.sales.shape == (4, 70, 12)
    np.testing.assert_array_equal(panel.sales[2:, :, :4], read(table)[0].sales[2:])
    assert np.isnan(panel.sales[2:, :, 4:]).all()
    assert count(counts, "series cut short") == 0
    assert count(counts, "days without rows") == 0


def test_a_day_is_unknown_if_more_than_half_of_its_stores_hours_are(rows, read):
    table = rows()
    late = table[table["store_id"] == "s0"].assign(
        timestamp=lambda frame: frame["timestamp"] + pd.Timedelta(hours=4)
    )
    day = (table["timestamp"] - table["timestamp"].min()).dt.days
    hour, item = table["timestamp"].dt.hour, table["item_id"]
    # Of the four hours of s1 that i2 has: on day 5 two, on day 9 one. Of i0's eight on day 5: five.
    gone = (item == "i2") & (((day == 5) & (hour >= 10)) | ((day == 9) & (hour >= 9)))
    gone |= (item == "i0") & (day == 5) & (hour >= 9)
    # i3 has one of the four hours of its store, on all days.
    gone |= (item == "i3") & (hour != 8)
    panel, counts = read(pd.concat([table[~gone], late]), close_hour=16)
    assert panel.items.tolist() == ["i0", "i1", "i2"]
    assert count(counts, "series cut short") == 1
    known = (~np.isnan(panel.sales)).sum(axis=2)
    assert known[0, 4:7].tolist() == [8, 5, 8]
    assert known[2, [4, 5, 6, 9]].tolist() == [4, 2, 4, 0]
    assert count(counts, "days without rows") == 1


def test_an_hour_that_stands_there_twice_is_added_up(rows, read):
    table = rows()
    twice = table.iloc[[4]].assign(sales=7.0)
    panel, _ = read(pd.concat([table, twice]))
    assert panel.sales[0, 1, 0] == table["sales"].iloc[4] + 7
    assert panel.sales[0, 1, 1] == table["sales"].iloc[5]


def test_series_that_never_change_are_dropped_by_reason(rows, read):
    table = rows(n_series=6)
    zero, same = table["item_id"] == "i0", table["item_id"] == "i1"
    table.loc[zero | same, "in_stock"] = True
    table.loc[zero, "sales"] = 0.0
    table.loc[same, "sales"] = 2.0
    panel, counts = read(table)
    assert panel.n_series == 4
    assert count(counts, "series never sold") == 1
    assert count(counts, "series always the same") == 1


def test_a_series_that_sells_evenly_and_runs_out_is_kept(rows, read):
    table = rows()
    table.loc[(table["item_id"] == "i0"), "sales"] = 0.0
    at_eight = (table["item_id"] == "i0") & (table["timestamp"].dt.hour == 8)
    table.loc[at_eight, "sales"] = 1.0
    assert read(table)[0].n_series == 4


def test_too_few_days_are_refused_and_the_fewest_go_through_all_nodes(rows, read):
    with pytest.raises(InputError, match=r"it covers 56 days, and it takes 57 to learn.*test_days"):
        read(rows(n_days=56))
    panel, _ = read(rows(n_days=57))
    params = ForecastParams(penalties=(0.01,), leaves=(4,))
    _, _, said = try_detectors(panel, params)
    assert np.isfinite(said["tomorrow"]).all()
    assert np.isfinite(correct_demand(panel, params)["wape"]).all()
    table, orders = plan_orders(panel, said, params)
    assert np.isfinite(table["wql"]).all()
    assert np.isfinite(orders["stock_95"]).all()
    windows = past_windows(by_day(panel), spans(57, params), np.random.default_rng(0))
    assert windows.n_days == LOOKBACK


@pytest.mark.parametrize(("in_stock", "state"), [(True, "in stock"), (False, "empty")])
def test_flags_that_are_all_alike_are_refused(rows, read, in_stock, state):
    table = rows().assign(in_stock=in_stock)
    if not in_stock:
        table["sales"] = np.where(np.arange(len(table)) % 50 == 0, 1.0, 0.0)
        table["sales"] *= np.arange(len(table)) % 100
    with pytest.raises(InputError, match=rf"flagged {state}: there is no stock-out to learn from"):
        read(table, warn_share=1.0, refuse_share=1.0)


def test_what_was_generated_is_refused_as_real(rows, read):
    table = rows()
    table.loc[table["item_id"] == "i2", "item_id"] = "gen-gan-2"
    with pytest.raises(InputError, match=r"1 of 4 series .* begins with gen-: they were generated"):
        read(table)


@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e15])
def test_a_trait_that_is_no_number_of_a_shop_is_missing(rows, read, number):
    table = rows()
    table.loc[0, "discount"] = number
    panel, _ = read(table)
    assert np.isnan(panel.traits["discount"][0, 0])
    assert np.isfinite(panel.traits["discount"][0, 1:]).all()


def test_a_table_without_moments_is_told_so(rows, read):
    with pytest.raises(InputError, match=r"Of its 1,120 rows 1,120 have no item, no store or no"):
        read(rows().assign(timestamp=pd.NaT))


def test_hours_out_of_the_day_are_refused(rows, read):
    table = rows()
    table["timestamp"] = table["timestamp"].dt.normalize()
    with pytest.raises(InputError, match="no row in the hours that count"):
        read(table)


def test_sales_that_are_no_numbers_are_refused_in_words(rows, read):
    with pytest.raises(InputError, match="the engine cannot sum up the stock table"):
        read(rows().assign(sales="many"))


def test_all_faults_are_told_at_once(rows, read):
    table = rows(n_days=30)
    table["sales"] = -1.0
    with pytest.raises(InputError) as error:
        read(table)
    assert "hours with negative sales" in str(error.value)
    assert "it takes 57 to learn" in str(error.value)
