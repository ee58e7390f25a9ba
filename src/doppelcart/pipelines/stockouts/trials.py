"""The experiment: shops of few series, what is added, and what a detector learns from it."""

from __future__ import annotations

from collections.abc import Mapping
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
    bound = _scored(all_real, test, Setting("", 0), 1.0)
    scores, drawn = [], []
    real = _past_windows(daily, days, np.random.default_rng(params.seed))
    sizes = shop_sizes(daily.n_series, params)
    plan = [(shop, size, draw) for shop, size in sizes.items() for draw in range(params.draws)]
    found: dict[tuple[str, str], list[Scored]] = {}
    for shop, size, draw in tracked(plan, "trying shops", "shop"):
        rng = np.random.default_rng([params.seed, size, draw])
        own = daily.part(np.sort(rng.choice(daily.n_series, size, replace=False)))
        tried = {
            arm: scored._replace(unlike=unlike(windows, real))
            for arm, (scored, windows) in try_shop(
                own, days, test, makers, forecast, params, rng
            ).items()
        }
        tried[ORACLE] = bound
        for arm, scored in tried.items():
            found.setdefault((shop, arm), []).append(scored)
            drawn.append(
                {
                    SHOP: shop,
                    "arm": arm,
                    "draw": draw,
                    "auc": float(scored.by_series.mean()),
                    "brier": scored.loss,
                    "ratio": scored.ratio,
                    "unlike": scored.unlike,
                    "setting": str(scored.setting) if scored.setting.family else "",
                }
            )
    for (shop, arm), draws in found.items():
        if arm == TREES:
            continue
        scores.append(
            pd.DataFrame(
                {
                    SHOP: shop,
                    "arm": arm,
                    SERIES: daily.ids,
                    STORE: stores,
                    "value": np.mean([scored.by_series for scored in draws], axis=0),
                    "level": float(np.mean([scored.ratio for scored in draws])),
                }
            )
        )
    return pd.concat(scores, ignore_index=True), pd.DataFrame(drawn)


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
    own_windows = _past_windows(own, days, np.random.default_rng(params.seed))
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


def _past_windows(daily: Daily, days: Spans, rng: np.random.Generator) -> Daily:
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
    return _scored(said, test, setting, ratio)


def _scored(said: np.ndarray, test: Rows, setting: Setting, ratio: float) -> Scored:
    by_series = auc_by_unit(test.happened, said, test.series)
    return Scored(by_series, brier(test.happened, said), setting, ratio)


def _first(rows: Rows, share: float) -> Rows:
    """The first part of some rows; windows stand in random order."""
    kept = round(share * (rows.series.max() + 1)) if len(rows.series) else 0
    return Rows(*(values[rows.series < kept] for values in rows))


def floors(means: pd.DataFrame, multiple: float) -> pd.DataFrame:
    """Whether what the GAN makes is near enough to real series for its verdict to count.

    Real against real is how far the shop's own windows lie from those of all series.

    Args:
        means: As from ``summary``.
        multiple: Of that distance, up to which the GAN passes.

    Returns:
        One row per shop: ``real``, ``made`` (distances), ``times``, ``limit``, ``passed``; a
        distance that is unknown passes nothing.
    """
    of_arm = {arm: rows.set_index(SHOP)["unlike"] for arm, rows in means.groupby("arm")}
    shops = of_arm[NONE].index
    real, made = (of_arm[arm].loc[shops].to_numpy(float) for arm in (NONE, GAN))
    times = made / np.where(real > 0, real, np.nan)
    return pd.DataFrame(
        {
            SHOP: shops,
            "real": real,
            "made": made,
            "times": times,
            "limit": multiple,
            "passed": times <= multiple,
        }
    )


def floor_sentence(floor: Mapping[Any, Any]) -> str:
    """What a verdict says of the fidelity floor.

    Args:
        floor: A row of ``floors``.
    """
    open_end = "so that a better generator is not ruled out"
    if pd.isna(floor["times"]):
        return f"Whether the GAN passed its fidelity floor is unknown, {open_end}."
    said = (
        f"its windows lie {floor['times']:.1f} times as far from real ones as the shop's own do, "
        f"and {floor['limit']:g} is the limit"
    )
    if floor["passed"]:
        return f"The GAN passed its fidelity floor: {said}."
    return f"The GAN missed its fidelity floor: {said}, {open_end}."


def told_by_floor(verdict: pd.DataFrame, floors_of: pd.DataFrame) -> pd.DataFrame:
    """The verdicts, whose reasons say whether the GAN passed its floor.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        floors_of: As from ``floors``.
    """
    said = {row[SHOP]: floor_sentence(row) for row in floors_of.to_dict("records")}
    reasons = [
        f"{reason} {said[shop]}"
        for reason, shop in zip(verdict["reason"], verdict[SHOP], strict=True)
    ]
    return verdict.assign(reason=reasons)


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
