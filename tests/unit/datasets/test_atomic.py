from pathlib import Path

import ibis
import pytest
from kedro.io import DatasetError
from kedro.io.core import parse_dataset_definition

from doppelcart.data.storage import replacing
from doppelcart.datasets.atomic import ONE_FILE, one_file
from doppelcart.datasets.table import TableDataset
from doppelcart.errors import StorageError


def test_a_failure_leaves_what_was_there_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(RuntimeError), replacing(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_a_storage_error_that_says_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"No space left.*DOPPELCART_DATA.*untouched"),
        replacing(tmp_path / "file"),
    ):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_file_that_may_not_be_read_meanwhile_is_no_error_of_writing(tmp_path: Path) -> None:
    denied = PermissionError(13, "Permission denied", str(tmp_path / "source.csv"))
    with pytest.raises(PermissionError), replacing(tmp_path / "file"):
        raise denied
    assert not list(tmp_path.iterdir())


def test_the_temporary_file_is_of_the_same_kind(tmp_path: Path) -> None:
    with replacing(tmp_path / "table.csv") as temporary:
        assert temporary.suffix == ".csv"
        assert temporary.parent == tmp_path


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError), replacing(tmp_path / "file" / "table.parquet"):
        pass


def test_a_table_whose_query_fails_leaves_the_former_one(tmp_path: Path) -> None:
    dataset = TableDataset(filepath=str(tmp_path / "t.parquet"), file_format="parquet")
    dataset.save(ibis.memtable({"x": ["1", "2"]}))
    with pytest.raises(DatasetError, match="Conversion"):
        dataset.save(ibis.memtable({"x": ["1", "not a number"]}).mutate(y=ibis._.x.cast("int64")))
    assert dataset.load().to_pandas()["x"].tolist() == ["1", "2"]
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_a_table_may_be_saved_over_the_file_it_is_read_from(tmp_path: Path) -> None:
    dataset = TableDataset(filepath=str(tmp_path / "t.parquet"), file_format="parquet")
    dataset.save(ibis.memtable({"x": [1, 2, 3]}))
    table = dataset.load()
    dataset.save(table.filter(table["x"] > 1))
    assert dataset.load().to_pandas()["x"].tolist() == [2, 3]


@pytest.mark.parametrize("kind", sorted(ONE_FILE))
def test_a_shipped_dataset_is_known_by_its_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    declared, _ = parse_dataset_definition({"type": kind})
    assert one_file(declared(filepath=str(path))) == path
    assert one_file(type("Another", (declared,), {})(filepath=str(path))) == path


def test_a_dataset_of_another_kind_is_not_taken_for_one_file(tmp_path: Path) -> None:
    table = TableDataset(filepath=str(tmp_path / "t.parquet"), file_format="parquet")
    assert one_file(table) is None
