"""The experiment: which lists of a department are compared with which, and over whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.pipelines.cross_domain.crossings import MASKED, NATURAL, Crossing
from doppelcart.pipelines.cross_domain.params import ExperimentParams

TRIAL: Final = "completion"
CASE: Final = "household_in_department"
ALL: Final = "all departments"
BOTH: Final = "both"
BESIDE: Final = "linear_and_"

WORDS: Final = {
    TRIAL: "baskets completed by the GAN",
    "copies": "baskets of the most similar households",
    "without_critic": "baskets completed without a critic",
    "energy_score": "baskets completed by the energy score",
}
"""What stands in the place of the unknown basket."""

GRAPH: Final = "graph"
SHUFFLED_GRAPH: Final = "shuffled_graph"
GRAPH_WORDS: Final = {
    GRAPH: "what a graph of the items says of a household",
    SHUFFLED_GRAPH: "what a graph with shuffled tails says of it",
}


def _plain(name: str, phrase: str, role: Role = Role.CONTROL) -> Arm:
    return Arm(name=name, role=role, phrase=phrase)


def _completing(prefix: str, phrase: str, level: str) -> list[Arm]:
    """The arm on trial with its controls, alone or beside the linear system."""
    rivals = tuple(f"{prefix}{name}" for name in WORDS if name != TRIAL)
    return [
        Arm(
            name=f"{prefix}{name}",
            role=Role.TRIAL if name == TRIAL else Role.CONTROL,
            phrase=f"{phrase}{words}",
            rivals=(*rivals, "popularity", "ease") if name == TRIAL else None,
            level=level,
        )
        for name, words in WORDS.items()
    ]


def _by_graph(prefix: str, phrase: str, level: str, rivals: tuple[str, ...]) -> list[Arm]:
    """The graph on trial and the one without knowledge, alone or beside the linear system."""
    return [
        Arm(
            name=f"{prefix}{GRAPH}",
            role=Role.TRIAL,
            phrase=f"{phrase}{GRAPH_WORDS[GRAPH]}",
            rivals=(f"{prefix}{SHUFFLED_GRAPH}", *rivals, "popularity", "ease"),
            level=level,
        ),
        _plain(f"{prefix}{SHUFFLED_GRAPH}", f"{phrase}{GRAPH_WORDS[SHUFFLED_GRAPH]}"),
    ]


ARMS: Final = (
    _plain("linear", "the better ridge regression, of full or of reduced rank", Role.BASELINE),
    _plain("random", "items of the department at random", Role.MUST_FAIL),
    _plain("shuffled", "the ridge on what other households buy elsewhere", Role.MUST_FAIL),
    _plain("popularity", "what sells best in the department"),
    _plain("full_ridge", "ridge regression from all items elsewhere"),
    _plain("reduced_rank", "ridge regression from components of them"),
    _plain("ease", "EASE, the department unknown and not refused"),
    *_completing("", "", "level"),
    *_completing(BESIDE, "the ridge and ", "weight"),
    *_by_graph("", "", "level", ()),
    *_by_graph(BESIDE, "the ridge and ", "weight", (f"{BESIDE}copies",)),
)


def declare(params: ExperimentParams) -> Design:
    """The design: a household is resampled with all departments in which it is judged.

    Pooled verdicts are corrected together, and so are those of each department.
    """
    return Design(
        name="cross_domain",
        metric=f"ndcg@{params.list_length}",
        unit=CASE,
        cluster=Columns.USER,
        groups=(Columns.PROTOCOL, Columns.DEPARTMENT),
        family=(Columns.DEPARTMENT,),
        arms=ARMS,
        alpha=params.alpha,
        n_bootstrap=params.n_bootstrap,
        seeds=(params.seed,),
        words=Words(
            unit="household and department",
            units="lists of households",
            trial="the generator of baskets",
            best="the better linear system",
            groups={
                f"{MASKED} / {ALL}": "departments masked",
                f"{NATURAL} / {ALL}": "departments entered later",
                f"{BOTH} / {ALL}": "both together",
            },
        ),
    )


def score_lists(
    crossings: list[Crossing], lists: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]], k: int
) -> pd.DataFrame:
    """The accuracy of every tested household's list of a department, and pools of them.

    Args:
        crossings: The protocols.
        lists: By protocol, department and arm, (n_tested, n_items) scores.
        k: Length of the lists.

    Returns:
        One row per (protocol, department, arm, household), with its ``value``; pooled rows have the
        department ``ALL``, and the protocol ``BOTH`` where there are both.
    """
    scored = pd.concat(_scored(crossings, lists, k), ignore_index=True)
    pooled = scored.assign(**{Columns.DEPARTMENT: ALL})
    both = pooled.assign(**{Columns.PROTOCOL: BOTH})
    # An arm that one protocol lacks cannot be pooled over both.
    in_both = both.groupby("arm")[CASE].transform("nunique") == both[CASE].nunique()
    pools = [both[in_both], pooled] if len(crossings) > 1 else [pooled]
    return pd.concat([*pools, scored], ignore_index=True)


def _scored(
    crossings: list[Crossing], lists: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]], k: int
) -> Iterator[pd.DataFrame]:
    for crossing in crossings:
        for target in crossing.targets:
            truth, users = crossing.truth(target), crossing.user_ids[target.test]
            for arm, scores in lists[crossing.protocol][target.name].items():
                yield pd.DataFrame(
                    {
                        Columns.PROTOCOL: crossing.protocol,
                        Columns.DEPARTMENT: target.name,
                        "arm": arm,
                        Columns.USER: users,
                        CASE: [f"{user} in {target.name}, {crossing.protocol}" for user in users],
                        "value": ndcg(top_k(scores, None, k), truth, k),
                    }
                )
