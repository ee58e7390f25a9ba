"""Nodes of the stockouts pipeline."""

from __future__ import annotations

import logging
from typing import Any, Final

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Tables
from doppelcart.experiment.comparison import check_resamples, compare
from doppelcart.experiment.design import Design, largest_family
from doppelcart.experiment.verdict import judge
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.pipelines.stockouts import foretelling, hidden_demand, sample_trials, trials
from doppelcart.pipelines.stockouts.daily import EVENTS, Daily, by_day
from doppelcart.pipelines.stockouts.detectors import (
    Spans,
    best,
    chances,
    fit,
    joined,
    least_days,
    rows_of,
    settings,
    spans,
    tune,
)
from doppelcart.pipelines.stockouts.fidelity_floor import floors
from doppelcart.pipelines.stockouts.hidden_demand import errors, tabulated
from doppelcart.pipelines.stockouts.orders import demand_of, orders_of, scored
from doppelcart.pipelines.stockouts.panel import Panel, describe, read_panel
from doppelcart.pipelines.stockouts.params import (
    ExperimentParams,
    ForecastParams,
    ReadingParams,
    SamplesParams,
    StockSource,
)
from doppelcart.pipelines.stockouts.plain_makers import PLAIN, Maker
from doppelcart.pipelines.stockouts.stock_card import describe_detector
from doppelcart.pipelines.stockouts.trained_makers import trained_maker
from doppelcart.reading.declared_table import naming_files, real
from doppelcart.reporting.model_card import as_page

STOCK: Final = Tables.STOCK
"""Where a person declares the table in globals.yml."""

log = logging.getLogger(__name__)


def read_stock(
    raw_tables: dict[str, ir.Table],
    source: StockSource,
    params: ReadingParams,
    forecast: ForecastParams,
) -> tuple[Panel, pd.DataFrame]:
    """Read the shop's stock table.

    Args:
        raw_tables: The files' tables by file name.
        source: The declaration.
        params: Hours, and what is tolerated.
        forecast: How many days it takes.

    Returns:
        The series, and what was counted on the way.

    Raises:
        InputError: The expressions do not fit the files, or nothing can be learnt.
    """
    table = real(raw_tables, source, STOCK)
    with naming_files(source, STOCK):
        panel, counts = read_panel(table, params, least_days(forecast))
    log.info("Stock table %s: %s.", source.name, describe(panel))
    return panel, counts


def try_detectors(
    panel: Panel, params: ForecastParams
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, np.ndarray]]:
    """Foretell stock-outs of the test days and of the day after the last.

    Args:
        panel: Series by hour.
        params: Days and grids.

    Returns:
        Scores by event and method; the calibration of the chosen detector; and its chances of the
        test days by event, and of the day after the last under ``tomorrow``.
    """
    found = foretelling.foretell(by_day(panel), params)
    return found.table, found.calibration, found.test | {"tomorrow": found.tomorrow}


def correct_demand(panel: Panel, params: ForecastParams) -> pd.DataFrame:
    """Put demand right that an empty shelf hid, and see whether it is foretold better.

    Args:
        panel: Series by hour.
        params: Test days.

    Returns:
        One row per way: WAPE, bias, and the change against the mean of what was sold.
    """
    days = spans(len(panel.days), params).test
    scores = errors(panel, by_day(panel).ids, days)
    return tabulated(scores, compare(scores, hidden_demand.DESIGN))


def plan_orders(
    panel: Panel, said: dict[str, np.ndarray], params: ForecastParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Try distributions of the next day's demand, and make out orders by the best.

    Args:
        panel: Series by hour.
        said: Chances of a stock-out, those of ``tomorrow`` among them.
        params: Days and service levels.

    Returns:
        One row per method with its scores on the test days, ``chosen`` on the validation days; and
        one row per series with the stock to have on the day after the last.
    """
    days = spans(len(panel.days), params)
    earlier = scored(demand_of(panel, int(days.validation[0])), days.validation, params)
    chosen = str(earlier["method"].iloc[int(np.argmin(earlier["wql"].to_numpy()))])
    table = scored(demand_of(panel, int(days.test[0])), days.test, params)
    orders = orders_of(panel, said["tomorrow"], chosen, params)
    return table.assign(chosen=table["method"] == chosen), orders


def measure_arms(
    panel: Panel,
    said: dict[str, np.ndarray],
    forecast: ForecastParams,
    params: ExperimentParams,
    generator: WindowConfig,
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Add series to shops of few, and see whether stock-outs are foretold better.

    Args:
        panel: Series by hour.
        said: Chances that the detector of all series gives, by event.
        forecast: Days and grids.
        params: Sizes of shops, draws, ratios.
        generator: How the GAN is trained.

    Returns:
        One score per shop, arm and series; the design; and one row per shop, arm and draw.
    """
    daily = by_day(panel)
    makers = makers_of(generator)
    sizes = trials.shop_sizes(daily.n_series, params)
    shops = {shop: f"a shop of {size} series" for shop, size in sizes.items()}
    design = trials.declare(shops, makers, params.n_bootstrap)
    family = largest_family(design, [(shop,) for shop in shops], [""])
    check_resamples(family, design.n_resamples, design.alpha, design.name)
    days = spans(daily.n_days, forecast)
    all_real = _all_real(daily, days, said, forecast, params)
    scores, drawn = trials.measure(daily, panel.stores, days, makers, all_real, forecast, params)
    return scores, design.model_dump(mode="json"), drawn


def makers_of(generator: WindowConfig) -> dict[str, Maker]:
    """What is added, by arm: the plainer ways, the network without a critic, TimeVAE, the GAN.

    Args:
        generator: How the GAN is trained.
    """
    without = generator.model_copy(update={"adversarial_loss": "energy_score"})
    return {
        **PLAIN,
        trials.WITHOUT_CRITIC: trained_maker(without, "plain-network"),
        trials.TIME_VAE: trained_maker(generator, "vae", "vae"),
        trials.GAN: trained_maker(generator, "gan"),
    }


def hold_to_floor(means: pd.DataFrame, params: ExperimentParams) -> pd.DataFrame:
    """Say of each size whether the GAN passed its fidelity floor.

    Args:
        means: As from ``summarise_draws``.
        params: The multiple that is allowed.
    """
    return floors(means, params.floor_multiple)


def measure_samples(
    panel: Panel, forecast: ForecastParams, params: SamplesParams, generator: WindowConfig
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Take samples of generators for a range of the next day's demand, beside plain distributions.

    Args:
        panel: Series by hour.
        forecast: Days and service levels.
        params: Series, draws, widenings.
        generator: How the GAN is trained.

    Returns:
        One score per arm and series; the design; and one row per arm and widening.
    """
    daily = by_day(panel)
    days, levels = spans(daily.n_days, forecast), sample_trials.levels_of(forecast)
    demands = {
        "validation": demand_of(panel, int(days.validation[0])),
        "test": demand_of(panel, int(days.test[0])),
    }
    number = min(params.judged_series, daily.n_series)
    rng = np.random.default_rng(params.seed)
    places = np.sort(rng.choice(daily.n_series, number, replace=False))
    found = sample_trials.foretold(daily, demands, days, generator, forecast, params, places)
    chosen = sample_trials.chosen_widenings(found["validation"], levels, params.widenings)
    design = sample_trials.declare(sample_trials.best_plain(chosen), params.n_bootstrap)
    family = largest_family(design, [()], [""])
    check_resamples(family, design.n_resamples, design.alpha, design.name)
    ids, stores = daily.ids[places], panel.stores[places]
    scores = sample_trials.scores_of(found["test"], chosen, levels, ids, stores)
    table = sample_trials.tabulated(found["test"], chosen, levels, forecast)
    return scores, design.model_dump(mode="json"), table


def judge_samples(
    scores: pd.DataFrame, declared: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the ranges of all arms, and judge those of the GAN.

    Args:
        scores: As from ``measure_samples``.
        declared: The design.

    Returns:
        Differences and verdict.
    """
    design = Design.model_validate(declared)
    differences = compare(scores, design)
    return differences, judge(differences, design)


def summarise_draws(drawn: pd.DataFrame) -> pd.DataFrame:
    """Means over the shops of a size, and in how many of them an arm was ahead.

    Args:
        drawn: One row per shop, arm and draw.
    """
    return trials.summary(drawn)


def write_stock_card(
    detectors: pd.DataFrame,
    verdict: pd.DataFrame,
    sample_verdict: pd.DataFrame,
    declared_design: dict[str, Any],
    source: StockSource,
) -> tuple[dict[str, Any], str]:
    """Write the detector's card.

    Args:
        detectors: One row per event and method.
        verdict: The verdict on generated series.
        sample_verdict: The verdict on samples of the GAN.
        declared_design: The design of the experiment with series.
        source: The stock table.

    Returns:
        The card as JSON and as one page.
    """
    design = Design.model_validate(declared_design)
    said = describe_detector(detectors, verdict, sample_verdict, design, source)
    return said, as_page(said)


def _all_real(
    daily: Daily,
    days: Spans,
    said: dict[str, np.ndarray],
    forecast: ForecastParams,
    params: ExperimentParams,
) -> np.ndarray:
    """Chances of the test days that the detector of all series gives."""
    hours = {least: event for event, least in EVENTS.items()}
    if params.least_hours in hours:
        return said[hours[params.least_hours]]
    train, validation, test = (rows_of(daily, part, params.least_hours) for part in days)
    setting = best(tune(train, validation, settings(forecast), forecast))
    return chances(fit(setting, joined(train, validation), forecast.seed), test)
