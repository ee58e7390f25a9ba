"""The experiment: by which order items are deleted, and what is measured of it."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.pipelines.explanations.params import ExperimentParams

RECOMMENDATION: Final = "recommendation"
MEASURE: Final = "measure"
TRIAL: Final = "slopes"
COSINE: Final = "cosine"
ORACLE: Final = "leave_one_out"
MARGIN: Final = "margin"
"""Of scores that are sums, where nothing is on trial: what is brought beyond the next items."""

MEASURES: Final = {
    "items to delete": "set_size",
    "score left": "left",
    "score not back": "missing",
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

ARMS: Final = (
    Arm(name=COSINE, role=Role.BASELINE, phrase="what is most similar by cosine"),
    Arm(name="random", role=Role.CONTROL, phrase="at random"),
    Arm(name="popular", role=Role.CONTROL, phrase="what most others bought"),
    Arm(name="recent", role=Role.CONTROL, phrase="what was bought last"),
    Arm(name=TRIAL, role=Role.TRIAL, phrase="what the slopes of the network name"),
    Arm(name="reversed", role=Role.MUST_FAIL, phrase="what the slopes of the network name last"),
    Arm(name=ORACLE, role=Role.ORACLE, phrase="what the network misses most, tried item by item"),
)


def declare(params: ExperimentParams) -> Design:
    """The design: a customer is resampled with all recommendations that are tested."""
    return Design(
        name="explanations",
        metric="the measure",
        unit=RECOMMENDATION,
        cluster=Columns.USER,
        groups=(MEASURE, Columns.SLICE),
        system=Columns.RECOMMENDER,
        higher_is_better=False,
        arms=ARMS,
        alpha=params.alpha,
        n_bootstrap=params.n_bootstrap,
        seeds=(params.seed,),
        words=Words(
            unit="recommendation",
            units="recommendations",
            trial="the order by slopes",
            best="the order by cosine",
        ),
    )


def scored(deletions: pd.DataFrame) -> pd.DataFrame:
    """One row a (measure, slice, recommender, arm, recommendation), with its ``value``.

    Args:
        deletions: One row a (slice, recommender, arm, recommendation), recommenders by name.

    Returns:
        Recommenders are in words.
    """
    keys = [Columns.SLICE, Columns.RECOMMENDER, "arm", Columns.USER, RECOMMENDATION]
    told = deletions.assign(
        missing=1 - deletions["back"],
        recommender=deletions[Columns.RECOMMENDER].map(NETWORKS),
    )
    parts = []
    for name, column in MEASURES.items():
        part = told[keys].assign(value=told[column].astype(np.float64))
        part.insert(0, MEASURE, name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
