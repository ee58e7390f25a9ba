"""MLflow serves the same lists, without pickle and without Kedro."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from serving_model import IDS, make_model

from doppelcart.errors import StorageError
from doppelcart.hooks import pyfunc_code
from doppelcart.hooks.pyfunc import save_pyfunc
from doppelcart.serving import artefact
from doppelcart.serving.answers import answer
from doppelcart.serving.questions import Question
from doppelcart.serving.release import Release, write_release

pytestmark = pytest.mark.slow

# MLflow's own server, asked inside of one process.
CODE = """
import json, sys
import mlflow
from mlflow.pyfunc import scoring_server
from starlette.testclient import TestClient
client = TestClient(scoring_server.init(mlflow.pyfunc.load_model(sys.argv[1])))
asked = client.post("/invocations", json={"inputs": json.loads(sys.stdin.read())})
print(json.dumps({"status": asked.status_code, "answers": asked.json(),
                  "heavy": sorted({"kedro", "tensorflow", "keras"} & set(sys.modules))}))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pyfunc")
    digest = artefact.write(make_model(), home / "1")
    since = datetime(2031, 1, 1, tzinfo=UTC)
    write_release(home / "release.json", Release(version="1", path="1", digest=digest, since=since))
    save_pyfunc(home / "release.json", home / "mlflow")
    return home / "mlflow"


def served(saved: Path, questions: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE, str(saved)],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        env=os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
    )


def test_mlflow_serves_what_the_server_answers(saved: Path) -> None:
    assert pyfunc_code.ServedModel is not None
    assert not [path for path in saved.rglob("*") if path.suffix in (".pkl", ".pickle")]
    rng, asked = np.random.default_rng(0), []
    for _ in range(1000):
        items = rng.choice(IDS, rng.integers(0, 5), replace=False)
        asked.append(Question(items=[{"item_id": str(item)} for item in items], k=3))
    done = served(saved, [question.model_dump_json() for question in asked])
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["status"], found["heavy"]) == (200, [])
    model, answers = make_model(), found["answers"]["predictions"]
    assert len(answers) == 1000
    for question, told in zip(asked, answers, strict=True):
        assert told["items"] == answer(model, question, "1").model_dump(mode="json")["items"]


def test_a_damaged_copy_is_not_loaded(saved: Path) -> None:
    path = next(saved.rglob("histories.npy"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x07")
    done = served(saved, [])
    path.write_bytes(whole)
    assert done.returncode == 1
    assert "histories.npy has another content" in done.stderr


def test_a_release_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="does not exist"):
        save_pyfunc(tmp_path / "release.json", tmp_path / "mlflow")


@pytest.fixture
def address(saved: Path) -> Iterator[str]:
    """Where ``mlflow models serve`` answers, started as a user starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    given = ["models", "serve", "-m", str(saved), "--env-manager", "local", "--port", str(port)]
    process = subprocess.Popen(
        [mlflow, *given],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
    )
    yield f"http://127.0.0.1:{port}"
    # It starts the server in a process of its own.
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=60)


def test_the_command_of_mlflow_serves_the_same(address: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/ping") as pinged:
            assert pinged.status == 200
            break
        time.sleep(0.2)
    question = Question(items=[{"item_id": "butter"}], k=3, explain=True)
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps({"inputs": [question.model_dump_json()]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        (found,) = json.loads(response.read())["predictions"]
    expected = answer(make_model(), question, found["version"]).model_dump(mode="json")
    assert found == expected
