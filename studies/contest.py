"""A contest of arms over the same users, by the experiment that the product's own verdicts use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.experiment.comparison import VALUE, compare
from doppelcart.experiment.design import Arm, Design, Role

USER: Final = "user"
RECOMMENDER: Final = "recommender"
ARM: Final = "arm"

Comparisons = Mapping[tuple[str, str], Mapping[Any, Any]]


def against(
    baseline: str, values: Mapping[tuple[str, str], np.ndarray], name: str, metric: str
) -> Comparisons:
    """Every arm against the baseline of the same recommender; one family for Holm's correction.

    Args:
        baseline: The arm that all others are on trial against.
        values: By recommender and arm, (n_users,) the metric of the same users; NaN where it is
            undefined.
        name: Of the contest.
        metric: What is measured of a user.

    Returns:
        By recommender and arm, a row as from ``experiment.comparison.compare``.
    """
    names = dict.fromkeys(arm for _, arm in values)
    design = Design(
        name=name,
        metric=metric,
        unit=USER,
        system=RECOMMENDER,
        arms=tuple(
            Arm(name=arm, role=Role.BASELINE if arm == baseline else Role.TRIAL, phrase=arm)
            for arm in names
        ),
    )
    scores = pd.concat(
        pd.DataFrame(
            {RECOMMENDER: recommender, ARM: arm, USER: np.arange(len(of_arm)), VALUE: of_arm}
        )
        for (recommender, arm), of_arm in values.items()
    )
    rows = compare(scores, design).to_dict("records")
    return {(row[RECOMMENDER], row[ARM]): row for row in rows}
