import numpy as np
import pandas as pd
import pytest

from doppelcart.datasets.skops_dataset import SkopsDataset
from doppelcart.pipelines.profiles.words import WordCoordinates, document, has_words

ITEMS = pd.DataFrame(
    {
        "category": ["Cat food", "Cat food", "Beer", None],
        "title": ["Salmon chunks for cats", "Tuna chunks for cats", "Pale ale, 6 x 330 ml", None],
    }
)


def test_a_document_holds_words_and_whole_values() -> None:
    assert document({"category": "Cat food", "title": None}) == "cat food category:cat_food"
    # single letters and signs say nothing
    assert document({"title": "Ale, 6 x 330 ml"}) == "ale 330 ml title:ale_330_ml"
    assert document({"title": float("nan")}) == ""


def test_like_items_lie_near_each_other() -> None:
    places = WordCoordinates(2).fit(ITEMS).transform(ITEMS)
    likeness = places @ places.T
    assert likeness[0, 1] > 0.9
    assert abs(likeness[0, 2]) < 1e-6
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), [1, 1, 1, 0], atol=1e-9)


def test_a_small_vocabulary_gives_fewer_coordinates() -> None:
    words = WordCoordinates(64).fit(ITEMS)
    assert words.transform(ITEMS).shape == (4, 4)
    assert list(words.get_feature_names_out()) == ["words_00", "words_01", "words_02", "words_03"]


def test_the_same_seed_gives_the_same_coordinates() -> None:
    first, second = (WordCoordinates(2, seed=3).fit(ITEMS).transform(ITEMS) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_an_unknown_word_says_nothing() -> None:
    words = WordCoordinates(2).fit(ITEMS)
    other = pd.DataFrame({"category": ["Candles"], "title": ["Lavender"]})
    np.testing.assert_array_equal(words.transform(other), np.zeros((1, 2)))


@pytest.mark.parametrize("texts", [["", None], ["-", "x 1"], [None, None]])
def test_texts_without_a_word_are_told_apart(texts: list[str | None]) -> None:
    assert not has_words(pd.Series(texts, dtype=object))
    assert has_words(pd.Series([*texts, "ale"], dtype=object))


def test_coordinates_are_saved_without_pickle(tmp_path) -> None:
    trusted = ["doppelcart.pipelines.profiles.words.WordCoordinates"]
    dataset = SkopsDataset(filepath=str(tmp_path / "words.skops"), trusted=trusted)
    words = WordCoordinates(2).fit(ITEMS)
    dataset.save(words)
    np.testing.assert_allclose(dataset.load().transform(ITEMS), words.transform(ITEMS))
