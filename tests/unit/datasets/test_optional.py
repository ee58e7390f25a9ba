"""A table that nobody has made is empty, and one that was made is read as it was written."""

from pathlib import Path

import pandas as pd

from doppelcart.datasets.optional import OptionalTable


def test_nothing_saved_is_an_empty_table(tmp_path: Path) -> None:
    dataset = OptionalTable(filepath=str(tmp_path / "table.csv"), save_args={"index": False})
    assert dataset.load().empty
    table = pd.DataFrame({"segment": ["old"], "relative": [0.1 + 0.2]})
    dataset.save(table)
    pd.testing.assert_frame_equal(dataset.load(), table)
