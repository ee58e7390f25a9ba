"""The tuning pipeline, alone, over what a whole run left: resumed, tracked, and refused."""

import json
import shutil
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml
from running import kedro

pytestmark = pytest.mark.slow

SHORT = "gan.training.epochs=4,gan.training.evaluate_every=2"


def tune(home: Path, *params: str, **variables: str) -> tuple[int, str]:
    given = ",".join([SHORT, *params])
    done = kedro(home, "--pipelines", "tuning", "--params", given, **variables)
    return done.returncode, done.stdout


def test_a_study_goes_on_where_it_stopped_and_every_trial_is_a_nested_run(
    copy_of_run: Path, template_store: Path
) -> None:
    shutil.copy(template_store, copy_of_run / "mlflow.db")
    code, told = tune(copy_of_run, "tuning.study.n_trials=2")
    assert code == 0, told[-3000:]
    assert "begins: 2 trials" in told
    reporting = copy_of_run / "data/08_reporting"
    first = pd.read_csv(reporting / "tuning_trials.csv", float_precision="round_trip")
    assert first["number"].tolist() == [0, 1]

    code, told = tune(copy_of_run)
    assert code == 0, told[-3000:]
    assert "goes on: 2 of 3 trials are done" in told
    trials = pd.read_csv(reporting / "tuning_trials.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(trials[:2], first)
    assert trials["number"].tolist() == [0, 1, 2]

    best = yaml.safe_load((reporting / "tuning_best.yml").read_text())["gan"]
    row = trials[trials["state"] == "complete"].nlargest(1, "value").iloc[0]
    assert best["training"]["learning_rate"] == row["learning_rate"]
    assert best["network"]["hidden_units"] == row["hidden_units"]
    confirmed = pd.read_csv(reporting / "tuning_confirmation.csv")
    assert confirmed["seed"].tolist() == [1, 2]
    assert confirmed[["configured", "best"]].notna().all(axis=None)
    for name in ("tuning_trials", "tuning_importances"):
        assert json.loads((reporting / f"{name}.json").read_text())["data"]

    client = mlflow.MlflowClient(f"sqlite:///{copy_of_run}/mlflow.db")
    experiment = client.get_experiment_by_name("doppelcart").experiment_id
    runs = {run.info.run_id: run for run in client.search_runs([experiment])}
    nested = [run for run in runs.values() if "trial" in run.data.tags]
    assert sorted(run.data.tags["trial"] for run in nested) == ["0", "1", "2"]
    parents = [run.data.tags["mlflow.parentRunId"] for run in nested]
    assert sorted(parents.count(parent) for parent in set(parents)) == [1, 2]
    assert set(parents) <= set(runs)
    for run in nested:
        trial = trials.loc[int(run.data.tags["trial"])]
        assert float(run.data.params["learning_rate"]) == trial["learning_rate"]
        assert run.data.metrics["value"] == pytest.approx(trial["value"])
        assert run.info.status == "FINISHED"


def test_every_wrong_dimension_is_listed_before_anything_runs(copy_of_run: Path) -> None:
    code, told = tune(
        copy_of_run,
        "tuning.space.learning_rat.low=0.1",
        "tuning.space.dropout.low=0.9",
        "tuning.space.hidden_units.high=1000000",
        DOPPELCART_TRACKING="off",
    )
    assert code != 0
    assert "3 parameters cannot be used" in told
    assert "tuning.space.learning_rat: " in told
    assert "did you mean learning_rate" in told
    assert "low 0.9 lies above high 0.5" in told
    assert "1000000.0 is out of bounds" in told
    assert "Traceback" not in told
