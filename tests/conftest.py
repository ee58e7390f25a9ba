"""What every test shares: no network, no tracking outside of a temporary folder, real data."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import running
from fabricate import write_shop

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared" / "data"

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["KEDRO_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Matrices are tiny here: threads would cost more than they save, the more so beside other workers.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: what is left for the end is short, and no worker waits."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _no_tracking_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget where others track: MLflow itself leaves its last address in the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test speak to this machine only."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"
        if host not in {"127.0.0.1", "::1", "localhost", "0.0.0.0"}:
            raise OSError(f"tests have no network; something asked for {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Root of the project."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Folder of a real data set; skips the test where it is not there, and fails in CI."""

    def folder(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            message = f"needs the real data in {path}"
            if os.environ.get("CI", "").lower() == "true":
                pytest.fail(message)
            pytest.skip(message)
        return path

    return folder


@pytest.fixture(scope="session")
def template_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty tracking store; making one takes seconds, copying it does not."""
    import mlflow

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def in_project(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work from the project's root, where Kedro looks for its files."""
    monkeypatch.chdir(PROJECT)
    return PROJECT


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one test session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def whole_run(shared_folder: Path, template_store: Path) -> Callable[[str], Path]:
    """Folder of a fabricated shop and of all that one whole ``kedro run --env test`` made of it.

    Takes the structure of the shop; each is run once. What the run wrote to the terminal is in
    ``terminal.txt``. Nobody may change the folder: see ``copy_of_run``.
    """

    def run(structure: str) -> Path:
        def make(home: Path) -> None:
            write_shop(home / "shop", structure, n_users=running.N_USERS)  # type: ignore[arg-type]
            shutil.copy(template_store, home / "mlflow.db")
            done = running.kedro(home)
            (home / "terminal.txt").write_text(done.stdout)
            assert done.returncode == 0, done.stdout[-8000:]

        with running.made_once(shared_folder / f"run-{structure}", make) as home:
            return home

    return run


@pytest.fixture(scope="session")
def finished_run(whole_run: Callable[[str], Path]) -> Path:
    """The whole run over the shop with planted structure."""
    return whole_run("groups")


@pytest.fixture
def copy_of_run(finished_run: Path, tmp_path: Path) -> Path:
    """What the whole run read and wrote, in a folder of one test's own; without its tracking."""
    home = tmp_path / "home"
    for part in ("shop", "data"):
        shutil.copytree(finished_run / part, home / part)
    return home
