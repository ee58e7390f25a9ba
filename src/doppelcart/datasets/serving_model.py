"""The model that a run exports, the one that serves, and the decision between them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from kedro.io import AbstractDataset

from doppelcart.data.storage import write_durably
from doppelcart.datasets.atomic import DatasetStorageError
from doppelcart.errors import DoppelcartError, StorageError
from doppelcart.serving import artefact
from doppelcart.serving.contest import Entrant, load_entrant
from doppelcart.serving.decisions import Decision, Outcome
from doppelcart.serving.model import Model
from doppelcart.serving.release import (
    Release,
    Version,
    locked,
    promote,
    read_release,
    served_by,
    write_release,
)

RELEASE: Final = "release.json"
ASIDE: Final = "release.unreadable.json"
"""Where a release file goes that nobody can read. What it named is not known, so that no model is
removed while it is there."""
NOTHING: Final = "nothing served before it."
NOT_TOLD: Final = (
    f"what served before it is not known, since {RELEASE} could not be read. It is {ASIDE} now, "
    "and no model is removed while that is there."
)


class _Dataset:
    """What the three have in common: a file, and whatever the catalog says besides."""

    writes_whole = True

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None):
        self._filepath = Path(filepath)
        self.metadata = metadata

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

    def _entrant(self) -> Entrant:
        try:
            version = read_release(self._filepath)
            return load_entrant(self._filepath, version.itself)
        except StorageError as error:
            raise DatasetStorageError(str(error)) from error


class ServingModelDataset(_Dataset, AbstractDataset[Model, Entrant]):
    """A model that is saved stands for service; where nothing serves yet, it serves at once.

    Each model is a folder of its own beside the file, named by its digest. What a server has mapped
    is never written over; what neither serves, nor did before, nor stands for service is removed. A
    release file that nobody can read is set aside, and then no model is removed.

    Args:
        filepath: Path of the file that names the candidate; the release file lies beside it.
        metadata: Ignored here; for Kedro-Viz and others.
    """

    def load(self) -> Entrant:
        """Read the candidate.

        Raises:
            DatasetStorageError: The file or its artefact is missing or damaged.
        """
        return self._entrant()

    def save(self, data: Model) -> None:
        """Write the artefact, let it stand, and remove those that nobody needs any more."""
        release_file = self._filepath.parent / RELEASE
        with locked(release_file):
            digest = self._write(data)
            version = digest[:12]
            since = datetime.now(UTC)
            candidate = Release(version=version, path=version, digest=digest, since=since)
            write_release(self._filepath, candidate)
            release = served_by(release_file)
            former = [release, release.previous] if release else []
            aside = release_file.with_name(ASIDE)
            if release is None and release_file.exists():
                release_file.replace(aside)
            if not aside.exists():
                self._clear({version, *(one.path for one in former if one)})
        if release is None:
            promote(release_file, _first(candidate, NOT_TOLD if aside.exists() else NOTHING))

    def _write(self, data: Model) -> str:
        folder = self._filepath.parent
        fresh = folder / ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        digest = artefact.write(data, fresh)
        if (folder / digest[:12]).exists():
            shutil.rmtree(fresh)
        else:
            fresh.rename(folder / digest[:12])
        return digest

    def _clear(self, kept: set[str]) -> None:
        for path in self._filepath.parent.iterdir():
            if (path / artefact.MANIFEST).is_file() and path.name not in kept:
                shutil.rmtree(path)


class ReleasedModelDataset(_Dataset, AbstractDataset[None, Entrant]):
    """The model that serves.

    Args:
        filepath: Path of the release file.
        metadata: Ignored here; for Kedro-Viz and others.
    """

    def load(self) -> Entrant:
        """Read it.

        Raises:
            DatasetStorageError: The release file or its artefact is missing or damaged.
        """
        try:
            return self._entrant()
        except DatasetStorageError as error:
            raise DatasetStorageError(
                f"What serves cannot be compared with: {error} Or let the former version serve "
                f"(`doppelcart rollback`), or move {self._filepath} away and export again, which "
                "then serves at once."
            ) from error

    def save(self, data: None) -> NoReturn:  # noqa: ARG002
        """Refuse: what serves changes by a decision alone."""
        raise DatasetStorageError(
            f"{self._filepath} is changed by a decision alone: `kedro run --pipelines champion`."
        )


class DecisionDataset(_Dataset, AbstractDataset[Decision, Decision]):
    """A decision that is carried out as it is saved.

    Args:
        filepath: Path of the file that keeps the last one; the release file lies beside it.
        metadata: Ignored here; for Kedro-Viz and others.
    """

    def load(self) -> Decision:
        """Read the last decision.

        Raises:
            DatasetStorageError: It is missing or damaged.
        """
        try:
            return Decision.model_validate_json(self._filepath.read_bytes())
        except (OSError, ValueError) as error:
            raise DatasetStorageError(
                f"{self._filepath} cannot be read: decide again with `kedro run --pipelines "
                "champion`."
            ) from error

    def save(self, data: Decision) -> None:
        """Keep it, and let the candidate serve if it says so.

        Raises:
            DatasetStorageError: Another version serves by now than the one that the candidate was
                tested against, or the disk refuses; nothing has changed then.
        """
        try:
            promote(self._filepath.parent / RELEASE, data)
            write_durably(self._filepath, data.model_dump_json(indent=1) + "\n")
        except DoppelcartError as error:
            raise DatasetStorageError(str(error)) from error


def _first(candidate: Version, reason: str) -> Decision:
    return Decision(
        version=candidate.version,
        digest=candidate.digest,
        path=candidate.path,
        against=None,
        outcome=Outcome.FIRST,
        reason=reason,
        made=candidate.since,
    )
