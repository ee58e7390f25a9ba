"""How well a new item will sell: a forecast from what the shop knows on the day of the launch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.shares import LEVELS, group_means
from doppelcart.catalogue.windows import Window
from doppelcart.columns import Columns
from doppelcart.experiment.resampling import paired_bootstrap
from doppelcart.pipelines.new_items.launches import Launch
from doppelcart.pipelines.new_items.plain import recent_means, ridge_values

MODELS: Final = ("ridge", "boosting")
POOLED: Final = "all"
ALL_LAUNCHES: Final = "all launches"
RANKED: Final = "launches that enough bought"
PRIOR: Final = 5.0
"""Items that the mean of a group above is worth, in the inputs of the forecast."""
PENALTY: Final = 3.0
"""Of the regression from features to buyers."""


def describe_launches(
    window: Window,
    items: np.ndarray,
    features: ItemFeatures,
    groups: Sequence[np.ndarray],
    rows: sparse.csr_matrix,
) -> pd.DataFrame:
    """What is known of items on the day of their launch, one row each.

    Args:
        window: In which they are launched.
        items: (n,) rows of the features.
        features: Of the items.
        groups: As from ``groups_of``.
        rows: (n_items, n_columns) features of all items, rows of length 1, weighted by what was
            known when the window opened.

    Returns:
        (n, n_inputs) float64; NaN where something is not known. Numbers of buyers and prices as
        logarithms.
    """
    old, recent = window.old, np.log1p(window.recent)
    young = np.flatnonzero(window.recent_launch)
    by = dict(zip(LEVELS, groups, strict=True))
    by |= {
        name: _values(features, name)
        for name in (Columns.BRAND, Columns.MANUFACTURER)
        if name in features.block_names
    }
    price = np.log(np.where(window.prices > 0, window.prices, np.nan))
    priced = old[np.isfinite(price[old])]
    known: dict[str, np.ndarray] = {"price": price}
    for name, group in by.items():
        known[f"{name}_recent"] = group_means(old, recent[old], [group], PRIOR)
        known[f"{name}_items"] = np.log1p(np.bincount(group[old], minlength=group.max() + 1))[group]
        known[f"{name}_launches"] = np.log1p(
            np.bincount(group[young], minlength=group.max() + 1)[group]
        )
        known[f"{name}_launched"] = group_means(young, recent[young], [group], PRIOR)
    if len(priced):
        known["price_of_its_kind"] = price - group_means(priced, price[priced], groups, PRIOR)
    table = pd.DataFrame({name: values[items] for name, values in known.items()})
    table["like_it_recent"] = _by_likeness(rows[items], rows[old], recent[old])
    table["like_it_launched"] = _by_likeness(rows[items], rows[young], recent[young])
    return table


def _values(features: ItemFeatures, name: str) -> np.ndarray:
    """(n_items,) group of each item by its value; those without one are a group."""
    return np.unique(features.values(name), return_inverse=True)[1]


def _by_likeness(
    items: sparse.csr_matrix, others: sparse.csr_matrix, values: np.ndarray
) -> np.ndarray:
    """(n,) value that a ridge regression on the features of others expects; NaN without any."""
    if not others.shape[0]:
        return np.full(items.shape[0], np.nan)
    return ridge_values(others, values, items, PENALTY)


def forecaster(name: str, seed: int) -> Any:
    """An untrained model of log(1 + buyers).

    Args:
        name: One of ``MODELS``.
        seed: Of the boosting.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "boosting":
        return HistGradientBoostingRegressor(
            max_iter=150,
            learning_rate=0.05,
            max_leaf_nodes=15,
            min_samples_leaf=20,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
    return make_pipeline(StandardScaler(), Ridge(alpha=10.0))


def forecast(
    name: str, past: pd.DataFrame, buyers: np.ndarray, present: pd.DataFrame, seed: int
) -> np.ndarray:
    """(n_present,) forecast log(1 + buyers) of launches, from those of the window before.

    Args:
        name: One of ``MODELS``.
        past: (n_past, n_inputs) as from ``describe_launches``.
        buyers: (n_past,) who bought them in their window.
        present: (n_present, n_inputs).
        seed: Of the boosting.
    """
    middle = past.median().fillna(0.0)
    model = forecaster(name, seed).fit(past.fillna(middle), np.log1p(buyers))
    return np.asarray(model.predict(present[past.columns].fillna(middle)), dtype=np.float64)


def ranking_parts(
    forecasts: np.ndarray, buyers: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """What each launch adds to two measures of how well launches are ranked by their sales.

    The means over launches are Spearman's correlation with the real buyers, and the NDCG of the k
    launches ranked best, whose gain is their number of buyers, discounted by 1 / log2(rank + 1)
    (Järvelin and Kekäläinen 2002). Launches of equal forecast share the mean of their places, so
    that a forecast of one number for all agrees with nothing: its correlation is 0, as that of a
    random order is on average.

    Args:
        forecasts: (n,) higher sells more.
        buyers: (n,) who really bought.
        k: Length of the list.

    Returns:
        Two (n,) float64; of NaN for the correlation where buyers do not vary, and for the gain
        where nobody bought.
    """
    n = len(buyers)
    undefined = np.full(n, np.nan)
    agreement = undefined
    if n and np.ptp(buyers) > 0:
        agreement = _standard_ranks(forecasts) * _standard_ranks(buyers)
    discounts = np.zeros(n)
    discounts[:k] = 1 / np.log2(np.arange(2, min(k, n) + 2))
    ideal = np.sort(buyers)[::-1] @ discounts
    _, tie, size = np.unique(-forecasts, return_inverse=True, return_counts=True)
    ends = np.cumsum(size)
    cumulated = np.concatenate([[0.0], np.cumsum(discounts)])
    shared = (cumulated[ends] - cumulated[ends - size]) / size
    return agreement, n * buyers * shared[tie] / ideal if ideal > 0 else undefined


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    """(n,) ranks with mean 0 and deviation 1; zeros where all are equal."""
    from scipy import stats

    ranks = stats.rankdata(values)
    return np.zeros(len(ranks)) if np.ptp(ranks) == 0 else stats.zscore(ranks)


def type_mean(window: Window, groups: Sequence[np.ndarray], items: np.ndarray) -> np.ndarray:
    """(n,) mean recent buyers of the old items of an item's type: the plain forecast.

    Args:
        window: The window.
        groups: As from ``groups_of``.
        items: (n,) rows of the features.
    """
    return recent_means(window, groups, PRIOR)[items]


class Forecasts(NamedTuple):
    """Forecasts of the launches of a cut, log(1 + buyers).

    Attributes:
        model: Which model did best before the cut.
        tuning: (n_launched,) of the window that tunes.
        test: (n_launched,) of the tested window.
        plain: (n_launched,) mean buyers of the type in the tested window: what it is held against.
    """

    model: str
    tuning: np.ndarray
    test: np.ndarray
    plain: np.ndarray

    def of_new(self, launch: Launch) -> tuple[np.ndarray, np.ndarray]:
        """(n_new,) of the new items that are ranked, in the tuning and in the tested window."""
        tuning = self.tuning[np.isin(launch.tuning.launched, launch.tuning.new)]
        return tuning, self.test[np.isin(launch.test.launched, launch.test.new)]


def forecast_launch(
    launch: Launch, described: Sequence[pd.DataFrame], groups: Sequence[np.ndarray], seed: int
) -> Forecasts:
    """Choose a model on the window before the cut, train it anew on that window, and forecast.

    Args:
        launch: The cut.
        described: As from ``describe_launches``, of its three windows.
        groups: As from ``groups_of``.
        seed: Of the boosting.
    """
    earlier, tuning, test = described
    tried = {name: forecast(name, earlier, launch.earlier.buyers, tuning, seed) for name in MODELS}
    agreement = {
        name: float(np.mean(ranking_parts(found, launch.tuning.buyers, 1)[0]))
        for name, found in tried.items()
    }
    best = max(MODELS, key=lambda name: np.nan_to_num(agreement[name], nan=-1.0))
    return Forecasts(
        best,
        tried[best],
        forecast(best, tuning, launch.tuning.buyers, test, seed),
        type_mean(launch.test, groups, launch.test.launched),
    )


def measure_forecasts(
    launches: Sequence[Launch],
    forecasts: Mapping[float, Forecasts],
    k: int,
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """What the forecasts are worth beside the mean of the type, with 95 % intervals over items.

    Args:
        launches: The launch windows.
        forecasts: By cut.
        k: Length of the list of launches that will sell.
        n_resamples: Of the items.
        seed: Of resampling.

    Returns:
        One row per (cut, items, metric): ``type_mean``, ``forecast``, ``difference`` with ``low``,
        ``high`` and ``p_value``, ``n_items`` and the ``model``. The last rows pool the windows,
        whose items are resampled with all windows that they are launched in.
    """
    parts = pd.concat(_measured(launches, forecasts, k), ignore_index=True)
    pooled = parts.assign(cut=POOLED, model="") if len(launches) > 1 else parts.iloc[:0]
    rows = []
    for keys, own in pd.concat([parts, pooled]).groupby(["cut", "items", "metric"], sort=False):
        found = paired_bootstrap(
            own["forecast"].to_numpy(),
            own["type_mean"].to_numpy(),
            rng=np.random.default_rng(seed),
            n_resamples=n_resamples,
            clusters=own["item"].to_numpy(),
        )
        rows.append(
            dict(zip(("cut", "items", "metric"), keys, strict=True))
            | {"type_mean": found.base, "forecast": found.value, "difference": found.difference}
            | {"low": found.low, "high": found.high, "p_value": found.p_value}
            | {"n_items": found.n_clusters, "model": own["model"].iloc[0]}
        )
    return pd.DataFrame(rows)


def _measured(
    launches: Sequence[Launch], forecasts: Mapping[float, Forecasts], k: int
) -> Iterator[pd.DataFrame]:
    """One row per (cut, items, metric, item) with what it adds to the metric, by forecast."""
    for launch in launches:
        window, own = launch.test, forecasts[launch.cut]
        ranked = np.isin(window.launched, window.new)
        for items, rows in ((ALL_LAUNCHES, np.ones_like(ranked)), (RANKED, ranked)):
            buyers = window.buyers[rows]
            both = [ranking_parts(values[rows], buyers, k) for values in (own.plain, own.test)]
            for place, metric in enumerate(("spearman", f"ndcg@{k}")):
                yield pd.DataFrame(
                    {
                        "cut": f"{launch.cut:.0%}",
                        "items": items,
                        "metric": metric,
                        "item": window.launched[rows],
                        "type_mean": both[0][place],
                        "forecast": both[1][place],
                        "model": own.model,
                    }
                )
