"""Users of the shop that look most like a fake profile, for a person to look at."""

from __future__ import annotations

from typing import Any

import pandas as pd

from doppelcart.pipelines.shilling.params import ListParams


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
