"""The experiment: shops of few series, what is added, and what a detector learns from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words
from doppelcart.metrics.classification import auc_by_unit, brier
from doppelcart.models.series.likeness import distance
from doppelcart.pipelines.stockouts.daily import LOOKBACK, WARM_UP, Daily
from doppelcart.pipelines.stockouts.detectors import (
    BOOSTING,
    Rows,
    Setting,
    Spans,
    best,
    chances,
    fit,
    joined,
    rows_of,
    settings,
    tune,
)
from doppelcart.pipelines.stockouts.params import ExperimentParams, ForecastParams
from doppelcart.pipelines.stockouts.plain_makers import Maker, random_windows
from doppelcart.progress import tracked

NONE, ORACLE, TREES, GAN = "none", "oracle", "trees", "gan"
WITHOUT_CRITIC, TIME_VAE = "without_critic", "time_vae"
SERIES, STORE, SHOP = "series_id", "store_id", "shop"
WINDOW_DAYS: Final = np.arange(WARM_UP, LOOKBACK)
"""Days of a window that a detector can learn from: those with enough days before them."""

N_COMPARED: Final = 1000
"""Real windows that generated ones are held against."""

PHRASES: Final = {
    "copies": "copies of its series",
    "jitter": "its series, jittered and scaled",
    "bootstrap": "its weeks put together anew (block bootstrap)",
    "seasonal": "trend and weekday with new residuals",
    WITHOUT_CRITIC: "the same network trained without a critic",
    TIME_VAE: "a variational autoencoder of series (TimeVAE)",
}


class Scored(NamedTuple):
    """What a detector said of the test days.

    Attributes:
        by_series: (n_series,) values whose mean is the AUC.
        loss: Brier score.
        setting: What was fitted.
        ratio: Added days per real one.
        unlike: Distance of what can be added from real windows of all series; of the shop's own
            windows where nothing is added.
    """

    by_series: np.ndarray
    loss: float
    setting: Setting
    ratio: float
    unlike: float = float("nan")


def declare(shops: Mapping[str, str], makers: Mapping[str, Maker], n_bootstrap: int) -> Design:
    """The experiment.

    Args:
        shops: Its groups, in words.
        makers: What is added, by arm.
        n_bootstrap: Resamples.
    """
    controls = [name for name in makers if name != GAN]
    return Design(
        name="stockouts",
        metric="AUC of next-day stock-outs",
        unit=SERIES,
        cluster=STORE,
        groups=(SHOP,),
        arms=(
            Arm(name=NONE, role=Role.BASELINE, phrase="the best detector without added series"),
            *(Arm(name=n, role=Role.CONTROL, phrase=PHRASES[n], level="ratio") for n in controls),
            Arm(name=GAN, role=Role.TRIAL, phrase="series of the GAN", level="ratio"),
            Arm(name=ORACLE, role=Role.ORACLE, phrase="all real series, which the shop lacks"),
        ),
        best=tuple(Baseline(group=(shop,), arm=NONE) for shop in shops),
        n_bootstrap=n_bootstrap,
        words=Words(
            unit="series",
            units="series",
            groups=dict(shops),
            trial="the GAN",
            best="the best detector without added series",
            unchanged="the detector stays as it is",
            worse="stock-outs were foretold worse",
        ),
    )


def shop_sizes(n_series: int, params: ExperimentParams) -> dict[str, int]:
    """Sizes of the shops that can be drawn, by name: at most half of the series there are.

    Args:
        n_series: Series in all.
        params: Sizes asked for.
    """
    fitting = sorted({size for size in params.series if size <= n_series // 2})
    return {f"series_{size}": size for size in fitting or [max(n_series // 2, 2)]}


def measure(
    daily: Daily,
    stores: np.ndarray,
    days: Spans,
    makers: Mapping[str, Maker],
    all_real: np.ndarray,
    forecast: ForecastParams,
    params: ExperimentParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Try every arm on several shops of each size; all are judged on the test days of all series.

    Args:
        daily: All series.
        stores: (n_series,) store of each.
        days: What which days are for.
        makers: What is added, by arm.
        all_real: Chances that the detector of all series gives to the rows of the test days.
        forecast: Grids.
        params: Sizes, draws, ratios.

    Returns:
        The scores, one row per (shop, arm, series); and one row per (shop, arm, draw).
    """
    test = rows_of(daily, days.test, params.least_hours)
    bound = scored_of(all_real, test, Setting("", 0), 1.0)
    real = past_windows(daily, days, np.random.default_rng(params.seed))
    sizes = shop_sizes(daily.n_series, params)
    plan = [(shop, size, draw) for shop, size in sizes.items() for draw in range(params.draws)]
    drawn: list[dict[str, Any]] = []
    found: dict[tuple[str, str], list[Scored]] = {}
    for shop, size, draw in tracked(plan, "trying shops", "shop"):
        rng = np.random.default_rng([params.seed, size, draw])
        tried = try_draw(daily, days, test, real, makers, size, forecast, params, rng)
        for arm, scored in (tried | {ORACLE: bound}).items():
            found.setdefault((shop, arm), []).append(scored)
            drawn.append({SHOP: shop, "arm": arm, "draw": draw, **told_of(scored)})
    return scores_of(found, daily.ids, stores), pd.DataFrame(drawn)


def try_draw(
    daily: Daily,
    days: Spans,
    test: Rows,
    real: Daily,
    makers: Mapping[str, Maker],
    size: int,
    forecast: ForecastParams,
    params: ExperimentParams,
    rng: np.random.Generator,
) -> dict[str, Scored]:
    """Draw a shop, and try every arm on it.

    Args:
        daily: All series.
        days: What which days are for.
        test: Rows of the test days of all series.
        real: Windows of all series, which made ones are held against.
        makers: What is added, by arm.
        size: Series of the shop.
        forecast: Grids.
        params: Ratios.
        rng: Of the shop, and of what is generated.
    """
    own = daily.part(np.sort(rng.choice(daily.n_series, size, replace=False)))
    tried = try_shop(own, days, test, makers, forecast, params, rng)
    return {
        arm: scored._replace(unlike=unlike(windows, real))
        for arm, (scored, windows) in tried.items()
    }


def told_of(scored: Scored) -> dict[str, Any]:
    """The figures of one arm on one drawn shop, as a row."""
    return {
        "auc": float(scored.by_series.mean()),
        "brier": scored.loss,
        "ratio": scored.ratio,
        "unlike": scored.unlike,
        "setting": str(scored.setting) if scored.setting.family else "",
    }


def scores_of(
    found: Mapping[tuple[str, str], Sequence[Scored]], ids: np.ndarray, stores: np.ndarray
) -> pd.DataFrame:
    """One score per shop, arm and series: the mean over the shops of a size that were drawn.

    Args:
        found: By shop and arm, what was scored on each drawn shop.
        ids: (n_series,) what each series is called.
        stores: (n_series,) store of each.
    """
    return pd.concat(
        [
            pd.DataFrame(
                {
                    SHOP: shop,
                    "arm": arm,
                    SERIES: ids,
                    STORE: stores,
                    "value": np.mean([scored.by_series for scored in draws], axis=0),
                    "level": float(np.mean([scored.ratio for scored in draws])),
                }
            )
            for (shop, arm), draws in found.items()
            if arm != TREES
        ],
        ignore_index=True,
    )


def try_shop(
    own: Daily,
    days: Spans,
    test: Rows,
    makers: Mapping[str, Maker],
    forecast: ForecastParams,
    params: ExperimentParams,
    rng: np.random.Generator,
) -> dict[str, tuple[Scored, Daily]]:
    """Every arm on one shop: chosen on its validation days, fitted anew, scored on the test days.

    What is generated is made of the days before validation, and never changes afterwards.

    Args:
        own: The shop's series.
        days: What which days are for.
        test: Rows of the test days.
        makers: What is added, by arm.
        forecast: Grids.
        params: Ratios.
        rng: Of what is generated.

    Returns:
        By arm its scores, and the windows that it could add: the shop's own where it adds none.
    """
    train, validation = (rows_of(own, part, params.least_hours) for part in days[:2])
    whole = joined(train, validation)
    plain = tune(train, validation, settings(forecast), forecast).assign(ratio=0.0)
    trees = plain[plain["family"] == BOOSTING]
    own_windows = past_windows(own, days, np.random.default_rng(params.seed))
    found = {
        NONE: (_fitted(plain, whole, None, test, forecast), own_windows),
        TREES: (_fitted(trees, whole, None, test, forecast), own_windows),
    }
    past = own.part(slice(None), slice(0, int(days.validation[0])))
    largest = max(params.ratios)
    n_windows = int(np.ceil(largest * len(train.happened) / len(WINDOW_DAYS)))
    for arm, make in makers.items():
        windows = make(past, n_windows, np.random.default_rng(rng.integers(2**31)))
        added = rows_of(windows, WINDOW_DAYS, params.least_hours)
        tables = [plain]
        for ratio in params.ratios:
            if ratio > 0:
                more = joined(train, _first(added, ratio / largest))
                tuned = tune(more, validation, settings(forecast), forecast)
                tables.append(tuned.assign(ratio=ratio))
        table = pd.concat(tables, ignore_index=True)
        found[arm] = _fitted(table, whole, (added, largest), test, forecast), windows
    return found


def past_windows(daily: Daily, days: Spans, rng: np.random.Generator) -> Daily:
    """Real windows of the days before validation."""
    past = daily.part(slice(None), slice(0, int(days.validation[0])))
    return random_windows(past, N_COMPARED, rng)


def unlike(windows: Daily, real: Daily) -> float:
    """Distance of windows from real ones; what is missing in either is left out with its window.

    Args:
        windows: Any number of them.
        real: Real ones, as many as are compared.
    """
    ours, theirs = (_whole(part) for part in (real, windows))
    if not len(ours) or not len(theirs):
        return float("nan")
    rows = np.linspace(0, len(theirs) - 1, len(ours)).round().astype(int)
    return distance(ours, theirs[rows])


def _whole(windows: Daily) -> np.ndarray:
    """(n, days, 4) windows of which nothing is missing."""
    values = windows.values  # noqa: PD011 - an array of our own
    return values[~np.isnan(values).any(axis=(1, 2))]


def _fitted(
    table: pd.DataFrame,
    whole: Rows,
    added: tuple[Rows, float] | None,
    test: Rows,
    forecast: ForecastParams,
) -> Scored:
    """The best of a table, fitted on all days before the test days, and scored."""
    ratio = float(table["ratio"].to_numpy()[int(np.argmin(table["loss"].to_numpy()))])
    rows = whole
    if added is not None and ratio > 0:
        rows = joined(whole, _first(added[0], ratio / added[1]))
    setting = best(table)
    said = chances(fit(setting, rows, forecast.seed), test)
    return scored_of(said, test, setting, ratio)


def scored_of(said: np.ndarray, test: Rows, setting: Setting, ratio: float) -> Scored:
    """What is kept of a detector.

    Args:
        said: (n,) chances of the test rows.
        test: The rows.
        setting: The detector.
        ratio: Added days per real one.
    """
    by_series = auc_by_unit(test.happened, said, test.series)
    return Scored(by_series, brier(test.happened, said), setting, ratio)


def _first(rows: Rows, share: float) -> Rows:
    """The first part of some rows; windows stand in random order."""
    kept = round(share * (rows.series.max() + 1)) if len(rows.series) else 0
    return Rows(*(values[rows.series < kept] for values in rows))


def summary(drawn: pd.DataFrame) -> pd.DataFrame:
    """Means over draws: ``auc``, its spread ``sd`` over draws, ``brier``, ``ratio``, ``ahead``.

    Args:
        drawn: One row per (shop, arm, draw).

    Returns:
        One row per (shop, arm); ``ahead`` is the number of draws in which the arm was better than
        the best detector without added series.
    """
    base = drawn[drawn["arm"] == NONE].set_index([SHOP, "draw"])["auc"]
    gains = drawn["auc"].to_numpy() - base.loc[pd.MultiIndex.from_frame(drawn[[SHOP, "draw"]])]
    table = drawn.assign(gain=gains.to_numpy(), ahead=gains.to_numpy() > 0)
    grouped: Any = table.groupby([SHOP, "arm"], sort=False)
    return grouped.agg(
        auc=("auc", "mean"),
        sd=("auc", "std"),
        gain=("gain", "mean"),
        brier=("brier", "mean"),
        unlike=("unlike", "mean"),
        ratio=("ratio", "mean"),
        ahead=("ahead", "sum"),
        draws=("draw", "size"),
    ).reset_index()
