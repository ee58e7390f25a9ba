"""Train on synthetic, test on real: what share of the real score do synthetic users carry?"""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.resampling import paired_bootstraps
from doppelcart.progress import tracked
from doppelcart.recommendation.arms import NONE, Kind, of_kind
from doppelcart.recommendation.evaluating import by_user

COLUMNS = [
    Columns.RECOMMENDER,
    Columns.SLICE,
    Columns.ARM,
    "metric",
    "value",
    "real",
    "share",
    "low",
    "high",
    "n_users",
]


def tstr(user_metrics: pd.DataFrame, metric: str, n_bootstrap: int, seed: int) -> pd.DataFrame:
    """Score of training on synthetic users alone, as a share of training on the real ones.

    Esteban, Hyland and Rätsch (2017), section 5.2, "Train on Synthetic, Test on Real". The
    interval is that of the ratio of two means over the same users.

    Args:
        user_metrics: One row per (slice, arm, recommender, user).
        metric: Column of the user metrics, such as ``ndcg@20``.
        n_bootstrap: Resamples.
        seed: Of the resampling.

    Returns:
        One row per (recommender, slice, synthetic-only arm): ``value``, ``real``, ``share``
        (value / real) with its interval, ``n_users``. NaN where the real score is 0.
    """
    rows: list[dict[str, object]] = []
    groups = user_metrics.groupby([Columns.RECOMMENDER, Columns.SLICE], sort=False, observed=True)
    for (recommender, name), users in tracked(groups, "comparing training sets", "group"):
        wide = by_user(users, Columns.ARM, metric)
        arms = [arm for arm in of_kind(Kind.SYNTHETIC_ONLY) if arm in wide]
        if not arms:
            continue
        rng = np.random.default_rng([seed, zlib.crc32(f"{name}/tstr".encode())])
        results = paired_bootstraps(
            wide[arms].to_numpy(),
            wide[[NONE] * len(arms)].to_numpy(),
            rng=rng,
            n_resamples=n_bootstrap,
        )
        for arm, result in zip(arms, results, strict=True):
            rows.append(
                {
                    Columns.RECOMMENDER: recommender,
                    Columns.SLICE: name,
                    Columns.ARM: arm,
                    "metric": metric,
                    "value": result.value,
                    "real": result.base,
                    "share": 1 + result.relative,
                    "low": 1 + result.relative_low,
                    "high": 1 + result.relative_high,
                    "n_users": result.n_units,
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)
