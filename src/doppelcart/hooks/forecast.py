"""How long a run will take and what it needs, said before it starts."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Self

from pydantic import Field, ValidationError

from doppelcart.config.base import Parameters
from doppelcart.config.checks import GIGABYTE
from doppelcart.data.storage import replacing
from doppelcart.progress import duration

FILE: Final = "durations.json"
CORES: Final = 2
"""Cores of the machine on which the first runs of the configuration were timed."""
SHARED_OUT: Final = 0.5
"""The share of a run that takes less time on more cores."""


class Durations(Parameters):
    """What the nodes of earlier runs over a data folder took.

    Attributes:
        seconds: By node.
        memory_gb: By node the peak of the last run that it was part of, in GB (10^9 bytes): what a
            run takes is known of its nodes only.
        disk_gb: Size of the data folder after the last run, in GB.
    """

    seconds: dict[str, float] = Field(default_factory=dict, description="by node")
    memory_gb: dict[str, float] = Field(
        default_factory=dict, description="by node the peak of its last run, GB"
    )
    disk_gb: float = Field(0, ge=0, description="size of the data folder after the last run, GB")

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Those on record.

        Args:
            folder: Of the logs; without a record in it, or with one that cannot be read, none are
                known: it is an estimate at stake, and no reason to refuse a run.
        """
        try:
            return cls.model_validate_json((folder / FILE).read_bytes())
        except (OSError, ValidationError):
            return cls()

    def after(self, seconds: Mapping[str, float], data_root: Path) -> Durations:
        """The same, after another run.

        Args:
            seconds: What its nodes took.
            data_root: The data folder.
        """
        return Durations(
            seconds={**self.seconds, **seconds},
            memory_gb={**self.memory_gb, **dict.fromkeys(seconds, peak_memory() / GIGABYTE)},
            disk_gb=size_of(data_root) / GIGABYTE,
        )

    def write(self, folder: Path) -> None:
        """Put them on record.

        Args:
            folder: Of the logs.
        """
        with replacing(folder / FILE) as path:
            path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


class FirstRun(Parameters):
    """What is known of a run of a source where none was made yet.

    Attributes:
        source: Name of the source that was timed.
        lines: How many lines its log has.
        seconds: By pipeline, on two cores with nothing beside.
        memory_gb: Peak, in GB (10^9 bytes).
        disk_gb: Size of the data folder, in GB.
    """

    source: str = Field(description="name of the source that was timed")
    lines: int = Field(ge=1, description="lines of its log")
    seconds: dict[str, float] = Field(description="by pipeline, on two cores with nothing beside")
    memory_gb: float = Field(ge=0, description="peak, GB")
    disk_gb: float = Field(ge=0, description="size of the data folder, GB")


def forecast(
    nodes: Mapping[str, Iterable[str]],
    wanted: Iterable[str],
    known: Durations,
    first: FirstRun,
    source: str,
    cores: int,
) -> str:
    """What to say before a run.

    Args:
        nodes: Names of the nodes of every pipeline.
        wanted: Names of the nodes that are going to run.
        known: What earlier runs took on this machine.
        first: What the first run of a source takes.
        source: Name of the source.
        cores: Cores that the run may use.

    Returns:
        One sentence with time, memory and disk, and on what they rest.
    """
    names = list(wanted)
    speed = SHARED_OUT * CORES / cores + 1 - SHARED_OUT
    expected = {
        node: speed * first.seconds[pipeline] / len(list(members))
        for pipeline, members in nodes.items()
        if pipeline in first.seconds
        for node in members
    }
    seconds = {name: known.seconds.get(name, expected.get(name)) for name in names}
    total = duration(sum(value for value in seconds.values() if value is not None))
    timed = all(name in known.seconds for name in names)
    memory = max((known.memory_gb.get(name, first.memory_gb) for name in names), default=0.0)
    # What earlier runs left lies there still, and what was never made is yet to come.
    disk = known.disk_gb if timed else max(known.disk_gb, first.disk_gb)
    needs = f"{memory:.1f} GB of memory and {disk:.1f} GB on disk"
    unknown = [name for name, value in seconds.items() if value is None]
    more = f", and what {len(unknown)} take of which nothing is known yet" if unknown else ""
    if timed:
        basis = "as before"
    elif source == first.source:
        basis = f"on {cores} idle core{'s' * (cores > 1)}"
    else:
        basis = f"for a shop with {first.lines:,} lines; a larger one takes longer"
    plural = "s" * (len(names) > 1)
    return f"{len(names)} node{plural}, about {total}{more} ({basis}); up to {needs}."


def size_of(data_root: Path) -> int:
    """Bytes of the files of a data folder.

    Args:
        data_root: The folder. Another environment's that lies in it, as base's ``data`` holds
            ``data/sample``, is known by its record, and left out.
    """
    others = {record.parents[1] for record in data_root.rglob(f"*/*/{FILE}")}
    own = (path for path in data_root.rglob("*") if others.isdisjoint(path.parents))
    return sum(path.stat().st_size for path in own if path.is_file())


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory() -> float:
    """The most memory that this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)
