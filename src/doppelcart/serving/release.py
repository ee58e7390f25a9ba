"""The release file: which artefact serves. A promotion replaces it, and servers follow it."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from doppelcart.data.storage import replacing
from doppelcart.errors import StorageError


class Release(BaseModel):
    """Which artefact serves.

    Attributes:
        version: What people call it.
        path: Its folder, from the folder of the release file on where it is no absolute path.
        digest: SHA-256 of its manifest: nothing else is loaded.
        since: When it was released.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(min_length=1, max_length=200)
    path: str = Field(min_length=1)
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    since: AwareDatetime


def read_release(path: Path) -> Release:
    """Read a release file.

    Args:
        path: Where it lies.

    Raises:
        StorageError: It is not there, cannot be read, or is no release file.
    """
    try:
        return Release.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise StorageError(
            f"{path} does not exist: export a model first (`kedro run --pipelines serving`)."
        ) from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        raise StorageError(
            f"{path} is no release file ({where}: {fault['msg']}). Export the model again."
        ) from error


def write_release(path: Path, release: Release) -> None:
    """Replace a release file whole, on the disk when this returns.

    Args:
        path: Where it lies.
        release: Which artefact serves from now on.

    Raises:
        StorageError: The disk is full or refuses.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(release.model_dump_json(indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def folder_of(path: Path, release: Release) -> Path:
    """The folder of an artefact.

    Args:
        path: Of the release file.
        release: What it says.
    """
    return path.parent / release.path
