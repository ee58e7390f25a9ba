"""What becomes of parameters, tables and names on their way to MLflow."""

import math

import mlflow
import pandas as pd
import pytest
from pydantic import BaseModel

from doppelcart.hooks.tracking import (
    Point,
    TrackedRun,
    clean_key,
    findings,
    flatten,
    metric_points,
    shorten,
    source_digest,
)
from doppelcart.reporting.provenance import git_state


class Inner(BaseModel):
    rates: tuple[float, ...] = (0.5,)
    none: int | None = None


class Outer(BaseModel):
    inner: Inner = Inner()
    grid: dict[str, dict[str, int]] = {"ease": {"l2": 3}, "popularity": {}}


def test_models_become_dotted_names():
    assert flatten(Outer(), "gan") == {
        "gan.inner.rates": [0.5],
        "gan.inner.none": None,
        "gan.grid.ease.l2": 3,
        "gan.grid.popularity": {},
    }


def test_a_long_table_names_its_points_in_a_fixed_order():
    table = pd.DataFrame(
        {
            "metric": ["ndcg@20", "recall@5"],
            "arm": ["gan", "none"],
            "slice": ["cold_5", "warm"],
            "recommender": ["ease", "ials"],
            "value": [0.25, math.nan],
            "n_users": [7, 8],
        }
    )
    assert list(metric_points(table)) == [Point("cold_5/ease/gan/ndcg_at_20", 0.25, 0)]


def test_a_wide_table_gives_a_curve_per_column():
    table = pd.DataFrame({"epoch": [1, 2], "critic": [0.5, 0.25], "stopped": [False, True]})
    assert list(metric_points(table, "gan/training_log")) == [
        Point("gan/training_log/critic", 0.5, 1),
        Point("gan/training_log/critic", 0.25, 2),
    ]


def test_monitors_are_named_for_what_they_watch_for():
    monitors = {
        "divergence": 0.5,
        "vanishing gradients, critic": 1.5,
        "memorisation: near copies of training users": 2.5,
        "mode collapse: duplicates among synthetic users": 3.5,
        "mode collapse: coverage of real users' neighbourhoods": math.nan,
        "mode collapse: recall of real users' neighbourhoods": 4.5,
    }
    table = pd.DataFrame({"monitor": list(monitors), "value": list(monitors.values())})
    table = table.assign(status="ok", limit="at most 1", advice="Train less.")
    assert {p.key: p.value for p in metric_points(findings(table), "gan/monitors")} == {
        "gan/monitors/divergence": 0.5,
        "gan/monitors/vanishing_gradients_critic": 1.5,
        "gan/monitors/memorisation": 2.5,
        "gan/monitors/mode_collapse_duplicates": 3.5,
        "gan/monitors/mode_collapse_recall": 4.5,
    }
    assert list(metric_points(findings(table.head(0)))) == []


def test_names_and_values_fit_mlflows_limits():
    assert clean_key("80% known:ndcg@20") == "80_ known_ndcg_at_20"
    assert len(clean_key("x" * 999)) == 250
    assert shorten([1, 2], 6000) == "[1, 2]"
    assert shorten("y" * 99, 10) == "yyyyyyy..."


def test_the_digest_depends_on_every_file_and_on_no_order():
    one = {"files": [{"sha256": "a"}, {"sha256": "b"}]}
    other = {"files": {"x": {"sha256": "b"}, "y": {"sha256": "a"}}}
    assert source_digest(one) == source_digest(other)
    assert source_digest(one) != source_digest({"files": [{"sha256": "a"}]})
    assert source_digest({"files": []}) is None


def test_outside_of_git_there_is_no_commit(tmp_path):
    assert git_state(tmp_path) == {}


def test_more_points_than_one_request_takes_all_arrive(tmp_path, template_store):
    (tmp_path / "mlflow.db").write_bytes(template_store.read_bytes())
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(uri)
    run_id = client.create_run("0").info.run_id
    run = TrackedRun(run_id, uri)
    run.log_metrics(Point(f"m{i}", i, 0) for i in range(2300))
    run.log_parameters({f"p{i}": i for i in range(230)} | {"long": "z" * 9000})
    data = client.get_run(run_id).data
    assert len(data.metrics) == 2300
    assert data.metrics["m2299"] == 2299
    assert len(data.params) == 231
    assert len(data.params["long"]) == 6000


def test_without_a_run_nothing_is_written():
    TrackedRun().log_metrics([Point("m", 1, 0)])
    TrackedRun().log_parameters({"p": 1})
    with pytest.raises(StopIteration):
        next(iter(metric_points(pd.DataFrame())))


def test_mlflow_takes_every_name_that_was_cleaned(tmp_path, template_store):
    (tmp_path / "mlflow.db").write_bytes(template_store.read_bytes())
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(uri)
    run = TrackedRun(client.create_run("0").info.run_id, uri)
    # as a shop may call its departments
    names = ["MEAT/", "a//b", "./x", "..", "..x", "/top", " ", "y" * 249 + "/z", "Bücher: neu"]
    run.log_metrics(Point(clean_key(name), place, 0) for place, name in enumerate(names))
    run.log_parameters({name: place for place, name in enumerate(names)})
    data = client.get_run(run.run_id).data
    assert len(data.metrics) == len(data.params) == len(names)
    assert data.metrics["MEAT/_"] == 0
    assert clean_key("") == "_"


@pytest.mark.parametrize("study", ["s-1", "bob's-1", 'bob\'s "best"-1'])
def test_a_trial_becomes_a_nested_run_once_whichever_run_writes_it(study, tmp_path, template_store):
    (tmp_path / "mlflow.db").write_bytes(template_store.read_bytes())
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(uri)
    experiment = client.create_experiment("tuning")
    parents = [client.create_run(experiment).info.run_id for _ in range(2)]
    trials = pd.DataFrame(
        {
            "study": study,
            "number": [0, 1],
            "state": ["complete", "failed"],
            "value": [0.5, math.nan],
            "epochs": pd.array([4, None], "Int64"),
            "seconds": [2.0, 1.0],
            "started": ["2020-01-01T00:00:00.000+00:00", "2020-01-01T00:01:00.000+00:00"],
            "reason": ["", "it diverged"],
            "dropout": [0.25, 0.5],
        }
    )
    other = trials.assign(study="s-2")
    TrackedRun(parents[1], uri).log_trials(other)
    TrackedRun(parents[0], uri).log_trials(trials[:1])
    TrackedRun(parents[1], uri).log_trials(trials)
    nested = {
        run.data.tags["trial"]: run
        for run in client.search_runs([experiment])
        if run.data.tags.get("study") == study
    }
    assert len(client.search_runs([experiment])) == 2 + len(other) + len(nested) == 6
    assert [nested[n].data.tags["mlflow.parentRunId"] for n in "01"] == parents
    assert nested["0"].data.params == {"dropout": "0.25"}
    assert nested["0"].data.metrics == {"value": 0.5, "epochs": 4.0, "seconds": 2.0}
    # 2020-01-01 began 1,577,836,800 seconds after 1970 did, and the trial took two.
    assert nested["0"].info.end_time == 1_577_836_802_000
    assert nested["1"].info.status == "FAILED"
    assert nested["1"].data.tags["reason"] == "it diverged"
    assert nested["1"].data.metrics == {"seconds": 1.0}
