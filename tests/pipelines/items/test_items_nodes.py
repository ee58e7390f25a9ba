"""The items pipeline: what the source tells of its items, saved and read again."""

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.data.schemas import SCHEMAS
from doppelcart.datasets.atomic import DatasetStorageError
from doppelcart.datasets.npz import ItemFeaturesDataset
from doppelcart.pipelines.items.nodes import describe_features, encode_items
from doppelcart.pipelines.items.params import ItemsParams


def canonical(table: str, **columns: list) -> ibis.Table:
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({name: columns.get(name, [None] * n) for name in SCHEMAS[table]})
    return ibis.memtable(frame, schema=ibis.schema(SCHEMAS[table]))


def encoded():
    listed = canonical("items", item_id=["a", "b", "c"], type=["tea", "tea", None])
    lines = canonical("interactions", item_id=["a", "z", "z"], user_id=["u"] * 3)
    return encode_items(listed, lines, ItemsParams(texts=("title",)))


def test_an_item_that_is_sold_and_not_listed_lacks_everything():
    found = encoded()
    assert found.item_ids.tolist() == ["a", "b", "c", "z"]
    assert found.lacks.all(axis=1).tolist() == [False, False, True, True]


def test_what_the_source_tells_is_tabled():
    table = describe_features(encoded()).set_index("block")
    assert table.loc["type"].tolist() == [1, 2, 0.5]
    assert table.loc["words"].tolist() == [0, 0, 0.0]


def test_features_are_read_as_they_were_saved(tmp_path):
    dataset, found = ItemFeaturesDataset(str(tmp_path / "f.npz")), encoded()
    dataset.save(found)
    again = dataset.load()
    assert (again.matrix != found.matrix).nnz == 0
    assert again.matrix.dtype == np.float32
    for name in ("item_ids", "columns", "blocks", "block_names", "lacks"):
        assert np.array_equal(getattr(again, name), getattr(found, name)), name


def test_another_archive_is_refused(tmp_path):
    np.savez(tmp_path / "f.npz", item_ids=np.array(["a"]))
    with pytest.raises(DatasetStorageError, match="not a file of features of items"):
        ItemFeaturesDataset(str(tmp_path / "f.npz")).load()


@pytest.mark.parametrize("ngrams", [(0, 3), (4, 3), (3, 21)])
def test_lengths_of_runs_are_bounded(ngrams):
    with pytest.raises(ValueError, match="shortest first"):
        ItemsParams(ngrams=ngrams)
