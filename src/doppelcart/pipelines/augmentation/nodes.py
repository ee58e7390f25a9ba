"""Nodes of the augmentation pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.data.cases import Case, whole_histories
from doppelcart.data.histories import Histories
from doppelcart.metrics.fidelity import category_mix_distance, fidelity
from doppelcart.metrics.item_groups import item_groups
from doppelcart.metrics.privacy import privacy
from doppelcart.models.histories.augmentation import AugmentationParams, invent_like
from doppelcart.models.histories.controls import copy_users, draw_by_popularity, mix_users
from doppelcart.progress import tracked

REFERENCE = "real_vs_real"


def copy_training_users(train_histories: Histories, params: AugmentationParams) -> Histories:
    """Exact copies of training users, the control that adds nothing."""
    return _control(copy_users, train_histories, params)


def draw_popular_users(train_histories: Histories, params: AugmentationParams) -> Histories:
    """Users without taste: real lengths, items by popularity."""
    return _control(draw_by_popularity, train_histories, params)


def mix_training_users(train_histories: Histories, params: AugmentationParams) -> Histories:
    """Mixtures of two training users."""
    return _control(mix_users, train_histories, params)


def _control(
    make: Callable[[Histories, int, np.random.Generator], Histories],
    train: Histories,
    params: AugmentationParams,
) -> Histories:
    return make(train, n_synthetic(train, params), np.random.default_rng(params.seed))


def n_synthetic(train: Histories, params: AugmentationParams) -> int:
    """How many users to invent."""
    return max(1, round(params.ratio * train.n_users))


def invent_users(
    generator: Any,
    train_histories: Histories,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    params: AugmentationParams,
) -> Histories:
    """Let a generator invent users like the real ones, of jittered real profiles.

    Args:
        generator: The trained generator.
        train_histories: Training users.
        profile_matrix: ``user_id`` and behaviour columns of the training users.
        demographics_matrix: ``user_id`` and demographic columns.
        params: Parameters of the pipeline.

    Raises:
        InputError: The generator was trained for another catalogue.
    """
    return invent_like(
        generator,
        train_histories,
        n_synthetic(train_histories, params),
        profile_matrix,
        demographics_matrix,
        params,
    )


def gather_users(**sets: Histories) -> dict[str, Histories]:
    """Put all sets of synthetic users into one dataset, by name.

    Args:
        **sets: Synthetic users by who generated them.
    """
    return sets


def measure_fidelity(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    feat_items: pd.DataFrame,
    params: AugmentationParams,
) -> pd.DataFrame:
    """Compare each set of synthetic users with the real ones, two real halves as the yardstick.

    Args:
        train_histories: Training users.
        synthetic_users: Sets of synthetic users by name.
        feat_items: Readable item features.
        params: Parameters of the pipeline.

    Returns:
        One row per statistic, one column per set, and ``real_vs_real``: one half of the real users
        against the other.
    """
    categories = item_groups(feat_items)
    if categories is None:
        categories = np.full(len(feat_items), "all")
    halves = _halves(train_histories, params.seed)
    columns = {REFERENCE: _compare(*halves, categories, params.seed)}
    columns |= {
        name: _compare(train_histories, users, categories, params.seed)
        for name, users in tracked(synthetic_users.items(), "measuring fidelity", "set")
    }
    return pd.DataFrame(columns).rename_axis("statistic").reset_index()


def activity_segments(histories: Histories, cuts: np.ndarray) -> np.ndarray:
    """(n_users,) ``light``, ``medium`` or ``heavy`` by the number of distinct items.

    Args:
        histories: Users.
        cuts: (2,) lengths at which medium and heavy begin.
    """
    return np.array(["light", "medium", "heavy"])[np.digitize(histories.lengths, cuts)]


def _halves(histories: Histories, seed: int) -> tuple[Histories, Histories]:
    order = np.random.default_rng(seed).permutation(histories.n_users)
    middle = len(order) // 2
    return histories.select(order[:middle]), histories.select(order[middle:])


def _compare(
    real: Histories, other: Histories, categories: np.ndarray, seed: int
) -> dict[str, float]:
    cuts = np.quantile(real.lengths, [1 / 3, 2 / 3])
    mix = category_mix_distance(
        real.matrix,
        other.matrix,
        categories,
        activity_segments(real, cuts),
        activity_segments(other, cuts),
    )
    figures = fidelity(real.matrix, other.matrix, seed)
    return figures | {f"category_mix_distance_{name}": value for name, value in mix.items()}


def measure_privacy(
    train_histories: Histories,
    validation_cases: Mapping[str, Case],
    synthetic_users: dict[str, Histories],
    params: AugmentationParams,
) -> pd.DataFrame:
    """Look for copies of real users among synthetic ones; a smoke test, never a proof.

    Args:
        train_histories: Training users.
        validation_cases: Real users that no generator was trained on.
        synthetic_users: Sets of synthetic users by name; copies are what the test must catch.
        params: Parameters of the pipeline.

    Returns:
        One row per statistic, one column per set.
    """
    holdout = whole_histories(validation_cases)
    columns = {
        name: privacy(
            users.matrix,
            train_histories.matrix,
            holdout,
            np.random.default_rng(params.seed),
            params.near_copy_similarity,
        )
        for name, users in tracked(synthetic_users.items(), "looking for copies", "set")
    }
    return pd.DataFrame(columns).rename_axis("statistic").reset_index()
