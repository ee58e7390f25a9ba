"""A study while it is held: what it was asked, where it is tracked, and when it has to pause."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from doppelcart.hooks.tracking import (
    Point,
    TrackedRun,
    check_reachable,
    clean_key,
    flatten,
    is_off,
)
from studies import runs
from studies.figures import Figure
from studies.memory import digest

PARENT: Final = "mlflow.parentRunId"
NAME: Final = "mlflow.runName"


class TimeIsUp(Exception):  # noqa: N818 - nothing went wrong
    """The time that a study was given is over; the same command goes on where it was."""


@dataclass(frozen=True)
class Study:
    """What a study needs to know of how it is held.

    Args:
        name: Its name.
        results: Folder of the results.
        env: Another environment than the default, to try things out.
        run: The MLflow run that its units are nested in.
        until: Reading of ``time.monotonic`` from which on nothing more is begun.
    """

    name: str
    results: Path
    env: str | None = None
    run: TrackedRun = field(default_factory=TrackedRun)
    until: float = math.inf

    def note(self, figures: Mapping[str, float], **labels: Any) -> dict[str, float]:
        """Track one unit of the study, such as one seed of one arm, as a nested run.

        A unit that the same run of the study holds already, because it was interrupted and goes on,
        is not tracked twice.

        Args:
            figures: What was found.
            **labels: What it was found of, as parameters of the nested run.

        Returns:
            The figures.

        Raises:
            TimeIsUp: The study's time is over; the unit is tracked.
        """
        if self.run.run_id is not None:
            self._track(figures, labels)
        if time.monotonic() >= self.until:
            raise TimeIsUp
        return dict(figures)

    def _track(self, figures: Mapping[str, float], labels: Mapping[str, Any]) -> None:
        from mlflow import MlflowClient

        client, parent = MlflowClient(self.run.uri), self.run.run_id
        experiment = client.get_run(parent).info.experiment_id
        unit = digest([json.dumps([labels, figures], sort_keys=True, default=str).encode()])
        if client.search_runs(
            [experiment], f"tags.`{PARENT}` = '{parent}' and tags.unit = '{unit}'"
        ):
            return
        nested = TrackedRun(client.create_run(experiment).info.run_id, self.run.uri)
        name = ", ".join(f"{key} {value}" for key, value in labels.items())
        nested.set_tags({PARENT: parent, NAME: name, "study": self.name, "unit": unit})
        nested.log_parameters(labels)
        nested.log_metrics(points(figures))
        client.set_terminated(nested.run_id)


def points(figures: Mapping[str, float]) -> Iterator[Point]:
    """Figures as metrics; those that are undefined are left out."""
    for name, value in figures.items():
        if math.isfinite(value):
            yield Point(clean_key(name), float(value), 0)


@contextmanager
def tracked(name: str, facts: Mapping[str, Any], env: str | None = None) -> Iterator[TrackedRun]:
    """The MLflow run of a study: the one that was interrupted at the same commit, else a new one.

    Args:
        name: Of the study.
        facts: Machine, commit and date.
        env: Environment of its parameters.

    Yields:
        The run; one that takes nothing where tracking is off.

    Raises:
        TrackingError: MLflow cannot be reached.
    """
    if is_off():
        yield TrackedRun()
        return
    from mlflow import MlflowClient

    given = runs.configuration(env)["mlflow"]
    uri = given["server"]["mlflow_tracking_uri"]
    check_reachable(uri)
    client = MlflowClient(uri)
    run = _opened(client, _experiment(client, given["tracking"]["experiment"]), name, facts)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except (TimeIsUp, KeyboardInterrupt):
        status = "KILLED"
        raise
    finally:
        client.set_terminated(run.run_id, status)


def keep(run: TrackedRun, figures: Sequence[Figure], files: Sequence[Path]) -> None:
    """Track what a whole study found.

    Args:
        run: Of the study.
        figures: Its figures; the ends of an interval are metrics of their own.
        files: Its tables.
    """
    if run.run_id is None:
        return
    for end in ("value", "low", "high"):
        tail = "" if end == "value" else f"/{end}"
        found = {f"{figure.figure}{tail}": getattr(figure, end) for figure in figures}
        run.log_metrics(points(found))
    for path in files:
        run.log_file(path, "results")


def _experiment(client: Any, given: Mapping[str, Any]) -> str:
    """The studies' own experiment, beside that of the product's runs."""
    name = f"{given['name']}-studies"
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(name, **given["create_experiment_kwargs"]))


def _opened(client: Any, experiment: str, name: str, facts: Mapping[str, Any]) -> TrackedRun:
    same = f"tags.study = '{name}' and tags.commit = '{facts['commit']}' and tags.part = 'whole'"
    interrupted = f"{same} and attributes.status != 'FINISHED'"
    uri = client.tracking_uri
    for run in client.search_runs([experiment], interrupted, max_results=1):
        client.update_run(run.info.run_id, status="RUNNING")
        return TrackedRun(run.info.run_id, uri)
    opened = TrackedRun(client.create_run(experiment).info.run_id, uri)
    opened.set_tags({NAME: name, "study": name, "commit": facts["commit"], "part": "whole"})
    opened.log_parameters(flatten({key: facts[key] for key in facts if key != "date"}))
    return opened
