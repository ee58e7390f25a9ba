"""Ranges of weekly demand: smoothing with counts about it, against what was sold before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.forecasting.smoothing import SMOOTHERS
from doppelcart.forecasting.spread import count_quantiles, empirical_quantiles, variances
from doppelcart.forecasting.units import whole_steps
from doppelcart.metrics.forecasting import covered, newsvendor_cost, weighted_quantile_loss
from doppelcart.pipelines.weekly_demand.params import WeekForecastParams, WeeksParams
from doppelcart.pipelines.weekly_demand.weeks import Weeks, are_live

LEVELS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""Quantiles over which a range is judged."""
PAST: Final = "past_weeks"
SPREADS: Final = ("negative binomial", "Poisson")
METHODS: Final = {
    f"{smoother}_{spread.replace(' ', '_')}": f"{smoother}, {spread}"
    for smoother in SMOOTHERS
    for spread in SPREADS
}


def design_of(params: WeekForecastParams) -> Design:
    """How ranges are compared: cost of a week's order, item by item.

    Args:
        params: Service level, resamples, seed.
    """
    plain = f"what was sold in the {params.past_weeks} weeks before"
    return Design(
        name="weekly_demand",
        metric=f"cost of a week's order at {100 * params.judged_level:g} %",
        unit="item_id",
        weight="weeks",
        higher_is_better=False,
        n_bootstrap=params.n_bootstrap,
        seeds=(params.seed,),
        arms=(
            Arm(name=PAST, role=Role.BASELINE, phrase=plain),
            *(Arm(name=n, role=Role.TRIAL, phrase=phrase) for n, phrase in METHODS.items()),
        ),
        words=Words(unit="item", units="items", trial="a forecast"),
    )


def least_weeks(params: WeekForecastParams) -> int:
    """Weeks that it takes: two spans of origins, and as many again to learn from."""
    return 3 * params.horizon * params.origins


def origins(n_weeks: int, params: WeekForecastParams) -> tuple[np.ndarray, np.ndarray]:
    """Weeks that are known at each forecast: of those that choose, and of those that judge.

    The spans that are foretold do not overlap, and the last ends with the log.

    Args:
        n_weeks: Weeks there are.
        params: Horizon, number.

    Examples:
        >>> [found.tolist() for found in origins(52, WeekForecastParams())]
        [[20, 24, 28, 32], [36, 40, 44, 48]]
    """
    span = params.horizon * params.origins
    steps = params.horizon * np.arange(params.origins)
    return n_weeks - 2 * span + steps, n_weeks - span + steps


def ranges(
    counts: np.ndarray, origin: int, levels: Sequence[float], params: WeekForecastParams
) -> dict[str, np.ndarray]:
    """Quantiles of a week to come by method, from the weeks before it; (n_items, n_levels) each.

    A smoothed forecast is the same for every week ahead. Sources: of the smoothers, their modules;
    counts about a smoothed mean by their one-step errors, Snyder, Ord and Beaumont (2012).

    Args:
        counts: (n_items, n_weeks) sales in steps; NaN before an item was there.
        origin: Weeks that are known.
        levels: Of the quantiles.
        params: Weeks of the plain range.
    """
    past = counts[:, :origin]
    found = {PAST: empirical_quantiles(past[:, -params.past_weeks :], levels)}
    for name, smooth in SMOOTHERS.items():
        path = smooth(past)
        variance = variances(past, path[:, :-1])
        for spread in SPREADS:
            wide = variance if spread == SPREADS[0] else np.zeros_like(variance)
            key = f"{name}_{spread.replace(' ', '_')}"
            found[key] = count_quantiles(path[:, -1], wide, levels)
    return found


def judged(
    weeks: Weeks, at: np.ndarray, rules: WeeksParams, params: WeekForecastParams
) -> dict[str, np.ndarray]:
    """What each method said of the weeks after some moments, and what came.

    An item counts at the moments at which it could be foretold, whatever became of it later: who
    leaves out what was taken from the shelf in the meantime never sees stock that was left over.

    Args:
        weeks: Items by week.
        at: Weeks that are known at each moment.
        rules: Which items have a forecast.
        params: Horizon.

    Returns:
        Quantiles by method, (n_items, n_origins * horizon, n_levels) units with the levels of
        ``levels_of``; and under ``came`` (n_items, n_origins * horizon) units, NaN where an item
        had no forecast.
    """
    counts, levels, step = weeks.counts, levels_of(params), weeks.step[:, None]
    parts: dict[str, list[np.ndarray]] = {}
    for origin in at:
        for name, found in ranges(counts, int(origin), levels, params).items():
            ahead = np.repeat((found * step)[:, None], params.horizon, axis=1)
            parts.setdefault(name, []).append(ahead)
    said = {name: np.concatenate(found, axis=1) for name, found in parts.items()}
    came = np.concatenate([counts[:, o : o + params.horizon] for o in at], axis=1) * step
    live = np.stack([are_live(weeks, int(origin), rules) for origin in at], axis=1)
    unknown = ~np.repeat(live, params.horizon, axis=1)
    unknown |= np.isnan(np.stack([found[..., 0] for found in said.values()])).any(axis=0)
    return said | {"came": np.where(unknown, np.nan, came)}


def levels_of(params: WeekForecastParams) -> list[float]:
    """Levels that judge, and those of orders, in order."""
    return sorted({*LEVELS, *params.service_levels, params.judged_level})


def scores(weeks: Weeks, said: dict[str, np.ndarray], params: WeekForecastParams) -> pd.DataFrame:
    """Mean cost of a week's order by item and method, in units left over.

    Args:
        weeks: Items by week.
        said: As from ``judged``.
        params: The service level that judges.

    Returns:
        ``arm``, ``item_id``, ``value``, ``weeks``.
    """
    came, level = said["came"], params.judged_level
    at = levels_of(params).index(level)
    known = ~np.isnan(came)
    kept = known.any(axis=1)
    frames = []
    for name in (PAST, *METHODS):
        order = whole_steps(said[name][..., at], weeks.step[:, None])
        lack, rest = np.maximum(came - order, 0), np.maximum(order - came, 0)
        cost = np.where(known, level / (1 - level) * lack + rest, 0).sum(axis=1)
        frames.append(
            pd.DataFrame(
                {
                    "arm": name,
                    "item_id": weeks.items[kept],
                    "value": cost[kept] / known.sum(axis=1)[kept],
                    "weeks": known.sum(axis=1)[kept],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def tabulated(
    weeks: Weeks, said: dict[str, np.ndarray], params: WeekForecastParams
) -> pd.DataFrame:
    """How good each method is over all weeks that judge.

    Args:
        weeks: Items by week.
        said: As from ``judged``.
        params: Service levels.

    Returns:
        One row per method: ``wql``; ``covered``, the share of weeks whose demand its order at the
        judged level would have met; ``lacking`` and ``left``, units per 100 that were sold; and the
        mean cost of a week's order per service level.
    """
    came, levels = said["came"], levels_of(params)
    known = ~np.isnan(came)
    step = np.broadcast_to(weeks.step[:, None], came.shape)[known]
    rows = []
    for name in (PAST, *METHODS):
        own, real = said[name][known], came[known]
        wanted = [levels.index(level) for level in LEVELS]
        order = whole_steps(own[:, levels.index(params.judged_level)], step)
        total = max(real.sum(), 1e-9)
        row = {
            "arm": name,
            "wql": weighted_quantile_loss(real, own[:, wanted], LEVELS),
            "covered": covered(real, order),
            "lacking": 100 * np.maximum(real - order, 0).sum() / total,
            "left": 100 * np.maximum(order - real, 0).sum() / total,
        }
        for level in params.service_levels:
            stock = whole_steps(own[:, levels.index(level)], step)
            row[f"cost_{100 * level:g}"] = newsvendor_cost(real, stock, level)
        rows.append(row | {"weeks": int(known.sum())})
    return pd.DataFrame(rows)


def orders_of(weeks: Weeks, method: str, params: WeekForecastParams) -> pd.DataFrame:
    """What to have in stock for a week to come, the items that sell most first.

    Args:
        weeks: Items by week.
        method: The one that was chosen.
        params: Service levels.

    Returns:
        ``item_id``, ``label``, ``usual`` (median of a week), ``last`` (what the last week sold),
        and per level ``stock_<level>`` and, where prices are known, ``value_<level>``.
    """
    levels = sorted({0.5, *params.service_levels})
    found = ranges(weeks.counts, weeks.n_weeks, levels, params)[method] * weeks.step[:, None]
    table = pd.DataFrame(
        {
            "item_id": weeks.items,
            "label": weeks.labels,
            "usual": found[:, levels.index(0.5)],
            "last": weeks.sold[:, -1],
        }
    )
    for level in params.service_levels:
        stock = whole_steps(found[:, levels.index(level)], weeks.step)
        table[f"stock_{100 * level:g}"] = stock
        if np.isfinite(weeks.prices).any():
            table[f"value_{100 * level:g}"] = stock * weeks.prices
    by = ["usual", "item_id"]
    return table.sort_values(by, ascending=[False, True], kind="stable", ignore_index=True)
