"""The release file: which artefact serves. A promotion replaces it, and servers follow it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from doppelcart.data.storage import write_durably
from doppelcart.errors import RequestError, StorageError
from doppelcart.serving import artefact
from doppelcart.serving.decisions import Decision, Outcome, write_decision


class Version(BaseModel):
    """An artefact that serves, or did.

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


class Release(Version):
    """Which artefact serves.

    Attributes:
        previous: What served before it. It stands in the same file, so that one replacement of
            the file changes both: no kill can leave them at odds.
    """

    previous: Version | None = None

    @property
    def itself(self) -> Version:
        """What serves, without what was before."""
        return Version.model_validate(self.model_dump(exclude={"previous"}))


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


def served_by(path: Path) -> Release | None:
    """What a release file names; None where there is no such file, or one that nobody can read.

    Args:
        path: Where it lies.
    """
    try:
        return read_release(path)
    except StorageError:
        return None


def write_release(path: Path, release: Release) -> None:
    """Replace a release file whole, on the disk when this returns.

    Args:
        path: Where it lies.
        release: Which artefact serves from now on.

    Raises:
        StorageError: The disk is full or refuses.
    """
    write_durably(path, release.model_dump_json(indent=1) + "\n")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep everybody else from changing a release file; the system lets go of it at a kill.

    Args:
        path: Where it lies; its folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def roll_back(path: Path, expect: str | None = None) -> Release:
    """Let the previous version serve again; what serves now becomes the previous one.

    Its manifest is looked at here. Its other files are checked by whoever loads it, and a server
    goes on with what it has where they are damaged.

    Args:
        path: Of the release file.
        expect: Version that must be serving; None takes any.

    Returns:
        What serves now.

    Raises:
        RequestError: Another version serves than was expected, or nothing served before.
        StorageError: The release file or the previous artefact cannot be read, or the disk refuses.
    """
    with locked(path):
        now = read_release(path)
        if expect is not None and now.version != expect:
            raise RequestError(
                f"Version {now.version} serves since {now.since:%Y-%m-%d %H:%M} UTC, not {expect}. "
                "Nothing was changed. Look at it, and ask again with that version if need be."
            )
        if now.previous is None:
            raise RequestError(
                f"Nothing served before version {now.version}, so there is nothing to go back to. "
                "Nothing was changed."
            )
        artefact.read_manifest(folder_of(path, now.previous), now.previous.digest)
        back = now.previous.model_dump() | {"since": datetime.now(UTC), "previous": now.itself}
        release = Release.model_validate(back)
        write_release(path, release)
    return release


def promote(path: Path, decision: Decision) -> Release:
    """Carry a decision out: keep it, and let the candidate serve if it says so.

    The decision is on the disk before the release file is replaced, so that whatever serves can be
    asked why. What serves must be what the candidate was tested against.

    Args:
        path: Of the release file.
        decision: What was decided.

    Returns:
        What serves now.

    Raises:
        RequestError: Another version serves by now than the one that the candidate was tested
            against.
        StorageError: The candidate's manifest is not that of its digest, or the disk refuses.
    """
    with locked(path):
        now = served_by(path)
        if decision.outcome is Outcome.SERVES and now is not None:
            return now
        if decision.against != (now.version if now else None):
            serving = f"version {now.version} serves since {now.since:%H:%M:%S} UTC" if now else ""
            raise RequestError(
                f"Version {decision.version} was tested against {decision.against or 'nothing'}, "
                f"but {serving or 'nothing serves'} by now. Nothing was changed. Test it again: "
                "`kedro run --pipelines champion`."
            )
        if decision.promotes:
            artefact.read_manifest(path.parent / decision.path, decision.digest)
        write_decision(path, decision)
        if not decision.promotes:
            if now is None:
                raise RequestError(f"Version {decision.version} was refused, and nothing serves.")
            return now
        release = Release(
            version=decision.version,
            path=decision.path,
            digest=decision.digest,
            since=datetime.now(UTC),
            previous=now.itself if now else None,
        )
        write_release(path, release)
    return release


def folder_of(path: Path, release: Version) -> Path:
    """The folder of an artefact.

    Args:
        path: Of the release file.
        release: What it says.
    """
    return path.parent / release.path
