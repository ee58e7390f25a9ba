"""Orders of deletion tried on the recommendations of a sample of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.data.cases import Case, sample_case
from doppelcart.data.histories import Histories
from doppelcart.pipelines.explanations.deleting import (
    SHARES,
    Curve,
    Recommended,
    curves_of,
    leave_one_out,
    orders_of,
    recommended,
)
from doppelcart.pipelines.explanations.design import COSINE, LEFT_OUT, MARGIN, RECOMMENDATION, TRIAL
from doppelcart.pipelines.explanations.params import SampleParams
from doppelcart.progress import tracked
from doppelcart.recommendation.attribution import Explained, directions_of
from doppelcart.recommenders.base import column_sums

NOBODY: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Shop:
    """What plain orders know: who bought what.

    Args:
        unit: (n_users, n_items) CSC training histories, each column of length 1.
        popularity: (n_items,) training users of each item.
    """

    unit: sparse.csc_matrix
    popularity: np.ndarray

    @classmethod
    def of(cls, train: Histories) -> Shop:
        """The shop of training users."""
        matrix = train.matrix
        popularity = column_sums(matrix)
        scale = 1 / np.sqrt(np.maximum(popularity, 1))
        return cls((matrix @ sparse.diags_array(scale)).tocsc(), popularity)

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.popularity)

    def cosine(self, known: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """(n_known, n_targets) cosine of their buyers."""
        found: np.ndarray = (self.unit[:, known].T @ self.unit[:, targets]).toarray()
        return found

    def brought(self, arm: str, case: Recommended, rng: np.random.Generator) -> np.ndarray:
        """(n_known, n_targets) or (n_known,) what a plain order deletes first has most.

        Args:
            arm: Name of the order.
            case: The recommendations.
            rng: Of the order at random.
        """
        if arm == COSINE:
            return self.cosine(case.known, case.targets)
        if arm == "popular":
            return self.popularity[case.known]
        if arm == "recent":
            return np.arange(len(case.known))
        return rng.permutation(len(case.known))


class Tried(NamedTuple):
    """What came of some orders of deletion.

    Attributes:
        deletions: One row per (slice, recommender, arm, recommendation).
        curves: One row per (slice, recommender, arm, share), means over recommendations.
    """

    deletions: pd.DataFrame
    curves: pd.DataFrame


def brought_by(
    explained: Explained,
    case: Recommended,
    shop: Shop,
    contrast: bool,
    arms: Sequence[str],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """By arm: (n_known, n_targets) or (n_known,) what is deleted first has most.

    Args:
        explained: What scores.
        case: The recommendations.
        shop: What plain orders know.
        contrast: Whether slopes are of a score less those of the items that come next.
        arms: Which arms.
        rng: Of the order at random.
    """
    found: dict[str, np.ndarray] = {}
    for arm in arms:
        if arm == "reversed":
            found[arm] = -found[TRIAL]
        elif arm in (TRIAL, MARGIN):
            others = case.others if contrast or arm == MARGIN else NOBODY
            directions = directions_of(case.targets, others, shop.n_items)
            found[arm] = explained.attribute(case.known, directions, case.profile)
        elif arm == LEFT_OUT:
            found[arm] = leave_one_out(explained, case, shop.n_items)
        else:
            found[arm] = shop.brought(arm, case, rng)
    return found


def try_slice(
    explained: Explained,
    case: Case,
    shop: Shop,
    profiles: np.ndarray | None,
    *,
    name: str,
    contrast: bool,
    arms: Sequence[str],
    households: int,
    params: SampleParams,
) -> Tried:
    """Try every order of deletion on a sample of the customers of a slice.

    Args:
        explained: What scores.
        case: Customers with their known part; those of whom nothing is known are left out.
        shop: What plain orders know.
        profiles: (n_users, n_columns) what else is known of the customers of the case.
        name: Of what scores.
        contrast: As of ``brought_by``.
        arms: Arms, those that others are made of first.
        households: Customers at most.
        params: Lists and lengths.
    """
    wanted = np.flatnonzero(case.seen.lengths > 0)
    chosen = sample_case(case.select(wanted), households, params.seed)
    of_user = {user: row for row, user in enumerate(case.user_ids)}
    rows, curves = [], []
    for row, user in enumerate(tracked(chosen.user_ids, f"deleting, {case.name}, {name}")):
        rng = np.random.default_rng([params.seed, of_user[user]])
        profile = None if profiles is None else profiles[of_user[user]]
        listed = recommended(
            explained,
            chosen.seen.of(row),
            profile,
            shop.n_items,
            params.list_length,
            params.recommendations,
            rng,
        )
        brought = brought_by(explained, listed, shop, contrast, arms, rng)
        for arm, order in orders_of(brought, len(listed.known), len(listed.targets)).items():
            found = curves_of(
                explained,
                listed,
                order,
                shop.n_items,
                length=params.list_length,
                most_deleted=params.most_deleted,
            )
            keys = {Columns.SLICE: case.name, Columns.RECOMMENDER: name, "arm": arm}
            rows += [
                keys | {Columns.USER: user} | _row(curve, listed, place, case.seen.item_ids)
                for place, curve in enumerate(found)
            ]
            curves += [_along(curve).assign(**keys) for curve in found]
    table = pd.DataFrame(rows)
    drawn = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
    keys_of_curves = [Columns.SLICE, Columns.RECOMMENDER, "arm", "share"]
    means = drawn.groupby(keys_of_curves, sort=False, as_index=False).mean() if rows else drawn
    return Tried(table, means)


def _row(curve: Curve, listed: Recommended, place: int, item_ids: np.ndarray) -> dict[str, object]:
    return {
        RECOMMENDATION: str(item_ids[listed.targets[place]]),
        "known": len(listed.known),
        "set_size": curve.set_size,
        "flips_within_5": curve.set_size <= 5,
        "left": curve.left.mean(),
        "back": curve.back.mean(),
        "listed": curve.listed.mean(),
        "returned": curve.returned.mean(),
        "left_5": curve.left_few,
        "back_5": curve.back_few,
        "listed_5": curve.listed_few,
    }


def _along(curve: Curve) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "share": SHARES,
            "left": curve.left,
            "back": curve.back,
            "listed": curve.listed,
            "returned": curve.returned,
        }
    )


def named(deletions: pd.DataFrame) -> pd.DataFrame:
    """The same with recommendations that are told apart between customers.

    Args:
        deletions: One row per (slice, recommender, arm, recommendation).
    """
    whole = deletions[Columns.USER].astype(str) + ": " + deletions[RECOMMENDATION]
    return deletions.assign(**{RECOMMENDATION: whole})


def tried_of(parts: Sequence[Tried]) -> Tried:
    """Several of them below each other."""
    return Tried(
        named(pd.concat([part.deletions for part in parts], ignore_index=True)),
        pd.concat([part.curves for part in parts], ignore_index=True),
    )


def cases_of(cases: Mapping[str, Case], wanted: Sequence[str]) -> dict[str, Case]:
    """The cases of some slices that have a customer of whom anything is known, in their order."""
    there = {name: cases[name] for name in wanted if name in cases}
    return {name: case for name, case in there.items() if (case.seen.lengths > 0).any()}
