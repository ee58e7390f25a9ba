"""A made-up stock table: what sells on weekdays, and runs out on days that follow one another."""

from collections.abc import Callable
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.pipelines.stockouts.daily import Daily
from doppelcart.pipelines.stockouts.detectors import least_days
from doppelcart.pipelines.stockouts.panel import Panel, read_panel
from doppelcart.pipelines.stockouts.params import ForecastParams, ReadingParams

FIRST = pd.Timestamp("2024-01-01")  # a Monday
OPEN, CLOSE = 8, 12


def make_rows(n_series: int = 4, n_days: int = 70, seed: int = 0) -> pd.DataFrame:
    """One row per series, day, hour from 8 to 11; every third day the last two are empty."""
    rng = np.random.default_rng(seed)
    grid = pd.MultiIndex.from_product(
        [range(n_series), range(n_days), range(OPEN, CLOSE)], names=["series", "day", "hour"]
    ).to_frame(index=False)
    is_out = ((grid["day"] + grid["series"]) % 3 == 0) & (grid["hour"] >= CLOSE - 2)
    moments = (
        FIRST + pd.to_timedelta(grid["day"], unit="D") + pd.to_timedelta(grid["hour"], unit="h")
    )
    return pd.DataFrame(
        {
            "item_id": "i" + grid["series"].astype(str),
            "store_id": "s" + (grid["series"] // 2).astype(str),
            "timestamp": moments,
            "sales": np.where(is_out, 0, rng.poisson(3, len(grid))).astype(float),
            "in_stock": ~is_out,
            "discount": 0.1,
        }
    )


def read_rows(rows: pd.DataFrame, **params: Any) -> tuple[Panel, pd.DataFrame]:
    """Read rows as a stock table."""
    connection = ibis.duckdb.connect()
    connection.con.register("stock_rows", rows)
    hours = {"open_hour": OPEN, "close_hour": CLOSE}
    least = least_days(ForecastParams())
    return read_panel(connection.table("stock_rows"), ReadingParams(**hours | params), least)


def make_daily(n_series: int, n_days: int = 77, seed: int = 0) -> Daily:
    """Days that run out mostly at weekends, and the oftener the more often the series does."""
    rng = np.random.default_rng(seed)
    weekdays = np.tile(np.arange(n_days) % 7, (n_series, 1))
    chance = np.where(weekdays >= 5, 0.8, 0.15) + rng.uniform(-0.1, 0.1, (n_series, 1))
    out = rng.random((n_series, n_days)) < chance
    empty = np.where(out, rng.integers(1, 9, out.shape) / 16, 0)
    values = np.stack(
        [rng.gamma(4, 0.3, out.shape), empty, 1 - empty, out & (rng.random(out.shape) < 0.9)],
        axis=2,
    ).astype(np.float32)
    return Daily(
        np.array([f"store-{number}/item" for number in range(n_series)]),
        values,
        np.full(out.shape, 16),
        weekdays,
        np.zeros((*out.shape, 3), np.float32),
        rng.normal(size=(*out.shape, 4)).astype(np.float32),
    )


@pytest.fixture
def rows() -> Callable[..., pd.DataFrame]:
    return make_rows


@pytest.fixture
def read() -> Callable[..., tuple[Panel, pd.DataFrame]]:
    return read_rows


@pytest.fixture
def daily() -> Callable[..., Daily]:
    return make_daily
