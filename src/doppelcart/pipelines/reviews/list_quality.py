"""What the list of reviews to look at is worth: precision of its head, and false alarms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.metrics.shortlists import Ranked, false_alarms, precision
from doppelcart.pipelines.reviews.params import ReviewListParams
from doppelcart.pipelines.reviews.review_texts import LABEL, PART, PLACE

ALL: Final = "all"
AS_IT_IS, RARE = "as it is", "rare"
"""Share of deceptive reviews: that of the labelled ones, or the one that a shop may expect."""
COLUMNS: Final = (
    "by", "group", "share_is", "share", "reviews", "genuine", "k",
    "precision", "precision_low", "precision_high",
    "in_list", "in_list_low", "in_list_high",
    "called", "called_low", "called_high", "over",
)  # fmt: skip


def list_quality(
    reviews: pd.DataFrame, said: np.ndarray, listing: ReviewListParams, seed: int
) -> pd.DataFrame:
    """How many of those that a person is shown are deceptive, and how many genuine ones are.

    Args:
        reviews: Labels, places and parts.
        said: (n,) what a detector that learnt from other places says, above 0 for deceptive.
        listing: Length of the list, and the share that deceptive reviews may have elsewhere.
        seed: Of resampling.

    Returns:
        One row per group ``by`` (all reviews, a part, a place) and share of deceptive ones, as it
        is and, but for a place, as ``listing.rare_share`` has it: ``precision`` of the first ``k``
        of the group's own list; genuine reviews per 1,000 that stand there (``in_list``), and that
        the detector calls deceptive at all (``called``); each with 95 %, ``over`` places or, within
        a place, over reviews. NaN where a group has no more than k reviews.
    """
    rows = []
    for by, group, own in _groups_of(reviews):
        clusters = np.arange(len(reviews)) if by == PLACE else reviews[PLACE].to_numpy()
        ranked = Ranked(reviews[LABEL].to_numpy(bool)[own], said[own], clusters[own])
        about = {"by": by, "group": group, "over": "reviews" if by == PLACE else "places"}
        shares = {AS_IT_IS: None} if by == PLACE else {AS_IT_IS: None, RARE: listing.rare_share}
        for name, share in shares.items():
            rng = np.random.default_rng(seed)
            rows.append(about | {"share_is": name} | _figures(ranked, listing.listed, share, rng))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _groups_of(reviews: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """What is judged on its own: all, parts if there are several, and places; and its rows."""
    yield ALL, ALL, np.ones(len(reviews), bool)
    for by in (PART, PLACE):
        values = reviews[by].astype(str)
        groups = sorted(values.unique())
        for group in groups if len(groups) > 1 else []:
            yield by, group, (values == group).to_numpy()


def _figures(
    ranked: Ranked, k: int, share: float | None, rng: np.random.Generator
) -> dict[str, Any]:
    n, genuine = len(ranked.fake), int((~ranked.fake).sum())
    listed = precision(ranked, k, share, rng)
    called = false_alarms(ranked.fake, ranked.scores > 0, ranked.clusters, rng)
    # What is no fake in the list is a false alarm, so that its ends are those of precision.
    each = 1000 * k / genuine if genuine else float("nan")
    return {
        "share": 1 - genuine / n if share is None else share,
        "reviews": n,
        "genuine": genuine,
        "k": k,
        "precision": listed.value,
        "precision_low": listed.low,
        "precision_high": listed.high,
        "in_list": each * (1 - listed.value),
        "in_list_low": each * (1 - listed.high),
        "in_list_high": each * (1 - listed.low),
        "called": 1000 * called.value,
        "called_low": 1000 * called.low,
        "called_high": 1000 * called.high,
    }
