"""Detectors of next-day stock-outs: fitted on rows of features, tuned on later days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.errors import ParameterError
from doppelcart.metrics.classification import brier
from doppelcart.pipelines.stockouts.daily import LOOKBACK, WARM_UP, Daily, features, happened
from doppelcart.pipelines.stockouts.params import ForecastParams

LOGISTIC, BOOSTING = "logistic regression", "boosted trees"
BOOSTING_RATE: Final = 0.1
BOOSTING_ROUNDS: Final = 50


@dataclass(frozen=True)
class Setting:
    """A detector and how it is set.

    Args:
        family: ``LOGISTIC`` or ``BOOSTING``.
        strength: Inverse strength of the ridge, or leaves of a tree.
    """

    family: str
    strength: float

    def __str__(self) -> str:
        """In words."""
        what = "C" if self.family == LOGISTIC else "leaves"
        return f"{self.family}, {what} {self.strength:g}"


class Rows(NamedTuple):
    """Days of series as rows.

    Attributes:
        features: (n, n_features) what is known beforehand; NaN where unknown.
        happened: (n,) whether it happened.
        series: (n,) place of the row's series.
        days: (n,) place of its day.
    """

    features: np.ndarray
    happened: np.ndarray
    series: np.ndarray
    days: np.ndarray


class Spans(NamedTuple):
    """Places of the days by what they are for.

    Attributes:
        fit: Days that detectors and generators learn from while something is to be chosen.
        validation: Days that choose.
        test: Days that judge.
    """

    fit: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def least_days(params: ForecastParams) -> int:
    """Days that it takes: those that judge and choose, and before them what can be learnt from.

    That is a whole window of ``LOOKBACK`` days, and a day after it.

    Args:
        params: Days of validation and test.
    """
    return LOOKBACK + 1 + params.validation_days + params.test_days


def spans(n_days: int, params: ForecastParams) -> Spans:
    """Part the days of a table.

    Args:
        n_days: Days in all.
        params: Days of validation and test.

    Raises:
        ParameterError: Too few days are left to learn from.
    """
    if n_days < least_days(params):
        raise ParameterError(
            f"stockouts.forecast.test_days = {params.test_days} and stockouts.forecast."
            f"validation_days = {params.validation_days} leave too little of {n_days} days to "
            f"learn from: it takes {least_days(params)}. Lower them, or bring a longer table."
        )
    last = n_days - params.test_days
    chosen = last - params.validation_days
    days = np.arange(n_days)
    return Spans(days[WARM_UP:chosen], days[chosen:last], days[last:])


def rows_of(daily: Daily, days: np.ndarray, least_hours: int) -> Rows:
    """The days of all series as rows; those are left out of which it is unknown what happened.

    Args:
        daily: Series.
        days: Places of the days.
        least_hours: Hours that make the event.
    """
    table, event = features(daily, days), happened(daily, days, least_hours)
    series, place = np.nonzero(~np.isnan(event))
    return Rows(table[series, place], event[series, place], series, days[place])


def joined(*parts: Rows) -> Rows:
    """Rows of several, one after the other."""
    return Rows(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def settings(params: ForecastParams) -> list[Setting]:
    """Every detector that is tried.

    Args:
        params: Grids.
    """
    return [
        *(Setting(LOGISTIC, strength) for strength in params.penalties),
        *(Setting(BOOSTING, leaves) for leaves in params.leaves),
    ]


def fit(setting: Setting, rows: Rows, seed: int) -> Any:
    """Fit a detector; where all or none of the rows have the event, it says so of every day.

    Args:
        setting: Which.
        rows: What to learn from.
        seed: Of boosting.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    # What is known of no row is 0: trees cannot look at a column without a number.
    filled = SimpleImputer(keep_empty_features=True)
    if len(np.unique(rows.happened)) < 2:
        model: Any = DummyClassifier(strategy="prior")
    elif setting.family == LOGISTIC:
        ridge = LogisticRegression(C=setting.strength, max_iter=300)
        model = make_pipeline(filled, StandardScaler(), ridge)
    else:
        trees = HistGradientBoostingClassifier(
            learning_rate=BOOSTING_RATE,
            max_iter=BOOSTING_ROUNDS,
            max_leaf_nodes=int(setting.strength),
            early_stopping=False,
            random_state=seed,
        )
        model = make_pipeline(filled, trees)
    # Threads cost more than they bring on so few rows, and wait for each other on a busy machine.
    with threadpool_limits(1):
        return model.fit(rows.features, rows.happened)


def chances(model: Any, rows: Rows) -> np.ndarray:
    """(n,) probability of the event."""
    found = model.predict_proba(rows.features)
    places = np.flatnonzero(model.classes_ == 1)
    return found[:, places[0]] if len(places) else np.zeros(len(found))


def tune(
    train: Rows, validation: Rows, tried: Sequence[Setting], params: ForecastParams
) -> pd.DataFrame:
    """Score every detector on later days than it learnt from.

    Args:
        train: Rows to learn from.
        validation: Rows that choose.
        tried: Detectors.
        params: Seed.

    Returns:
        One row per detector: ``setting``, ``family``, and its Brier score ``loss``, by which it is
        chosen: what is used is the probability.
    """
    return pd.DataFrame(
        {
            "setting": setting,
            "family": setting.family,
            "loss": brier(
                validation.happened, chances(fit(setting, train, params.seed), validation)
            ),
        }
        for setting in tried
    )


def best(tuned: pd.DataFrame) -> Setting:
    """The detector with the least loss."""
    place = int(np.argmin(tuned["loss"].to_numpy()))
    found: Setting = tuned["setting"].iloc[place]
    return found
