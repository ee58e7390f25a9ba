"""The public logs and the worked example go through the table pipelines."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

PROJECT = Path(__file__).resolve().parents[2]


def run_tables(command: str, folder: Path, **variables: str) -> Path:
    """Run a command as the documents give it; returns the folder of its data."""
    words = shlex.split(command)
    assert words[0] == "kedro"
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=PROJECT,
        env={
            **os.environ,
            "DOPPELCART_DATA": str(folder),
            "DOPPELCART_TRACKING": "off",
            **variables,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def report(folder: Path) -> pd.Series:
    """Rows by table and rule."""
    table = pd.read_csv(folder / "08_reporting" / "cleaning_report.csv")
    return table.set_index(["table", "rule"])["rows"]


def test_the_worked_example_of_the_documents_runs(tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "your-shop.md").read_text()
    (command,) = re.findall(r"```bash\n(.*?)\n```", text)
    folder = run_tables(command, tmp_path)
    rows = report(folder)["interactions"]
    assert rows["kept"] == 475
    taken = {"missing_id": 1, "non_product": 1, "cancellation": 1, "cancelled_original": 1}
    assert rows[rows > 0].drop("kept").to_dict() == taken
    summary = json.loads((folder / "02_intermediate" / "source_summary.json").read_text())
    assert {entry["table"] for entry in summary["skipped"]} >= {"promotions", "reviews"}
    for path in re.findall(r"`data/csv/(\S+)`", text):
        assert (folder / path).is_file(), path


def test_online_retail_is_cleaned_of_what_is_no_sale(
    tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    path = shared_data("online_retail") / "online_retail_2009_2010.parquet"
    folder = run_tables(
        "kedro run --env online_retail --pipelines ingestion,cleaning,split",
        tmp_path,
        DOPPELCART_ONLINE_RETAIL=str(path),
    )
    rows = report(folder)["interactions"]
    # Counted in the raw file: lines of guests.
    assert rows["missing_id"] == 107_927
    assert rows.sum() == 525_461
    assert rows["cancelled_original"] > 3000
    assert rows["kept"] > 375_000
    lines = pd.read_parquet(folder / "03_primary" / "prm_interactions.parquet")
    assert not lines["basket_id"].str.startswith("C").any()
    assert not lines["item_id"].isin(["POST", "M", "BANK CHARGES", "TEST001"]).any()
    assert lines.groupby("item_id")["user_id"].nunique().min() >= 20


def test_movielens_goes_without_amounts(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    folder = run_tables(
        "kedro run --env movielens --pipelines ingestion,cleaning,split",
        tmp_path,
        DOPPELCART_MOVIELENS=str(shared_data("ml100k")),
    )
    lines = pd.read_parquet(folder / "03_primary" / "prm_interactions.parquet")
    assert lines["amount"].isna().all()
    assert len(lines) > 50_000
    # 1997-09-20 to 1998-04-22, as the data's own documentation says.
    assert lines["timestamp"].min() >= pd.Timestamp("1997-09-19")
    assert lines["timestamp"].max() <= pd.Timestamp("1998-04-23")
