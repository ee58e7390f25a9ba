"""The model that is served, as an artefact with a release file beside it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from doppelcart.datasets.atomic import DatasetStorageError
from doppelcart.errors import StorageError
from doppelcart.serving import artefact
from doppelcart.serving.model import Model
from doppelcart.serving.release import (
    Release,
    Version,
    folder_of,
    locked,
    read_release,
    write_release,
)


class ServingModelDataset(AbstractDataset[Model, Model]):
    """Each model is a folder of its own beside the release file, named by its digest.

    What a server has mapped is never written over; all but the last two are removed.

    Args:
        filepath: Path of the release file.
        metadata: Ignored here; for Kedro-Viz and others.
    """

    writes_whole = True

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None):
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Model:
        """Read the model that is released.

        Raises:
            DatasetStorageError: The release file or its artefact is missing or damaged.
        """
        try:
            release = read_release(self._filepath)
            return artefact.read(folder_of(self._filepath, release), release.digest)
        except StorageError as error:
            raise DatasetStorageError(str(error)) from error

    def save(self, data: Model) -> None:
        """Write the artefact, release it, and remove those that nobody needs any more."""
        with locked(self._filepath):
            self._write_and_release(data)

    def _write_and_release(self, data: Model) -> None:
        folder = self._filepath.parent
        fresh = folder / ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        digest = artefact.write(data, fresh)
        version = digest[:12]
        if (folder / version).exists():
            shutil.rmtree(fresh)
        else:
            fresh.rename(folder / version)
        since, former = datetime.now(UTC), self._former(version)
        release = Release(
            version=version, path=version, digest=digest, since=since, previous=former
        )
        write_release(self._filepath, release)
        kept = {version, former.path if former else version}
        for path in folder.iterdir():
            if (path / artefact.MANIFEST).is_file() and path.name not in kept:
                shutil.rmtree(path)

    def _former(self, version: str) -> Version | None:
        """What served before a version, which may be the one that serves already."""
        try:
            release = read_release(self._filepath)
        except StorageError:
            return None
        return release.previous if release.version == version else release.itself

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
