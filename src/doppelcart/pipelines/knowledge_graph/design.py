"""The experiment: lists with a graph, with one whose tails are shuffled, and with none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.pipelines.knowledge_graph.params import ExperimentParams
from doppelcart.pipelines.knowledge_graph.recommending import (
    ALONE,
    ATTRIBUTES,
    KNOWLEDGE,
    NONE,
    SHUFFLED,
    Lists,
)

TASK: Final = "task"
CASE: Final = "customer_in_task"
KNOWN_ITEMS: Final = "known items"
NEW_ITEMS: Final = "new items"


def declare(params: ExperimentParams) -> Design:
    """The design; a customer is resampled with both tasks."""
    return Design(
        name="knowledge_graph",
        metric=f"ndcg@{params.list_length}",
        unit=CASE,
        cluster=Columns.USER,
        groups=(TASK,),
        arms=(
            Arm(name=NONE, role=Role.BASELINE, phrase="no graph"),
            Arm(
                name=KNOWLEDGE,
                role=Role.TRIAL,
                phrase="vectors of the graph",
                rivals=(SHUFFLED,),
                level="weight",
            ),
            Arm(
                name=SHUFFLED,
                role=Role.CONTROL,
                phrase="vectors of a graph whose tails are shuffled",
                level="weight",
            ),
            Arm(
                name=ATTRIBUTES,
                role=Role.CONTROL,
                phrase="singular vectors of attributes",
                level="weight",
            ),
            Arm(
                name=f"{KNOWLEDGE}{ALONE}",
                role=Role.CONTROL,
                phrase="vectors of the graph, without attributes",
            ),
            Arm(
                name=f"{SHUFFLED}{ALONE}",
                role=Role.MUST_FAIL,
                phrase="vectors of a shuffled graph, without attributes",
            ),
            Arm(name="random", role=Role.MUST_FAIL, phrase="new items at random"),
        ),
        alpha=params.alpha,
        margin=params.margin,
        n_bootstrap=params.n_bootstrap,
        seeds=(params.seed,),
        words=Words(
            unit="customer and task", units="lists of customers", trial="the knowledge graph"
        ),
    )


def scored(tasks: Mapping[str, tuple[np.ndarray, Lists]]) -> pd.DataFrame:
    """One row per (task, arm, customer), with its ``value`` and the ``level`` that was chosen.

    Args:
        tasks: By task the (n_users,) customers, and what came of it.
    """
    parts = []
    for task, (users, lists) in tasks.items():
        for arm, values in lists.accuracy.items():
            parts.append(
                pd.DataFrame(
                    {
                        TASK: task,
                        "arm": arm,
                        Columns.USER: users,
                        CASE: [f"{user}, {task}" for user in users],
                        "level": lists.levels.get(arm, np.nan),
                        "value": values,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)
