"""What pytest-benchmark measured, as figures: every benchmark says of itself what it is of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studies.figures import Figure, Target, repeated

SMALL, LARGE = 1_300, 17_000
"""Items of the catalogues on which a step of training is timed."""


def about(
    figure: str,
    how: str,
    target: Target | None = None,
    amount: float | None = None,
    unit: str = "s",
) -> dict[str, Any]:
    """The ``extra_info`` of a benchmark.

    Args:
        figure: What is measured.
        how: How, for somebody who wants to measure it again.
        target: What is aimed at, in the figure's unit.
        amount: Of what is done in one round, where the figure is a rate; None for seconds.
        unit: Of the figure, such as ``steps/s``.
    """
    aim = None if target is None else asdict(target)
    return {"figure": figure, "how": how, "target": aim, "amount": amount, "unit": unit}


def figures_in(path: Path) -> list[Figure]:
    """The figures of a file that ``--benchmark-json`` wrote.

    Args:
        path: The file.

    Returns:
        One figure per benchmark, the median over its rounds, in the order of the file; and what a
        step of training costs on a large catalogue, in steps on a small one.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
    found = [_figure(entry["extra_info"], entry["stats"]["data"]) for entry in entries]
    by_name = {figure.figure: figure for figure in found}
    sizes = [by_name.get(training_at(n_items)) for n_items in (SMALL, LARGE)]
    small, large = sizes
    return found if small is None or large is None else [*found, _cost(small, large)]


def training_at(n_items: int) -> str:
    """The name of a figure."""
    return f"training at {n_items:,} items"


def _figure(said: Mapping[str, Any], seconds: Sequence[float]) -> Figure:
    amount = said["amount"]
    values = list(seconds) if amount is None else [amount / taken for taken in seconds]
    target = None if said["target"] is None else Target(**said["target"])
    return repeated(said["figure"], values, said["unit"], said["how"], target)


def _cost(small: Figure, large: Figure) -> Figure:
    return Figure(
        f"cost of a training step, {LARGE:,} items against {SMALL:,}",
        small.value / large.value,
        "times",
        f"The median rate of either. {small.how}",
        Target("<=", LARGE / SMALL),
    )
