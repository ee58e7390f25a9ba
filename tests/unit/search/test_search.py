"""A study that is stopped, killed and resumed ends as one that was not; no trial ends it."""

import builtins
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from doppelcart.errors import MissingExtraError, StorageError
from doppelcart.search import optimisation
from doppelcart.search.optimisation import PruningConfig, StudyConfig
from doppelcart.search.space import Dimension

SPACE = {
    "dropout": Dimension(name="dropout", low=0.0, high=0.9),
    "hidden_units": Dimension(name="hidden_units", low=4, high=64, log=True),
    "adversarial_loss": Dimension(name="adversarial_loss", choices=("wgan_gp", "vanilla")),
}


@pytest.fixture
def config(tmp_path: Path) -> StudyConfig:
    return StudyConfig(
        storage=tmp_path / "new" / "studies.db", n_trials=6, n_startup_trials=3,
        min_trials_for_importance=4, pruning=PruningConfig(n_startup_trials=100),
    )  # fmt: skip


def hill(values: dict[str, Any], report: optimisation.Report) -> float:
    """Best at a dropout of 0.3; two looks on the way."""
    value = 1 - abs(values["dropout"] - 0.3)
    report(1, value / 2, False)
    report(2, value, True)
    return value


def run(config: StudyConfig, objective: optimisation.Objective = hill, **first: Any) -> Any:
    study = optimisation.open_study(config, "abc")
    optimisation.search(study, objective, SPACE, config, first)
    return optimisation.trials_table(study, SPACE)


def drawn(trials: Any) -> list[Any]:
    """What was drawn in the trials that count, and what came of it."""
    counted = trials[trials["state"] != "interrupted"]
    return counted[[*SPACE, "state", "value"]].to_dict("records")


def stop_at(call: int, error: type[BaseException] = KeyboardInterrupt) -> optimisation.Objective:
    calls = iter(range(1, 100))

    def objective(values: dict[str, Any], report: optimisation.Report) -> float:
        if next(calls) == call:
            raise error
        return hill(values, report)

    return objective


class TestTrials:
    def test_a_row_tells_what_a_trial_was(self, config):
        trials = run(config, dropout=0.3)
        assert trials["number"].tolist() == list(range(6))
        assert set(trials["state"]) == {"complete"}
        first = trials.iloc[0]
        assert first["value"] == 1.0
        assert first["epochs"] == 2
        assert first["dropout"] == 0.3
        assert first["seconds"] >= 0
        assert first["started"].endswith("+00:00")
        assert trials["hidden_units"].between(4, 64).all()
        assert trials["dropout"].nunique() == 6

    def test_a_seed_draws_the_same_and_another_does_not(self, config, tmp_path):
        def with_seed(seed: int, name: str) -> list[Any]:
            changes = {"storage": tmp_path / name, "seed": seed}
            return drawn(run(config.model_copy(update=changes)))

        assert with_seed(1, "a") == with_seed(1, "b")
        assert with_seed(1, "a") != with_seed(2, "c")

    def test_a_failed_trial_has_its_reason_and_does_not_end_the_study(self, config, caplog):
        trials = run(config, stop_at(2, FloatingPointError))
        assert trials["state"].tolist() == ["complete", "failed"] + ["complete"] * 4
        assert trials["reason"].tolist()[:2] == ["", "FloatingPointError: "]
        assert np.isnan(trials["value"][1])
        assert "Trial 1 failed" in caplog.text

    def test_an_undefined_value_is_a_failure(self, config):
        trials = run(config.model_copy(update={"n_trials": 1}), lambda *_: float("nan"))
        assert trials["state"].tolist() == ["failed"]
        assert "selection metric is nan" in trials["reason"][0]

    def test_a_trial_below_the_median_is_given_up_at_that_look(self, config):
        pruning = PruningConfig(n_startup_trials=2, n_min_trials=1)
        values = iter([5.0, 6.0, 1.0, 7.0])

        def objective(_: Any, report: optimisation.Report) -> float:
            value = next(values)
            report(1, value, False)
            report(2, value + 10, True)
            return value + 10

        trials = run(config.model_copy(update={"n_trials": 4, "pruning": pruning}), objective)
        # 1 lies below the median of 5 and 6, and its second look was not reached.
        assert trials["state"].tolist() == ["complete", "complete", "pruned", "complete"]
        assert trials["epochs"].tolist() == [2, 2, 1, 2]
        assert trials["value"].tolist() == [15.0, 16.0, 1.0, 17.0]

    def test_a_trial_is_not_given_up_at_its_last_look(self, config):
        pruning = PruningConfig(n_startup_trials=1, n_min_trials=1)
        values = iter([5.0, 1.0])

        def objective(_: Any, report: optimisation.Report) -> float:
            value = next(values)
            report(1, value, True)
            return value

        trials = run(config.model_copy(update={"n_trials": 2, "pruning": pruning}), objective)
        assert trials["state"].tolist() == ["complete", "complete"]

    def test_no_trial_begins_after_its_minutes(self, config, caplog):
        trials = run(config.model_copy(update={"minutes": 1e-9}))
        assert trials.empty
        assert "0 of 6 trials; the same command goes on" in caplog.text


class TestResume:
    def test_more_trials_go_on_from_the_first_and_draw_what_one_run_would(
        self, config, tmp_path, caplog
    ):
        caplog.set_level(logging.INFO)
        whole = run(config.model_copy(update={"storage": tmp_path / "whole.db"}))
        run(config.model_copy(update={"n_trials": 4}))
        resumed = run(config)
        assert "goes on: 4 of 6 trials are done" in caplog.text
        assert drawn(resumed) == drawn(whole)

    def test_a_finished_study_says_so_and_trains_nothing(self, config, caplog):
        caplog.set_level(logging.INFO)
        run(config)
        assert len(run(config, stop_at(1))) == 6
        assert "has its 6 trials already" in caplog.text

    def test_after_ctrl_c_the_interrupted_trial_is_tried_again(self, config, tmp_path, caplog):
        whole = run(config.model_copy(update={"storage": tmp_path / "whole.db"}))
        with pytest.raises(KeyboardInterrupt):
            run(config, stop_at(3))
        assert "2 of 6 trials are kept" in caplog.text
        resumed = run(config)
        assert resumed["state"].tolist() == ["complete"] * 2 + ["interrupted"] + ["complete"] * 4
        assert resumed["seconds"].isna().tolist() == [False, False, True] + [False] * 4
        assert drawn(resumed) == drawn(whole)

    def test_ctrl_c_is_no_kill_however_often(self, config):
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                run(config, stop_at(1))
        assert drawn(run(config))[0]["state"] == "complete"

    def test_a_trial_that_kills_its_process_each_time_is_given_up(self, config):
        class KilledError(BaseException):
            """Ends the process as far as the study can tell: nothing is written any more."""

        for _ in range(2):
            with pytest.raises(KilledError):
                run(config, stop_at(1, KilledError))
        trials = run(config)
        assert trials["state"].value_counts().to_dict() == {
            "complete": 5, "interrupted": 2, "failed": 1,
        }  # fmt: skip
        failed = trials[trials["state"] == "failed"].iloc[0]
        assert "killed 2 times" in failed["reason"]
        assert failed["dropout"] == trials["dropout"][0]

    def test_other_data_are_another_study(self, config):
        run(config)
        assert optimisation.open_study(config, "another").trials == []


class TestImportances:
    def test_what_matters_is_found_and_too_few_trials_are_undefined(self, config):
        few = optimisation.open_study(config.model_copy(update={"name": "few"}), "x")
        optimisation.search(few, hill, SPACE, config.model_copy(update={"n_trials": 3}))
        found = optimisation.importances(few, SPACE, config)
        assert found["parameter"].tolist() == list(SPACE)
        assert found["value"].isna().all()

        many = optimisation.open_study(config, "x")
        optimisation.search(many, hill, SPACE, config.model_copy(update={"n_trials": 40}))
        found = optimisation.importances(many, SPACE, config)
        assert found["parameter"][0] == "dropout"
        assert found["value"].sum() == pytest.approx(1)

    def test_trials_all_alike_have_none(self, config):
        study = optimisation.open_study(config, "x")
        optimisation.search(study, lambda *_: 1.0, SPACE, config)
        assert optimisation.importances(study, SPACE, config)["value"].isna().all()


class TestErrors:
    def test_a_file_that_is_no_database_is_named(self, config):
        config.storage.parent.mkdir()
        config.storage.write_text("not a database, however long it may be " * 100)
        with pytest.raises(StorageError, match=r"studies\.db cannot be read"):
            optimisation.open_study(config, "abc")

    def test_without_the_extra_the_command_that_installs_it_is_told(self, config, monkeypatch):
        real = builtins.__import__

        def without(name: str, *arguments: Any) -> Any:
            if name == "optuna":
                raise ImportError(name)
            return real(name, *arguments)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(MissingExtraError, match=r'pip install "doppelcart\[tuning\]"'):
            optimisation.open_study(config, "abc")

    def test_the_module_is_imported_without_optuna(self):
        code = "import sys, doppelcart.search.optimisation; sys.exit('optuna' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_study_is_one_that_optuna_reads(config):
    run(config)
    names = optuna.get_all_study_names(f"sqlite:///{config.storage}")
    assert names == ["generator-abc"]
