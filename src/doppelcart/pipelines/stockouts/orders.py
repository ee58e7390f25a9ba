"""Distributions of the next day's demand, and the stock to have at a service level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.forecasting.smoothing import SMOOTHERS
from doppelcart.forecasting.spread import count_quantiles, empirical_quantiles, variances
from doppelcart.forecasting.units import in_steps, unit_steps, whole_steps
from doppelcart.metrics.forecasting import covered, newsvendor_cost, weighted_quantile_loss
from doppelcart.pipelines.stockouts.daily import LOOKBACK
from doppelcart.pipelines.stockouts.hidden_demand import in_stock, means_before, profiles, topped_up
from doppelcart.pipelines.stockouts.panel import Panel
from doppelcart.pipelines.stockouts.params import ForecastParams

LEVELS: Final = (0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
EMPIRICAL, TREES = "last 28 days", "boosted quantiles"
MOST_ROWS: Final = 20_000


class Demand(NamedTuple):
    """What was asked for by day, counted in steps.

    Attributes:
        counts: (n_series, n_days) demand put right, in steps; NaN where nobody can tell.
        judged: (n_series, n_days) whether a day never ran out.
        step: (n_series,) units of the source that one step of a series is.
    """

    counts: np.ndarray
    judged: np.ndarray
    step: np.ndarray

    @property
    def units(self) -> np.ndarray:
        """(n_series, n_days) demand in units of the source."""
        return self.counts * self.step[:, None]

    def rows(self, places: np.ndarray) -> Demand:
        """That of some series."""
        return Demand(*(part[places] for part in self))


def demand_of(panel: Panel, n_days: int) -> Demand:
    """Demand by day.

    Args:
        panel: Series by hour.
        n_days: Days whose profiles are taken.
    """
    step = unit_steps(panel.sales)
    counts = in_steps(topped_up(panel, profiles(panel, n_days)), step[:, None])
    return Demand(counts, in_stock(panel), step)


def distributions(
    demand: Demand, days: np.ndarray, levels: Sequence[float], params: ForecastParams
) -> dict[str, np.ndarray]:
    """Quantiles of some days' demand in units; (n_series, n, n_levels), from the days before each.

    Args:
        demand: By day; one day more than there are may be asked for.
        days: Places of the days.
        levels: Of the quantiles.
        params: Seed of boosting.
    """
    counts = demand.counts
    found = {}
    for name in ("SES", "TSB"):
        path = SMOOTHERS[name](counts)
        spread = variances(counts[:, : days[0]], path[:, : days[0]])
        quantiles = [count_quantiles(path[:, day], spread, levels) for day in days]
        found[f"{name}, negative binomial"] = np.stack(quantiles, axis=1)
    past = [empirical_quantiles(counts[:, max(day - LOOKBACK, 0) : day], levels) for day in days]
    found[EMPIRICAL] = np.stack(past, axis=1)
    found[TREES] = _boosted(counts, days, levels, params)
    return {name: values * demand.step[:, None, None] for name, values in found.items()}


def _boosted(
    counts: np.ndarray, days: np.ndarray, levels: Sequence[float], params: ForecastParams
) -> np.ndarray:
    """Quantile regression by boosted trees on means and spread of the last days, and the weekday.

    Levels are fitted relative to a series' own mean, so that small and large series share trees.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    train_days = np.arange(LOOKBACK, days[0])
    level, table = _inputs(counts, train_days)
    target = (counts[:, train_days] / level).ravel()
    rows = np.flatnonzero(~np.isnan(target))
    rng = np.random.default_rng(params.seed)
    rows = rng.permutation(rows)[:MOST_ROWS]
    own, asked = _inputs(counts, days)
    quantiles = []
    for at in levels:
        model = HistGradientBoostingRegressor(
            loss="quantile", quantile=at, max_iter=60, max_leaf_nodes=8, random_state=params.seed
        )
        with threadpool_limits(1):
            model.fit(table[rows], target[rows])
            quantiles.append(model.predict(asked).reshape(own.shape) * own)
    return np.maximum.accumulate(np.maximum(np.stack(quantiles, axis=2), 0), axis=2)


def _inputs(counts: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n_series, n) level of each series; (n_series * n, n_inputs) what is known of the days."""
    level = np.nan_to_num(means_before(counts, days, LOOKBACK), nan=0.0) + 0.5
    squares = np.sqrt(means_before(np.square(counts), days, LOOKBACK)) / level
    columns = [
        counts[:, days - 1] / level,
        means_before(counts, days, 3) / level,
        means_before(counts, days, 7) / level,
        means_before(counts, days, 14) / level,
        counts[:, days - 7] / level,
        squares,
        np.log(level),
        np.broadcast_to(days % 7, level.shape),
    ]
    return level, np.stack(columns, axis=2).reshape(-1, len(columns))


def scored(demand: Demand, days: np.ndarray, params: ForecastParams) -> pd.DataFrame:
    """How good each distribution is on the days that never ran out.

    Args:
        demand: By day.
        days: Places of the days that judge.
        params: Service levels.

    Returns:
        One row per method: ``wql`` of the quantiles; and of the orders made out of them, which are
        whole steps, ``covered`` at .95 and per service level the mean cost of a day's order, in
        units left over: ``cost_90`` and so on.
    """
    levels = sorted({*LEVELS, *params.service_levels})
    actual = demand.units[:, days]
    found = distributions(demand, days, levels, params)
    kept = demand.judged[:, days] & ~np.isnan(actual)
    kept &= ~np.isnan(np.stack([values[..., 0] for values in found.values()])).any(axis=0)
    step = np.broadcast_to(demand.step[:, None], actual.shape)[kept]
    rows = []
    for name, quantiles in found.items():
        own = quantiles[kept]
        stock = whole_steps(own, step[:, None])
        wanted = [levels.index(level) for level in LEVELS]
        row = {
            "method": name,
            "wql": weighted_quantile_loss(actual[kept], own[:, wanted], LEVELS),
            "covered": covered(actual[kept], stock[:, levels.index(0.95)]),
        }
        for level in params.service_levels:
            order = stock[:, levels.index(level)]
            row[f"cost_{100 * level:g}"] = newsvendor_cost(actual[kept], order, level)
        rows.append(row | {"days": int(kept.sum())})
    return pd.DataFrame(rows)


def orders_of(
    panel: Panel, chance: np.ndarray, method: str, params: ForecastParams
) -> pd.DataFrame:
    """What to have on the shelf on the day after the last, the likeliest to run out first.

    Args:
        panel: Series by hour.
        chance: (n_series,) chance of a stock-out on that day.
        method: The distribution that orders go by.
        params: Service levels.
    """
    n_days = len(panel.days)
    demand = demand_of(panel, n_days)
    levels = sorted({0.5, *params.service_levels})
    quantiles = distributions(demand, np.array([n_days]), levels, params)[method][:, 0]
    table = pd.DataFrame(
        {
            "store_id": panel.stores,
            "item_id": panel.items,
            "day": str(panel.days[-1] + np.timedelta64(1, "D")),
            "chance": chance,
            "usual": quantiles[:, levels.index(0.5)],
        }
    )
    prices = panel.traits.get("price")
    for level in params.service_levels:
        stock = whole_steps(quantiles[:, levels.index(level)], demand.step)
        table[f"stock_{100 * level:g}"] = stock
        if prices is not None:
            table[f"value_{100 * level:g}"] = stock * prices[:, -1]
    return table.sort_values("chance", ascending=False, kind="stable", ignore_index=True)
