"""MLflow's registry, kept in line with the release file.

The release file says what serves. The registry is its mirror, for whoever looks there: MLflow's
aliases are set by whoever writes last, without a look at what was there, so nothing rests on them.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final

from doppelcart.errors import RequestError, StorageError, TrackingError
from doppelcart.hooks.pyfunc import save_pyfunc
from doppelcart.hooks.tracking import LONGEST_TAG, shorten
from doppelcart.serving.decisions import Decision, read_decision
from doppelcart.serving.release import Version, folder_of, locked, read_release

DIGEST: Final = "doppelcart.digest"
PREVIOUS: Final = "previous"
CHAMPION: Final = "champion"
_FOLDER: Final = "served"


def mirror(release_file: Path, uri: str, run_id: str, name: str) -> None:
    """Register what serves and what did before, with why, and move the aliases.

    The decision goes with a version from its first moment, as tags; then ``previous`` is set, and
    ``champion`` last. A kill between leaves the former champion there, and the next decision puts
    it right.

    Args:
        release_file: Where the release is named.
        uri: Where MLflow keeps its registry.
        run_id: Run that the model's files go to.
        name: Of the registered model.

    Raises:
        StorageError: The release or an artefact is missing or damaged.
        TrackingError: MLflow refuses, or does not answer. What serves is not touched by that.
    """
    # Read by MLflow as it copies; its bars would stand between the lines of the run.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from mlflow import MlflowClient, MlflowException

    try:
        with locked(release_file):
            _mirror(MlflowClient(uri), release_file, run_id, name)
    except (MlflowException, OSError) as error:
        cause = str(error).strip().partition("\n")[0]
        raise TrackingError(
            f"The decision stands, but MLflow's registry is behind: {cause}. Once it answers, "
            "`kedro run --pipelines champion` puts it in line."
        ) from error


def _mirror(client: Any, release_file: Path, run_id: str, name: str) -> None:
    release = read_release(release_file)
    _ensure_model(client, name)
    register = partial(_number_of, client, release_file, run_id, name)
    number = register(release.itself)
    former = release.previous
    if former is not None and folder_of(release_file, former).is_dir():
        client.set_registered_model_alias(name, PREVIOUS, register(former))
    client.set_registered_model_alias(name, CHAMPION, number)


def _ensure_model(client: Any, name: str) -> None:
    from mlflow import MlflowException

    try:
        client.create_registered_model(name, description="What `doppelcart serve` answers by.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _number_of(client: Any, release_file: Path, run_id: str, name: str, version: Version) -> str:
    """Number of the registered version of a digest, which is made where there is none."""
    for known in client.search_model_versions(f"name = '{name}'"):
        if known.tags.get(DIGEST) == version.digest:
            return str(known.version)
    place = f"{_FOLDER}/{version.version}"
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / _FOLDER
        save_pyfunc(release_file, folder, version)
        client.log_artifacts(run_id, str(folder), place)
    source = f"{client.get_run(run_id).info.artifact_uri}/{place}"
    tags = {DIGEST: version.digest, "doppelcart.version": version.version}
    made = client.create_model_version(
        name, source, run_id, tags=tags | _told(release_file, version)
    )
    return str(made.version)


def _told(release_file: Path, version: Version) -> dict[str, str]:
    """Why a version serves, as tags."""
    try:
        decision: Decision = read_decision(release_file, version.version)
    except (RequestError, StorageError):
        return {}
    told = {
        "doppelcart.outcome": decision.outcome,
        "doppelcart.reason": decision.reason,
        "doppelcart.against": decision.against or "nothing",
        "doppelcart.decided": decision.made.isoformat(timespec="seconds"),
    }
    return {key: shorten(value, LONGEST_TAG) for key, value in told.items()}
