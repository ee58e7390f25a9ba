"""What a change is worth in what a shop counts: hits in a list, and money."""

from __future__ import annotations

from typing import Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.design import Design, Pair
from doppelcart.recommendation.arms import NONE
from doppelcart.recommendation.design import unit_scores
from doppelcart.recommendation.evaluating import metric_columns

HITS: Final = "hits"
SALES: Final = "sales"
COLUMNS: Final = (
    *(Columns.SLICE, Columns.RECOMMENDER, "arm", "metric"),
    *("base", "value", "difference", "low", "high"),
)


def gains(
    user_metrics: pd.DataFrame, chosen: pd.DataFrame, verdict: pd.DataFrame, design: Design
) -> pd.DataFrame:
    """What every arm of the verdict changes per customer, against the same recommender without it.

    Nothing is judged by these: they say in other units what the verdict found.

    Args:
        user_metrics: One row per (slice, arm, recommender, user), with ``precision@k`` and, where
            items have prices, ``sales@k``.
        chosen: As from ``grid_search.choose``, for the levels.
        verdict: As from ``experiment.verdict.judge``.
        design: The experiment.

    Returns:
        One row per (slice, recommender, arm, metric): means per customer without (``base``) and
        with (``value``), their ``difference`` and the ends of its 95 % interval, not corrected.
        ``hits@k`` counts items; ``sales@k`` is in currency units.
    """
    found = (name.split("@") for name in metric_columns(user_metrics))
    k = max(int(cutoff) for metric, cutoff in found if metric == "precision")
    measured = user_metrics.assign(**{f"{HITS}@{k}": k * user_metrics[f"precision@{k}"]})
    keys = verdict[[Columns.SLICE, Columns.RECOMMENDER, "arm"]].itertuples(index=False)
    plan = [Pair((name,), system, arm, NONE, (system, NONE)) for name, system, arm in keys]
    names = [name for name in (f"{HITS}@{k}", f"{SALES}@{k}") if name in measured]
    if not plan:
        return pd.DataFrame(columns=list(COLUMNS))
    parts = [
        compare(
            unit_scores(measured, chosen, name),
            design.model_copy(update={"metric": name, "name": f"{design.name}, {name}"}),
            plan,
        )
        for name in names
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]
