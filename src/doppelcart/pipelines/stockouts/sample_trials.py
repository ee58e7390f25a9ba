"""Samples of generators as a range of the next day's demand, held against plain distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words
from doppelcart.forecasting.units import whole_steps
from doppelcart.metrics.forecasting import (
    covered,
    newsvendor_cost,
    pinball,
    weighted_quantile_loss,
)
from doppelcart.models.series.window_config import Family, WindowConfig
from doppelcart.pipelines.stockouts.daily import LOOKBACK, Daily
from doppelcart.pipelines.stockouts.detectors import Spans
from doppelcart.pipelines.stockouts.orders import EMPIRICAL, LEVELS, TREES, Demand, distributions
from doppelcart.pipelines.stockouts.params import ForecastParams, SamplesParams
from doppelcart.pipelines.stockouts.sampled_demand import (
    fit_sampler,
    ready,
    sampled_quantiles,
    windows_of,
)
from doppelcart.progress import tracked

SES, TSB = "SES, negative binomial", "TSB, negative binomial"
GAN, WITHOUT_CRITIC, TIME_VAE = "gan", "without_critic", "time_vae"
PLAIN: Final = {
    SES: "exponential smoothing with a negative binomial",
    TSB: "smoothed chance and size (TSB) with a negative binomial",
    EMPIRICAL: "the last 28 days as they were",
    TREES: "boosted quantiles",
}
MADE: Final = {
    WITHOUT_CRITIC: "samples of the same network trained without a critic",
    TIME_VAE: "samples of a variational autoencoder of series (TimeVAE)",
    GAN: "samples of the GAN",
}
MEDIAN: Final = 0.5


class Foretold(NamedTuple):
    """Ranges of some days' demand.

    Attributes:
        quantiles: By arm, (n_series, n, n_levels) in units.
        actual: (n_series, n) what was asked for, in units.
        judged: (n_series, n) whether the day never ran out, and every arm has a range of it.
        step: (n_series,) units that one step of a series is: orders are whole steps.
    """

    quantiles: Mapping[str, np.ndarray]
    actual: np.ndarray
    judged: np.ndarray
    step: np.ndarray


def declare(best: str, n_bootstrap: int) -> Design:
    """The experiment.

    Args:
        best: The plain distribution that validation days chose.
        n_bootstrap: Resamples.
    """
    made = (WITHOUT_CRITIC, TIME_VAE)
    level = "a widening of"
    return Design(
        name="samples",
        metric="quantile loss of the next day's demand",
        unit="series_id",
        cluster="store_id",
        weight="days",
        higher_is_better=False,
        arms=(
            *(Arm(name=n, role=Role.BASELINE, phrase=PLAIN[n], level=level) for n in PLAIN),
            *(Arm(name=n, role=Role.CONTROL, phrase=MADE[n], level=level) for n in made),
            Arm(name=GAN, role=Role.TRIAL, phrase=MADE[GAN], level=level),
        ),
        best=(Baseline(group=(), arm=best),),
        n_bootstrap=n_bootstrap,
        words=Words(
            unit="series",
            units="series",
            trial="the GAN",
            best=f"the best plain distribution ({PLAIN[best]})",
            worse="its ranges lie further from what was asked for",
        ),
    )


def levels_of(params: ForecastParams) -> list[float]:
    """All levels that are asked of a distribution."""
    return sorted({*LEVELS, MEDIAN, *params.service_levels})


def foretold(
    daily: Daily,
    demands: Mapping[str, Demand],
    days: Spans,
    generator: WindowConfig,
    forecast: ForecastParams,
    params: SamplesParams,
    places: np.ndarray,
) -> dict[str, Foretold]:
    """Ranges of the validation and of the test days, by every arm.

    Generators learn from days before validation, and validation keeps their epoch.

    Args:
        daily: All series.
        demands: Demand as it can be known before either span: ``validation``, ``test``.
        days: What which days are for.
        generator: How the GAN is trained.
        forecast: Service levels.
        params: Draws and seed.
        places: (n,) series that are judged.
    """
    whole, scales = ready(daily, int(days.validation[0]))
    learning = np.arange(LOOKBACK, int(days.validation[0]))
    train, later = (
        windows_of(whole, demands["validation"], span, scales)
        for span in (learning, days.validation)
    )
    samplers = {
        arm: fit_sampler(train, later, config, family, params.seed)
        for arm, (config, family) in tracked(
            networks(generator).items(), "training generators", "arm"
        )
    }
    levels = levels_of(forecast)
    judged = whole.part(places)
    found: dict[str, Foretold] = {}
    for name, demand in demands.items():
        span: np.ndarray = getattr(days, name)
        own_demand = demand.rows(places)
        asked = windows_of(judged, own_demand, span, scales)
        rng = np.random.default_rng([params.seed, len(found)])
        shape = (len(places), len(span), len(levels))
        made = {
            arm: sampled_quantiles(sampler, asked, levels, params.draws, rng).reshape(shape)
            for arm, sampler in samplers.items()
        }
        # Plain distributions learn from all series, and are judged on the same.
        plain = distributions(demand, span, levels, forecast)
        own = {arm: plain[arm][places] for arm in PLAIN} | made
        actual = own_demand.units[:, span]
        known = own_demand.judged[:, span] & ~np.isnan(actual)
        known &= ~np.isnan(np.stack([values[..., 0] for values in own.values()])).any(axis=0)
        found[name] = Foretold(own, actual, known, own_demand.step)
    return found


def networks(generator: WindowConfig) -> dict[str, tuple[WindowConfig, Family]]:
    """How each generator is trained, by arm."""
    without = generator.model_copy(update={"adversarial_loss": "energy_score"})
    return {
        WITHOUT_CRITIC: (without, "gan"),
        TIME_VAE: (generator, "vae"),
        GAN: (generator, "gan"),
    }


def widened(quantiles: np.ndarray, levels: Sequence[float], factor: float) -> np.ndarray:
    """Quantiles as many times as far from their median, none below 0.

    Args:
        quantiles: (..., n_levels).
        levels: Of the quantiles, the median among them.
        factor: 1 leaves them as they are.
    """
    middle = quantiles[..., [list(levels).index(MEDIAN)]]
    return np.maximum(middle + factor * (quantiles - middle), 0)


def chosen_widenings(
    found: Foretold, levels: Sequence[float], factors: Sequence[float]
) -> pd.DataFrame:
    """The widening with which each arm does best on the days that choose.

    Args:
        found: Ranges of the validation days.
        levels: Of the quantiles.
        factors: That every arm chooses from.

    Returns:
        One row per arm: ``arm``, ``level`` (the widening), ``loss`` (wQL).
    """
    rows = []
    for arm, quantiles in found.quantiles.items():
        losses = [
            _wql(found.actual, widened(quantiles, levels, factor), levels, found.judged)
            for factor in factors
        ]
        place = int(np.argmin(losses))
        rows.append({"arm": arm, "level": float(factors[place]), "loss": losses[place]})
    return pd.DataFrame(rows)


def best_plain(chosen: pd.DataFrame) -> str:
    """The plain distribution that does best on the days that choose.

    Args:
        chosen: As from ``chosen_widenings``.
    """
    plain = chosen[chosen["arm"].isin(list(PLAIN))]
    return str(plain["arm"].iloc[int(np.argmin(plain["loss"].to_numpy()))])


def _wql(
    actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float], judged: np.ndarray
) -> float:
    wanted = [list(levels).index(level) for level in LEVELS]
    return weighted_quantile_loss(actual[judged], quantiles[judged][:, wanted], LEVELS)


def scores_of(
    found: Foretold,
    chosen: pd.DataFrame,
    levels: Sequence[float],
    ids: np.ndarray,
    stores: np.ndarray,
) -> pd.DataFrame:
    """One score per arm and series; their mean over days is wQL but for a common factor.

    Args:
        found: Ranges of the test days.
        chosen: As from ``chosen_widenings``.
        levels: Of the quantiles.
        ids: (n_series,) what each is called.
        stores: (n_series,) store of each.
    """
    days = found.judged.sum(axis=1)
    kept = days > 0
    wanted = [list(levels).index(level) for level in LEVELS]
    actual = np.where(found.judged, found.actual, 0)
    frames = []
    for arm, factor in zip(chosen["arm"], chosen["level"], strict=True):
        own = widened(found.quantiles[arm], levels, factor)[..., wanted]
        loss = 2 * pinball(actual, own, LEVELS).mean(axis=2)
        total = np.where(found.judged, loss, 0).sum(axis=1)
        columns: dict[str, Any] = {
            "arm": arm,
            "series_id": ids[kept],
            "store_id": stores[kept],
            "value": total[kept] / days[kept],
            "days": days[kept],
            "level": factor,
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def tabulated(
    found: Foretold,
    chosen: pd.DataFrame,
    levels: Sequence[float],
    params: ForecastParams,
) -> pd.DataFrame:
    """How good the ranges of each arm are, as they are made and as validation widened them.

    Args:
        found: Ranges of the test days.
        chosen: As from ``chosen_widenings``.
        levels: Of the quantiles.
        params: Service levels.

    Returns:
        One row per arm and widening: ``wql``; per service level, of orders in whole steps,
        ``covered_95`` (share of days whose demand is met in full), ``met_95`` (share of demand),
        ``cost_95`` (of a day's order, in units left over); ``chosen`` on validation days.
    """
    actual = found.actual[found.judged]
    step = np.broadcast_to(found.step[:, None], found.actual.shape)[found.judged]
    rows = []
    for arm, chosen_one in zip(chosen["arm"], chosen["level"], strict=True):
        for factor in dict.fromkeys((1.0, chosen_one)):
            own = widened(found.quantiles[arm], levels, factor)
            row: dict[str, Any] = {"arm": arm, "widening": factor}
            row["wql"] = _wql(found.actual, own, levels, found.judged)
            stock = whole_steps(own[found.judged], step[:, None])
            for level in params.service_levels:
                order, name = stock[:, levels.index(level)], f"{100 * level:g}"
                row[f"covered_{name}"] = covered(actual, order)
                row[f"met_{name}"] = float(np.minimum(actual, order).sum() / actual.sum())
                row[f"cost_{name}"] = newsvendor_cost(actual, order, level)
            rows.append(row | {"chosen": factor == chosen_one, "days": len(actual)})
    return pd.DataFrame(rows)
