"""Where a report comes from: the commit, the versions and the moment."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from doppelcart import __version__
from doppelcart.tracking import git_state

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


def provenance() -> dict[str, Any]:
    """Facts about this run that are no result: commit, versions, moment (UTC), machine."""
    return {
        "doppelcart": __version__,
        "commit": commit_of(Path(__file__).parent),
        "written": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": library_versions(),
    }
