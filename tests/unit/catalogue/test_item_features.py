"""Features of items: values, runs of characters, what is lacking, and how much each counts."""

import logging

import numpy as np
import pandas as pd
import pytest

from doppelcart.catalogue.item_features import (
    PICTURE,
    WORDS,
    ItemFeatures,
    Weighting,
    encode,
    words_of,
)
from doppelcart.catalogue.seen_pictures import SeenPictures
from doppelcart.errors import InputError

ATTRIBUTES, TEXTS = ("type", "brand"), ("title",)


def items(**columns: list) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"item_id": [f"i{n}" for n in range(n)]} | columns)


def features(frame: pd.DataFrame, known: ItemFeatures | None = None) -> ItemFeatures:
    return encode(frame, ATTRIBUTES, TEXTS, (3, 3), known)


def of(found: ItemFeatures, item: str, block: str) -> dict[str, float]:
    row = found.matrix[list(found.item_ids).index(item)].toarray()[0]
    own = (found.blocks == block) & (row != 0)
    return dict(zip(found.columns[own].tolist(), row[own].tolist(), strict=True))


class TestEncode:
    def test_values_become_ones_whatever_their_case_blanks_and_form(self):
        found = features(items(type=["Soup ", "SOUP", "ﬁsh"], brand=["A", None, ""]))
        assert of(found, "i0", "type") == of(found, "i1", "type") == {"soup": 1}
        assert of(found, "i2", "type") == {"fish": 1}
        assert of(found, "i1", "brand") == of(found, "i2", "brand") == {}
        assert found.lacks.tolist() == [
            [False, False, True], [False, True, True], [False, True, True]
        ]  # fmt: skip
        assert found.block_names.tolist() == ["type", "brand", WORDS]
        assert found.values("type").tolist() == [1, 1, 0]
        assert (found.values("brand") >= 0).tolist() == [True, False, False]

    def test_runs_of_characters_are_counted_within_words(self):
        found = features(items(title=["ABAB", "cup"], type=["x", "x"]))
        assert of(found, "i0", WORDS) == {" ab": 1, "aba": 1, "bab": 1, "ab ": 1}
        assert of(found, "i1", WORDS) == {" cu": 1, "cup": 1, "up ": 1}

    @pytest.mark.parametrize(
        "titles",
        [["Хлеб белый", "ХЛЕБ чёрный"], ["抹茶拿铁", "抹茶饼干"], ["شاي أخضر", "شاي أسود"]],
    )
    def test_titles_in_any_script_share_runs(self, titles):
        found = encode(items(title=titles), (), TEXTS, (2, 3))
        both = np.asarray((found.matrix > 0).sum(axis=0)).ravel() == 2
        assert both.any()

    def test_a_new_item_is_encoded_without_the_others(self):
        known = features(items(type=["soup", "tea"], title=["red soup", "green tea"]))
        new = pd.DataFrame({"item_id": ["n"], "type": ["TEA"], "brand": ["unheard"],
                            "title": ["Green moss"]})  # fmt: skip
        found = features(new, known)
        assert found.columns.tolist() == known.columns.tolist()
        assert of(found, "n", "type") == {"tea": 1}
        assert of(found, "n", "brand") == {}
        assert set(of(found, "n", WORDS)) == {" gr", "gre", "ree", "een", "en "}
        assert not found.lacks[0, 1]

    def test_items_of_the_same_features_have_the_same_row(self):
        found = features(items(type=["soup"] * 2, brand=["a"] * 2, title=["red"] * 2))
        assert (found.matrix[0] != found.matrix[1]).nnz == 0

    def test_of_rows_of_one_item_the_fullest_stays_and_a_line_says_so(self, caplog):
        frame = pd.DataFrame(
            {"item_id": ["a", "a", "b"], "type": [None, "soup", "tea"], "brand": [None, "x", None]}
        )
        found = features(frame)
        assert found.item_ids.tolist() == ["a", "b"]
        assert of(found, "a", "type") == {"soup": 1}
        assert "1 rows of items repeat the item_id of another" in caplog.text
        again = features(frame.iloc[::-1])
        assert (found.matrix != again.matrix).nnz == 0

    def test_an_item_without_anything_is_kept_and_counted(self, caplog):
        found = features(items(type=["soup", None], title=["red", "  "]))
        assert found.lacks[1].all()
        assert found.matrix[1].nnz == 0
        assert "1 of 2 items have no attribute and no words" in caplog.text

    def test_a_source_that_says_nothing_is_refused(self):
        with pytest.raises(InputError, match=r"None of 2 items.*type, brand, title.*items.texts"):
            features(items(type=[None, None]))
        with pytest.raises(InputError, match="no items to encode"):
            features(items(type=[]))

    def test_no_warning_without_cause(self, caplog):
        with caplog.at_level(logging.INFO):
            features(items(type=["soup", "tea"], title=["a", "b"]))
        assert caplog.text == ""


def shown(kind: str = "colour", **rows: list[float]) -> SeenPictures:
    columns = np.array([f"{kind} 0", f"{kind} 1"])
    return SeenPictures(np.array(list(rows)), np.array(list(rows.values()), np.float32), columns)


class TestPictures:
    ITEMS = items(type=["soup", "tea", None])

    def with_pictures(self, pictures, known=None):
        return encode(self.ITEMS, ATTRIBUTES, TEXTS, (3, 3), known, pictures)

    def test_a_picture_is_a_block_with_a_mask(self):
        found = self.with_pictures(shown(i0=[0.6, 0.8], i2=[1, 0], elsewhere=[0, 1]))
        assert found.block_names.tolist() == ["type", "brand", WORDS, PICTURE]
        assert of(found, "i0", PICTURE) == pytest.approx({"colour 0": 0.6, "colour 1": 0.8})
        assert of(found, "i1", PICTURE) == {}
        assert found.lacks[:, -1].tolist() == [False, True, False]

    def test_without_pictures_nothing_changes(self):
        bare, none = features(self.ITEMS), self.with_pictures(SeenPictures(
            np.array([], dtype=str), np.empty((0, 2), np.float32), np.array(["a", "b"])
        ))  # fmt: skip
        assert none.block_names.tolist() == bare.block_names.tolist()
        assert (none.matrix != bare.matrix).nnz == 0

    def test_columns_of_before_are_used_and_pictures_may_be_gone(self):
        known = self.with_pictures(shown(i0=[0.6, 0.8], i1=[1, 0]))
        found = self.with_pictures(shown(i2=[0, 1]), known)
        assert of(found, "i2", PICTURE) == {"colour 1": 1}
        gone = self.with_pictures(None, known)
        assert gone.lacks[:, -1].all()
        assert gone.matrix.shape == known.matrix.shape

    def test_pictures_that_were_looked_at_in_another_way_are_refused(self):
        known = self.with_pictures(shown(i0=[0.6, 0.8]))
        with pytest.raises(InputError, match=r"in another way \(lite0\).*\(colour\).*network"):
            self.with_pictures(shown("lite0", i0=[1, 0]), known)

    def test_pictures_of_a_source_that_had_none_are_left_out(self):
        known = features(self.ITEMS)
        found = self.with_pictures(shown(i0=[0.6, 0.8]), known)
        assert found.block_names.tolist() == known.block_names.tolist()


def test_words_are_those_that_are_read_together():
    told = items(title=["Red  Soup", None, " "], type=["SOUP", "tea", None])
    assert words_of(told, ("title", "type")).tolist() == ["red soup soup", "tea", ""]


class TestWeighting:
    def test_rows_are_of_length_one_and_of_zeros_where_nothing_is_known(self):
        found = features(items(type=["a", "a", "b", "b"], title=["cup", "cup", "cup tea", None]))
        bare = Weighting.learn(found, np.arange(3), {})
        rows = bare.rows(found, np.arange(4)).toarray()
        assert np.linalg.norm(rows[:3], axis=1) == pytest.approx(1)
        assert not rows[3].any()

    def test_what_one_known_item_alone_has_is_left_out(self):
        found = features(items(type=["a", "a", "b", "b"], brand=["x", "y", "x", "x"]))
        kept = Weighting.learn(found, np.array([0, 1, 2]), {}).kept
        assert found.columns[kept].tolist() == ["a", "x"]

    def test_rare_runs_count_more_by_hand(self):
        found = features(items(title=["cup", "cup", "cup mug", "cup mug"]))
        own = Weighting.learn(found, np.arange(4), {})
        rarity = dict(zip(found.columns[own.kept].tolist(), own.rarity.tolist(), strict=True))
        assert rarity["cup"] == pytest.approx(1.0)
        assert rarity["mug"] == pytest.approx(np.log(5 / 3) + 1)

    def test_blocks_are_weighted_against_each_other(self):
        found = features(items(type=["a", "a"], brand=["x", "x"]))
        row = Weighting.learn(found, np.arange(2), {"brand": 3.0}).rows(found, [0]).toarray()[0]
        assert row.tolist() == pytest.approx([1 / np.sqrt(10), 3 / np.sqrt(10)])

    def test_the_commonest_runs_are_kept(self):
        found = features(items(title=["cup", "cup", "cup mug", "mug"]))
        own = Weighting.learn(found, np.arange(4), {}, max_runs=3)
        assert found.columns[own.kept].tolist() == [" cu", "cup", "up "]

    def test_nothing_is_learnt_from_other_items(self):
        titles = ["cup", "cup", "mug", "mug"]
        one, two = (features(items(title=[*titles, *more])) for more in (["cup"], ["mug"]))
        learnt = [Weighting.learn(found, np.arange(4), {}).rarity.tolist() for found in (one, two)]
        assert learnt[0] == learnt[1]
