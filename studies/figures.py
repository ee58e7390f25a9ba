"""A measured figure, what was aimed at, and how a list of them is written down."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Relation = Literal["<=", ">=", ">"]
NAN = float("nan")
NOISE = 1e-12


@dataclass(frozen=True)
class Target:
    """What a figure has to be.

    Args:
        relation: How it compares with the bound.
        bound: In the figure's unit.
        of: The end of the figure that must hold it: ``low`` asks that the whole interval does.
    """

    relation: Relation
    bound: float
    of: Literal["value", "low", "high"] = "value"

    def met_by(self, figure: Figure) -> bool:
        """Whether the figure reaches it; one that could not be measured never does."""
        value = getattr(figure, self.of)
        if not math.isfinite(value):
            return False
        if self.relation == "<=":
            return bool(value <= self.bound)
        return bool(value >= self.bound if self.relation == ">=" else value > self.bound)

    def __str__(self) -> str:
        ends = {"value": "", "low": "whole interval ", "high": "whole interval "}
        return f"{ends[self.of]}{self.relation} {number(self.bound)}"


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Args:
        figure: What was measured.
        value: The figure; NaN where it could not be measured, and ``how`` says why.
        unit: Of the value and its ends.
        how: How it was measured, for somebody who wants to measure it again.
        target: What was aimed at; None where the figure is only reported.
        low: Lower end: of a 95 % interval, or the smallest of the repetitions, as ``how`` says.
        high: Upper end.
    """

    figure: str
    value: float
    unit: str
    how: str
    target: Target | Near | None = None
    low: float = NAN
    high: float = NAN

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None without a target."""
        return None if self.target is None else self.target.met_by(self)

    def entry(self) -> dict[str, Any]:
        """As JSON wants it: what is undefined is null."""
        return {
            "figure": self.figure,
            **{name: _finite(getattr(self, name)) for name in ("value", "low", "high")},
            "unit": self.unit,
            "target": None if self.target is None else str(self.target),
            "met": self.met,
            "how": self.how,
        }


@dataclass(frozen=True)
class Near:
    """A figure that has to be reproduced.

    Args:
        centre: What it is said to be.
        distance: How far off it may be.
    """

    centre: float
    distance: float

    def met_by(self, figure: Figure) -> bool:
        """Whether the figure is near enough; one that could not be measured never is."""
        # Decimal bounds are not binary ones: what lies on the bound is near.
        return abs(figure.value - self.centre) <= self.distance + 1e-9

    def __str__(self) -> str:
        return f"{number(self.centre)} ± {number(self.distance)}"


def repeated(
    figure: str, values: Sequence[float], unit: str, how: str, target: Target | None = None
) -> Figure:
    """The median of some repetitions, with the smallest and the largest as its ends."""
    how = f"{how} Median of {len(values)}, with the smallest and the largest."
    return Figure(figure, statistics.median(values), unit, how, target, min(values), max(values))


def write(name: str, figures: Sequence[Figure], facts: dict[str, Any], folder: Path) -> Path:
    """Write ``<name>.json`` and ``<name>.md``.

    Args:
        name: Of the study or benchmark.
        figures: What it measured.
        facts: Machine, commit and date.
        folder: Where to; made if need be.

    Returns:
        The JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = {"benchmark": name, **facts, "figures": [figure.entry() for figure in figures]}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(table(content), encoding="utf-8")
    return path


def table(content: dict[str, Any]) -> str:
    """What ``write`` wrote as a Markdown table, under one line on where it was measured."""
    lines = [
        measured(content),
        "",
        "| figure | value | range | target | met |",
        "|---|---|---|---|---|",
    ]
    for entry in content["figures"]:
        cells = (entry["figure"], *figure_cells(entry).values())
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def measured(content: dict[str, Any]) -> str:
    """Where and when, in one line."""
    machine = content["machine"]
    cores = machine["cores"]
    return (
        f"Measured on {content['date'][:10]} at commit `{content['commit'][:10]}`: "
        f"{machine['cpu']}, {cores} core{'s' * (cores != 1)}, {machine['memory_gb']} GB, "
        f"Python {content['python']}."
    )


def figure_cells(entry: dict[str, Any]) -> dict[str, str]:
    """A figure's value, range, target and whether it is met, as they are shown."""
    value = "not measured" if entry["value"] is None else number(entry["value"])
    ends = [number(entry[end]) for end in ("low", "high") if entry[end] is not None]
    return {
        "value": value if entry["value"] is None else f"{value} {entry['unit']}".rstrip(),
        "range": " to ".join(ends),
        "target": "" if entry["target"] is None else f"{entry['target']} {entry['unit']}".rstrip(),
        "met": {True: "yes", False: "**no**", None: ""}[entry["met"]],
    }


def number(value: float) -> str:
    """Three figures, or all digits before the point, thousands apart; ``?`` if undefined.

    Of what four decimals would write as 0, two figures; what is as small as rounding is 0.
    """
    if not math.isfinite(value):
        return "?"
    if abs(value) < NOISE:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) <= 0.00005:
        return f"{value:.2g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 4)}f}".rstrip("0").rstrip(".")


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
