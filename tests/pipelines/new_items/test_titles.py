"""New items by what a network reads in titles: by hand, then what is planted is found."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.models.text.title_config import TitleTrainingConfig
from doppelcart.pipelines.new_items import nodes, plain, title_lists
from doppelcart.pipelines.new_items.params import ExperimentParams, SentencesParams, TitlesParams

TRAINING = TitleTrainingConfig(
    length=16, filters=8, hidden_units=16, epochs=40, batch_size=8, learning_rate=0.02, dropout=0
)
PARAMS = TitlesParams(cuts=(0.7,), units=4, l2=(10.0,), powers=(1.0, 8.0), training=TRAINING)
EXPERIMENT = ExperimentParams(list_length=5)
NAMES = ("soup", "tea", "хлеб", "抹茶", "lamp")


def words_of(features) -> pd.DataFrame:
    """An item's title names its type, beside a colour that means nothing."""
    number = [int(item[1:]) for item in features.item_ids]
    colour = ("red", "blue", "grey")
    titles = [f"{colour[n % 3]} {NAMES[n % len(NAMES)]}" for n in number]
    return pd.DataFrame({"item_id": features.item_ids, "words": titles})


def test_directions_have_length_one_and_part_what_is_bought_apart(planted):
    (launch,), _ = planted
    found = title_lists.directions_of(launch.test, 4)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)
    kinds = launch.test.old % 5
    alike = found @ found.T
    assert alike[kinds[:, None] == kinds].mean() > alike[kinds[:, None] != kinds].mean() + 0.5


def test_only_what_was_bought_before_counts(planted):
    (launch,), _ = planted
    window = launch.test
    nobody = sparse.csr_matrix(window.bought.shape, dtype=np.float32)
    other = dataclasses.replace(window, bought=nobody, buyers=0 * window.buyers)
    one, two = (title_lists.directions_of(own, 4) for own in (window, other))
    assert np.array_equal(one, two)


def test_scores_are_passed_on_by_a_power_of_the_likeness(planted):
    (launch,), _ = planted
    window = launch.test
    likeness = np.zeros((len(window.old), 2))
    likeness[0], likeness[1] = [0.5, -1.0], [1.0, 0.0]
    configs = [{"l2": 10.0, "power": power} for power in (1.0, 2.0)]
    ease = plain.ease_scores(window.history, 10.0)[window.judged]
    one, two = title_lists.title_scores(window, likeness, configs)
    assert one[:, 0] == pytest.approx(0.5 * ease[:, 0] + ease[:, 1], rel=1e-5)
    assert two[:, 0] == pytest.approx(0.25 * ease[:, 0] + ease[:, 1], rel=1e-5)
    assert not one[:, 1].any()


def test_a_launch_whose_items_have_no_words_is_left_out(planted, caplog):
    launches, features = planted
    words = words_of(features).assign(words="")
    lists, log, tried = nodes.read_titles(
        launches, features, words, PARAMS, SentencesParams(cuts=PARAMS.cuts), EXPERIMENT
    )
    assert lists == {}
    assert log.empty
    assert tried.columns.tolist() == nodes.TRIED
    assert "No title is read" in caplog.text


@pytest.mark.slow
def test_titles_that_decide_are_found_and_no_others(planted, null):
    worth = {}
    for name, (launches, features) in {"planted": planted, "null": null}.items():
        lists, log, tried = nodes.read_titles(
            launches, features, words_of(features), PARAMS, SentencesParams(), EXPERIMENT
        )
        assert tried["config"].tolist() == ["l2 10, power 1", "l2 10, power 8"]
        assert log["window"].tolist() == ["tuning", "test"]
        window = launches[0].test
        bought = window.bought[window.judged]
        random = plain.random_scores(bought.shape, 0)
        values = [
            title_lists.ndcg(title_lists.top_k(scores, None, 5), bought, 5).mean()
            for scores in (lists[0.7].test["titles"], random)
        ]
        worth[name] = values[0] / values[1]
    assert worth["planted"] > 2
    assert 0.7 < worth["null"] < 1.4
