"""A capability written as CONTRIBUTING says gets all that a capability has, in under 150 lines."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from running import PROJECT, environment

EXAMPLE = PROJECT / "docs" / "examples" / "capability"
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "local")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project with the example laid over it, as its author would have it."""
    home = tmp_path_factory.mktemp("project")
    for part in ("src", "conf", "studies"):
        shutil.copytree(PROJECT / part, home / part, ignore=IGNORED)
    shutil.copy(PROJECT / "pyproject.toml", home)
    shutil.copytree(EXAMPLE, home, dirs_exist_ok=True, ignore=IGNORED)
    return home


def kedro(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(project / "src"), str(PROJECT / "tests" / "offline")])
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=project,
        env=environment(project, PYTHONPATH=path, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def run(project: Path) -> subprocess.CompletedProcess[str]:
    return kedro(project, "run", "--env", "test", "--pipelines", "greetings,claims")


def reported(project: Path, name: str) -> Path:
    return project / "data" / "08_reporting" / name


def test_it_takes_less_than_150_lines() -> None:
    files = [*EXAMPLE.rglob("*.py"), *EXAMPLE.rglob("*.yml")]
    assert len(files) == 6
    assert sum(len(path.read_text().splitlines()) for path in files) < 150


def test_the_planted_effect_is_found_and_judged(project: Path, run: object) -> None:
    assert run.returncode == 0, run.stdout[-3000:]
    differences = pd.read_csv(reported(project, "greetings_differences.csv"))
    pairs = differences[["arm", "against", "outcome"]].to_numpy().tolist()
    assert pairs == [
        ["template", "silence", "no evidence"],
        ["synthetic", "silence", "helps"],
        ["synthetic", "template", "helps"],
        ["synthetic", "best_baseline", "helps"],
    ]
    (verdict,) = pd.read_csv(reported(project, "greetings_verdict.csv")).to_dict("records")
    assert (verdict["verdict"], verdict["win"], verdict["promoted"]) == ("helps", True, True)


def test_it_brings_its_section_and_its_row_on_the_claims_page(project: Path, run: object) -> None:
    section = json.loads(reported(project, "sections/greetings.json").read_text())
    assert section["question"] == "Does a synthetic greeting make customers stay longer?"
    assert "better than without, than every control" in section["answer"]
    claims = pd.read_csv(reported(project, "claims.csv")).set_index("capability")
    assert claims.loc["greetings", "verdict"] == "helps"
    assert claims.loc["greetings", ["controls", "beaten", "seeds"]].tolist() == [1, 1, 1]
    assert claims.loc["greetings", "low"] > 0
    assert claims.loc["targeting", "verdict"] == "not run"
    page = reported(project, "claims.html").read_text()
    assert "A synthetic greeting makes customers stay longer." in page


def test_what_it_found_is_tracked(project: Path, run: object) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{project / 'mlflow.db'}")
    (tracked,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert tracked.data.params["greetings.n_visits"] == "300"
    kept = mlflow.artifacts.list_artifacts(run_id=tracked.info.run_id, artifact_path="reporting")
    assert {"reporting/greetings_verdict.csv", "reporting/claims.html"} <= {f.path for f in kept}


def test_nothing_planted_is_nothing_found(project: Path) -> None:
    arguments = ["--pipelines", "greetings", "--params", "greetings.gain=0"]
    done = kedro(project, "run", "--env", "test", *arguments, DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    (verdict,) = pd.read_csv(reported(project, "greetings_verdict.csv")).to_dict("records")
    assert (verdict["verdict"], verdict["promoted"]) == ("no evidence", False)


def test_its_parameters_are_checked_before_it_runs(project: Path) -> None:
    wrong = "greetings.gain=.inf,greetings.n_visits=0,greetings.gian=1"
    arguments = ["--pipelines", "greetings", "--params", wrong]
    done = kedro(project, "run", "--env", "test", *arguments, DOPPELCART_TRACKING="off")
    assert done.returncode != 0
    for told in ("greetings.gain: ", "finite number", "greetings.n_visits: ", "greetings.gian"):
        assert told in done.stdout
