"""From the scores of units to differences and a verdict, the same for every claim."""

from typing import Any

import pandas as pd
from kedro.pipeline import Node, Pipeline

from doppelcart.experiment.comparison import compare
from doppelcart.experiment.design import Design
from doppelcart.experiment.verdict import judge


def compare_arms(scores: pd.DataFrame, design: dict[str, Any]) -> pd.DataFrame:
    """Compare the arms of an experiment over the same units.

    Args:
        scores: One row per (group, system, arm, unit), as the design names the columns.
        design: The experiment, as ``Design.model_dump`` gives it.

    Returns:
        The table of ``experiment.comparison.compare``.
    """
    return compare(scores, Design.model_validate(design))


def judge_trials(differences: pd.DataFrame, design: dict[str, Any]) -> pd.DataFrame:
    """Say of every arm on trial whether it helps.

    Args:
        differences: The table of ``compare_arms``.
        design: The experiment.

    Returns:
        The table of ``experiment.verdict.judge``.
    """
    return judge(differences, Design.model_validate(design))


def experiment_pipeline(capability: str, **outputs: str) -> Pipeline:
    """The experiment of a capability: ``scores`` and ``design`` to ``differences`` and ``verdict``.

    Args:
        capability: Name of its pipeline, and the namespace of the four datasets.
        **outputs: Other names of ``differences`` and ``verdict``.
    """
    return Pipeline(
        [
            Node(compare_arms, ["scores", "design"], "differences", name="compare_arms"),
            Node(judge_trials, ["differences", "design"], "verdict", name="judge_trials"),
        ],
        outputs=outputs,
        namespace=capability,
    )
