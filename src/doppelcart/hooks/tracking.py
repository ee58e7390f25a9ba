"""What a run leaves in MLflow, and how: typed parameters, metrics, tags, files.

MLflow is imported inside functions only: a command that tracks nothing does not pay for it.
"""

import hashlib
import json
import math
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pydantic import BaseModel

from doppelcart.columns import Columns
from doppelcart.errors import TrackingError

SWITCH = "DOPPELCART_TRACKING"
METRICS_PER_BATCH = 1000
PARAMETERS_PER_BATCH = 100
LONGEST_KEY = 250
LONGEST_PARAMETER = 6000
LONGEST_TAG = 5000
LONGEST_DIGEST = 36
LABELS = (Columns.SLICE, Columns.RECOMMENDER, Columns.ARM)
STEPS = ("epoch", "step")
MOST_RUNS_FOUND = 50_000
TRIAL_METRICS = ("value", "epochs", "seconds")
TRIAL_STATUS = {"failed": "FAILED", "interrupted": "KILLED"}


class Point(NamedTuple):
    """One value of a metric at one step (an epoch, or 0)."""

    key: str
    value: float
    step: int


@dataclass
class TrackedRun:
    """The MLflow run that the hooks of one ``kedro run`` write to.

    Args:
        run_id: MLflow's identifier; None while nothing is tracked, and then writing does nothing.
        uri: Where MLflow keeps the run.
    """

    run_id: str | None = None
    uri: str = ""

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Write flat parameters; a value too long for MLflow is cut, and says so."""
        from mlflow.entities import Param

        self._log(
            "params",
            (Param(clean_key(k), shorten(v, LONGEST_PARAMETER)) for k, v in parameters.items()),
            PARAMETERS_PER_BATCH,
        )

    def log_metrics(self, points: Iterable[Point]) -> None:
        """Write metric values in as few requests as MLflow allows."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._log(
            "metrics",
            (Metric(point.key, point.value, now, point.step) for point in points),
            METRICS_PER_BATCH,
        )

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Write tags; one that is None is left out."""
        from mlflow.entities import RunTag

        self._log(
            "tags",
            (RunTag(k, shorten(v, LONGEST_TAG)) for k, v in tags.items() if v is not None),
            PARAMETERS_PER_BATCH,
        )

    def log_source(self, name: str, digest: str) -> None:
        """Write the data that a run read, as MLflow shows data.

        Args:
            name: Name of the source.
            digest: Digest over its files.
        """
        if self.run_id is not None:
            from mlflow import MlflowClient
            from mlflow.entities import Dataset, DatasetInput, InputTag

            data = Dataset(name, digest[:LONGEST_DIGEST], "local", json.dumps({"name": name}))
            context = InputTag("mlflow.data.context", "log of a shop")
            MlflowClient(self.uri).log_inputs(self.run_id, [DatasetInput(data, [context])])

    def log_file(self, path: Path, folder: str) -> None:
        """Copy a file into a folder of the run's artifacts."""
        if self.run_id is not None:
            from mlflow import MlflowClient

            MlflowClient(self.uri).log_artifact(self.run_id, str(path), folder)

    def log_trials(self, trials: pd.DataFrame) -> None:
        """Write each trial of a study as a run nested in this one, unless one holds it already.

        What an interrupted run left of its study is so written by the run that goes on with it.

        Args:
            trials: One row per trial: ``study``, ``number``, ``state``, ``started`` (ISO 8601),
                ``reason``, the numbers of ``TRIAL_METRICS``, and every parameter.
        """
        if self.run_id is None or trials.empty:
            return
        from mlflow import MlflowClient

        client = MlflowClient(self.uri)
        experiment = client.get_run(self.run_id).info.experiment_id
        study = trials["study"].iloc[0]
        # MLflow's filters have no way to write a name with quotes, so names are compared here.
        known = client.search_runs([experiment], "tags.study LIKE '%'", max_results=MOST_RUNS_FOUND)
        tags = [run.data.tags for run in known if run.data.tags["study"] == study]
        logged = {(tag["trial"], tag["started"]) for tag in tags}
        for trial in trials.to_dict("records"):
            if (str(trial["number"]), trial["started"]) not in logged:
                self._log_trial(client, experiment, trial)

    def _log_trial(self, client: Any, experiment: str, trial: Mapping[Any, Any]) -> None:
        begin = int(pd.Timestamp(trial["started"]).timestamp() * 1000)
        tags = {
            "mlflow.parentRunId": self.run_id,
            "mlflow.runName": f"trial {trial['number']}",
            "trial": trial["number"],
            **{name: trial[name] for name in ("study", "state", "started", "reason")},
        }
        names = {"number", "study", "state", "started", "reason", *TRIAL_METRICS}
        metrics = {name: trial[name] for name in TRIAL_METRICS if pd.notna(trial[name])}
        run = client.create_run(experiment, start_time=begin)
        nested = TrackedRun(run.info.run_id, self.uri)
        nested.set_tags({name: value for name, value in tags.items() if value != ""})
        nested.log_parameters({k: v for k, v in trial.items() if k not in names})
        nested.log_metrics(Point(name, float(value), 0) for name, value in metrics.items())
        client.set_terminated(
            nested.run_id,
            TRIAL_STATUS.get(trial["state"], "FINISHED"),
            begin + int(1000 * metrics.get("seconds", 0)),
        )

    def _log(self, kind: str, entries: Iterable[Any], size: int) -> None:
        if self.run_id is None:
            return
        from mlflow import MlflowClient

        client, iterator = MlflowClient(self.uri), iter(entries)
        while batch := list(islice(iterator, size)):
            client.log_batch(self.run_id, **{kind: batch})


def is_off() -> bool:
    """Whether the person asked for a run without tracking."""
    return os.environ.get(SWITCH, "on").strip().lower() in {"off", "0", "false", "no"}


def check_reachable(uri: str, timeout: float = 5.0) -> None:
    """Ask for MLflow's server or store, before MLflow's own minutes of retries or its traceback.

    Args:
        uri: Tracking address.
        timeout: Seconds to wait for a server's answer.

    Raises:
        TrackingError: Nothing answers at the address, or the store is not one that the installed
            MLflow can use.
    """
    if not uri.startswith(("http://", "https://")):
        _check_store(uri)
        return
    try:
        urllib.request.urlopen(uri.rstrip("/") + "/health", timeout=timeout).close()  # noqa: S310
    except urllib.error.HTTPError:
        return  # an answer, even "forbidden", is a server
    except (OSError, ValueError) as error:
        raise TrackingError(
            f"The MLflow server at {without_password(uri)} does not answer "
            f"({getattr(error, 'reason', None) or type(error).__name__}). Start it, "
            f"or unset MLFLOW_TRACKING_URI to track into the project's own SQLite file, "
            f"or run without tracking: `{SWITCH}=off kedro run`."
        ) from error


def without_password(uri: str) -> str:
    """An address as it may be shown: a server's may hold a name and a password.

    Examples:
        >>> without_password("https://me:hush@mlflow.example:5000/path")
        'https://***@mlflow.example:5000/path'
    """
    return re.sub(r"(?<=://)[^/?#]*@", "***@", uri)


def _check_store(uri: str) -> None:
    """Open a tracking store as MLflow will, which makes it where there is none.

    Raises:
        TrackingError: MLflow refuses it.
    """
    import mlflow
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        mlflow.MlflowClient(uri).search_experiments(max_results=1)
    except (mlflow.MlflowException, CommandError, SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        shown = without_password(uri)
        raise TrackingError(
            f"MLflow {mlflow.__version__} cannot use the tracking store {shown} ({cause}). If an "
            f"older MLflow made it, keep a copy and bring it up to date: "
            f"`mlflow db upgrade {shown}`. If a newer one did, or it is no such store, move it "
            f"away or name another (`MLFLOW_TRACKING_URI=sqlite:///...`). Without tracking it "
            f"works: `{SWITCH}=off kedro run`."
        ) from error


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested parameters as one level of dotted names.

    Args:
        value: A pydantic model, mapping or plain value; lists stay values.
        prefix: Name of the value itself.

    Returns:
        Plain values by dotted name, such as ``gan.training.epochs``.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if not isinstance(value, Mapping) or not value:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    return flat


def metric_points(table: pd.DataFrame, prefix: str = "") -> Iterator[Point]:
    """Read the numbers of a table as metrics named by its text columns.

    Args:
        table: One row per measurement. A column ``value`` holds the numbers, or, where there is
            none, every numeric column does; ``epoch`` or ``step`` orders a curve.
        prefix: First part of every name.

    Yields:
        Points named ``prefix/slice/recommender/arm/metric``; undefined values are left out.
    """
    steps = next((name for name in STEPS if name in table), None)
    numeric = table.select_dtypes("number").columns.difference([steps], sort=False)
    values = ["value"] if "value" in table else list(numeric)
    texts = table.columns.difference(table.select_dtypes(["number", "bool"]).columns, sort=False)
    labels = [name for name in LABELS if name in texts]
    labels += [name for name in texts if name not in labels]
    for row in table.to_dict("records"):
        name = [prefix] * bool(prefix) + [str(row[label]) for label in labels]
        for column in values:
            value = row[column]
            if pd.notna(value) and math.isfinite(value):
                parts = name if column == "value" else [*name, column]
                yield Point(
                    clean_key("/".join(parts)), float(value), int(row[steps]) if steps else 0
                )


def findings(monitors: pd.DataFrame) -> pd.DataFrame:
    """What monitors measured, by short names and without the words around it.

    A monitor is called by what it watches for and, after a colon, what it looks at. The former is
    its short name; where several watch for the same, the first word of the latter tells them apart.

    Args:
        monitors: One row per monitor, with the columns ``monitor`` and ``value``.

    Returns:
        The same two columns, with names such as ``mode_collapse_coverage``.
    """
    parts = [name.partition(": ") for name in monitors["monitor"]]
    watched = [part[0] for part in parts]
    names = [
        f"{head} {tail.partition(' ')[0]}" if watched.count(head) > 1 else head
        for head, _, tail in parts
    ]
    keys = [re.sub(r"\W+", "_", name.strip().lower()) for name in names]
    return pd.DataFrame({"monitor": keys, "value": monitors["value"].to_numpy()})


def clean_key(key: str) -> str:
    """A name that MLflow accepts: ``ndcg@20`` becomes ``ndcg_at_20``.

    MLflow reads it as a path, and takes no part that is empty, ``.`` or ``..``. An underscore
    stands for such a part, and for the dots that any other begins with.

    Examples:
        >>> clean_key("MEAT/"), clean_key("a//b"), clean_key("../b")
        ('MEAT/_', 'a/_/b', '_/b')
    """
    plain = re.sub(r"[^\w\-. /]", "_", key.replace("@", "_at_"))
    parts = (re.sub(r"^\.+", "_", part) or "_" for part in plain.split("/"))
    return "/".join(parts)[:LONGEST_KEY].rstrip("/")


def shorten(value: Any, length: int) -> str:
    """A value as text of at most ``length`` characters, its end marked where it was cut."""
    text = str(value)
    return text if len(text) <= length else text[: length - 3] + "..."


def source_digest(summary: Any) -> str | None:
    """One digest over the digests of a source's files, or None where it names none.

    Args:
        summary: What ingestion wrote of the source; every ``sha256`` in it counts.
    """
    digests = sorted(_values_of("sha256", summary))
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest() if digests else None


def _values_of(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from [str(inner)] if name == key else _values_of(key, inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _values_of(key, inner)
