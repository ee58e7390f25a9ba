"""Writing a file whole or not at all, and what to say where the system refuses to read or write."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from doppelcart.errors import StorageError

ELSEWHERE: Final = "choose another folder (`DOPPELCART_DATA=... kedro run`)"
UNTOUCHED: Final = "What was there before is untouched."
WRITE_ADVICE: Final = {
    errno.ENOSPC: f"Free some space, or {ELSEWHERE}.",
    errno.EDQUOT: f"Free some space, or {ELSEWHERE}.",
    errno.EROFS: f"Make the file system writable, or {ELSEWHERE}.",
    errno.EACCES: f"Make the folder writable for your account, or {ELSEWHERE}.",
    errno.EPERM: f"Make the folder writable for your account, or {ELSEWHERE}.",
    errno.EISDIR: "A folder has that name: move it away.",
}
READ_ADVICE: Final = {
    errno.EACCES: "Let your account read it (`ls -l` shows who may).",
    errno.EPERM: "Let your account read it (`ls -l` shows who may).",
    errno.EIO: "The disk or the network gave it up: look at them, or copy the file anew.",
}
ONLY_WRITING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors of the system that reading a file cannot meet."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, and put it in place only if the block succeeds.

    A process killed inside the block leaves the former file untouched; the leftover carries a
    name (``.<name>.*.part<suffix>``) that nothing reads.

    Args:
        path: The file to write; its folder is made if need be.

    Yields:
        The path to write to, on the same file system and with the same suffix.

    Raises:
        StorageError: If the folder cannot be made or written, or the disk is full. An error of
            the system about another file, such as one that the block reads, passes as it is.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=f".part{path.suffix}", dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if not is_about(error, path):
            raise
        raise StorageError(write_message(str(path), error)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_durably(path: Path, text: str) -> None:
    """Replace a text file whole, on the disk when this returns.

    Args:
        path: The file; its folder is made if need be.
        text: Its new content.

    Raises:
        StorageError: As from ``replacing``.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_about(error: OSError, path: Path) -> bool:
    """Whether an error of the system that arose while a file was written is about that file.

    Args:
        error: The error. One that names no file is about the file that was open.
        path: The file that was being written; its folders and its temporary neighbours count.
    """
    if not isinstance(error.filename, str | bytes) or error.errno in ONLY_WRITING:
        return True
    named = Path(os.fsdecode(error.filename))
    beside = named.parent == path.parent and named.name.startswith(f".{path.name}.")
    return named == path or beside or named in path.parents


def write_message(what: str, error: OSError, kept: str = UNTOUCHED) -> str:
    """What to say of something that could not be written.

    Args:
        what: The file, or the dataset and its file.
        error: What the system said.
        kept: What has become of what was there before.
    """
    advice = WRITE_ADVICE.get(
        error.errno or 0, f"Free some space, make the folder writable, or {ELSEWHERE}."
    )
    return f"Writing {what} failed: {error.strerror or error}. {advice} {kept}"


def read_message(what: str, error: OSError) -> str:
    """What to say of something that could not be read.

    Args:
        what: The file, or the dataset and its file.
        error: What the system said.
    """
    advice = READ_ADVICE.get(error.errno or 0, "Check that it is there and whole.")
    return f"Reading {what} failed: {error.strerror or error}. {advice}"


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
