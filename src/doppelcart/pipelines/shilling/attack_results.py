"""What a detector makes of attacks, and means of it over attacks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Design
from doppelcart.metrics.classification import auc
from doppelcart.pipelines.shilling.attack_design import ATTACK, KIND, TARGET
from doppelcart.pipelines.shilling.fake_detectors import Profiles, f1_at_k
from doppelcart.pipelines.shilling.params import AttackParams

NEW: Final = 0.25
"""Share of genuine users, those of fewest items, that count as new."""


def listed(said: np.ndarray, fake: np.ndarray, n_learnt: int, params: AttackParams) -> np.ndarray:
    """(n,) who stands in a list that has as many genuine users as the false alarms allow.

    The length is set by the genuine users who were not learnt from: an operating point on the ROC
    curve, at which detectors are compared.

    Args:
        said: (n,) suspicion.
        fake: (n,) whether it is a fake.
        n_learnt: Genuine users that were learnt from.
        params: Share of false alarms.
    """
    others = ~fake & (np.arange(len(said)) >= n_learnt)
    found: np.ndarray = said > np.quantile(said[others], 1 - params.false_alarms)
    return found


def judged(
    said: np.ndarray, seen: Profiles, n_learnt: int, params: AttackParams
) -> dict[str, float]:
    """What a detector makes of an attack, among the genuine users that it did not learn from.

    Args:
        said: (n,) suspicion.
        seen: Genuine users and fakes.
        n_learnt: Genuine users that it learnt from.
        params: Share of genuine users that may be listed.
    """
    rest = np.arange(len(said)) >= n_learnt
    over = listed(said, seen.fake, n_learnt, params)[rest]
    fake, lengths = seen.fake[rest], seen.lengths[rest]
    new = ~fake & (lengths <= np.quantile(lengths[~fake], NEW))
    return {
        "value": auc(fake, said[rest]),
        "f1": f1_at_k(fake, said[rest]),
        "found": float(over[fake].mean()),
        "false": float(over[~fake].mean()),
        "false_new": float(over[new].mean()),
    }


def undefined() -> dict[str, float]:
    """What ``judged`` says of a detector that lacks what it needs."""
    return dict.fromkeys(("value", "f1", "found", "false", "false_new"), float("nan"))


def scores_of(tried_on: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The rows that the design compares.

    Args:
        tried_on: As from ``measure``.
        design: The experiment.
    """
    kinds = [best.group[0] for best in design.best]
    inside = tried_on["arm"].isin(list(design.by_name)) & tried_on[KIND].isin(kinds)
    found: pd.DataFrame = tried_on.loc[inside, [KIND, "arm", ATTACK, TARGET, "value"]]
    return found.reset_index(drop=True)


def summary(tried_on: pd.DataFrame, *beside: str) -> pd.DataFrame:
    """Means per kind and arm, over attacks.

    Args:
        tried_on: As from ``measure``.
        *beside: Columns that part the attacks besides, such as their size.

    Returns:
        ``kind``, ``arm``, those columns, ``auc``, ``f1``, ``found``, ``false``, ``false_new``,
        ``detectors`` (what validation chose, the most frequent first), ``attacks``.
    """
    grouped: Any = tried_on.groupby([KIND, "arm", *beside], sort=False)
    return grouped.agg(
        auc=("value", "mean"),
        f1=("f1", "mean"),
        found=("found", "mean"),
        false=("false", "mean"),
        false_new=("false_new", "mean"),
        detectors=("detector", lambda names: ", ".join(names.value_counts().index)),
        attacks=("value", "size"),
    ).reset_index()
