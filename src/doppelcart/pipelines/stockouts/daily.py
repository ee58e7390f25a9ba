"""Days of series, and what is known of a day the evening before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from doppelcart.pipelines.stockouts.panel import OBSERVED, PLANNED, Panel

LOG_SALES, EMPTY, FIRST, LAST = range(4)
CHANNELS: Final = ("log_sales", "empty_share", "first_empty", "last_empty")
"""What a day of a series is, besides its traits: log(1 + units sold), share of hours with an empty
shelf, share of the day before the first of them (1 without any), whether the last hour was one."""

LOOKBACK: Final = 28
WARM_UP: Final = 21
"""Days before the first that is foretold."""
EVENTS: Final = {"at least 1 hour": 1, "at least 4 hours": 4}
"""Stock-outs by the hours of a day that they take."""


@dataclass(frozen=True)
class Daily:
    """Series by day.

    Args:
        ids: (n_series,) what each is called.
        values: (n_series, n_days, 4) ``CHANNELS``; NaN where unknown.
        hours: (n_series, n_days) hours of the day that are known.
        weekdays: (n_series, n_days) 0 for Monday to 6.
        planned: (n_series, n_days, 3) ``PLANNED``; NaN where unknown.
        observed: (n_series, n_days, 4) ``OBSERVED``; NaN where unknown.
    """

    ids: np.ndarray
    values: np.ndarray
    hours: np.ndarray
    weekdays: np.ndarray
    planned: np.ndarray
    observed: np.ndarray

    @property
    def n_series(self) -> int:
        """Series in all."""
        return len(self.ids)

    @property
    def n_days(self) -> int:
        """Days of each."""
        return self.values.shape[1]

    def part(self, rows: np.ndarray | slice, days: slice = slice(None)) -> Daily:
        """Some series, and some days that follow one another."""
        return Daily(
            self.ids[rows],
            self.values[rows, days],
            self.hours[rows, days],
            self.weekdays[rows, days],
            self.planned[rows, days],
            self.observed[rows, days],
        )

    def empty_hours(self) -> np.ndarray:
        """(n_series, n_days) hours with an empty shelf; NaN where unknown."""
        return self.values[..., EMPTY] * self.hours


def by_day(panel: Panel) -> Daily:
    """Sum up the hours of each day.

    Args:
        panel: Series by hour.
    """
    known = ~np.isnan(panel.empty)
    hours = known.sum(axis=2)
    is_empty = panel.empty == 1
    n_hours = panel.empty.shape[2]
    first = np.where(is_empty.any(axis=2), is_empty.argmax(axis=2) / n_hours, 1.0)
    last_known = n_hours - 1 - known[..., ::-1].argmax(axis=2)
    last = np.take_along_axis(is_empty, last_known[..., None], axis=2)[..., 0]
    values = np.stack(
        [
            np.log1p(np.where(known, panel.sales, 0).sum(axis=2)),
            is_empty.sum(axis=2) / np.maximum(hours, 1),
            first,
            last,
        ],
        axis=2,
    ).astype(np.float32)
    values[hours == 0] = np.nan
    weekday = (panel.days.astype("datetime64[D]").astype(int) + 3) % 7
    return Daily(
        np.array(
            [f"{store}/{item}" for store, item in zip(panel.stores, panel.items, strict=True)],
            dtype=str,
        ),
        values,
        hours,
        np.tile(weekday, (panel.n_series, 1)),
        _stacked(panel, PLANNED),
        _stacked(panel, OBSERVED),
    )


def _stacked(panel: Panel, names: tuple[str, ...]) -> np.ndarray:
    unknown = np.full(panel.empty.shape[:2], np.nan, np.float32)
    return np.stack([panel.traits.get(name, unknown) for name in names], axis=2)


def extended(daily: Daily) -> Daily:
    """The same and one day more, of which only the weekday is known; what was planned stays.

    Args:
        daily: Series up to today.
    """

    def more(values: np.ndarray, last: np.ndarray) -> np.ndarray:
        return np.concatenate([values, last[:, None]], axis=1)

    return Daily(
        daily.ids,
        more(daily.values, np.full_like(daily.values[:, -1], np.nan)),
        more(daily.hours, np.zeros_like(daily.hours[:, -1])),
        more(daily.weekdays, (daily.weekdays[:, -1] + 1) % 7),
        more(daily.planned, daily.planned[:, -1]),
        more(daily.observed, np.full_like(daily.observed[:, -1], np.nan)),
    )


def happened(daily: Daily, days: np.ndarray, least_hours: int) -> np.ndarray:
    """(n_series, n) 1 where the shelf was empty for so many hours of a day, NaN where unknown.

    Args:
        daily: Series.
        days: (n,) places of the days.
        least_hours: Hours that make the event.
    """
    empty = daily.empty_hours()[:, days]
    # Shares are stored in single precision.
    return np.where(np.isnan(empty), np.nan, empty >= least_hours - 1e-3)


def features(daily: Daily, days: np.ndarray) -> np.ndarray:
    """What is known of days the evening before, plans for the day itself included.

    Args:
        daily: Series.
        days: (n,) places of the days, none before ``WARM_UP``.

    Returns:
        (n_series, n, n_features) in the order of ``NAMES``; NaN where unknown.
    """
    return np.stack([_of_day(daily, int(day)) for day in days], axis=1)


def _of_day(daily: Daily, day: int) -> np.ndarray:
    past = daily.values[:, max(0, day - LOOKBACK) : day]
    empty, sales = past[..., EMPTY], past[..., LOG_SALES]
    had = np.where(np.isnan(empty), np.nan, empty > 0)
    same_weekday = empty[:, ::-1][:, 6::7]
    yesterday = past[:, -1]
    columns = [
        empty[:, -1],
        empty[:, -2],
        had[:, -1],
        had[:, -2],
        empty[:, -7],
        _mean(empty[:, -3:]),
        _mean(empty[:, -7:]),
        _mean(empty),
        _mean(had[:, -7:]),
        _mean(had[:, -14:]),
        _mean(had),
        _mean(same_weekday),
        yesterday[:, FIRST],
        yesterday[:, LAST],
        _days_since(had),
        sales[:, -1],
        _mean(sales[:, -7:]),
        _mean(sales),
        sales[:, -1] - _mean(sales[:, -7:]),
        *[daily.planned[:, day, place] for place in range(len(PLANNED))],
        daily.planned[:, day, 0] - daily.planned[:, day - 1, 0],
        *[daily.observed[:, day - 1, place] for place in range(len(OBSERVED))],
        *[(daily.weekdays[:, day] == weekday).astype(float) for weekday in range(7)],
    ]
    return np.column_stack(columns).astype(np.float32)


NAMES: Final = (
    "empty_1", "empty_2", "had_1", "had_2", "empty_7", "empty_mean_3", "empty_mean_7",
    "empty_mean_28", "had_mean_7", "had_mean_14", "had_mean_28", "empty_same_weekday",
    "first_empty_1", "last_empty_1", "days_since", "sales_1", "sales_mean_7", "sales_mean_28",
    "sales_change", *PLANNED, "discount_change", *(f"{name}_1" for name in OBSERVED),
    *(f"weekday_{day}" for day in range(7)),
)  # fmt: skip


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over days of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _days_since(had: np.ndarray) -> np.ndarray:
    """Days since the last stock-out, over the days that are looked back on; 1 without any."""
    backwards = had[:, ::-1] == 1
    return np.where(backwards.any(axis=1), backwards.argmax(axis=1) / had.shape[1], 1.0)
