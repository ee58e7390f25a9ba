"""How a study is held: tracked unit by unit, paused, and gone on with."""

import json
import math
import time
from functools import partial

import mlflow
import pytest

from studies import __main__ as studies
from studies.figures import Figure
from studies.memory import remembered
from studies.study import Study, TimeIsUp, tracked

FACTS = {
    "date": "2031-02-03T04:05",
    "commit": "c" * 40,
    "machine": {"cpu": "a", "cores": 2, "memory_gb": 8.4},
    "python": "3.11.0",
}


@pytest.fixture
def client(tmp_path, template_store, monkeypatch) -> mlflow.MlflowClient:
    """A client of an empty store that studies are tracked in."""
    (tmp_path / "mlflow.db").write_bytes(template_store.read_bytes())
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("DOPPELCART_TRACKING", "on")
    monkeypatch.setattr(studies.machine, "facts", lambda: FACTS)
    return mlflow.MlflowClient(uri)


@pytest.fixture
def contest(tmp_path, monkeypatch) -> list[int]:
    """A study of three seeds, and the seeds that were trained."""
    trained = []

    def train(seed: int) -> float:
        trained.append(seed)
        return seed / 2

    def measure(study: Study):
        for seed in range(3):
            value = remembered(tmp_path / "kept", [bytes([seed])], partial(train, seed))
            study.note({"gain, %": value, "unknown": math.nan}, arm="gan", seed=seed)
        yield [Figure("gain", 0.5, "%", "so", low=0.0, high=1.0)]

    monkeypatch.setitem(studies.STUDIES, "contest", measure)
    return trained


def all_runs(client):
    """The runs of studies, the parent first."""
    experiment = client.get_experiment_by_name("doppelcart-studies")
    found = client.search_runs([experiment.experiment_id])
    return sorted(found, key=lambda run: "mlflow.parentRunId" in run.data.tags)


def test_every_unit_is_a_run_nested_in_that_of_the_study(client, contest, tmp_path):
    studies.hold("contest", tmp_path)
    parent, *units = all_runs(client)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["study"] == "contest"
    assert parent.data.tags["commit"] == "c" * 40
    assert parent.data.params["machine.cores"] == "2"
    assert parent.data.metrics == {"gain": 0.5, "gain/low": 0.0, "gain/high": 1.0}
    assert {unit.data.tags["mlflow.parentRunId"] for unit in units} == {parent.info.run_id}
    by_seed = {unit.data.params["seed"]: unit.data.metrics for unit in units}
    assert by_seed == {f"{seed}": {"gain_ _": seed / 2} for seed in range(3)}
    assert {unit.data.params["arm"] for unit in units} == {"gan"}
    listed = client.list_artifacts(parent.info.run_id, "results")
    assert {file.path for file in listed} == {"results/contest.json", "results/contest.md"}


def test_a_study_whose_time_is_up_goes_on_where_it_was(client, contest, tmp_path):
    for _ in range(2):
        with pytest.raises(TimeIsUp):
            studies.hold("contest", tmp_path, until=time.monotonic())
    assert contest == [0]
    assert not (tmp_path / "contest.json").exists()
    assert [run.info.status for run in all_runs(client)] == ["KILLED", "FINISHED"]
    studies.hold("contest", tmp_path)
    assert contest == [0, 1, 2]
    parent, *units = all_runs(client)
    assert parent.info.status == "FINISHED"
    assert sorted(unit.data.params["seed"] for unit in units) == ["0", "1", "2"]
    assert json.loads((tmp_path / "contest.json").read_text())["figures"][0]["value"] == 0.5


def test_a_study_that_is_over_or_of_another_commit_is_not_gone_on_with(client, contest, tmp_path):
    studies.hold("contest", tmp_path)
    studies.hold("contest", tmp_path)
    with pytest.raises(KeyError), tracked("contest", FACTS | {"commit": "d" * 40}):
        raise KeyError
    parents = [run for run in all_runs(client) if "mlflow.parentRunId" not in run.data.tags]
    assert sorted(run.info.status for run in parents) == ["FAILED", "FINISHED", "FINISHED"]


def test_without_tracking_nothing_is_written(client, contest, tmp_path, monkeypatch):
    monkeypatch.setenv("DOPPELCART_TRACKING", "off")
    studies.hold("contest", tmp_path)
    assert client.get_experiment_by_name("doppelcart-studies") is None
    assert (tmp_path / "contest.md").is_file()


@pytest.mark.parametrize("names", [["launches"], ["results"], []])
def test_an_environment_is_refused_where_it_would_change_nothing(names, monkeypatch, capsys):
    words = ["studies", *names, "--env", "sample", "--results", "tried"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit):
        studies.parse()
    assert "--env is for worth, ctgan, stockouts, demand" in capsys.readouterr().err


def test_an_environment_is_taken_where_a_study_is_of_it(monkeypatch):
    words = ["studies", "worth", "--env", "sample", "--results", "tried"]
    monkeypatch.setattr("sys.argv", words)
    assert studies.parse().env == "sample"


def test_the_command_says_how_to_go_on(contest, tmp_path, monkeypatch):
    words = ["studies", "contest", "--minutes", "0", "--results", str(tmp_path)]
    monkeypatch.setenv("DOPPELCART_TRACKING", "off")
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit, match=r"contest paused.*goes on where it was"):
        studies.main()
