"""Whether the recommenders of a run fit into memory, asked as soon as the catalogue is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from doppelcart.data.histories import Histories
from doppelcart.errors import ResourceError
from doppelcart.recommendation.scoring import BATCH_USERS
from doppelcart.recommenders import RECOMMENDERS, RecommenderConfig

GIGABYTE: Final = 1e9
RESIDENT: Final = 1.5 * GIGABYTE
"""Bytes that a run holds besides: Python with TensorFlow, the histories, tables of figures."""
SCORE_COPIES: Final = 8
"""Blocks of scores held at once: of known and of completed histories, their sums, the ranking."""


def needed(
    configs: Mapping[str, Sequence[RecommenderConfig]], n_users: int, n_items: int, workers: int = 1
) -> dict[str, float]:
    """The bytes that each recommender takes of a run at most.

    Args:
        configs: Configurations to try, by recommender name.
        n_users: Training users at most, synthetic ones included.
        n_items: Size of the catalogue.
        workers: Fits made side by side, which are of one recommender most of the time.

    Returns:
        By recommender name, what the run holds in any case included.
    """
    scores = 4 * SCORE_COPIES * min(BATCH_USERS, n_users) * n_items
    return {
        name: RESIDENT + workers * (scores + RECOMMENDERS[name].memory(n_users, n_items, tried))
        for name, tried in configs.items()
    }


def check_memory(
    train: Histories,
    configs: Mapping[str, Sequence[RecommenderConfig]],
    ratio: float,
    workers: int,
    limit: float,
) -> None:
    """Refuse recommenders that would not fit into memory, before any is fitted.

    Args:
        train: The training users and their catalogue.
        configs: Configurations to try, by recommender name.
        ratio: Synthetic users per real one at most.
        workers: Fits made side by side.
        limit: The bytes that there are.

    Raises:
        ResourceError: Names the recommenders, what they need, and what to change.
    """
    n_users = round(train.n_users * (1 + ratio))
    needs = needed(configs, n_users, train.n_items, workers)
    large = {name: need for name, need in needs.items() if need > limit}
    if not large:
        return
    named = ", ".join(f"{name} ({need / GIGABYTE:.1f} GB)" for name, need in large.items())
    ways = _ways_out(train, configs, large, n_users, workers, limit)
    raise ResourceError(
        f"{len(large)} of {len(configs)} recommenders need more memory than the "
        f"{limit / GIGABYTE:.1f} GB that there are: {named}, for {train.n_items:,} items, up to "
        f"{n_users:,} training users (synthetic ones included) and {workers} fits at once. "
        f"Nothing has been fitted. To go on, {', or '.join(ways)}."
    )


def _ways_out(
    train: Histories,
    configs: Mapping[str, Sequence[RecommenderConfig]],
    large: Collection[str],
    n_users: int,
    workers: int,
    limit: float,
) -> Iterator[str]:
    """What to change so that the run fits, each way for itself."""
    own = {name: configs[name] for name in large}
    if len(own) < len(configs):
        without = ", ".join(f"{name}: null" for name in large)
        yield (
            f"leave them out by `evaluation: {{grids: {{{without}}}}}` (and, where "
            "`targeting.experiment.recommenders` names one, name another there)"
        )
    if workers > 1 and max(needed(own, n_users, train.n_items).values()) <= limit:
        yield "fit one after the other by `evaluation.workers: 1`"
    if found := _support_that_fits(train, own, n_users, workers, limit):
        yield (
            f"raise `cleaning.support.min_users_per_item` to about {found[0]:,}, which leaves some "
            f"{found[1]:,} items"
        )
    yield "if there is more memory than was found, set `max_memory_gb` in globals.yml"


def _support_that_fits(
    train: Histories,
    configs: Mapping[str, Sequence[RecommenderConfig]],
    n_users: int,
    workers: int,
    limit: float,
) -> tuple[int, int] | None:
    """The least users per item that leave a catalogue that fits, and its size; None if none does.

    Cleaning counts the users of the whole log, of whom the training users are the most.
    """
    users_per_item = np.bincount(train.items, minlength=train.n_items)
    for support in np.unique(users_per_item[users_per_item > 0]):
        n_items = int((users_per_item >= support).sum())
        if n_items > 1 and max(needed(configs, n_users, n_items, workers).values()) <= limit:
            return int(support), n_items
    return None
