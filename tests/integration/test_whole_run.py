"""One whole run over a shop with planted structure finds the uplift; over noise it finds none."""

import hashlib
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from page_reader import Page
from running import PROJECT, kedro

from doppelcart.experiment.verdict import VERDICTS
from doppelcart.recommenders import RECOMMENDERS

pytestmark = pytest.mark.slow

TRAINING = yaml.safe_load((PROJECT / "conf/test/gan/parameters.yml").read_text())["gan"]["training"]
EPOCHS = TRAINING["epochs"]
# Popularity gives everyone one list, so that completing a history changes nothing.
# Networks are not among the default recommenders.
COMPLETED = sorted(set(RECOMMENDERS) - {"popularity", "multvae", "gsasrec"})
REPORTING = "08_reporting"


def table(home: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(home / "data" / REPORTING / f"{name}.csv", float_precision="round_trip")


def promoted(home: Path) -> list[dict[str, object]]:
    return json.loads((home / "data" / REPORTING / "promotion.json").read_text())["promoted"]


class TestPlantedStructure:
    """Demographics tell the group of most users, which nobody sees who looks at items alone."""

    def test_completion_helps_users_of_whom_no_purchase_is_known(self, finished_run):
        verdict = (
            table(finished_run, "verdict").set_index(["slice", "arm", "recommender"]).sort_index()
        )
        found = verdict.loc["cold_0", "gan_completion"]
        assert sorted(found.index) == COMPLETED
        assert set(found["outcome"]) == {"helps"}
        assert (found["relative"] > 0.4).all()

    def test_the_uplift_holds_against_the_control_that_knows_popularity_alone(self, finished_run):
        rows = table(finished_run, "uplift").set_index(["slice", "arm", "against"]).sort_index()
        for against in ("none", "popularity_completion", "best_baseline"):
            found = rows.loc["cold_0", "gan_completion", against]
            assert (found["low"] > 0).all(), against
            assert (found["p_holm"] <= 0.05).all(), against

    def test_nothing_is_promoted_that_did_not_beat_every_control(self, finished_run):
        verdict = table(finished_run, "verdict")
        wins = verdict[verdict["promoted"]]
        assert len(promoted(finished_run)) == len(wins)
        assert wins["win"].all()
        assert wins["not_beaten"].isna().all()

    def test_the_terminal_ends_with_the_verdict_and_where_all_lies(self, finished_run):
        lines = (finished_run / "terminal.txt").read_text().rstrip().splitlines()
        assert lines[-3].split() == [
            "Report:",
            str(finished_run / "data" / REPORTING / "report.html"),
        ]
        assert lines[-2].split() == ["Figures:", str(finished_run / "data" / REPORTING)]
        assert re.match(rf"MLflow run: +\w{{32}} .*sqlite:///{finished_run}/mlflow.db", lines[-1])
        words = table(finished_run, "verdict").set_index("slice")["verdict"]
        ending = lines[-20:]
        (told,) = [line for line in ending if line.startswith("  New customers, nothing bought")]
        assert any(told.rstrip().endswith(word) for word in words["cold_0"])
        assert any(line.startswith("Now: ") for line in ending)
        lists = finished_run / "data/08_reporting/recommendations.parquet"
        assert lines[-4].split() == ["Recommendations:", str(lists)]
        assert set(pd.read_parquet(lists)["rank"]) == set(range(1, 21))

    def test_the_log_is_short_on_the_screen_and_whole_in_its_file(self, finished_run):
        lines = (finished_run / "terminal.txt").read_text().splitlines()
        shown = lines[: next(i for i, line in enumerate(lines) if line.startswith("Done in "))]
        assert re.match(r"\d+ nodes, about .*; up to .* GB of memory and .* GB on disk\.", lines[0])
        assert 5 < len(shown) <= 80
        assert any(re.match(r"\[\d+/\d+\] gan\.train \d", line) for line in shown)
        for noise in ("Loading data", "Completed node", "oneDNN", "absl", "CUDA", "Warning: Add"):
            assert not any(noise in line for line in lines), noise
        (log,) = (finished_run / "data/logs").glob("*.log")
        kept = log.read_text()
        assert "Loading data from" in kept
        assert "Completed node: gan.train" in kept
        assert all(line in kept for line in shown)

    def test_nothing_asked_for_the_network(self, finished_run):
        log = finished_run / "network.txt"
        assert not log.exists(), log.read_text()


class TestNoise:
    def test_where_nothing_can_be_learned_nothing_helps(self, whole_run):
        home = whole_run("none")
        verdict = table(home, "verdict")
        assert len(verdict) > 30
        assert "helps" not in set(verdict["outcome"])
        assert not verdict["win"].any()
        assert promoted(home) == []

    def test_where_popularity_is_all_there_is_nothing_is_the_generators_merit(self, whole_run):
        """What overfits is helped; the best is not, and popular items do the same."""
        home = whole_run("popularity")
        verdict = table(home, "verdict")
        assert not verdict["win"].any()
        assert promoted(home) == []
        uplift = table(home, "uplift")
        best = uplift[(uplift["against"] == "best_baseline") & (uplift["difference"] > 0)]
        assert (best["p_holm"] > 0.05).all()


class TestAgain:
    def test_a_second_run_gives_the_same_figures(self, finished_run, copy_of_run):
        shutil.rmtree(copy_of_run / "data")
        done = kedro(copy_of_run, DOPPELCART_TRACKING="off")
        assert done.returncode == 0, done.stdout[-5000:]
        for name in (
            "metrics",
            "uplift",
            "uplift_against_best",
            "verdict",
            "tstr",
            "ranking_agreement",
            "cleaning_report",
        ):
            pd.testing.assert_frame_equal(
                table(copy_of_run, name), table(finished_run, name), check_exact=True
            )
        for name in ("06_models/gan_training_log.csv", "07_model_output/fidelity_report.csv"):
            pd.testing.assert_frame_equal(
                pd.read_csv(copy_of_run / "data" / name).drop(columns="seconds", errors="ignore"),
                pd.read_csv(finished_run / "data" / name).drop(columns="seconds", errors="ignore"),
            )

    def test_the_evaluation_runs_alone_from_what_is_saved(self, finished_run, copy_of_run):
        for table_read in (copy_of_run / "data/02_intermediate").glob("*.parquet"):
            table_read.unlink()
        for part in ("shop", f"data/{REPORTING}", "data/01_raw"):
            shutil.rmtree(copy_of_run / part, ignore_errors=True)
        done = kedro(copy_of_run, "--pipelines", "evaluation", DOPPELCART_TRACKING="off")
        assert done.returncode == 0, done.stdout[-5000:]
        for name in ("metrics", "uplift", "verdict"):
            pd.testing.assert_frame_equal(table(copy_of_run, name), table(finished_run, name))
        assert "Does synthetic shopping data improve recommendations" in done.stdout

    def test_a_run_goes_on_from_any_node(self, finished_run, copy_of_run):
        verdict = copy_of_run / "data" / REPORTING / "verdict.csv"
        verdict.unlink()
        shutil.rmtree(copy_of_run / "shop")
        done = kedro(
            copy_of_run,
            "--from-nodes",
            "evaluation.declare_experiment,evaluation.measure_synthetic_only",
            DOPPELCART_TRACKING="off",
        )
        assert done.returncode == 0, done.stdout[-5000:]
        pd.testing.assert_frame_equal(table(copy_of_run, "verdict"), table(finished_run, "verdict"))
        assert "tune_arms" not in done.stdout

    def test_a_parameter_of_the_command_line_is_honoured_and_its_neighbours_stay(self, copy_of_run):
        done = kedro(
            copy_of_run,
            "--nodes",
            "gan.train",
            "--params",
            "gan.training.epochs=3,gan.training.evaluate_every=2",
            DOPPELCART_TRACKING="off",
        )
        assert done.returncode == 0, done.stdout[-5000:]
        curve = pd.read_csv(copy_of_run / "data/06_models/gan_training_log.csv")
        assert curve["epoch"].tolist() == [1, 2, 3]
        assert curve["selection"].notna().tolist() == [False, True, True]
        # Of conf/test; conf/base says 256.
        found = widths(copy_of_run / "data/06_models/gan_generator.keras")
        assert 48 in found
        assert 256 not in found


def widths(path: Path) -> set[int]:
    """Widths of all layers of a saved model."""
    import keras

    import doppelcart.models.histories.networks  # noqa: F401

    model = keras.models.load_model(path, compile=False)
    return {weight.shape[-1] for weight in model.weights}


class TestTracking:
    @pytest.fixture(scope="class")
    def client(self, finished_run):
        return MlflowClient(f"sqlite:///{finished_run}/mlflow.db")

    @pytest.fixture(scope="class")
    def run(self, client) -> Run:
        experiment = client.get_experiment_by_name("doppelcart")
        (run,) = client.search_runs([experiment.experiment_id])
        return run

    def test_one_run_is_one_run(self, client, run):
        experiments = [e.experiment_id for e in client.search_experiments()]
        assert [r.info.run_id for r in client.search_runs(experiments)] == [run.info.run_id]
        assert run.info.status == "FINISHED"

    def test_parameters_are_flat(self, run):
        parameters = run.data.params
        assert parameters["gan.training.epochs"] == str(EPOCHS)
        assert parameters["denoiser.trainer.adversarial_weight"] == "0.0"
        assert parameters["cleaning.support.min_users_per_item"] == "5"
        assert parameters["evaluation.grids.ease.l2"] == "[10.0, 50.0, 200.0]"
        assert not [
            name for name, value in parameters.items() if value.startswith("{") and value != "{}"
        ]

    def test_code_and_source_are_named(self, run, finished_run):
        tags = run.data.tags
        assert tags["source"] == "fabricated"
        files = (finished_run / "shop").glob("*.parquet")
        digests = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
        whole = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
        assert tags["source_digest"] == whole
        if (PROJECT / ".git").exists():
            subprocess.run(["git", "cat-file", "-e", tags["git_commit"]], cwd=PROJECT, check=True)

    @pytest.mark.parametrize(
        "name", ["gan/training_log/generator_loss", "gan/training_log/critic_loss"]
    )
    def test_curves_have_a_step_per_epoch(self, client, run, name):
        curve = client.get_metric_history(run.info.run_id, name)
        assert sorted(point.step for point in curve) == list(range(1, EPOCHS + 1))

    def test_a_run_is_told_apart_by_few_numbers_its_name_and_its_answer(self, run, finished_run):
        logged = run.data.metrics
        assert 20 < len(logged) <= 60
        counts = table(finished_run, "verdict")["verdict"].value_counts()
        for word, count in counts.items():
            assert logged[f"evaluation/verdicts/{word}"] == count
        assert logged["evaluation/cold_0/low"] <= logged["evaluation/cold_0/change"]
        assert "augmentation/fidelity/detection_auc" in logged
        assert run.info.run_name.startswith("fabricated 2")
        assert run.data.tags["mlflow.note.content"].startswith("**Does synthetic shopping data")
        (read,) = run.inputs.dataset_inputs
        assert read.dataset.name == "fabricated"

    def test_models_figures_and_the_report_are_kept(self, client, run):
        kept = {
            file.path
            for folder in ("models", "reporting")
            for file in client.list_artifacts(run.info.run_id, folder)
        }
        assert kept >= {
            "models/gan_generator.keras",
            "models/gan_critic.keras",
            "reporting/report_to_share.html",
            "reporting/uplift_forest.json",
            "reporting/training_curves.json",
            "reporting/verdict.csv",
        }
        # It shows real customers, and a tracking server may be anywhere.
        assert "reporting/report.html" not in kept


class TestOneVocabulary:
    """verdict.csv, the terminal, the report and MLflow say the same word as often."""

    @pytest.fixture(scope="class")
    def words(self, finished_run) -> pd.Series:
        return table(finished_run, "verdict").groupby("slice", sort=False)["verdict"].agg(list)

    @pytest.fixture(scope="class")
    def page(self, finished_run) -> Page:
        return Page((finished_run / "data" / REPORTING / "report.html").read_text("utf-8"))

    def test_every_word_is_one_of_the_verdicts(self, words):
        assert set(words.explode()) <= set(VERDICTS)

    def test_the_grid_of_the_report_counts_as_the_table_does(self, finished_run, words, page):
        at = page.text.index("The verdict for every recommender")
        stop = page.text.index("Against the best that can be done without synthetic data")
        shown = Counter(word for word in page.text[at:stop] if word in VERDICTS)
        assert shown == Counter(words.explode())

    def test_the_first_page_and_the_terminal_give_each_group_the_same_word(
        self, finished_run, words, page
    ):
        terminal = (finished_run / "terminal.txt").read_text().splitlines()
        cut = page.text.index("Why, for each group")
        first = [word for word in page.text[3:cut] if word in VERDICTS]
        ending = [
            re.split(r" [^\w ] ", line)[-1].strip()
            for line in terminal[-30:]
            if line.startswith(("  Returning customers", "  New customers"))
        ]
        assert ending == first
        assert len(first) == len(words)
        for word, found in zip(first, words, strict=True):
            assert word in found
