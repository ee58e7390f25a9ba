"""What a shop feels of an attack: who is shown the pushed item, and what false alarms cost."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy import sparse

from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.pipelines.shilling.rating_matrix import Ratings
from doppelcart.recommenders.base import Recommender
from doppelcart.recommenders.ease import EASE
from doppelcart.recommenders.itemknn import ItemKNN

LIKED: Final = 0.75
"""Share of the way up the scale from which on a rating counts as a purchase."""
LIST: Final = 10
HIDDEN: Final = 0.2
"""Share of a user's items that the lists are judged by."""
BEFORE, AFTER, CLEANED = "before", "after", "after removal"
RECOMMENDERS: Final[tuple[type[Recommender], ...]] = (EASE, ItemKNN)


def liked(values: np.ndarray, scale: tuple[float, float] | None) -> sparse.csr_matrix:
    """(n_users, n_items) what counts as bought.

    Args:
        values: Ratings or purchases; 0 for none.
        scale: Lowest and highest rating; None for purchases.
    """
    least = 1e-9 if scale is None else scale[0] + LIKED * (scale[1] - scale[0])
    return sparse.csr_matrix(values >= least, dtype=np.float32)


def harm_of(
    shop: Ratings, fakes: np.ndarray, target: int, flagged: np.ndarray
) -> list[dict[str, Any]]:
    """How genuine users meet the pushed item before the attack, after it, and after removal.

    Args:
        shop: Genuine users.
        fakes: (n, n_items) fake profiles.
        target: The pushed item.
        flagged: (n_users + n,) who is left out of training, genuine users first.

    Returns:
        One row per recommender and state: ``hit_rate`` (share of those without the item who have
        it in their list of ten), ``rank`` (median).
    """
    genuine = liked(shop.given, shop.scale)
    attacked = liked(np.concatenate([shop.given, fakes]), shop.scale)
    without = np.flatnonzero(shop.given[:, target] == 0)
    states = {BEFORE: genuine, AFTER: attacked, CLEANED: attacked[~flagged]}
    rows = []
    for kind in RECOMMENDERS:
        for state, train in states.items():
            rank = _ranks(kind().fit(train), genuine[without], target)
            rows.append(
                {
                    "recommender": kind.label,
                    "state": state,
                    "hit_rate": float((rank <= LIST).mean()),
                    "rank": float(np.median(rank)),
                }
            )
    return rows


def _ranks(recommender: Recommender, seen: sparse.csr_matrix, target: int) -> np.ndarray:
    """(n,) place of an item among those that a user has not got, from 1."""
    scores = recommender.score(seen, recommender.Config())
    scores[seen.nonzero()] = -np.inf
    found: np.ndarray = 1 + (scores > scores[:, [target]]).sum(axis=1)
    return found


def lost_by(shop: Ratings, alarms: np.ndarray, n_learnt: int, seed: int) -> list[dict[str, Any]]:
    """What genuine users lose if those under false alarm are left out, and get best sellers.

    Args:
        shop: Genuine users.
        alarms: (n_users,) who is under false alarm.
        n_learnt: Users that the detector learnt from, who are not looked at.
        seed: Of the items that are hidden.

    Returns:
        One row per recommender: NDCG@10 ``before``, ``after``, and ``alarmed``, the number of
        users under false alarm.
    """
    whole = liked(shop.given, shop.scale)
    rng = np.random.default_rng(seed)
    hidden = whole.copy()
    hidden.data = (rng.random(whole.nnz) < HIDDEN).astype(np.float32)
    hidden.eliminate_zeros()
    seen = sparse.csr_matrix(whole - hidden)
    seen.eliminate_zeros()
    looked_at = np.flatnonzero((np.arange(shop.n_users) >= n_learnt) & (hidden.getnnz(axis=1) > 0))
    alarms = alarms & (np.arange(shop.n_users) >= n_learnt)
    rows = []
    for kind in RECOMMENDERS:
        scores = {
            state: recommender.score(seen[looked_at], recommender.Config())
            for state, recommender in (
                (BEFORE, kind().fit(seen)),
                (AFTER, kind().fit(seen[~alarms])),
            )
        }
        scores[AFTER][alarms[looked_at]] = np.asarray(seen.sum(axis=0)).ravel()
        value = {
            state: float(
                np.nanmean(ndcg(top_k(found, seen[looked_at], LIST), hidden[looked_at], LIST))
            )
            for state, found in scores.items()
        }
        rows.append(
            {
                "recommender": kind.label,
                "ndcg_before": value[BEFORE],
                "ndcg_after": value[AFTER],
                "alarmed": int(alarms.sum()),
            }
        )
    return rows
