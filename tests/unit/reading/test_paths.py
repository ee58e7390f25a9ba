"""The file that is named is the file that is read."""

from pathlib import Path

import pytest
from shops import FORMATS, log_of, write

from doppelcart.datasets.source import SourceTables
from doppelcart.errors import InputError
from doppelcart.pipelines.ingestion.params import Source

MINE = {"customer": ["a", "b"], "article": ["x", "y"], "placed": ["2024-01-01", "2024-01-02"]}
OTHERS = {**MINE, "article": ["no", "other"]}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("name", "neighbour"),
    [("log [1]", "log 1"), ("lo*", "log"), ("lo?", "log"), ("l{a,b}", "la"), ("log [[]", "log [")],
)
def test_signs_of_patterns_in_a_name_read_no_neighbour(
    tmp_path: Path, kind: str, name: str, neighbour: str
) -> None:
    write(tmp_path / f"{neighbour}.{kind}", OTHERS)
    path = write(tmp_path / f"{name}.{kind}", MINE)
    assert log_of(path)["item_id"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("log*.csv", r"names are not taken for patterns.*UNION ALL"),
        ("parts", r"a folder: name one file.*UNION ALL"),
        ("s3://bucket/log.parquet", r"only files on this machine are read"),
        ("https://example.org/log.csv", r"only files on this machine are read"),
        ("none.csv", r"do not exist:\n.*none.csv is not there"),
    ],
)
def test_what_is_no_file_here_is_refused_with_the_reason(
    tmp_path: Path, path: str, reason: str
) -> None:
    (tmp_path / "parts").mkdir()
    write(tmp_path / "log1.csv", MINE)
    full = path if "://" in path else str(tmp_path / path)
    dataset = SourceTables({"log": {"path": full}})
    assert not dataset.exists()
    with pytest.raises(InputError, match=rf"(?s){reason}"):
        dataset.load()


def test_names_that_differ_by_capitals_are_refused() -> None:
    with pytest.raises(ValueError, match="Orders and orders differ by capitals only"):
        Source(
            name="shop",
            files={"Orders": {"path": "a.csv"}, "orders": {"path": "b.csv"}},
            tables={
                "interactions": {
                    "from": "orders",
                    "columns": {"user_id": "u", "item_id": "i", "timestamp": "t"},
                }
            },
        )
