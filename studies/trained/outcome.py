"""What became of a training: what it took, what its monitors named, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.errors import TrainingDivergedError
from studies.figures import NAN
from studies.trained.family import Family, Inputs, Made
from studies.watching import Watched, watched

SPREAD: Final = ("coverage", "recall")
"""What of a training's last evaluation tells whether it collapsed."""


class Outcome(NamedTuple):
    """What became of one training.

    Attributes:
        generator: Name of the generator.
        seconds: Processor seconds, evaluations included; NaN where it ended without a generator.
        epochs: Epochs that were run.
        best_epoch: The one that was kept; 0 where none was.
        recoveries: Times that it fell back to what was kept before.
        gradients: Largest norm of each network's gradient, as the mean of an epoch.
        judged: Monitors that had something to judge.
        findings: Those of them that warned.
        fidelity: By the measure of its pipeline; NaN where nothing was made.
        coverage: Share of real neighbourhoods in which something is made; NaN where not measured.
    """

    generator: str
    seconds: float
    epochs: int
    best_epoch: int
    recoveries: int
    gradients: Mapping[str, float]
    judged: tuple[str, ...]
    findings: tuple[str, ...]
    fidelity: float
    coverage: float


def unit(family: Family, inputs: Inputs, seed: int) -> list[Outcome]:
    """Train all generators of a family with one seed.

    A training that ends without a generator ends those that would have come after it.
    """
    made: Mapping[str, Made] = {}
    with watched() as trainings:
        try:
            made = family.train(inputs.data, seed)
        except TrainingDivergedError as error:
            print(f"{family.name}, seed {seed}: {error}")
    return [
        outcome_of(name, training, made.get(name))
        for name, training in zip(family.generators, trainings, strict=False)
    ]


def outcome_of(name: str, training: Watched, made: Made | None) -> Outcome:
    """What became of a training.

    Args:
        name: Of the generator.
        training: As it was watched.
        made: What the generator makes; None where there is nothing to judge.
    """
    log, best = training.log, training.progress.best_epoch
    made = made or Made(NAN, {})
    known = log.loc[log["epoch"] == best].iloc[-1] if best else pd.Series(dtype=float)
    # What the trainer's own evaluation measured is what the monitors of a run judge.
    spread = {key: float(known.get(key, made.spread.get(key, NAN))) for key in SPREAD}
    found = findings(log, best, spread)
    return Outcome(
        name,
        training.ended - training.begun,
        len(log),
        best,
        training.progress.n_diverged,
        largest_gradients(log),
        tuple(found.loc[found["status"] != "undefined", "monitor"]),
        tuple(found.loc[found["status"] == "warning", "monitor"]),
        made.fidelity,
        spread["coverage"],
    )


def findings(log: pd.DataFrame, best_epoch: int, spread: Mapping[str, float]) -> pd.DataFrame:
    """What the product's monitors say of a training.

    Args:
        log: One row per epoch.
        best_epoch: The one that was kept; 0 where none was: then losses and gradients are judged.
        spread: ``coverage`` and ``recall`` of what is made; undefined ones are not judged.

    Returns:
        As from ``diagnose``: ``monitor``, ``status`` and what it was judged by.
    """
    from doppelcart.models.histories.diagnostics import diagnose

    whole, epoch = log.copy(), best_epoch or int(log["epoch"].iloc[-1])
    for key, value in spread.items():
        if np.isfinite(value):
            whole.loc[whole["epoch"] == epoch, key] = value
    return diagnose(whole, epoch)


def largest_gradients(log: pd.DataFrame) -> dict[str, float]:
    """By network the largest norm of its gradient, as the mean of an epoch.

    Args:
        log: One row per epoch.
    """
    ending = "_gradient_norm"
    networks = [name.removesuffix(ending) for name in log.columns if name.endswith(ending)]
    return {name: float(log[f"{name}{ending}"].max()) for name in networks}
