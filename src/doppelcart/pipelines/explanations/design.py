"""The experiment: by which order items are deleted, and what is measured of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words
from doppelcart.pipelines.explanations.params import ExperimentParams

RECOMMENDATION: Final = "recommendation"
MEASURE: Final = "measure"
TRIAL: Final = "slopes"
COSINE: Final = "cosine"
LEFT_OUT: Final = "leave_one_out"
MARGIN: Final = "margin"
"""Of scores that are sums, where nothing is on trial: what is brought beyond the next items."""

MEASURES: Final = {
    "items to delete": "set_size",
    "score left": "left",
    "not listed again": "missing",
}
"""What is judged, each the better the lower: the name of its column by its own."""

MULTVAE: Final = "multvae"
COMPLETING: Final = ("gan", "denoiser")
"""Generators whose completions are explained: the one on trial, and the same without critic."""
NETWORKS: Final = {
    MULTVAE: "Mult-VAE",
    "gan": "completion by the GAN",
    "denoiser": "completion without critic",
}
"""What is explained by slopes, in words."""

RIVALS: Final = ("random", "popular", "recent")
ARMS: Final = (
    Arm(name=COSINE, role=Role.BASELINE, phrase="what is most similar by cosine"),
    Arm(name="random", role=Role.CONTROL, phrase="at random"),
    Arm(name="popular", role=Role.CONTROL, phrase="what most others bought"),
    Arm(name="recent", role=Role.CONTROL, phrase="what was bought last"),
    # No rival: it costs a scoring for every item of the history.
    Arm(name=LEFT_OUT, role=Role.CONTROL, phrase="what is missed most, left out one by one"),
    Arm(name=TRIAL, role=Role.TRIAL, phrase="what the slopes of the network name", rivals=RIVALS),
    Arm(name="reversed", role=Role.MUST_FAIL, phrase="what the slopes of the network name last"),
)


def declare(params: ExperimentParams, groups: Sequence[tuple[str, str, str]]) -> Design:
    """The design: a customer is resampled with all recommendations that are tested.

    Args:
        params: How arms are compared.
        groups: Measure, slice and network of each group; cosine is the best that there is in all.
    """
    return Design(
        name="explanations",
        metric="the measure",
        unit=RECOMMENDATION,
        cluster=Columns.USER,
        groups=(MEASURE, Columns.SLICE, Columns.RECOMMENDER),
        higher_is_better=False,
        arms=ARMS,
        best=tuple(Baseline(group=group, arm=COSINE) for group in groups),
        alpha=params.alpha,
        n_bootstrap=params.n_bootstrap,
        seeds=(params.seed,),
        words=Words(
            unit="recommendation",
            units="recommendations",
            groups={" / ".join(group): ", ".join(group) for group in groups},
            trial="the order by slopes",
            best="the order by cosine",
        ),
    )


def groups_of(scores: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Measure, slice and network of every group of some scores.

    Args:
        scores: As from ``scored``.
    """
    keys = [MEASURE, Columns.SLICE, Columns.RECOMMENDER]
    found = scores[keys].drop_duplicates().itertuples(index=False, name=None)
    return [(str(measure), str(name), str(network)) for measure, name, network in found]


def scored(deletions: pd.DataFrame) -> pd.DataFrame:
    """One row per (measure, slice, recommender, arm, recommendation), with its ``value``.

    Args:
        deletions: One row per (slice, recommender, arm, recommendation), recommenders by name.

    Returns:
        Recommenders are in words.
    """
    keys = [Columns.SLICE, Columns.RECOMMENDER, "arm", Columns.USER, RECOMMENDATION]
    told = deletions.assign(
        missing=1 - deletions["returned"],
        recommender=deletions[Columns.RECOMMENDER].map(NETWORKS),
    )
    parts = []
    for name, column in MEASURES.items():
        part = told[keys].assign(value=told[column].astype(np.float64))
        part.insert(0, MEASURE, name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
