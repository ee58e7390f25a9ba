"""Where a report comes from: the commit, the versions and the moment."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from doppelcart import __version__

UNKNOWN: Final = "unknown"
LIBRARIES: Final = ("kedro", "tensorflow", "keras", "implicit", "scikit-learn", "numpy", "duckdb")


def commit_of(folder: Path) -> str:
    """Commit of the code in a folder, marked where files differ from it; ``unknown`` without git.

    Args:
        folder: A folder of the project's code.
    """
    state = git_state(folder)
    if not state:
        return UNKNOWN
    changed = " with uncommitted changes" if state["git_dirty"] == "True" else ""
    return state["git_commit"] + changed


def library_versions() -> dict[str, str]:
    """Versions of the libraries that a figure may depend on; those not installed are left out."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def stamp() -> dict[str, str]:
    """The commit of the code, and this moment (UTC)."""
    return {
        "commit": commit_of(Path(__file__).parent),
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
    }


def provenance() -> dict[str, Any]:
    """Facts about this run that are no result: commit, versions, moment (UTC), machine."""
    return {
        "doppelcart": __version__,
        **stamp(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": library_versions(),
    }


def git_state(folder: Path) -> dict[str, str]:
    """Commit of the project's code and whether files differ from it; empty outside of git."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        dirty = bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"git_commit": commit, "git_dirty": str(dirty), "mlflow.source.git.commit": commit}


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(folder), *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
