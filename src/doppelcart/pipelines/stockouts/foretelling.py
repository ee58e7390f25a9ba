"""What is foretold of the next day, by detectors and by simple rules, and how well."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.metrics.classification import (
    auc,
    auc_by_unit,
    average_precision,
    brier,
    calibration,
    calibration_error,
)
from doppelcart.pipelines.stockouts.daily import EVENTS, NAMES, Daily, extended, features
from doppelcart.pipelines.stockouts.detectors import (
    BOOSTING,
    LOGISTIC,
    Rows,
    best,
    chances,
    fit,
    joined,
    rows_of,
    settings,
    spans,
    tune,
)
from doppelcart.pipelines.stockouts.params import ForecastParams

YESTERDAY, RATE = "yesterday's empty hours", "share of days with one, 28 days"
RULES: Final = {YESTERDAY: "empty_1", RATE: "had_mean_28"}
"""Rules that need no training, by the feature that they go by."""
EVENT, METHOD = "event", "method"


class Foretold(NamedTuple):
    """What is known of stock-outs after the detectors were tried.

    Attributes:
        table: One row per event and method, with AUC and its interval, average precision, Brier
            score and distance of what was said from what came.
        calibration: What the chosen detector said against what came, by event and tenth.
        tomorrow: (n_series,) its chance of a stock-out on the day after the last.
        test: Its chances of the rows of the test days, by event.
    """

    table: pd.DataFrame
    calibration: pd.DataFrame
    tomorrow: np.ndarray
    test: dict[str, np.ndarray]


def foretell(daily: Daily, params: ForecastParams) -> Foretold:
    """Tune detectors on the days before the test days, and try them on these.

    Args:
        daily: All series.
        params: Days and grids.
    """
    days = spans(daily.n_days, params)
    tables, curves, test_chances = [], [], {}
    tomorrow = np.full(daily.n_series, np.nan)
    for event, least_hours in EVENTS.items():
        train, validation, test = (rows_of(daily, part, least_hours) for part in days)
        tuned = tune(train, validation, settings(params), params)
        whole = joined(train, validation)
        said = {rule: test.features[:, NAMES.index(name)] for rule, name in RULES.items()}
        chosen = best(tuned)
        for family in (LOGISTIC, BOOSTING):
            setting = best(tuned[tuned["family"] == family])
            model = fit(setting, whole, params.seed)
            said[str(setting)] = chances(model, test)
            if setting == chosen and least_hours == min(EVENTS.values()):
                tomorrow = _of_tomorrow(model, daily)
        test_chances[event] = said[str(chosen)]
        rows = [_row(event, name, test, values) for name, values in said.items()]
        tables.append(pd.DataFrame(rows).assign(chosen=[name == str(chosen) for name in said]))
        curve = calibration(test.happened, test_chances[event])
        curves.append(curve.assign(event=event, method=str(chosen)))
    return Foretold(pd.concat(tables), pd.concat(curves), tomorrow, test_chances)


def _row(event: str, name: str, test: Rows, said: np.ndarray) -> dict[str, object]:
    known = np.where(np.isnan(said), np.nanmean(said), said)
    values = auc_by_unit(test.happened, known, test.series)
    half = 1.96 * float(np.std(values, ddof=1)) / np.sqrt(len(values))
    area = auc(test.happened, known)
    return {
        EVENT: event,
        METHOD: name,
        "share": float(test.happened.mean()),
        "auc": area,
        "low": area - half,
        "high": area + half,
        "precision": average_precision(test.happened, known),
        "brier": np.nan if name == YESTERDAY else brier(test.happened, known),
        "off": np.nan
        if name == YESTERDAY
        else calibration_error(calibration(test.happened, known)),
        "rows": len(test.happened),
    }


def _of_tomorrow(model: object, daily: Daily) -> np.ndarray:
    """(n_series,) chance of the event on the day after the last."""
    table = features(extended(daily), np.array([daily.n_days]))[:, 0]
    unknown = np.full(len(table), np.nan)
    return chances(model, Rows(table, unknown, np.arange(len(table)), unknown))
