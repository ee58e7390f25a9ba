"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kedro.io.core import DatasetError

from doppelcart.errors import StorageError


class DatasetStorageError(StorageError, DatasetError):
    """A storage error that Kedro passes on as it is, since it is a ``DatasetError`` too."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, and put it in place only if the block succeeds.

    A process killed inside the block leaves the former file untouched; the leftover carries a
    name (``.<name>.*.part``) that nothing reads.

    Args:
        path: The file to write; its folder is made if need be.

    Yields:
        The path to write to, on the same file system.

    Raises:
        DatasetStorageError: If the folder cannot be made or written, or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise DatasetStorageError(
            f"cannot write {path}: {error.strerror or error}. Free some space or make the folder "
            "writable, or point DOPPELCART_DATA at another folder. What was there before is "
            "untouched."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
