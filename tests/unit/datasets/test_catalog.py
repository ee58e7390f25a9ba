"""The catalog replaces files whole and names what could not be read or written."""

import errno

import pandas as pd
import pytest
from kedro.io.core import DatasetError
from kedro_datasets.pandas import CSVDataset

from doppelcart.datasets.atomic import DatasetStorageError
from doppelcart.datasets.catalog import NamingCatalog, path_of


@pytest.fixture
def catalog(tmp_path):
    path = tmp_path / "sales.csv"
    return NamingCatalog({"sales": CSVDataset(filepath=str(path), save_args={"index": False})})


def test_what_is_saved_is_read_again(catalog, tmp_path):
    catalog.save("sales", pd.DataFrame({"pieces": [1, 2]}))
    assert catalog.load("sales")["pieces"].tolist() == [1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]
    assert path_of(catalog.get("sales")) == tmp_path / "sales.csv"


def test_a_save_that_fails_leaves_the_former_file_and_names_the_dataset(
    catalog, tmp_path, monkeypatch
):
    catalog.save("sales", pd.DataFrame({"pieces": [1]}))
    before = (tmp_path / "sales.csv").read_bytes()

    def full(*_arguments, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(DatasetStorageError, match=r"Writing sales \(.*sales\.csv\) failed: No sp"):
        catalog.save("sales", pd.DataFrame({"pieces": [2]}))
    assert (tmp_path / "sales.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]


def test_a_file_that_may_not_be_read_is_named(catalog, monkeypatch):
    def refuse(*_arguments, **_named):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(pd, "read_csv", refuse)
    with pytest.raises(DatasetStorageError, match=r"Reading sales \(.*\) failed: Permission den"):
        catalog.load("sales")


def test_a_dataset_that_nobody_knows_is_kedros_affair(catalog):
    with pytest.raises(DatasetError, match="selas"):
        catalog.load("selas")
