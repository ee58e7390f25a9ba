"""Bad input stops a run with a message to act on, and leaves what the last run wrote untouched.

Every kind of bad input is tried on the node in tests/pipelines/ingestion; here a few go
through whole Kedro sessions.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fabricate import write_shop
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io.core import DatasetError

from doppelcart.errors import DoppelcartError, InputError

PROJECT = Path(__file__).resolve().parents[2]
TABLES = ["ingestion", "cleaning", "split"]

Run = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a fabricated shop and of the run over it."""
    monkeypatch.setenv("DOPPELCART_TEST", str(tmp_path))
    monkeypatch.setenv("DOPPELCART_TRACKING", "off")
    monkeypatch.chdir(PROJECT)
    write_shop(tmp_path / "shop")
    return tmp_path


def run_tables(**params: Any) -> None:
    """Ingestion, cleaning and split in one session of the test environment."""
    bootstrap_project(PROJECT)
    with KedroSession.create(PROJECT, env="test", runtime_params=params) as session:
        session.run(pipeline_names=TABLES)


def fingerprints(folder: Path) -> dict[str, str]:
    """SHA-256 by path of every file below a folder, but for logs: every run adds to them."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "logs" not in path.relative_to(folder).parts
    }


def remove_log(shop: Path) -> None:
    (shop / "interactions.parquet").unlink()


def truncate_log(shop: Path) -> None:
    path = shop / "interactions.parquet"
    path.write_bytes(path.read_bytes()[:1000])


def change_log(**columns: Any) -> Callable[[Path], None]:
    def change(shop: Path) -> None:
        path = shop / "interactions.parquet"
        pd.read_parquet(path).assign(**columns).to_parquet(path)

    return change


def drop_column(shop: Path) -> None:
    path = shop / "items.parquet"
    pd.read_parquet(path).drop(columns="brand").to_parquet(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(remove_log, r"do not exist:\n.*interactions.parquet", id="missing file"),
        pytest.param(truncate_log, "cannot be read as parquet", id="half a file"),
        pytest.param(drop_column, "items.parquet.* has no column 'brand'", id="missing column"),
        pytest.param(change_log(amount="much"), "cannot be read as float64", id="wrong type"),
        pytest.param(change_log(user_id=None), "user_id is null in all", id="all null"),
    ],
)
def test_a_bad_source_stops_the_run_and_leaves_the_last_one(
    home: Path, spoil: Callable[[Path], None], message: str
) -> None:
    run_tables()
    before = fingerprints(home / "data")
    assert "03_primary/train_histories.npz" in before
    spoil(home / "shop")
    with pytest.raises((InputError, DatasetError), match=f"(?s){message}"):
        run_tables()
    assert fingerprints(home / "data") == before


def test_nothing_left_after_support_leaves_the_clean_tables_of_the_last_run(home: Path) -> None:
    run_tables()
    before = fingerprints(home / "data" / "03_primary")
    with pytest.raises(DoppelcartError, match=r"leaves 0 users and 0 items(.|\n)*item_support: 3"):
        run_tables(cleaning={"support": {"min_users_per_item": 1000}})
    assert fingerprints(home / "data" / "03_primary") == before


def test_a_second_run_writes_the_same_bytes(home: Path) -> None:
    run_tables()
    before = undated(home / "data")
    run_tables()
    assert undated(home / "data") == before


def undated(data: Path) -> dict[str, str]:
    """Fingerprints of what holds no moment of the run; sections and their records do."""
    found = fingerprints(data).items()
    return {name: mark for name, mark in found if "section" not in name}


def test_leftovers_of_a_killed_run_are_not_taken_for_data(home: Path) -> None:
    folder = home / "data" / "02_intermediate"
    folder.mkdir(parents=True)
    (folder / ".int_interactions.parquet.abc.part").write_bytes(b"PAR1 half")
    run_tables()
    assert len(pd.read_parquet(folder / "int_interactions.parquet")) > 3000


def test_the_command_ends_with_the_message_and_not_with_zero(home: Path) -> None:
    remove_log(home / "shop")
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--env", "test", "--pipelines", "ingestion"],
        cwd=PROJECT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "interactions.parquet" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
