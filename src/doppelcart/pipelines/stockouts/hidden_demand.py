"""Demand that an empty shelf hid, put right by the hours in which the shelf held something."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.pipelines.stockouts.panel import Panel

LEAST_SHARE: Final = 0.3
"""Share of a usual day's sales that falls into hours in stock, below which a day says nothing."""
PRIOR_DAYS: Final = 14.0
"""Days with the profile of all series that a series' own profile is mixed with."""
USUAL_DAYS: Final = 28
SOLD, SCALED, TOPPED_UP, AT_LEAST = "sold_7", "scaled_7", "topped_up_7", "at_least_usual_7"
IN_STOCK, LONGER = "in_stock_7", "sold_14"


def profiles(panel: Panel, n_days: int) -> np.ndarray:
    """(n_series, n_hours) share of a day's sales by hour, on days that never ran out.

    Args:
        panel: Series by hour.
        n_days: Days to look at, from the first.

    Returns:
        Shares of every hour, those included that a series does not have; alike for all hours where
        no series sold anything on such a day.
    """
    whole = in_stock(panel)[:, :n_days, None]
    sold = np.where(whole, np.nan_to_num(panel.sales[:, :n_days]), 0).sum(axis=1)
    in_all = sold.sum(axis=0)
    overall = in_all / in_all.sum() if in_all.any() else np.full(len(in_all), 1 / len(in_all))
    n_whole = whole.sum(axis=1)
    daily = sold.sum(axis=1, keepdims=True) / np.maximum(n_whole, 1)
    mixed = sold + PRIOR_DAYS * np.maximum(daily, 1e-6) * overall
    return mixed / mixed.sum(axis=1, keepdims=True)


def sold_by_day(panel: Panel) -> np.ndarray:
    """(n_series, n_days) units sold; NaN where no hour is known."""
    known = ~np.isnan(panel.empty)
    total = np.where(known, panel.sales, 0).sum(axis=2)
    return np.where(known.any(axis=2), total, np.nan)


def in_stock(panel: Panel) -> np.ndarray:
    """(n_series, n_days) whether the shelf was never empty, as far as is known."""
    whole: np.ndarray = ~(panel.empty == 1).any(axis=2) & ~np.isnan(panel.empty).all(axis=2)
    return whole


def usual(panel: Panel) -> np.ndarray:
    """(n_series, n_days) mean of what was sold on the days in stock of the four weeks before."""
    sold = np.where(in_stock(panel), sold_by_day(panel), np.nan)
    return means_before(sold, np.arange(len(panel.days)), USUAL_DAYS)


def scaled(panel: Panel, profile: np.ndarray) -> np.ndarray:
    """(n_series, n_days) what was sold over the share of a day that the shelf was filled.

    Args:
        panel: Series by hour.
        profile: As from ``profiles``.

    Returns:
        NaN where too little of the day was in stock to tell.
    """
    filled = filled_share(panel, profile)
    demand = sold_by_day(panel) / np.where(filled >= LEAST_SHARE, filled, np.nan)
    return np.where(in_stock(panel), sold_by_day(panel), demand)


def topped_up(panel: Panel, profile: np.ndarray) -> np.ndarray:
    """(n_series, n_days) what was sold, and what is usual in the hours that the shelf was empty.

    Args:
        panel: Series by hour.
        profile: As from ``profiles``.
    """
    lacking = 1 - filled_share(panel, profile)
    more = np.where(in_stock(panel), 0, np.nan_to_num(usual(panel)) * lacking)
    return sold_by_day(panel) + more


def at_least_usual(panel: Panel) -> np.ndarray:
    """(n_series, n_days) what was sold, and on days that ran out at least what is usual."""
    sold = sold_by_day(panel)
    return np.where(in_stock(panel), sold, np.fmax(sold, usual(panel)))


def filled_share(panel: Panel, profile: np.ndarray) -> np.ndarray:
    """(n_series, n_days) share of a usual day's sales that falls into the hours in stock.

    Of the hours that are known: one of which nothing is known, since the shop was closed, did not
    run out. NaN where none is.
    """
    known, filled = (
        np.where(hours, profile[:, None, :], 0).sum(axis=2)
        for hours in (~np.isnan(panel.empty), panel.empty == 0)
    )
    return filled / np.where(known > 0, known, np.nan)


def means_before(values: np.ndarray, days: np.ndarray, n_days: int) -> np.ndarray:
    """(n_series, n) mean of what is known of the days before each.

    Args:
        values: (n_series, n_days) numbers by day, NaN where unknown.
        days: (n,) places of the days.
        n_days: Days to look back.
    """
    known = ~np.isnan(values)
    zero = np.zeros((len(values), 1))
    total = np.concatenate([zero, np.where(known, values, 0).cumsum(axis=1)], axis=1)
    count = np.concatenate([zero, known.cumsum(axis=1)], axis=1)
    start = np.maximum(days - n_days, 0)
    number = count[:, days] - count[:, start]
    return np.where(number > 0, (total[:, days] - total[:, start]) / np.maximum(number, 1), np.nan)


def forecasts(panel: Panel, days: np.ndarray) -> dict[str, np.ndarray]:
    """What each way expects of some days, (n_series, n) each.

    Args:
        panel: Series by hour.
        days: Places of the days; profiles are of the days before the first of them.
    """
    sold, profile = sold_by_day(panel), profiles(panel, int(days[0]))
    plain = means_before(sold, days, 7)
    ways = {
        SCALED: scaled(panel, profile),
        TOPPED_UP: topped_up(panel, profile),
        AT_LEAST: at_least_usual(panel),
        IN_STOCK: np.where(in_stock(panel), sold, np.nan),
    }
    means = {name: means_before(values, days, 7) for name, values in ways.items()}
    whole = {name: np.where(np.isnan(mean), plain, mean) for name, mean in means.items()}
    return {SOLD: plain, **whole, LONGER: means_before(sold, days, 14)}


DESIGN: Final = Design(
    name="demand",
    metric="absolute error of demand on days in stock",
    unit="series_id",
    cluster="store_id",
    weight="days",
    higher_is_better=False,
    arms=(
        Arm(name=SOLD, role=Role.BASELINE, phrase="mean of what was sold in 7 days"),
        Arm(name=SCALED, role=Role.TRIAL, phrase="the same, sales over the share in stock"),
        Arm(name=TOPPED_UP, role=Role.TRIAL, phrase="the same, usual sales of empty hours added"),
        Arm(name=AT_LEAST, role=Role.TRIAL, phrase="the same, at least usual on days that ran out"),
        Arm(name=IN_STOCK, role=Role.CONTROL, phrase="the same, days that ran out left out"),
        Arm(name=LONGER, role=Role.CONTROL, phrase="mean of what was sold in 14 days"),
    ),
    words=Words(unit="series", units="series", trial="putting demand right"),
)


def errors(panel: Panel, ids: np.ndarray, days: np.ndarray) -> pd.DataFrame:
    """Errors on days that never ran out, where what was sold is what was asked for.

    Args:
        panel: Series by hour.
        ids: (n_series,) what each is called.
        days: Places of the test days.

    Returns:
        One row per way and series: ``value`` (mean absolute error), ``sold`` (units), ``days``.
    """
    sold = sold_by_day(panel)[:, days]
    judged = in_stock(panel)[:, days]
    found = forecasts(panel, days)
    judged &= ~np.isnan(np.stack(list(found.values()))).any(axis=0)
    number = judged.sum(axis=1)
    kept = number > 0
    total = np.where(judged, sold, 0).sum(axis=1)
    frames = []
    for name, forecast in found.items():
        missed = np.where(judged, np.abs(sold - forecast), 0).sum(axis=1)
        columns: dict[str, Any] = {
            "arm": name,
            "series_id": ids[kept],
            "store_id": panel.stores[kept],
            "value": missed[kept] / number[kept],
            "bias": np.where(judged, forecast - sold, 0).sum(axis=1)[kept],
            "sold": total[kept],
            "days": number[kept],
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def tabulated(scores: pd.DataFrame, differences: pd.DataFrame) -> pd.DataFrame:
    """WAPE and bias of each way, and its change against the plain mean.

    Args:
        scores: As from ``errors``.
        differences: The comparison of ``DESIGN``.
    """
    parts = scores.assign(missed=scores["value"] * scores["days"]).groupby("arm", sort=False)
    sums = parts[["missed", "bias", "sold"]].sum()
    table = pd.DataFrame(
        {
            "arm": sums.index,
            "wape": (sums["missed"] / sums["sold"]).to_numpy(),
            "bias": (sums["bias"] / sums["sold"]).to_numpy(),
        }
    )
    against = differences[differences["against"] == SOLD].set_index("arm")
    columns = ["relative", "relative_low", "relative_high", "p_holm", "outcome"]
    return table.join(against[columns], on="arm")
