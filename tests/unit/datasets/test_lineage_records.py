"""Records of lineage as a node reads them."""

import pytest
from kedro.io.core import DatasetError

from doppelcart.data.lineage import FOLDER, Records, source
from doppelcart.datasets.lineage_records import LineageRecords


def test_they_are_those_that_were_noted_and_nobody_writes_them(tmp_path):
    dataset = LineageRecords(data_root=str(tmp_path))
    assert dataset.load() == {}
    log = source("log", "abc")
    Records(tmp_path / FOLDER).write(log)
    assert dataset.load() == {"log": log}
    assert dataset.exists()
    with pytest.raises(DatasetError):
        dataset.save(None)
