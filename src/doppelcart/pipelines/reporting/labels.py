"""Plain words for the names of slices, arms, recommenders and metrics."""

import re
from collections.abc import Iterable
from typing import Final

from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.recommendation.arms import ARMS, NONE
from doppelcart.recommendation.design import MOST_POPULAR
from doppelcart.recommendation.rankings import REAL_HALVES

_SLICES: Final = {
    "warm": "Returning customers",
    "cold_0": "New customers, nothing bought yet",
    "cold_1": "New customers, first item known",
}
_ARMS: Final = {
    "gan_completion": "Histories completed by the GAN",
    "vae_completion": "Histories completed by the VAE",
    "denoiser_completion": "Histories completed without critic",
    "popularity_completion": "Histories completed by popularity",
    "gan_new_users": "Customers made by the GAN",
    "vae_new_users": "Customers made by the VAE",
    "denoiser_new_users": "Customers made without critic",
    "popularity": "Random customers by popularity",
    "mixup": "Mixtures of two customers",
    "copies": "Copies of customers",
    "gan_only": "Only customers made by the GAN",
    "vae_only": "Only customers made by the VAE",
    "denoiser_only": "Only customers made without critic",
    "popularity_only": "Only random customers by popularity",
    "targeted_gan": "Customers made by the GAN for the segment",
    "uniform_gan": "Customers made by the GAN for all",
    "targeted_denoiser": "Customers made without critic for the segment",
    "targeted_copies": "Copies of the segment's customers",
    REAL_HALVES: "Half of the real customers, by the other half",
    NONE: "No generated data",
}
_RECOMMENDERS: Final = {
    "popularity": "Popularity",
    "itemknn": "ItemKNN",
    "ials": "iALS",
    "puresvd": "PureSVD",
    "multvae": "Mult-VAE",
    "ease": "EASE",
}
_AGAINST: Final = {
    NONE: "the same recommender without generated data",
    BEST_BASELINE: "the best recommender without generated data",
    MOST_POPULAR: "plain popularity, one list for everybody",
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
    "coverage": "Catalogue coverage",
    "gini": "Gini of what is shown",
    "novelty": "Novelty",
    "diversity": "Diversity within a list",
    "average_popularity": "Mean popularity of what is shown",
}


def slice_label(name: str) -> str:
    """Name a slice of test users so that a merchandiser knows who is meant.

    Examples:
        >>> slice_label("cold_5")
        'New customers, first 5 items known'
        >>> slice_label("cold_80pct")
        'New customers, 80 % of their history known'
        >>> slice_label("cold_12.5pct")
        'New customers, 12.5 % of their history known'
        >>> slice_label("gold members")
        'gold members'
    """
    if name in _SLICES:
        return _SLICES[name]
    if match := re.fullmatch(r"cold_(\d+(?:\.\d+)?)pct", name):
        return f"New customers, {match[1]} % of their history known"
    if match := re.fullmatch(r"cold_(\d+)", name):
        return f"New customers, first {match[1]} items known"
    return name


def arm_label(name: str) -> str:
    """Name an arm: what was given to the recommender beside the real histories."""
    return _ARMS.get(name, name)


def recommender_label(name: str) -> str:
    """Name a recommender as its field writes it."""
    return _RECOMMENDERS.get(name, name)


def against_label(name: str) -> str:
    """Name what an arm was compared with: a baseline, or a control arm."""
    return _AGAINST.get(name, arm_label(name))


def customers_label(name: str) -> str:
    """Name the customers of a slice whom users added for a segment are judged by."""
    return _CUSTOMERS.get(name, name)


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


def slice_order(names: Iterable[str]) -> list[str]:
    """Distinct slices: returning users first, then new users by how much is known of them."""

    def key(name: str) -> tuple[int, float, str]:
        match = re.fullmatch(r"cold_(\d+(?:\.\d+)?)(pct)?", name)
        if not match:
            return (0 if name == "warm" else 2, 0.0, name)
        return (1, float(match[1]) + (1e6 if match[2] else 0.0), name)

    return sorted(set(names), key=key)


def arm_order(names: Iterable[str]) -> list[str]:
    """Distinct arms: each use of the generator before its controls, no generated data last."""
    known = list(_ARMS)
    return sorted(
        set(names),
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )


def recommender_order(names: Iterable[str]) -> list[str]:
    """Distinct recommenders, from the simplest to the strongest, unknown ones last."""
    known = list(_RECOMMENDERS)
    return sorted(
        set(names),
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )
