"""Do generated series help a shop of few to foretell stock-outs? Four sizes, over five seeds.

Every seed draws a shop of each size anew, and trains every generator anew on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import ibis
import numpy as np
import pandas as pd
from scipy import stats

from doppelcart.experiment.comparison import compare
from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.experiment.outcome import HELPS
from doppelcart.experiment.verdict import judge
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.pipelines.stockouts import trials
from doppelcart.pipelines.stockouts.daily import Daily, by_day
from doppelcart.pipelines.stockouts.detectors import (
    Spans,
    best,
    chances,
    fit,
    joined,
    rows_of,
    settings,
    spans,
    tune,
)
from doppelcart.pipelines.stockouts.fidelity_floor import floors
from doppelcart.pipelines.stockouts.nodes import makers_of, read_stock
from doppelcart.pipelines.stockouts.panel import Panel
from doppelcart.pipelines.stockouts.params import (
    ExperimentParams,
    ForecastParams,
    ReadingParams,
    StockSource,
)
from studies import runs
from studies.figures import Figure, Target
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.published import data_folder
from studies.study import Study

ENVIRONMENT: Final = "freshretail"
DATA: Final = "FreshRetailNet-50K"
SIZES: Final = (20, 100, 5, 400)
"""In the order in which they are tried: what the claim is about comes first."""
SEEDS: Final = 5
CACHE: Final = PROJECT / "build" / "studies" / "stockouts"
CODE: Final = (
    "src/doppelcart/adversarial",
    "src/doppelcart/metrics/classification.py",
    "src/doppelcart/models/series",
    *(
        f"src/doppelcart/pipelines/stockouts/{name}.py"
        for name in (
            *("daily", "detectors", "nodes", "panel"),
            *("plain_makers", "trained_makers", "trials"),
        )
    ),
    "studies/stockouts.py",
)
HELD: Final = (
    "copies",
    "jitter",
    "bootstrap",
    "seasonal",
    trials.WITHOUT_CRITIC,
    trials.TIME_VAE,
    trials.GAN,
)
"""Arms that may add something, in the order of the tables."""
PHRASES: Final = {
    trials.NONE: "nothing added",
    trials.TREES: "nothing added, boosted trees alone",
    **trials.PHRASES,
    trials.GAN: "series of the GAN",
    trials.ORACLE: "all real series (a bound)",
}

Judged = dict[str, trials.Scored]


def panel_of(env: str) -> Panel:
    """The series of an environment, read as a run reads them."""
    given = runs.all_parameters(env)
    os.environ.setdefault("DOPPELCART_FRESHRETAIL", str(data_folder("freshretail")))
    source = StockSource(**runs.all_parameters(env)["stock"])
    connection = ibis.duckdb.connect()
    tables = {
        name: connection.read_parquet(file["path"], table_name=name)
        for name, file in source.files.items()
    }
    reading = ReadingParams(**given["stockouts"]["reading"])
    return read_stock(tables, source, reading, ForecastParams(**given["stockouts"]["forecast"]))[0]


def measure(study: Study) -> Iterator[list[Figure]]:
    """Try every arm on a shop of each size and seed.

    Yields:
        The figures of a size.
    """
    env = study.env or ENVIRONMENT
    given = runs.all_parameters(env)["stockouts"]
    forecast = ForecastParams(**given["forecast"])
    generator = WindowConfig(**given["generator"])
    params = ExperimentParams(**given["experiment"])
    panel = panel_of(env)
    daily = by_day(panel)
    days = spans(daily.n_days, forecast)
    told = [given["forecast"], given["generator"]]
    told += [params.ratios, params.least_hours, params.seed]
    said = json.dumps(told, sort_keys=True).encode()
    made_from = [*bytes_of(daily), said, code_of(*CODE)]
    bound = remembered(
        CACHE, [*made_from, b"bound"], lambda: all_real(daily, days, forecast, params)
    )
    for size in SIZES:
        judged = []
        for seed in range(SEEDS):
            unit = [*made_from, repr((size, seed)).encode()]
            work = partial(one_shop, daily, days, generator, forecast, params, size, seed)
            found = remembered(CACHE, unit, work)
            for arm, scored in found.items():
                study.note(trials.told_of(scored) | {"setting": 0.0}, arm=arm, size=size, seed=seed)
            judged.append(found | {trials.ORACLE: bound})
        yield figures_of(size, judged, daily.ids, panel.stores, makers_of(generator), params)


def bytes_of(daily: Daily) -> list[bytes]:
    """Series by day, by which they are known again."""
    return [part.tobytes() for part in vars(daily).values()]


def one_shop(
    daily: Daily,
    days: Spans,
    generator: WindowConfig,
    forecast: ForecastParams,
    params: ExperimentParams,
    size: int,
    seed: int,
) -> Judged:
    """Every arm on one drawn shop."""
    test = rows_of(daily, days.test, params.least_hours)
    real = trials.past_windows(daily, days, np.random.default_rng(seed))
    rng = np.random.default_rng([seed, size])
    makers = makers_of(generator)
    return trials.try_draw(daily, days, test, real, makers, size, forecast, params, rng)


def all_real(
    daily: Daily, days: Spans, forecast: ForecastParams, params: ExperimentParams
) -> trials.Scored:
    """What the detector of all series reaches, which such a shop lacks."""
    train, validation, test = (rows_of(daily, part, params.least_hours) for part in days)
    setting = best(tune(train, validation, settings(forecast), forecast))
    said = chances(fit(setting, joined(train, validation), forecast.seed), test)
    return trials.scored_of(said, test, setting, 1.0)


def figures_of(
    size: int,
    judged: Sequence[Judged],
    ids: np.ndarray,
    stores: np.ndarray,
    makers: Mapping[str, Any],
    params: ExperimentParams,
) -> list[Figure]:
    """What was found of shops of a size.

    Args:
        size: Series of a shop.
        judged: By seed, every arm.
        ids: (n_series,) what each series is called.
        stores: (n_series,) store of each.
        makers: What is added, by arm.
        params: Resamples, and the multiple of the floor.
    """
    shop = f"series_{size}"
    found = {(shop, arm): [one[arm] for one in judged] for arm in judged[0]}
    design = trials.declare({shop: f"a shop of {size} series"}, makers, params.n_bootstrap)
    differences = compare(trials.scores_of(found, ids, stores), design)
    verdict = judge(differences, design).iloc[0]
    how = (
        f"{DATA}: {len(judged)} seeds, each with a shop of {size} series drawn and generators "
        f"trained anew; AUC of next-day stock-outs of at least {params.least_hours} h on the last "
        f"14 days of all {len(ids):,} series; detector, and whether anything is added, chosen on "
        "the 14 days before."
    )
    return [
        *_aucs(size, found, shop, how),
        *_gains(size, found, shop, how),
        *_verdict(size, differences, verdict, how),
        *_fidelity(size, found, shop, params, how),
    ]


def _aucs(size: int, found: Mapping[Any, Any], shop: str, how: str) -> list[Figure]:
    """Mean, least and most of the AUC over seeds."""
    listed = []
    for arm in (trials.NONE, trials.TREES, *HELD, trials.ORACLE):
        values = [float(one.by_series.mean()) for one in found[shop, arm]]
        told = f"{how} Mean over seeds, with the smallest and the largest."
        name = f"{size} series: {PHRASES[arm]}, AUC"
        listed.append(over_seeds(name, values, told))
    return listed


def over_seeds(name: str, values: Sequence[float], told: str) -> Figure:
    """A mean over seeds, with the smallest and the largest."""
    return Figure(name, float(np.mean(values)), "", told, None, min(values), max(values))


def _gains(size: int, found: Mapping[Any, Any], shop: str, how: str) -> list[Figure]:
    """What an arm gains over nothing, over seeds, and in how many of them it was used at all."""
    base = np.array([one.by_series.mean() for one in found[shop, trials.NONE]])
    listed = []
    for arm in HELD:
        gains = np.array([one.by_series.mean() for one in found[shop, arm]]) - base
        half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
        mean = float(gains.mean())
        told = f"{how} Interval over seeds by Student's t."
        aim = Target(">", 0, "low") if arm == trials.GAN else None
        name = f"{size} series: {PHRASES[arm]}, gain of AUC"
        listed.append(Figure(name, mean, "", told, aim, mean - half, mean + half))
        used = float(np.mean([one.ratio > 0 for one in found[shop, arm]]))
        name = f"{size} series: {PHRASES[arm]}, share of seeds in which it is used"
        listed.append(Figure(name, used, "", how))
    return listed


def _verdict(size: int, differences: pd.DataFrame, verdict: pd.Series, how: str) -> list[Figure]:
    """The GAN against the best detector without it, over stores, as a run's verdict is made."""
    rows = differences[differences["arm"] == trials.GAN].set_index("against")
    own = rows.loc[BEST_BASELINE].to_dict()
    told = f"{how} Mean over seeds per series, interval over stores; verdict: {verdict['verdict']}."
    lost = [name for name in str(verdict["not_beaten"]).split(", ") if name in PHRASES]
    # Whoever gains nothing beats nobody, whatever the comparisons alone would say.
    won = [name for name in HELD[:-1] if name not in lost] if verdict["outcome"] == HELPS else []
    lost = [name for name in HELD[:-1] if name not in won]
    beaten, not_beaten = ("; ".join(PHRASES[n] for n in names) or "none" for names in (won, lost))
    told = f"{told} Controls beaten: {beaten}. Controls not beaten: {not_beaten}."
    return [
        Figure(
            f"{size} series: verdict on the GAN, change of AUC",
            100 * own["relative"],
            "%",
            told,
            None,
            100 * own["relative_low"],
            100 * own["relative_high"],
        ),
        Figure(f"{size} series: verdict on the GAN, p after Holm", own["p_holm"], "", told),
    ]


def _fidelity(
    size: int, found: Mapping[Any, Any], shop: str, params: ExperimentParams, how: str
) -> list[Figure]:
    """How far windows lie from real ones, and whether the GAN passes its floor."""
    means = pd.DataFrame(
        {trials.SHOP: shop, "arm": arm, "unlike": np.mean([one.unlike for one in ones])}
        for (shop, arm), ones in found.items()
    )
    row = floors(means, params.floor_multiple).iloc[0]
    told = (
        f"{how} Distance of windows from those of all series, in spreads of twelve statistics, on "
        "days before those that choose; mean over seeds."
    )
    listed = []
    for arm in (trials.NONE, *HELD):
        values = [float(one.unlike) for one in found[shop, arm]]
        name = "the shop's own windows" if arm == trials.NONE else PHRASES[arm]
        name = f"{size} series: {name}, distance from real windows"
        listed.append(over_seeds(name, values, told))
    aim = Target("<=", params.floor_multiple)
    name = f"{size} series: distance of the GAN's windows over that of the shop's own"
    return [*listed, Figure(name, float(row["times"]), "", told, aim)]
