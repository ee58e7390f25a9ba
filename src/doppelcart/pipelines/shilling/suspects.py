"""Users of the shop that look most like a fake profile, for a person to look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.pipelines.shilling.fake_detectors import Fitted, profiles_of
from doppelcart.pipelines.shilling.params import ListParams
from doppelcart.pipelines.shilling.profile_attributes import oddest_items
from doppelcart.pipelines.shilling.rating_matrix import Others, Ratings
from doppelcart.progress import tracked


def ranks_of(suspicion: np.ndarray) -> np.ndarray:
    """(n,) ranks from 0, the least suspicious, to 1; those who are alike share their mean rank.

    Args:
        suspicion: (n,) the higher, the more a profile looks like a fake.

    Examples:
        >>> ranks_of(np.array([0.5, 0.1, 0.5, 0.9])).round(2).tolist()
        [0.5, 0.0, 0.5, 1.0]
    """
    from scipy.stats import rankdata

    ranks: np.ndarray = (rankdata(suspicion) - 1) / max(len(suspicion) - 1, 1)
    return ranks


def suspects_of(crowd: Ratings, rows: np.ndarray, ranks: np.ndarray) -> pd.DataFrame:
    """Some users of a crowd as suspects.

    Args:
        crowd: Users among whom these are odd, or not.
        rows: (n,) of the users.
        ranks: (n,) of their suspicion.

    Returns:
        ``user_id``, ``suspicion``, ``items`` (how many), ``odd_item``.
    """
    return pd.DataFrame(
        {
            "user_id": crowd.users[rows],
            "suspicion": ranks,
            "items": (crowd.given[rows] > 0).sum(axis=1),
            "odd_item": crowd.items[oddest_items(crowd)[rows]],
        }
    )


def rank_others(others: Others, shop: Ratings, detector: Fitted, seed: int) -> pd.DataFrame:
    """Users who are in no draw, by a detector that learnt nothing of them.

    They are looked at in crowds as large as the shop in which it learnt, since what is odd is so
    among others; who is lacking in the last crowd is filled up from the shop.

    Args:
        others: The users.
        shop: Users of the draw that it learnt in.
        detector: That makes the list.
        seed: Of the order in which they are put together.

    Returns:
        As from ``suspects_of``, each ranked in its crowd.
    """
    order = np.random.default_rng([seed, 9]).permutation(len(others.users))
    found = []
    for start in tracked(range(0, len(order), shop.n_users), "ranking other users", "crowd"):
        rows = np.sort(order[start : start + shop.n_users])
        n_filled = shop.n_users - len(rows)
        crowd = replace(
            shop,
            users=np.array([*others.users[rows], *shop.users[:n_filled]], str),
            given=np.concatenate([others.given[rows].toarray(), shop.given[:n_filled]]),
            times=None,
        )
        ranks = ranks_of(detector.suspicion(profiles_of(crowd, crowd.given[:0], "")))
        found.append(suspects_of(crowd, np.arange(len(rows)), ranks[: len(rows)]))
    return pd.concat(found, ignore_index=True)


def listed_users(suspects: pd.DataFrame, params: ListParams) -> pd.DataFrame:
    """Users by their mean rank over the draws in which detectors did not learn from them.

    Args:
        suspects: One row per user and draw: ``user_id``, ``suspicion`` (0 to 1), ``items``,
            ``odd_item``.
        params: Whether they are flagged, and how many.

    Returns:
        The most suspicious first: ``place``, ``user_id``, ``suspicion``, ``items``, ``odd_item``
        (whose raters have least in common: what such a profile would push), ``draws``, ``flag``.
    """
    grouped: Any = suspects.groupby("user_id", sort=True)
    found = grouped.agg(
        suspicion=("suspicion", "mean"),
        items=("items", "first"),
        odd_item=("odd_item", "first"),
        draws=("draw", "size"),
    ).reset_index()
    found = found.sort_values("suspicion", ascending=False, kind="stable").reset_index(drop=True)
    found.insert(0, "place", range(1, len(found) + 1))
    found["flag"] = params.flags(found["place"])
    return found
