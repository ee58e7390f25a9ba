"""A run that is killed, interrupted or out of disk damages nothing, and the next one goes on."""

import hashlib
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from fabricate import write_shop
from running import PROJECT, environment, kedro

pytestmark = pytest.mark.slow

QUIET = {"DOPPELCART_TRACKING": "off"}
TABLES = "ingestion,cleaning,split,profiles"
HISTORIES = Path("03_primary/train_histories.npz")
PROFILES = Path("05_model_input/profile_matrix.parquet")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a shop and of what the table pipelines made of it."""
    home = tmp_path_factory.mktemp("tables")
    write_shop(home / "shop")
    done = kedro(home, "--pipelines", TABLES, **QUIET)
    assert done.returncode == 0, done.stdout[-5000:]
    return home


@pytest.fixture
def home(tables: Path, tmp_path: Path) -> Path:
    """A copy of it, of one test's own."""
    shutil.copytree(tables, tmp_path / "home")
    return tmp_path / "home"


def faulty(home: Path, how: str, dataset: Path, *arguments: str) -> subprocess.CompletedProcess:
    """A run that is killed, or whose disk is full, in the middle of writing a dataset."""
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", how, dataset.stem, *arguments],
        cwd=PROJECT,
        env=environment(home, **QUIET),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def fingerprints(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def weights(archive: Path) -> dict[str, np.ndarray]:
    """Arrays by name of a .keras archive, which itself holds the time it was written."""
    with zipfile.ZipFile(archive) as files, files.open("model.weights.h5") as content:
        found: dict[str, np.ndarray] = {}
        with h5py.File(content) as tree:
            tree.visititems(
                lambda name, item: found.update({name: item[()]} if hasattr(item, "dtype") else {})
            )
    return found


class TestKilled:
    @pytest.mark.parametrize("dataset", [HISTORIES, PROFILES], ids=lambda path: path.stem)
    def test_a_file_half_written_beside_the_old_one_leaves_the_old_one(self, home, dataset):
        before = fingerprints(home / "data" / dataset.parent)
        done = faulty(home, "kill", dataset, "--pipelines", "split,profiles")
        assert done.returncode == -signal.SIGKILL
        after = fingerprints(home / "data" / dataset.parent)
        assert [".part" in name for name in set(after) - set(before)] == [True]
        assert {name: after[name] for name in before} == before

    def test_what_was_not_written_for_the_first_time_is_not_there(self, home):
        (home / "data" / PROFILES).unlink()
        done = faulty(home, "kill", PROFILES, "--pipelines", "profiles")
        assert done.returncode == -signal.SIGKILL
        refused = kedro(home, "--nodes", "gan.train", **QUIET)
        assert refused.returncode == 1
        assert f"{PROFILES.stem} is made by profiles" in refused.stdout
        assert "Traceback" not in refused.stdout
        assert not (home / "data" / "06_models").exists()

    def test_the_next_whole_run_works_and_writes_the_same(self, home, tables):
        done = faulty(home, "kill", PROFILES, "--pipelines", TABLES)
        assert done.returncode == -signal.SIGKILL
        again = kedro(home, "--pipelines", TABLES, **QUIET)
        assert again.returncode == 0, again.stdout[-5000:]
        for path in (HISTORIES, PROFILES):
            assert (home / "data" / path).read_bytes() == (tables / "data" / path).read_bytes()


class TestCtrlC:
    @staticmethod
    def interrupt(home: Path) -> str:
        """Press Ctrl-C once training has saved a state; returns what the terminal showed."""
        state = home / "data" / "06_models" / ".training" / "gan.npz"
        command = [sys.executable, "-m", "kedro", "run", "--env", "test", "--nodes", "gan.train"]
        with subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment(home, **QUIET),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # a script that runs the tests in the background hands down that Ctrl-C is ignored
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        ) as process:
            end = time.monotonic() + 300
            while not state.exists() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            shown, _ = process.communicate(timeout=120)
        assert process.returncode not in (0, None), shown[-3000:]
        assert state.exists()
        return shown

    def test_training_resumes_and_ends_as_if_nothing_had_been(self, home, tables, tmp_path):
        whole = tmp_path / "whole"
        shutil.copytree(tables, whole)
        assert kedro(whole, "--nodes", "gan.train", **QUIET).returncode == 0

        shown = self.interrupt(home)
        (epoch,) = re.findall(r"the next run resumes from epoch (\d+)", shown)
        assert int(epoch) >= 20
        models = home / "data" / "06_models"
        assert not (models / "gan_generator.keras").exists()

        resumed = kedro(home, "--nodes", "gan.train", **QUIET)
        assert resumed.returncode == 0, resumed.stdout[-5000:]
        assert f"Training of the gan resumes from epoch {epoch}." in resumed.stdout
        assert not (models / ".training" / "gan.npz").exists()

        uninterrupted = whole / "data" / "06_models"
        for name in ("gan_generator", "gan_critic"):
            expected = weights(uninterrupted / f"{name}.keras")
            found = weights(models / f"{name}.keras")
            assert expected.keys() == found.keys()
            assert len(expected) > 5
            for key in expected:
                np.testing.assert_array_equal(found[key], expected[key], err_msg=key)
        curves = [
            pd.read_csv(folder / "gan_training_log.csv") for folder in (models, uninterrupted)
        ]
        pd.testing.assert_frame_equal(*(curve.drop(columns="seconds") for curve in curves))


class TestStorage:
    def test_a_data_folder_that_cannot_be_one_stops_the_run_at_once(self, tmp_path):
        write_shop(tmp_path / "shop")
        (tmp_path / "data").write_text("in the way")
        done = kedro(tmp_path, **QUIET)
        assert done.returncode == 1
        assert f"The data folder {tmp_path / 'data'} cannot be written" in done.stdout
        assert "DOPPELCART_DATA=... kedro run" in done.stdout
        assert "Traceback" not in done.stdout
        assert (tmp_path / "data").read_text() == "in the way"

    @pytest.mark.parametrize("dataset", [HISTORIES, PROFILES], ids=lambda path: path.stem)
    def test_a_full_disk_ends_the_run_and_damages_nothing_else(self, home, dataset):
        before = fingerprints(home / "data")
        done = faulty(home, "full", dataset, "--pipelines", "split,profiles")
        assert done.returncode == 1
        last = done.stdout[done.stdout.rindex("Error: ") :]
        assert dataset.name in last
        assert re.search("no space", last, re.IGNORECASE)
        assert "ree some space" in last
        after = fingerprints(home / "data")
        # Archives of fitted transformers and sections hold the time they were written, and so do
        # their records; of logs every run has its own.
        dated = re.compile(r"^logs/|\.skops$|_transformer\.json$|sections/|\.section\.json$")
        kept = {name for name in before if not dated.search(name)}
        harmed = {name for name in kept if after.get(name) != before[name]}
        assert harmed == set()
        assert "untouched" in last

    def test_a_disk_that_fills_up_under_the_engine_of_the_tables(self, home):
        data = home / "data"
        shutil.rmtree(data)
        data.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=110m", "tmpfs", str(data)], capture_output=True
        )
        if mounted.returncode:
            pytest.skip("may not mount a small disk here")
        try:
            assert kedro(home, "--pipelines", "ingestion", **QUIET).returncode == 0
            before = fingerprints(data)
            done = faulty(home, "fill", Path("disk"), "--pipelines", "ingestion")
            (data / "ballast").unlink()
            after = fingerprints(data)
        finally:
            subprocess.run(["umount", str(data)], check=True)
        assert done.returncode == 1
        (last,) = re.findall("Error: (.*)", done.stdout)
        assert re.match(r"(While|Writing) \w+ \(/.*\.parquet\) (was being written|failed)", last)
        assert re.search("free some", last, re.IGNORECASE)
        assert "untouched" in last
        assert "Traceback" not in done.stdout
        assert {name: after[name] for name in before} == before


class TestTracking:
    def test_a_server_that_does_not_answer_stops_the_run_with_the_way_round(self, tmp_path):
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "kedro", "run"],
            cwd=PROJECT,
            env=environment(
                tmp_path,
                DOPPELCART_DATA=str(tmp_path / "data"),
                MLFLOW_TRACKING_URI="http://127.0.0.1:9",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == 1
        assert "The MLflow server at http://127.0.0.1:9 does not answer" in done.stdout
        assert "`DOPPELCART_TRACKING=off kedro run`" in done.stdout
        assert "Traceback" not in done.stdout
        assert time.monotonic() - begin < 90
        assert not (tmp_path / "data").exists()
