"""What every test shares: no network, no tracking outside of a temporary folder, real data."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared" / "data"

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["KEDRO_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


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
def finished_run(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> Path:
    """Folder of a fabricated shop and of all that one whole ``kedro run --env test`` made of it.

    What the run wrote to the terminal is in ``terminal.txt``.
    """
    from tests.fabricate import write_shop

    home = tmp_path_factory.mktemp("finished")
    write_shop(home / "shop")
    shutil.copy(template_store, home / "mlflow.db")
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--env", "test"],
        cwd=PROJECT,
        env={**os.environ, "DOPPELCART_TEST": str(home), "MLFLOW_TRACKING_URI": ""},
        capture_output=True,
        text=True,
    )
    (home / "terminal.txt").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return home
