"""``kedro run`` whose disk, or whose process, gives out in the middle of writing a dataset.

``python -m tests.faults (kill|full) DATASET ARGUMENTS...``: half of the bytes of DATASET reach the
disk; then the process is killed, as by the kernel when memory runs out, or the disk is full.
With ``fill`` the disk of the data folder is really filled up, once the run has found it large
enough; that disk had better be a small one.
"""

import contextlib
import errno
import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
from kedro.framework.cli.utils import find_run_command
from kedro.framework.startup import bootstrap_project
from kedro_datasets.pandas import ParquetDataset

from doppelcart.datasets import npz
from doppelcart.hooks import saving

PROJECT = Path(__file__).resolve().parents[1]


def give_out(how: str, path: Path, content: bytes) -> None:
    """Leave half of the content at the path, and the caller in the lurch."""
    path.write_bytes(content[: len(content) // 2])
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def arm(how: str, name: str) -> None:
    """Make the writing of one dataset fail; the others are written as ever."""
    to_parquet, savez = ParquetDataset.save, np.savez

    def parquet(self: Any, data: Any) -> None:
        path = Path(str(self._filepath))
        if not path.name.startswith(f".{name}."):
            to_parquet(self, data)
            return
        buffer = io.BytesIO()
        data.to_parquet(buffer)
        give_out(how, path, buffer.getvalue())

    def arrays(file: Any, **content: Any) -> None:
        if not Path(file.name).name.startswith(f".{name}."):
            savez(file, **content)
            return
        buffer = io.BytesIO()
        savez(buffer, **content)
        give_out(how, Path(file.name), buffer.getvalue())

    ParquetDataset.save = parquet  # type: ignore[method-assign]
    npz.np.savez = arrays  # type: ignore[attr-defined]


def fill_once_checked() -> None:
    """Leave a few pages of the data folder's disk, right after the run has looked at it."""
    look = saving.check_storage

    def look_and_fill(folder: Path, min_free_gb: float) -> None:
        look(folder, min_free_gb)
        path = folder / "ballast"
        with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        os.truncate(path, path.stat().st_size - 4 * 4096)

    saving.check_storage = look_and_fill


def main() -> None:
    """Run the project's own command with the fault in place."""
    how, name, *arguments = sys.argv[1:]
    bootstrap_project(PROJECT)
    if how == "fill":
        fill_once_checked()
    else:
        arm(how, name)
    find_run_command("doppelcart")(["--env", "test", *arguments])


if __name__ == "__main__":
    main()
