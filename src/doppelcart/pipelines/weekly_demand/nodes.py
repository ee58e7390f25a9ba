"""Nodes of the weekly_demand pipeline."""

from __future__ import annotations

import logging
from typing import Any, Final

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Tables
from doppelcart.errors import InputError
from doppelcart.experiment.comparison import compare
from doppelcart.pipelines.weekly_demand.params import (
    SalesSource,
    WeekForecastParams,
    WeeksParams,
)
from doppelcart.pipelines.weekly_demand.week_forecasts import (
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
from doppelcart.pipelines.weekly_demand.weeks import LEAST_ITEMS, Weeks, are_live, read_weeks
from doppelcart.reading.declared_table import naming_files, real

SALES: Final = Tables.SALES
"""Where a person declares the table in globals.yml."""
SHOWN_WEEKS: Final = 52

log = logging.getLogger(__name__)


def count_weeks(
    raw_tables: dict[str, ir.Table],
    source: SalesSource,
    params: WeeksParams,
    forecast: WeekForecastParams,
) -> tuple[Weeks, pd.DataFrame]:
    """Read what was sold when, by week.

    Args:
        raw_tables: The files' tables by file name.
        source: The declaration.
        params: Which items can be foretold.
        forecast: How many weeks it takes.

    Returns:
        Items by week, and what was counted on the way.

    Raises:
        InputError: The expressions do not fit the files, or nothing can be foretold.
    """
    table = real(raw_tables, source, SALES)
    with naming_files(source, SALES):
        weeks, counts = read_weeks(table, params, least_weeks(forecast))
    log.info("%s: %d items, %d weeks.", source.name, len(weeks.items), weeks.n_weeks)
    return weeks, counts


def judge_ranges(
    weeks: Weeks, rules: WeeksParams, params: WeekForecastParams
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Choose a range of demand on earlier weeks, and judge all of them on the last.

    Args:
        weeks: Items by week.
        rules: Which of them have a forecast at each moment.
        params: Origins, levels, items that are drawn.

    Returns:
        One row per method with its scores on the last weeks, ``chosen`` on those before; one row
        per comparison of its orders' cost with the plain range's; and the design.

    Raises:
        InputError: Too few items could be foretold then.
    """
    rng = np.random.default_rng(params.seed)
    earlier, later = origins(weeks.n_weeks, params)
    places = _foretold_then(weeks, earlier, later, rules)
    number = min(params.judged_items, len(places))
    some = weeks.select(np.sort(rng.choice(places, number, replace=False)))
    before = tabulated(some, judged(some, earlier, rules, params), params)
    chosen = str(before["arm"].iloc[int(np.argmin(before["wql"].to_numpy()))])
    said = judged(some, later, rules, params)
    design = design_of(params)
    differences = compare(scores(some, said, params), design)
    table = tabulated(some, said, params)
    return (
        table.assign(chosen=table["arm"] == chosen),
        differences,
        design.model_dump(mode="json"),
    )


def _foretold_then(
    weeks: Weeks, earlier: np.ndarray, later: np.ndarray, rules: WeeksParams
) -> np.ndarray:
    """Places of the items that could be foretold at a moment that chooses or judges."""
    spans = {"choose": earlier, "judge": later}
    live = {
        what: np.any([are_live(weeks, int(origin), rules) for origin in at], axis=0)
        for what, at in spans.items()
    }
    faults = [
        f"  at the moments that {what}, {found.sum()} items could be foretold."
        for what, found in live.items()
        if found.sum() < LEAST_ITEMS
    ]
    if faults:
        raise InputError(
            f"forecasts of weekly demand cannot be judged, for which it takes {LEAST_ITEMS} items "
            "that were sold long enough before. Bring a longer table, or lower "
            "weekly_demand.weeks.min_weeks_sold:\n" + "\n".join(faults)
        )
    return np.flatnonzero(live["choose"] | live["judge"])


def _live_today(weeks: Weeks, rules: WeeksParams) -> Weeks:
    return weeks.select(np.flatnonzero(are_live(weeks, weeks.n_weeks, rules)))


def plan_stock(
    weeks: Weeks, forecasts: pd.DataFrame, rules: WeeksParams, params: WeekForecastParams
) -> pd.DataFrame:
    """What to have in stock for a week to come, by the method that was chosen.

    Args:
        weeks: Items by week.
        forecasts: One row per method, one of them ``chosen``.
        rules: Which items have a forecast: those that still sell.
        params: Service levels.
    """
    return orders_of(_live_today(weeks, rules), chosen_of(forecasts), params)


def show_weeks(
    weeks: Weeks, forecasts: pd.DataFrame, rules: WeeksParams, params: WeekForecastParams
) -> pd.DataFrame:
    """Past and range to come of the items that sell most, for the figure.

    Args:
        weeks: Items by week.
        forecasts: One row per method, one of them ``chosen``.
        rules: Which items have a forecast.
        params: How many items; horizon, level.

    Returns:
        One row per item and week: ``sold`` (NaN for weeks to come), ``middle``, ``high`` (NaN for
        weeks that were).
    """
    weeks = _live_today(weeks, rules)
    total = np.nansum(weeks.sold[:, -SHOWN_WEEKS:], axis=1)
    some = weeks.select(np.argsort(-total, kind="stable")[: params.drawn])
    levels = levels_of(params)
    found = ranges(some.counts, some.n_weeks, levels, params)[chosen_of(forecasts)]
    found = found * some.step[:, None]
    coming = some.starts[-1] + 7 * np.arange(1, params.horizon + 1)
    shown = some.starts[-SHOWN_WEEKS:]
    rows = []
    for place, item in enumerate(some.items):
        own = some.sold[place, -len(shown) :]
        past = pd.DataFrame({"week": shown, "sold": own})
        ahead = pd.DataFrame(
            {
                "week": coming,
                "middle": found[place, levels.index(0.5)],
                "high": found[place, levels.index(params.judged_level)],
            }
        )
        both = pd.concat([past, ahead], ignore_index=True)
        rows.append(both.assign(item_id=item, label=some.labels[place]))
    columns = ["item_id", "label", "week", "sold", "middle", "high"]
    if not rows:
        return pd.DataFrame(columns=columns)
    found_rows = pd.concat(rows, ignore_index=True)[columns]
    days = pd.to_datetime(found_rows["week"]).dt.strftime("%Y-%m-%d")
    return found_rows.assign(week=days)


def chosen_of(forecasts: pd.DataFrame) -> str:
    """The method that validation chose."""
    return str(forecasts.loc[forecasts["chosen"], "arm"].iloc[0]) if len(forecasts) else PAST
