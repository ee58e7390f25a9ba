"""The items pipeline: what the source tells of its items, saved and read again."""

import ibis
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from doppelcart.data.schemas import SCHEMAS
from doppelcart.datasets.atomic import DatasetStorageError
from doppelcart.datasets.npz import (
    ItemEmbedderDataset,
    ItemFeaturesDataset,
    ItemVectorsDataset,
)
from doppelcart.errors import InputError
from doppelcart.pipelines.items.nodes import (
    describe_features,
    embed_items,
    encode_items,
    learn_vectors,
    list_words,
    look_at_pictures,
    sold_items,
)
from doppelcart.pipelines.items.params import EmbeddingParams, ItemsParams, PicturesParams


def canonical(table: str, **columns: list) -> ibis.Table:
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({name: columns.get(name, [None] * n) for name in SCHEMAS[table]})
    return ibis.memtable(frame, schema=ibis.schema(SCHEMAS[table]))


NONE, _ = look_at_pictures(canonical("pictures", item_id=[], path=[]), ItemsParams())
"""What a source shows that has no pictures."""


def encoded():
    listed = canonical("items", item_id=["a", "b", "c"], type=["tea", "tea", None])
    lines = canonical("interactions", item_id=["a", "z", "z"], user_id=["u"] * 3)
    return encode_items(listed, lines, NONE, ItemsParams(texts=("title",)))


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


PARAMS = ItemsParams(
    texts=("title",), embedding=EmbeddingParams(units=2, together_units=2, min_buyers=2)
)


def small_shop():
    """Six items of two types; three users buy each kind, one line is a return."""
    listed = canonical("items", item_id=list("abcdef"), type=["tea", "soup"] * 3)
    users = [f"u{n}" for n in range(6) for _ in range(3)] + ["u0"]
    items = [item for n in range(6) for item in "abcdef"[n % 2 :: 2]] + ["b"]
    quantity = [1.0] * 18 + [-1.0]
    return listed, canonical("interactions", user_id=users, item_id=items, quantity=quantity)


def test_returns_and_items_that_few_bought_teach_nothing():
    listed, lines = small_shop()
    features = encode_items(listed, lines, NONE, PARAMS)
    rows, history = sold_items(features, lines, 3)
    assert rows.tolist() == list(range(6))
    assert history.toarray().sum(axis=0).tolist() == [3] * 6
    with pytest.raises(InputError, match=r"0 of 6 items have 4 buyers.*items.embedding.min_buyers"):
        sold_items(features, lines, 4)


def test_an_embedder_and_vectors_are_read_as_they_were_saved(tmp_path):
    listed, lines = small_shop()
    features = encode_items(listed, lines, NONE, PARAMS)
    embedder = learn_vectors(features, listed, lines, NONE, PARAMS)
    kept = ItemEmbedderDataset(str(tmp_path / "e.npz"))
    kept.save(embedder)
    vectors, changes = embed_items(embedder, listed, lines, NONE)
    again, _ = embed_items(kept.load(), listed, lines, NONE)
    assert vectors.vectors.tobytes() == again.vectors.tobytes()
    assert changes.set_index("state")["items"].to_dict() == {
        "unchanged": 6, "changed": 0, "new": 0, "gone": 0
    }  # fmt: skip
    saved = ItemVectorsDataset(str(tmp_path / "v.npz"))
    saved.save(vectors)
    for name, value in vars(vectors).items():
        assert np.array_equal(getattr(saved.load(), name), value), name


@pytest.mark.parametrize("dataset", [ItemEmbedderDataset, ItemVectorsDataset])
def test_what_is_no_embedder_and_no_vectors_is_refused(tmp_path, dataset):
    np.savez(tmp_path / "f.npz", item_ids=np.array(["a"]))
    with pytest.raises(DatasetStorageError, match="is not a file of"):
        dataset(str(tmp_path / "f.npz")).load()


def test_pictures_of_items_become_features_and_bad_ones_are_put_aside(tmp_path):
    Image.new("RGB", (32, 32), (255, 0, 0)).save(tmp_path / "red.png")
    params = ItemsParams(pictures=PicturesParams(folder=str(tmp_path), network=False))
    table = canonical("pictures", item_id=["a", "b"], path=["red.png", "../b.png"])
    seen, bad = look_at_pictures(table, params)
    assert bad["path"].tolist() == ["../b.png"]
    listed = canonical("items", item_id=["a", "b"], type=["tea", "tea"])
    lines = canonical("interactions", item_id=["a"], user_id=["u"])
    coverage = describe_features(encode_items(listed, lines, seen, params)).set_index("block")
    assert coverage.loc["picture", ["columns", "items", "share"]].tolist() == [640, 1, 0.5]


def test_words_are_listed_for_who_reads_characters():
    listed = canonical("items", item_id=["b", "a"], title=["Tea ", None])
    lines = canonical("interactions", item_id=["z"], user_id=["u"])
    found = list_words(listed, lines, ItemsParams(texts=("title",)))
    assert found.to_dict("list") == {"item_id": ["a", "b", "z"], "words": ["", "tea", ""]}
