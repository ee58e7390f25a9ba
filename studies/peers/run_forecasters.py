"""Forecasts of StatsForecast and MLForecast; run by the forecasters' own interpreter.

Told ``demand`` (NPY, series by period), ``origins``, ``horizon``, central ``levels`` in percent,
names of ``models``, ``out`` (NPZ). ``out`` has per model the means (origin, series, step) and, with
levels, the lower and the upper ends (origin, series, step, level). Answers with the processor
seconds of each.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.utils import PredictionIntervals
from statsforecast import StatsForecast
from statsforecast import models as sf
from statsforecast.utils import ConformalIntervals

BOOSTED = "LightGBM"
WINDOWS = 6
"""Past forecasts whose errors make an interval."""


def statistical(name: str, horizon: int, wants_levels: bool):
    """A model of StatsForecast, with conformal intervals if it has no distribution of its own."""
    intervals = ConformalIntervals(h=horizon, n_windows=WINDOWS) if wants_levels else None
    made = {
        "AutoETS": lambda: sf.AutoETS(season_length=1),
        "SES, optimised": lambda: sf.SimpleExponentialSmoothingOptimized(
            prediction_intervals=intervals
        ),
        "TSB": lambda: sf.TSB(alpha_d=0.1, alpha_p=0.1, prediction_intervals=intervals),
        "SBA": lambda: sf.CrostonSBA(prediction_intervals=intervals),
        "Croston": lambda: sf.CrostonClassic(prediction_intervals=intervals),
        "IMAPA": lambda: sf.IMAPA(prediction_intervals=intervals),
        "mean of 7": lambda: sf.WindowAverage(window_size=7, prediction_intervals=intervals),
    }
    model = made[name]()
    model.alias = name
    return model


def long_table(demand: np.ndarray) -> pd.DataFrame:
    """One row per series and period; periods that are not known are left out."""
    series, period = np.nonzero(~np.isnan(demand))
    return pd.DataFrame({"unique_id": series, "ds": period, "y": demand[series, period]})


def forecast(name: str, past: pd.DataFrame, horizon: int, levels: list) -> pd.DataFrame:
    """One row per series and step."""
    if name != BOOSTED:
        model = statistical(name, horizon, bool(levels))
        engine = StatsForecast(models=[model], freq=1, n_jobs=1)
        return engine.forecast(df=past, h=horizon, level=levels or None)
    trees = LGBMRegressor(
        n_estimators=100, num_leaves=15, learning_rate=0.05, random_state=0, n_jobs=1, verbose=-1
    )
    means = {1: [RollingMean(4, min_samples=1), RollingMean(8, min_samples=1)]}
    engine = MLForecast(models={BOOSTED: trees}, freq=1, lags=[1, 2, 3, 4, 7], lag_transforms=means)
    intervals = PredictionIntervals(n_windows=WINDOWS, h=horizon) if levels else None
    engine.fit(past, prediction_intervals=intervals, static_features=[])
    return engine.predict(horizon, level=levels or None)


def main() -> None:
    """Do what is told, and answer."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    demand, horizon, levels = np.load(job["demand"]), job["horizon"], job["levels"]
    out, seconds = {}, {}
    for name in job["models"]:
        begin = time.process_time()
        means, lows, highs = [], [], []
        for origin in job["origins"]:
            past = long_table(demand[:, :origin])
            found = forecast(name, past, horizon, levels).sort_values(["unique_id", "ds"])
            shape = (len(demand), horizon)
            means.append(found[name].to_numpy().reshape(shape))
            ends = [
                [found[f"{name}-{end}-{level:g}"].to_numpy().reshape(shape) for level in levels]
                for end in ("lo", "hi")
            ]
            if levels:
                lows.append(np.stack(ends[0], axis=2))
                highs.append(np.stack(ends[1], axis=2))
        out[name] = np.stack(means)
        if levels:
            out[f"{name} low"], out[f"{name} high"] = np.stack(lows), np.stack(highs)
        seconds[name] = time.process_time() - begin
    np.savez(job["out"], **out)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
