"""Plain words for the names of arms, recommenders and metrics."""

from collections.abc import Iterable
from typing import Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_order
from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.recommendation.arms import ARMS, GENERATORS, NONE, SEGMENT_ARMS, TABLE_ORDER
from doppelcart.recommendation.design import MOST_POPULAR
from doppelcart.recommendation.rankings import REAL_HALVES
from doppelcart.recommenders import RECOMMENDERS

_HALVES: Final = "Half of the real customers, by the other half"
_AGAINST: Final = {
    NONE: "the same recommender without synthetic data",
    BEST_BASELINE: "the best recommender without synthetic data",
    MOST_POPULAR: "plain popularity, one list for everybody",
}
_ORIGINS: Final = {
    "real": "Real customers",
    **{name: generator.label for name, generator in GENERATORS.items()},
    "popularity": "Random baskets by popularity",
    "mixup": "Blends of two customers",
    "copies": "Exact copies",
}
_CUSTOMERS: Final = {"segment": "the segment", "others": "everybody else"}
_METRICS: Final = {
    "ndcg": "NDCG",
    "recall": "Recall",
    "precision": "Precision",
    "average_precision": "MAP",
    "map": "MAP",
    "hit_rate": "Hit rate",
    "reciprocal_rank": "MRR",
    "mrr": "MRR",
    "hits": "Hits",
    "sales": "Purchases foreseen",
    "coverage": "Catalogue coverage",
    "gini": "Gini of what is shown",
    "novelty": "Novelty",
    "diversity": "Diversity within a list",
    "average_popularity": "Mean popularity of what is shown",
}


def arm_label(name: str) -> str:
    """Name an arm: what was given to the recommender beside the real histories."""
    known = ARMS | SEGMENT_ARMS
    return known[name].label if name in known else _HALVES if name == REAL_HALVES else name


def recommender_label(name: str) -> str:
    """Name a recommender as its field writes it."""
    return RECOMMENDERS[name].label if name in RECOMMENDERS else name


def against_label(name: str) -> str:
    """Name what an arm was compared with: a baseline, or a control arm."""
    return _AGAINST.get(name, arm_label(name))


def customers_label(name: str) -> str:
    """Name the customers of a slice whom users added for a segment are judged by."""
    return _CUSTOMERS.get(name, name)


def origin_label(name: str) -> str:
    """Name who made customers: a generator, a control, or nobody."""
    return _ORIGINS.get(name, name)


def metric_label(name: str) -> str:
    """Name a metric as its field writes it.

    Examples:
        >>> metric_label("ndcg@20")
        'NDCG@20'
    """
    stem, at, cutoff = name.partition("@")
    return _METRICS.get(stem, stem) + at + cutoff


def is_generator(arm: str) -> bool:
    """Whether an arm is the generator under test, and not a control or a baseline."""
    return arm in ARMS and ARMS[arm].generator


def arm_order(names: Iterable[str]) -> list[str]:
    """Distinct arms: each use of the generator before its controls, no synthetic data last."""
    known = [*TABLE_ORDER, REAL_HALVES, NONE]
    return sorted(
        set(names),
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )


def recommender_order(names: Iterable[str]) -> list[str]:
    """Distinct recommenders, from the simplest to the strongest, unknown ones last."""
    known = list(RECOMMENDERS)
    return sorted(
        set(names),
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows by group of customers, recommender and arm, each in the order of the report."""
    orders = {
        Columns.SLICE: slice_order,
        Columns.RECOMMENDER: recommender_order,
        Columns.ARM: arm_order,
    }
    keys = [name for name in orders if name in frame]
    ranks = pd.DataFrame(
        {
            name: frame[name].map({value: n for n, value in enumerate(orders[name](frame[name]))})
            for name in keys
        },
        index=frame.index,
    )
    return frame.loc[ranks.sort_values(keys, kind="stable").index]
