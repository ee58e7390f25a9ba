"""Runs Kedro in a process of its own, as a person would, over a fabricated shop."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
N_USERS = 360
"""Users of the shop of whole runs: enough for a planted uplift to show."""


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Variables of a run: all that it reads and writes lies in ``home``, and there is no network.

    Args:
        home: Folder of the shop and of what the run writes.
        variables: More of them; they win.
    """
    return {
        **os.environ,
        "DOPPELCART_TEST": str(home),
        "DOPPELCART_TRACKING": "on",
        "MLFLOW_TRACKING_URI": "",
        "NETWORK_LOG": str(home / "network.txt"),
        # The code of this checkout, whichever one is installed.
        "PYTHONPATH": os.pathsep.join(
            str(folder) for folder in (PROJECT / "tests" / "offline", PROJECT, PROJECT / "src")
        ),
        # Lines of the log are not to be broken.
        "COLUMNS": "400",
        **variables,
    }


def kedro(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """``kedro run --env test`` with more arguments; ``stdout`` holds both streams."""
    return subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--env", "test", *arguments],
        cwd=PROJECT,
        env=environment(home, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )


@contextmanager
def made_once(folder: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """A folder made by whichever of several test processes asks first; the others wait.

    Args:
        folder: Where; beside it lie a lock and, once it is whole, a mark.
        make: Fills the folder.
    """
    whole = folder.with_suffix(".whole")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            whole.touch()
    yield folder
