"""Tables of the section on stock-outs."""

from __future__ import annotations

import pandas as pd

from doppelcart.experiment.design import Design
from doppelcart.pipelines.stockouts import hidden_demand as ways
from doppelcart.pipelines.stockouts import sampled_demand, trials
from doppelcart.pipelines.stockouts.params import ForecastParams
from doppelcart.reporting.phrases import costs_of_lacking
from doppelcart.reporting.tables import (
    CHANGE,
    Column,
    Table,
    in_percent,
    numbers,
    score,
    share,
    tabulate,
    text,
    yes_no,
)


def orders_table(orders: pd.DataFrame, forecast: ForecastParams, unit: str, limit: int) -> Table:
    """What is likely to run out, and what to have on the shelf.

    Args:
        orders: The likeliest first.
        forecast: Service levels.
        unit: What sales are counted in.
        limit: Longest table (rows).
    """
    day = str(orders["day"].iloc[0]) if len(orders) else "tomorrow"
    columns = [
        Column("item_id", "item", text, False),
        Column("store_id", "store", text, False),
        Column("chance", "chance to run out", share),
        numbers(orders, "usual", "usual demand"),
    ]
    for level in forecast.service_levels:
        name = f"{100 * level:g}"
        columns.append(numbers(orders, f"stock_{name}", f"stock for {name} %"))
        if f"value_{name}" in orders:
            columns.append(numbers(orders, f"value_{name}", f"its value for {name} %"))
    note = f"Demand and stock in {unit}. The whole list is saved as stockouts_orders.csv."
    return tabulate(orders, f"Likeliest to run out on {day}", columns, limit, note)


def detectors_table(detectors: pd.DataFrame, limit: int) -> Table:
    """Detectors and rules on the test days."""
    columns = [
        Column("event", "stock-out of", text, False),
        Column("method", "by", text, False),
        Column("auc", "AUC", score),
        Column("low", "from", score),
        Column("high", "to", score),
        Column("precision", "average precision", score),
        Column("brier", "Brier score", score),
        Column("off", "chances off by", share),
        Column("chosen", "chosen before", yes_no, False),
    ]
    days = int(detectors["rows"].max())
    note = (
        f"Over {days:,} days of the test span; a stock-out came in "
        f"{_shares(detectors)} of them. From and to: 95 % interval over series. What is chosen was "
        "chosen on earlier days, by its Brier score."
    )
    return tabulate(detectors, "Next-day stock-outs", columns, limit, note, grouped=True)


def _shares(detectors: pd.DataFrame) -> str:
    first = detectors.drop_duplicates("event")
    return " and ".join(
        f"{share(value)} ({event})"
        for event, value in zip(first["event"], first["share"], strict=True)
    )


def demand_table(demand: pd.DataFrame, limit: int) -> Table:
    """Ways to foretell demand, on days in stock."""
    rows = in_percent(demand)
    columns = [
        Column("arm", "way", lambda arm: ways.DESIGN.by_name[arm].phrase, False),
        Column("wape", "WAPE", score),
        Column("bias", "bias", share),
        *CHANGE,
        Column("outcome", "outcome", text, False),
    ]
    note = "Change of WAPE against the first row; 95 % intervals over stores."
    return tabulate(rows, "Demand of the next day, on days in stock", columns, limit, note)


def forecasts_table(
    forecasts: pd.DataFrame, forecast: ForecastParams, unit: str, limit: int
) -> Table:
    """Distributions of demand, and what their orders cost."""
    columns = [
        Column("method", "distribution", text, False),
        Column("wql", "wQL", score),
        Column("covered", "days met at 95 %", share),
        *[
            numbers(forecasts, f"cost_{100 * level:g}", f"cost at {100 * level:g} %")
            for level in forecast.service_levels
        ],
        Column("chosen", "chosen before", yes_no, False),
    ]
    costs = costs_of_lacking(forecast.service_levels)
    note = (
        f"Cost of a day's order in {unit}: one per unit left over, and so many per unit lacking "
        f"that the service level is what costs least ({costs}). Costs are comparable where demand "
        "is met equally often. Judged is what is ordered: whole pieces, or whole steps of what is "
        "sold by weight. Days in stock only."
    )
    return tabulate(forecasts, "Demand of the next day as a range", columns, limit, note)


def draws_table(draws: pd.DataFrame, design: Design, limit: int) -> Table:
    """Means over the drawn shops."""
    phrases = {arm.name: arm.phrase for arm in design.arms}
    phrases[trials.TREES] = "boosted trees alone: a weak baseline, for comparison"
    rows = draws.assign(
        place=[design.words.of([shop]) for shop in draws[trials.SHOP]],
        of=[f"{ahead} of {n}" for ahead, n in zip(draws["ahead"], draws["draws"], strict=True)],
    )
    columns = [
        Column("place", "shop", text, False),
        Column("arm", "added", lambda arm: phrases[arm], False),
        Column("auc", "AUC", score),
        Column("sd", "its spread over shops", score),
        Column("gain", "gain", score),
        Column("of", "shops with a gain", text, False),
        Column("brier", "Brier score", score),
        numbers(rows, "ratio", "added days per real one"),
        numbers(rows, "unlike", "distance from real windows"),
    ]
    note = (
        "Every arm chose its detector, and whether anything is added, on days before the test "
        "days. The distance of the shop's own windows is as near as windows of so few series come "
        "to those of all. A gain over boosted trees alone is no gain: these need more series."
    )
    return tabulate(rows, "The shops that were drawn", columns, limit, note, grouped=True)


def floors_table(floors: pd.DataFrame, design: Design, limit: int) -> Table:
    """How near the GAN's windows come to real ones, beside the shop's own."""
    rows = floors.assign(place=[design.words.of([shop]) for shop in floors[trials.SHOP]])
    columns = [
        Column("place", "shop", text, False),
        numbers(rows, "real", "the shop's own windows"),
        numbers(rows, "made", "the GAN's"),
        numbers(rows, "times", "times as far"),
        numbers(rows, "limit", "limit"),
        Column("passed", "passed", yes_no, False),
    ]
    note = (
        "Distance from windows of all series, in spreads of twelve statistics, on days before "
        "those that choose and judge. That nothing was found counts against generated series only "
        "where the GAN passed."
    )
    return tabulate(rows, "Fidelity floor: real against real", columns, limit, note)


def samples_table(
    samples: pd.DataFrame, design: Design, forecast: ForecastParams, unit: str, limit: int
) -> Table:
    """Ranges of demand, as they are made and as earlier days widened them."""
    columns = [
        Column("arm", "range", lambda arm: design.by_name[arm].phrase, False),
        numbers(samples, "widening", "widened by"),
        Column("wql", "wQL", score),
    ]
    for level in forecast.service_levels:
        name = f"{100 * level:g}"
        columns += [
            Column(f"covered_{name}", f"days met at {name} %", share),
            Column(f"met_{name}", f"demand met at {name} %", share),
            numbers(samples, f"cost_{name}", f"cost at {name} %"),
        ]
    columns.append(Column("chosen", "chosen before", yes_no, False))
    note = (
        f"{sampled_demand.GIVEN} days are given and one is made. A range is too narrow where fewer "
        f"days are met than the heading says. Days met, demand met and cost (in {unit}) are of a "
        "day's order in whole pieces, or whole steps of what is sold by weight. Days in stock only."
    )
    return tabulate(samples, "Samples as a range of demand", columns, limit, note)
