"""Ranges of weekly demand, from made-up sales of which the truth is known."""

from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from doppelcart.errors import InputError
from doppelcart.experiment.outcome import HELPS
from doppelcart.pipelines.weekly_demand import create_pipeline
from doppelcart.pipelines.weekly_demand.nodes import (
    count_weeks,
    judge_ranges,
    plan_stock,
    show_weeks,
)
from doppelcart.pipelines.weekly_demand.params import (
    SalesSource,
    WeekForecastParams,
    WeeksParams,
)
from doppelcart.pipelines.weekly_demand.section import in_short
from doppelcart.pipelines.weekly_demand.week_forecasts import (
    METHODS,
    PAST,
    design_of,
    judged,
    least_weeks,
    levels_of,
    orders_of,
    origins,
    ranges,
    scores,
    tabulated,
)
from doppelcart.pipelines.weekly_demand.weeks import Weeks, read_weeks
from doppelcart.reporting.params import ReportingParams

PARAMS = WeekForecastParams(n_bootstrap=2000)
EVERY = WeeksParams(min_weeks_sold=1, max_weeks_unsold=1000)
SOURCE = SalesSource(
    name="made up",
    currency="crowns",
    files={"lines": {"path": "lines.csv"}},
    table={"from": "lines", "columns": {n: n for n in ("item_id", "timestamp", "sold", "value")}},
)


def weeks_of(sold, prices=None):
    sold = np.asarray(sold, float)
    n_items, n_weeks = sold.shape
    starts = np.datetime64("2024-01-01") + 7 * np.arange(n_weeks)
    items = np.array([f"i{k}" for k in range(n_items)])
    labels = np.array([f"tin {k}" for k in range(n_items)])
    price = np.full(n_items, np.nan if prices is None else prices)
    return Weeks(items, labels, starts, sold, price, np.ones(n_items))


def drawn(n_items=60, n_weeks=60, seed=0):
    rng = np.random.default_rng(seed)
    mean = rng.gamma(2.0, 4.0, n_items)[:, None]
    return weeks_of(rng.negative_binomial(4, 4 / (4 + mean), (n_items, n_weeks)), prices=2.0)


def test_moments_that_choose_come_before_those_that_judge_and_spans_end_with_the_log():
    earlier, later = origins(60, PARAMS)
    assert earlier.tolist() == [28, 32, 36, 40]
    assert later.tolist() == [44, 48, 52, 56]
    assert later[-1] + PARAMS.horizon == 60
    assert least_weeks(PARAMS) == 48


@pytest.mark.parametrize(
    ("level", "told"), [(0.95, "95 %"), (0.975, "97.5 %"), (0.995, "99.5 %"), (0.07, "7 %")]
)
def test_the_level_that_judges_is_told_as_it_is(level, told):
    design = design_of(WeekForecastParams(judged_level=level))
    assert design.metric == f"cost of a week's order at {told}"


def test_a_forecast_hears_nothing_of_the_weeks_it_foretells():
    weeks = drawn()
    told = ranges(weeks.counts, 40, [0.5, 0.95], PARAMS)
    changed = weeks.counts.copy()
    changed[:, 40:] = 1000
    for name, found in ranges(changed, 40, [0.5, 0.95], PARAMS).items():
        np.testing.assert_array_equal(found, told[name])


def test_the_plain_range_is_that_of_the_last_weeks():
    counts = np.array([[100.0] * 10 + list(range(1, 27))])
    found = ranges(counts, 36, [0.5, 1.0], PARAMS)[PAST]
    assert found.tolist() == [[13.5, 26.0]]


def test_costs_lacks_and_leftovers_are_those_worked_by_hand():
    params = WeekForecastParams(
        horizon=1, origins=1, past_weeks=4, service_levels=(0.9,), judged_level=0.9
    )
    # The plain range of a steady item is its sales; then a week sells 3 more, and one 2 less.
    weeks = weeks_of([[5.0] * 9 + [8.0], [5.0] * 9 + [3.0]])
    said = judged(weeks, np.array([9]), EVERY, params)
    table = tabulated(weeks, said, params).set_index("arm").loc[PAST]
    assert table["covered"] == 0.5
    assert table["lacking"] == pytest.approx(100 * 3 / 11)
    assert table["left"] == pytest.approx(100 * 2 / 11)
    assert table["cost_90"] == pytest.approx((9 * 3 + 2) / 2)
    own = scores(weeks, said, params)
    own = own[own["arm"] == PAST].set_index("item_id")["value"]
    assert own.to_dict() == {"i0": pytest.approx(27.0), "i1": 2.0}


def test_weeks_before_an_item_was_there_are_not_judged():
    sold = np.full((3, 60), 4.0)
    sold[2, :50] = np.nan
    weeks = weeks_of(sold)
    said = judged(weeks, np.array([48, 52]), EVERY, PARAMS)
    # In week 48 nothing is known of the third item, so that nobody can say anything of the weeks
    # after; in week 52 there are two weeks of it.
    known = ~np.isnan(said["came"])
    assert known.sum(axis=1).tolist() == [8, 8, 4]
    n_weeks = scores(weeks, said, PARAMS).query("arm == @PAST")["weeks"]
    assert n_weeks.tolist() == [8, 8, 4]


def test_what_was_taken_from_the_shelf_is_judged_as_long_as_it_could_be_foretold():
    weeks = drawn(n_items=20)
    # The first three items sell until 14 weeks before the end, and nothing after.
    weeks.sold[:3, 46:] = 0
    rules = WeeksParams(min_weeks_sold=8, max_weeks_unsold=6)
    _, later = origins(60, PARAMS)
    assert later.tolist() == [44, 48, 52, 56]
    known = ~np.isnan(judged(weeks, later, rules, PARAMS)["came"])
    # Gone are they from six weeks on: not yet at 48, at 52.
    assert known[:3].sum(axis=1).tolist() == [8, 8, 8]
    assert known[3:].all()
    forecasts, differences, _ = judge_ranges(weeks, rules, PARAMS)
    assert (forecasts["weeks"] == 3 * 8 + 17 * 16).all()
    assert (differences["n_units"] == 20).all()
    # Nobody orders them today.
    orders = plan_stock(weeks, forecasts, rules, PARAMS)
    assert set(orders["item_id"]) == set(weeks.items[3:])
    drawn_items = show_weeks(weeks, forecasts, rules, PARAMS.model_copy(update={"drawn": 12}))
    assert not {"i0", "i1", "i2"} & set(drawn_items["item_id"])


def test_what_an_item_will_sell_does_not_decide_whether_it_is_judged():
    weeks = drawn(n_items=20)
    _, later = origins(60, PARAMS)
    known = ~np.isnan(judged(weeks, later, WeeksParams(), PARAMS)["came"])
    weeks.sold[:, 44:] = 0
    again = ~np.isnan(judged(weeks, later[:1], WeeksParams(), PARAMS)["came"])
    np.testing.assert_array_equal(again, known[:, : PARAMS.horizon])


def test_too_few_items_to_judge_by_are_refused():
    weeks = drawn(n_items=20)
    weeks.sold[4:, :35] = np.nan
    with pytest.raises(InputError, match=r"at the moments that choose, 4 items could be foretold"):
        judge_ranges(weeks, WeeksParams(), PARAMS)


def test_what_spreads_as_it_says_meets_the_weeks_that_it_says():
    weeks = drawn(n_items=200)
    forecasts, differences, _ = judge_ranges(weeks, EVERY, PARAMS)
    table = forecasts.set_index("arm")
    assert table["chosen"].sum() == 1
    assert table.loc["SES_negative_binomial", "covered"] == pytest.approx(0.95, abs=0.02)
    # Poisson takes what spreads more for what spreads by chance.
    assert table.loc["SES_Poisson", "covered"] < 0.9
    rows = differences[differences["against"] == PAST].set_index("arm")
    assert set(rows.index) == set(METHODS)
    assert rows.loc["SES_Poisson", "outcome"] != HELPS


def test_orders_are_quantiles_rounded_up_and_worth_their_price():
    weeks = drawn(n_items=12)
    orders = orders_of(weeks, "SES_negative_binomial", PARAMS)
    assert orders["usual"].is_monotonic_decreasing
    assert (orders["stock_90"] <= orders["stock_95"]).all()
    assert (orders["stock_95"] <= orders["stock_98"]).all()
    np.testing.assert_allclose(orders["value_95"], 2.0 * orders["stock_95"])
    levels = levels_of(PARAMS)
    found = ranges(weeks.counts, 60, levels, PARAMS)["SES_negative_binomial"]
    by_item = dict(zip(weeks.items, np.ceil(found[:, levels.index(0.95)]), strict=True))
    assert orders.set_index("item_id")["stock_95"].to_dict() == by_item


def test_what_is_sold_by_weight_is_ordered_by_weight():
    pieces = drawn(n_items=10)
    kilos = replace(pieces, sold=pieces.sold * 0.25, step=pieces.step * 0.25)
    some = orders_of(pieces, PAST, PARAMS).set_index("item_id")["stock_95"]
    weighed = orders_of(kilos, PAST, PARAMS).set_index("item_id")["stock_95"]
    np.testing.assert_allclose(weighed, 0.25 * some)


def test_one_item_by_weight_among_many_by_the_piece_is_ordered_and_judged_by_weight():
    pieces = drawn(n_items=40)
    weighed = pieces.select(np.arange(1))
    one = replace(weighed, items=np.array(["kilos"]), sold=np.full((1, 60), 0.4))
    frame = pd.concat([lines(pieces), lines(one)])
    weeks, _ = read_weeks(ibis.memtable(frame), WeeksParams(min_weeks_sold=1), 48)
    assert dict(zip(weeks.items, weeks.step, strict=True))["kilos"] == 0.1
    orders = orders_of(weeks, PAST, PARAMS).set_index("item_id")
    assert orders.loc["kilos", "usual"] == pytest.approx(0.4)
    assert orders.loc["kilos", "stock_98"] == pytest.approx(0.4)
    # What is judged is in units: the plain range of what never changes leaves and lacks nothing.
    own = scores(weeks, judged(weeks, np.array([48, 52]), EVERY, PARAMS), PARAMS)
    of_kilos = own[own["item_id"] == "kilos"].set_index("arm")["value"]
    assert of_kilos[PAST] == 0
    # Poisson has .7 or .8 in stock, not 7 or 8.
    assert 0 < of_kilos["SES_Poisson"] < 0.5


def lines(weeks):
    frame = pd.DataFrame(weeks.sold, index=weeks.items, columns=weeks.starts)
    frame = frame.rename_axis("item_id").reset_index().melt("item_id", var_name="timestamp")
    frame = frame.rename(columns={"value": "sold"}).assign(value=lambda rows: 2 * rows["sold"])
    return frame.astype({"timestamp": "datetime64[ns]"})


@pytest.fixture
def tables():
    """The rows of made-up sales as the file of a source, registered in an engine."""
    connection = ibis.duckdb.connect()
    connection.con.register("lines", lines(drawn()))
    return {"lines": connection.table("lines")}


def test_a_table_becomes_a_section_and_a_list(tables):
    given = {
        "raw_sales": tables,
        "params:sales": SOURCE,
        "params:weekly_demand.weeks": WeeksParams(min_weeks_sold=1),
        "params:weekly_demand.forecast": PARAMS.model_copy(update={"listed": 3, "drawn": 2}),
        "params:reporting": ReportingParams(),
    }
    catalog = DataCatalog({n: MemoryDataset(v, copy_mode="assign") for n, v in given.items()})
    done = SequentialRunner().run(create_pipeline(), catalog)
    section = done["weekly_demand.section"].load()
    assert section.failure == ""
    assert section.data == "made up"
    assert "would have met the demand of 9" in section.answer
    listed, drawn_items = section.shown[0].table, section.shown[1]
    assert len(listed.rows) == 3
    assert "Values in crowns" in listed.note
    assert "what it is" not in [name for name, _ in listed.headings]
    assert drawn_items.alt.count("item i") == 2
    assert "Stock itself was never measured" in section.model_dump_json()
    assert not section.evidence


@pytest.mark.parametrize(
    ("outcome", "ends", "told"),
    [
        ("helps", (0.01, 0.05), "That costs less than {past} would have"),
        ("harms", (0.01, 0.05), "That costs more than {past} would have: +3.0 % (+1.0 to +5.0)."),
        ("no evidence", (0.01, 0.05), "That costs about as much as {past} would have"),
        ("undefined", (np.nan, np.nan), "{past} would have is undefined: there are too few items"),
    ],
)
def test_the_cost_of_orders_is_told_by_its_outcome(outcome, ends, told):
    design = design_of(PARAMS)
    past = next(arm.phrase for arm in design.arms if arm.name == PAST)
    best = next(name for name in METHODS if name != PAST)
    forecasts = pd.DataFrame({"arm": [best], "chosen": True, "covered": 0.9, "left": 60.0,
                              "lacking": 2.0})  # fmt: skip
    differences = pd.DataFrame({"arm": [best], "against": PAST, "outcome": outcome,
                                "relative": 0.03, "relative_low": ends[0],
                                "relative_high": ends[1]})  # fmt: skip
    said = in_short(forecasts, differences, design, PARAMS)
    assert told.format(past=past) in said
    assert "nan" not in said


def test_the_method_is_chosen_before_the_weeks_that_judge():
    weeks = drawn()
    forecasts, _, _ = judge_ranges(weeks, EVERY, PARAMS)
    changed = weeks.sold.copy()
    changed[:, origins(60, PARAMS)[1][0] :] = 0
    again, _, _ = judge_ranges(replace(weeks, sold=changed), EVERY, PARAMS)
    assert again["chosen"].tolist() == forecasts["chosen"].tolist()
    assert again["wql"].tolist() != forecasts["wql"].tolist()
    assert len(plan_stock(weeks, forecasts, EVERY, PARAMS)) == 60


def test_a_refusal_names_the_files(tables):
    with pytest.raises(InputError, match=r"takes 480 to.*\n  sales: files: lines: lines\.csv"):
        count_weeks(tables, SOURCE, WeeksParams(), WeekForecastParams(origins=20, horizon=8))
