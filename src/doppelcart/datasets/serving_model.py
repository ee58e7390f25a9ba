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
from doppelcart.serving.release import Release, folder_of, read_release, write_release


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
        folder = self._filepath.parent
        former = self._former()
        fresh = folder / ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        digest = artefact.write(data, fresh)
        version = digest[:12]
        if (folder / version).exists():
            shutil.rmtree(fresh)
        else:
            fresh.rename(folder / version)
        since = datetime.now(UTC)
        write_release(
            self._filepath, Release(version=version, path=version, digest=digest, since=since)
        )
        for path in folder.iterdir():
            if (path / artefact.MANIFEST).is_file() and path.name not in {version, former}:
                shutil.rmtree(path)

    def _former(self) -> str | None:
        try:
            return read_release(self._filepath).path
        except StorageError:
            return None

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
