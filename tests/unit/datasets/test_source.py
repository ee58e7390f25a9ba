import hashlib
from pathlib import Path

import pandas as pd
import pytest
from kedro.io.core import DatasetError

from doppelcart.datasets.source import SourceFiles, SourceTables
from doppelcart.errors import InputError

FRAME = pd.DataFrame({"who": ["a", "b"], "n": [1, 2]})


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "t.parquet")
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    FRAME.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    FRAME.to_csv(tmp_path / "t.txt", index=False, sep=";")
    FRAME.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    files = {kind: {"path": str(tmp_path / f"t.{kind}")} for kind in ("parquet", "csv", "tsv")}
    files["lines"] = {"path": str(tmp_path / "t.jsonl")}
    files["text"] = {
        "path": str(tmp_path / "t.txt"),
        "format": "csv",
        "options": {"delim": ";"},
    }
    for name, table in SourceTables(files).load().items():
        assert table.to_pandas().to_dict("list") == FRAME.to_dict("list"), name


def test_of_a_workbook_the_first_sheet_is_read_and_others_only_if_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("openpyxl", reason="reading workbooks is optional")
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"invoice": [1, "C2"]}).to_excel(writer, sheet_name="one", index=False)
        pd.DataFrame({"invoice": [3]}).to_excel(writer, sheet_name="two", index=False)
    first = SourceTables({"book": {"path": str(path)}}).load()["book"]
    assert first.to_pandas()["invoice"].tolist() == ["1", "C2"]
    assert "only the first of its 2 sheets is read, 'one'" in caplog.text
    spec = {"path": str(path), "options": {"sheet_name": None}}
    both = SourceTables({"book": spec}).load()["book"]
    assert both.to_pandas()["invoice"].tolist() == ["1", "C2", "3"]


def test_all_absent_files_are_named_at_once(tmp_path: Path) -> None:
    files = {"one": {"path": str(tmp_path / "1.csv")}, "two": {"path": str(tmp_path / "2.csv")}}
    for dataset in (SourceTables(files), SourceFiles(files)):
        assert not dataset.exists()
        with pytest.raises(InputError) as raised:
            dataset.load()
        assert "1.csv" in str(raised.value)
        assert "2.csv" in str(raised.value)
        assert "source: files:" in str(raised.value)


def test_an_ending_that_tells_no_format_asks_for_one(tmp_path: Path) -> None:
    (tmp_path / "log.dat").write_text("x\n1\n")
    with pytest.raises(InputError, match="set `format` to one of"):
        SourceTables({"log": {"path": str(tmp_path / "log.dat")}}).load()


def test_a_file_that_is_not_what_it_says_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(InputError, match=r"file log \(.*t.parquet\) cannot be read as parquet"):
        SourceTables({"log": {"path": str(tmp_path / "t.parquet")}}).load()


def test_fingerprints_are_those_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"x\n1\n")
    row = SourceFiles({"log": {"path": str(tmp_path / "t.csv")}}).load().iloc[0]
    assert row["bytes"] == 4
    assert row["sha256"] == hashlib.sha256(b"x\n1\n").hexdigest()


def test_a_source_is_never_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"x\n1\n")
    for dataset in (SourceTables, SourceFiles):
        with pytest.raises(DatasetError, match="never written"):
            dataset({"log": {"path": str(tmp_path / "t.csv")}}).save({})
