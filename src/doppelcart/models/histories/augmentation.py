"""Synthetic users beside the real ones: how many, and of which profiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.data.histories import Histories
from doppelcart.models.histories.generation import generate, profile_rows


class AugmentationParams(Parameters):
    """How many users to invent, and how they are compared with real ones."""

    ratio: float = Field(
        1.0,
        gt=0,
        le=100,
        description="synthetic users a real training user; at least the largest of "
        "evaluation.ratios, and at least 1 for recommenders trained on synthetic users alone",
    )
    profile_jitter: float = Field(
        0.5,
        ge=0,
        le=10,
        description="standard deviation of the noise added to the behavioural profile that an "
        "synthetic user is asked to have, in scaled units; 0 asks for a real user's own",
    )
    near_copy_similarity: float = Field(
        0.8, gt=0, le=1, description="Jaccard similarity from which a user is a near copy"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of every draw")


def invent_like(
    generator: Any,
    users: Histories,
    n_users: int,
    profile_matrix: pd.DataFrame,
    demographics_matrix: pd.DataFrame,
    params: AugmentationParams,
) -> Histories:
    """Let a generator invent a number of users, each with the jittered profile of a real one.

    Args:
        generator: The trained generator.
        users: Whose profiles to use; each is used once before any is used twice.
        n_users: How many to invent.
        profile_matrix: ``user_id`` and behaviour columns.
        demographics_matrix: ``user_id`` and demographic columns.
        params: Jitter and seed.
    """
    rng = np.random.default_rng([params.seed, 1])
    order = np.resize(rng.permutation(users.n_users), n_users)
    wanted = users.user_ids[order]
    behaviour = profile_rows(profile_matrix, wanted)
    jitter = rng.normal(0, params.profile_jitter, behaviour.shape).astype(np.float32)
    demographics = profile_rows(demographics_matrix, wanted)
    return generate(generator, n_users, users.item_ids, rng, demographics, behaviour + jitter)
