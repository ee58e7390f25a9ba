"""What the study of stability asks of generators that are trained together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from doppelcart.datasets.source import SourceTables
from doppelcart.metrics.fidelity.neighbourhoods import prdc
from studies.published import data_folder

TRAINER: Final = (
    "src/doppelcart/adversarial",
    "src/doppelcart/metrics/fidelity/neighbourhoods.py",
    "studies/trained/family.py",
    "studies/trained/outcome.py",
    "studies/watching.py",
)
"""Code that decides what is recorded of any training."""

WIDTH: Final = 16
"""Principal components in which neighbourhoods are looked for."""


class Inputs(NamedTuple):
    """What generators are trained on.

    Attributes:
        data: Data and parameters, as ``Family.train`` wants them.
        made_from: All of them as bytes, by which what was trained is known again.
    """

    data: Any
    made_from: list[bytes]


class Made(NamedTuple):
    """What a trained generator makes.

    Attributes:
        fidelity: How near it comes to what is real, by the measure of its pipeline.
        spread: ``coverage`` and ``recall`` of real examples' neighbourhoods; empty where the
            trainer's own evaluation measured them, or nothing can.
    """

    fidelity: float
    spread: Mapping[str, float]


@dataclass(frozen=True)
class Family:
    """Generators that a pipeline trains in one go.

    Attributes:
        name: Of the pipeline's part that trains them.
        data: What they are trained on, in words.
        generators: What each is called, by its name, in the order in which they are trained.
        fidelity: What the figure of fidelity is, and which end of it is the better one.
        code: Folders and files that decide what a training yields.
        read: Reads the data of an environment; None for that of the default.
        train: Trains all of them with a seed, and says what each makes, by name. Where a training
            yields nothing of its own to judge, its name is left out.
    """

    name: str
    data: str
    generators: Mapping[str, str]
    fidelity: str
    code: tuple[str, ...]
    read: Callable[[], Inputs]
    train: Callable[[Any, int], Mapping[str, Made]]


def spread_of(real: np.ndarray, made: np.ndarray) -> dict[str, float]:
    """Whether what is real is made everywhere: coverage and recall, 0 to 1.

    Both are sampled down to as many, since neighbourhoods depend on how many there are, and wide
    points are brought to their principal components, fitted on both.

    Args:
        real: (n, d) points.
        made: (m, d) points.
    """
    from sklearn.decomposition import PCA

    number = min(len(real), len(made))
    rng = np.random.default_rng(0)
    parts = [part[rng.choice(len(part), number, replace=False)] for part in (real, made)]
    both = np.concatenate(parts)
    if both.shape[1] > WIDTH and number > WIDTH:
        both = PCA(WIDTH, svd_solver="full").fit_transform(both)
    found = prdc(both[:number], both[number:])
    return {name: found[name] for name in ("coverage", "recall")}


def opened(source: Any, key: str, variable: str, place: str) -> Any:
    """The tables of a declared source, which lies with the data that the studies read.

    Args:
        source: The declaration's parameters, made by a function, since they name the files.
        key: Under which a person declares it.
        variable: Of the environment, which names the data.
        place: Folder of the data, or a file in it.
    """
    folder, _, file = place.partition("/")
    os.environ.setdefault(variable, str(data_folder(folder) / file))
    declared = source()
    connection = {"backend": "duckdb", "database": ":memory:"}
    return declared, SourceTables(
        declared.files, connection, {key: declared.table}, declared=key
    ).load()
