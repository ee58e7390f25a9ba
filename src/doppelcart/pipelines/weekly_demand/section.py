"""The section on weekly demand: what to have in stock, and how good such orders would have been."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.experiment.design import Design
from doppelcart.experiment.outcome import HARMS, HELPS, UNDEFINED
from doppelcart.pipelines.weekly_demand.params import SalesSource, WeekForecastParams
from doppelcart.pipelines.weekly_demand.week_forecasts import PAST
from doppelcart.reporting.blocks import details, figure, heading, paragraph, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.phrases import costs_of_lacking
from doppelcart.reporting.section import Capability, Section
from doppelcart.reporting.style import (
    Mark,
    as_text,
    empty_figure,
    finish,
    height_of,
    line_of,
    panels,
)
from doppelcart.reporting.tables import (
    CHANGE,
    Column,
    Table,
    change_within,
    counts_table,
    in_percent,
    numbers,
    score,
    share,
    tabulate,
    text,
    yes_no,
)

CAPABILITY: Final = Capability(
    name="weekly_demand",
    rank=64,
    title="What to have in stock for a week",
    question="How much of each item will a week sell, and how much of it should be in stock?",
    command="kedro run --pipelines weekly_demand",
)
PAST_LINE, TO_COME = Mark("#0b6e99", "circle"), Mark("#b3541e", "diamond", "dash")


@CAPABILITY.written_by
def write_section(
    forecasts: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    orders: pd.DataFrame,
    shown: pd.DataFrame,
    counts: pd.DataFrame,
    source: SalesSource,
    params: WeekForecastParams,
    parameters: ReportingParams,
) -> Section:
    """Lay out what to have in stock, and what such orders would have cost.

    Args:
        forecasts: One row per method.
        differences: One row per comparison.
        declared: The design.
        orders: One row per item, those that sell most first.
        shown: One row per item and week.
        counts: What was counted while reading.
        source: The table of sales.
        params: Service levels.
        parameters: Longest table.
    """
    design, limit = Design.model_validate(declared), parameters.table_rows
    return CAPABILITY.section(
        in_short(forecasts, differences, design, params),
        [
            heading("How good such orders would have been"),
            paragraph(SIMULATED),
            table(forecasts_table(forecasts, differences, design, params, source, limit)),
            details("What was read", [table(counts_table(counts, "Rows and items", limit))]),
        ],
        shown=[
            table(orders_table(orders, params, source, limit)),
            figure(
                "weekly-demand-items",
                draw_weeks(shown, params),
                "Weeks that were, and for the weeks to come the middle of what is expected and the "
                f"stock that would meet {100 * params.judged_level:g} % of them, of the items that "
                "sell most.",
            ),
        ],
        caveats=[
            (
                "A log of receipts shows what was sold, not what was asked for: weeks in which an "
                "item ran out look like weeks of little demand."
            ),
            (
                "The forecast of a week is the same for every week ahead: it knows no season, "
                "price or promotion. Intervals are over items; one bad season hits all of them."
            ),
            "An order covers one week, and knows neither delivery times nor shelf lives.",
        ],
        metrics=_metrics(forecasts),
        glossary=GLOSSARY,
        data=source.name,
    )


SIMULATED: Final = (
    "Simulated on what was really sold: had the shop begun each of the last weeks with the stock "
    "that a method names, so much would have been lacking and so much left. Stock itself was never "
    "measured. Items count at the moments at which they could be foretold, whether or not they "
    "still sell today. The method was chosen on the weeks before these."
)
GLOSSARY: Final = {
    "wQL": "weighted quantile loss: how far the stated range of demand lies from what was sold, as "
    "a share of it; less is better",
    "negative binomial": "counts that spread more than chance alone would spread them",
    "SES, TSB, SBA, Croston": "ways to smooth the past, the latter three for items that sell in "
    "some weeks only",
}


def phrase_of(design: Design) -> dict[str, str]:
    """Method by name, in words."""
    return {arm.name: arm.phrase for arm in design.arms}


def in_short(
    forecasts: pd.DataFrame, differences: pd.DataFrame, design: Design, params: WeekForecastParams
) -> str:
    """What was chosen, and what its orders would have done, in two sentences.

    Args:
        forecasts: One row per method.
        differences: One row per comparison.
        design: The design.
        params: The level that judges.
    """
    best = forecasts[forecasts["chosen"]].iloc[0]
    phrases = phrase_of(design)
    told = (
        f"Stock by {phrases[best['arm']]} for {100 * params.judged_level:g} % of weeks would have "
        f"met the demand of {share(best['covered'])} of them, with {best['left']:.0f} left over "
        f"for 100 sold and {best['lacking']:.1f} lacking."
    )
    rows = differences[(differences["arm"] == best["arm"]) & (differences["against"] == PAST)]
    if rows.empty:
        return f"{told} No forecast was better on earlier weeks than {phrases[PAST]}."
    (row,) = in_percent(rows).to_dict("records")
    if row["outcome"] == UNDEFINED:
        return (
            f"{told} Whether that costs less than {phrases[PAST]} would have is undefined: there "
            "are too few items to tell."
        )
    verb = {HELPS: "less than", HARMS: "more than"}.get(row["outcome"], "about as much as")
    ends = change_within(row["percent"], row["percent_low"], row["percent_high"])
    return f"{told} That costs {verb} {phrases[PAST]} would have: {ends}."


def orders_table(
    orders: pd.DataFrame, params: WeekForecastParams, source: SalesSource, limit: int
) -> Table:
    """What to have in stock for a week.

    Args:
        orders: One row per item.
        params: Service levels, length of the list.
        source: Units and currency.
        limit: Longest table (rows).
    """
    shown = orders.head(params.listed)
    columns = [
        Column("item_id", "item", text, False),
        *([Column("label", "what it is", text, False)] if orders["label"].any() else []),
        numbers(shown, "last", "sold last week"),
        numbers(shown, "usual", "middle of what is expected"),
    ]
    columns += [
        numbers(shown, f"stock_{100 * level:g}", f"stock for {100 * level:g} %")
        for level in params.service_levels
    ]
    value = f"value_{100 * params.judged_level:g}"
    if source.currency and value in orders:
        columns.append(numbers(shown, value, f"value for {100 * params.judged_level:g} %"))
    money = f" Values in {source.currency}, by prices of the last weeks." if source.currency else ""
    note = (
        f"Of {len(orders):,} items those that sell most, in {source.unit}. The whole list is saved "
        f"as weekly_demand_orders.csv.{money} Nothing is ordered by itself."
    )
    return tabulate(shown, "Stock to begin a week with", columns, limit, note)


def forecasts_table(
    forecasts: pd.DataFrame,
    differences: pd.DataFrame,
    design: Design,
    params: WeekForecastParams,
    source: SalesSource,
    limit: int,
) -> Table:
    """Every method on the last weeks.

    Args:
        forecasts: One row per method.
        differences: One row per comparison.
        design: The design.
        params: Service levels.
        source: Units.
        limit: Longest table (rows).
    """
    beside = in_percent(differences[differences["against"] == PAST])
    shown = ["arm", *(column.name for column in CHANGE), "outcome"]
    rows = forecasts.merge(beside[shown], on="arm", how="left")
    phrases, level = phrase_of(design), f"{100 * params.judged_level:g} %"
    columns = [
        Column("arm", "range by", lambda arm: phrases[arm], False),
        Column("wql", "wQL", score),
        Column("covered", f"weeks met at {level}", share),
        numbers(rows, "lacking", "lacking per 100 sold"),
        numbers(rows, "left", "left per 100 sold"),
        *[
            numbers(rows, f"cost_{100 * at:g}", f"cost at {100 * at:g} %")
            for at in params.service_levels
        ],
        *CHANGE,
        Column("outcome", "outcome", text, False),
        Column("chosen", "chosen before", yes_no, False),
    ]
    note = (
        f"Over {int(forecasts['weeks'].max()):,} weeks of items. Cost of a week's order in "
        f"{source.unit}: one per unit left over, and so many per unit lacking that the service "
        f"level is what costs least ({costs_of_lacking(params.service_levels)}). Change: of the "
        f"cost at {level}, against the first row; less is better."
    )
    return tabulate(rows, "Stock by each method, simulated on real sales", columns, limit, note)


def draw_weeks(shown: pd.DataFrame, params: WeekForecastParams) -> go.Figure:
    """Past and range to come, a panel per item.

    Args:
        shown: One row per item and week.
        params: The level of the upper line.
    """
    items = list(dict.fromkeys(shown["item_id"]))
    if not items:
        return empty_figure("No item is drawn.")
    height = height_of(items, 170)
    labels = shown.drop_duplicates("item_id").set_index("item_id")["label"].fillna("")
    drawn = panels([f"{item} {labels[item]}".strip() for item in items], height, sharey=False)
    stock = f"stock for {100 * params.judged_level:g} %"
    for place, item in enumerate(items):
        rows = shown[shown["item_id"] == item]
        lines = (
            ("sold", "sold", line_of(PAST_LINE)),
            ("middle", "expected, middle", line_of(PAST_LINE._replace(dash="dot"))),
            ("high", stock, line_of(TO_COME)),
        )
        for column, name, line in lines:
            known = rows.dropna(subset=[column])
            drawn.add_trace(
                go.Scatter(
                    x=known["week"].tolist(),
                    y=known[column].tolist(),
                    mode="lines+markers" if len(known) < 3 else "lines",
                    line=line,
                    name=as_text(name),
                    legendgroup=column,
                    showlegend=place == 0,
                ),
                row=place // 2 + 1,
                col=place % 2 + 1,
            )
    drawn.update_yaxes(rangemode="tozero")
    told = "; ".join(_told(shown[shown["item_id"] == item], str(item)) for item in items)
    return finish(drawn, height, f"Units sold per week and expected. {told}.", legend=True)


def _told(rows: pd.DataFrame, item: str) -> str:
    last, ahead = rows["sold"].dropna(), rows.dropna(subset=["high"])
    if ahead.empty or last.empty:
        return f"item {item}"
    middle, high = ahead["middle"].iloc[0], ahead["high"].iloc[0]
    return f"item {item}: {last.iloc[-1]:g} last week, {middle:g} expected, stock {high:g}"


def _metrics(forecasts: pd.DataFrame) -> dict[str, float]:
    best = forecasts[forecasts["chosen"]].iloc[0]
    return {"wql": float(best["wql"]), "covered": float(best["covered"])}
