"""The experiment: which lists of new items are compared with which, and over whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.pipelines.new_items.launches import Launch
from doppelcart.pipelines.new_items.params import ExperimentParams

RIDGE: Final = "ridge"
TRIAL: Final = "imagined"
CASE: Final = "household_at_cut"
CUT: Final = "cut"

WORDS: Final = {
    "imagined": "items imagined by the GAN",
    "copies": "the household's own items in their place",
    "without_critic": "items imagined without a critic",
    "energy_score": "items imagined by the energy score",
    "vae": "items imagined by a VAE",
}
"""What stands in the place of a household's next item."""


def _plain(name: str, phrase: str, role: Role = Role.CONTROL, level: str = "level") -> Arm:
    return Arm(name=name, role=role, phrase=phrase, level=level)


def _imagining(prefix: str, phrase: str, level: str) -> list[Arm]:
    """The arm on trial with its controls, alone or beside the ridge.

    Of these and of the plain systems, it must beat those that are as plain a way to the same end.
    """
    rivals = tuple(f"{prefix}{name}" for name in WORDS if name != TRIAL)
    return [
        Arm(
            name=f"{prefix}{name}",
            role=Role.TRIAL if name == TRIAL else Role.CONTROL,
            phrase=f"{phrase}{words}",
            rivals=(*rivals, "sum", "boosted") if name == TRIAL else None,
            level=level,
        )
        for name, words in WORDS.items()
    ]


ARMS: Final = (
    _plain(RIDGE, "ridge regression from features to EASE's scores", Role.BASELINE),
    _plain("random", "new items at random", Role.MUST_FAIL),
    _plain("shuffled", "the ridge on features of other items", Role.MUST_FAIL),
    _plain("popularity", "recent sales of the type, the same list for all"),
    _plain("demand", "forecast sales, the same list for all"),
    _plain("shares", "the household's share of the type"),
    _plain("neighbours", "the most similar items bought before"),
    _plain("clicks", "ridge regression from features to purchases"),
    _plain("vectors", "the same ridge on item vectors"),
    _plain("titles", "what a network reads in titles"),
    _plain("sentences", "the ridge on sentences that a pretrained network understands"),
    _plain("cease", "EASE of purchases and features at once (CEASE)"),
    _plain("ridge_and_demand", "the ridge and forecast sales", level="weight"),
    _plain("ridge_and_titles", "the ridge and what is read in titles", level="weight"),
    _plain("ridge_and_sentences", "the ridge and such sentences", level="weight"),
    _plain("sum", "the ridge, similar items and shares, weighted", level="weight"),
    _plain("boosted", "boosted trees over the plain systems"),
    *_imagining("", "", "level"),
    *_imagining("ridge_and_", "the ridge and ", "weight"),
    _plain("oracle", "how many will really buy, the same list for all", Role.ORACLE),
)


def declare(params: ExperimentParams) -> Design:
    """The design, by which households are resampled with all windows in which they are judged."""
    return Design(
        name="new_items",
        metric=f"ndcg@{params.list_length}",
        unit=CASE,
        cluster=Columns.USER,
        arms=ARMS,
        alpha=params.alpha,
        n_bootstrap=params.n_bootstrap,
        seeds=(params.seed,),
        words=Words(
            unit="household and launch window",
            units="lists of households",
            trial="the generator of items",
            best="the best plain system",
        ),
    )


def score_lists(
    launches: list[Launch], lists: Mapping[float, Mapping[str, np.ndarray]], k: int
) -> pd.DataFrame:
    """The accuracy of every household's list of new items.

    Args:
        launches: The launch windows.
        lists: By cut and arm, (n_judged, n_new) scores in the tested window.
        k: Length of the lists.

    Returns:
        One row per (arm, household, cut), with its ``value``.
    """
    return pd.concat(_scored(launches, lists, k), ignore_index=True)


def _scored(
    launches: list[Launch], lists: Mapping[float, Mapping[str, np.ndarray]], k: int
) -> Iterator[pd.DataFrame]:
    for launch in launches:
        window = launch.test
        bought, users = window.bought[window.judged], window.user_ids[window.judged]
        for arm, scores in lists[launch.cut].items():
            yield pd.DataFrame(
                {
                    "arm": arm,
                    CUT: launch.cut,
                    Columns.USER: users,
                    CASE: [f"{user} at {launch.cut:g}" for user in users],
                    "value": ndcg(top_k(scores, None, k), bought, k),
                }
            )
