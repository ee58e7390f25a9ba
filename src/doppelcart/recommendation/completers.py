"""What completes histories, by arm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from doppelcart.data.histories import Histories
from doppelcart.models.histories.generation import make_completer
from doppelcart.recommendation.arms import COMPLETED_BY
from doppelcart.recommendation.completion import Completer, popularity_completer


def completer_of(
    arm: str,
    train: Histories,
    generators: Mapping[str, Any],
    demographics: pd.DataFrame,
    n_draws: int,
    seed: int,
) -> Completer | None:
    """What completes the histories of an arm; None for an arm that completes none.

    Args:
        arm: Name in ``ARMS``.
        train: Real users, whose shares complete by popularity.
        generators: Trained generators by name.
        demographics: ``user_id`` and one column per demographic feature.
        n_draws: Draws of the generator averaged into a completion.
        seed: Of these draws.
    """
    if arm not in COMPLETED_BY:
        return None
    source = COMPLETED_BY[arm]
    if source not in generators:
        return popularity_completer(train)
    return make_completer(generators[source], demographics, n_draws=n_draws, seed=seed)


def completers_of(
    arms: Iterable[str],
    train: Histories,
    generators: Mapping[str, Any],
    demographics: pd.DataFrame,
    n_draws: int,
    seed: int,
) -> dict[str, Completer]:
    """What completes the histories of some arms, by arm; those that complete none are left out.

    Args:
        arms: Names in ``ARMS``.
        train: As for ``completer_of``, as are the others.
        generators: Trained generators by name.
        demographics: ``user_id`` and one column per demographic feature.
        n_draws: Draws of the generator averaged into a completion.
        seed: Of these draws.
    """
    found = {arm: completer_of(arm, train, generators, demographics, n_draws, seed) for arm in arms}
    return {arm: completer for arm, completer in found.items() if completer}
