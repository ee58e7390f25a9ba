"""Combinations by imagined items and by recombination: by hand, without training anything."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.pipelines.ideas import imagining_ideas
from doppelcart.pipelines.ideas.combinations import combine_items
from doppelcart.pipelines.ideas.params import IdeasTrainingConfig, ImaginedParams

from .conftest import features_of

PARAMS = ImaginedParams(household_units=2, purchases=200, draws=500, weights=(0.0, 0.5, 1.0))


class Certain:
    """A generator that imagines one value of every attribute for all."""

    def __init__(self, attributes: Any, codes: list[int]) -> None:
        self.columns, self.width = attributes.starts + codes, attributes.width

    def __call__(self, fed: dict[str, np.ndarray], training: bool) -> np.ndarray:
        logits = np.full((len(fed["noise"]), self.width), -50.0, dtype=np.float32)
        logits[:, self.columns] = 50.0
        return logits


@pytest.fixture(scope="module")
def asked(planted) -> tuple[Any, Any, Any]:
    (cut,), features = planted
    return (
        cut.judged,
        features,
        imagining_ideas.attributes_of(cut.judged, features, PARAMS),
    )


def test_what_is_imagined_for_certain_is_all_that_is_wanted(asked):
    combinations, features, attributes = asked
    purchases = imagining_ideas.purchases_of(combinations, features, PARAMS, 0)
    assert len(purchases.user) == 200
    codes = attributes.codes[combinations.window.old[0]].tolist()
    parts = imagining_ideas.parts_of(combinations, features, attributes)
    imagination = imagining_ideas.Imagination(
        Certain(attributes, codes), purchases, attributes, parts
    )
    mass = imagining_ideas.wanted(imagination, IdeasTrainingConfig(), 500, 0)
    kind, maker = np.unravel_index(np.argmax(mass), mass.shape)
    assert combinations.items[kind, maker] > 0
    assert mass[kind, maker] == pytest.approx(500)
    assert mass.sum() == pytest.approx(500)


def test_kinds_that_share_a_code_are_weighted_by_what_was_bought(asked):
    combinations, features, _ = asked
    params = PARAMS.model_copy(update={"largest_head": 5})
    attributes = imagining_ideas.attributes_of(combinations, features, params)
    parts = imagining_ideas.parts_of(combinations, features, attributes)
    for codes, weights in zip(parts.codes, parts.weights, strict=True):
        assert set(codes) == set(range(6))
        # Five are told apart, and all others share a code, by their lines.
        assert np.bincount(codes, weights=weights) == pytest.approx(1)
        assert (weights[codes > 0] == 1).all()


def test_recombination_by_hand(planted):
    (cut,), _ = planted
    items = pd.DataFrame(
        {
            "item_id": ["a", "b", "c"],
            "category": ["x", "x", "y"],
            "type": ["jam", "tea", "tea"],
            "manufacturer": ["k", "m", "k"],
        }
    )
    features = features_of(items)
    window = dataclasses.replace(
        cut.judged.window,
        user_ids=np.array(["u", "v"]),
        old=np.arange(3),
        new=np.array([], dtype=int),
        launched=np.array([], dtype=int),
        counts=sparse.csr_matrix(np.array([[1.0, 2, 0], [0, 0, 1]], dtype=np.float32)),
        recent_launch=np.zeros(3, dtype=bool),
    )
    found = imagining_ideas.recombined(combine_items(window, features), features)
    # The first household's two items of a category make four pairs, each by half: jam and tea by
    # k and m; the other's tea is by k, in a category of its own.
    assert found.tolist() == [[0.5, 0.5], [1.5, 0.5]]


def test_log_ranks_by_hand():
    found = imagining_ideas.log_ranks(np.array([[3.0, 1], [2, 2]]))
    assert found == pytest.approx(-np.log1p(np.array([[0, 3], [1, 1]])))


def test_of_weights_with_as_many_hits_the_least_is_chosen(asked):
    combinations, _, _ = asked
    right = np.zeros(combinations.shape, dtype=np.float32)
    right[combinations.launched[:, 0], combinations.launched[:, 1]] = 1
    nothing = np.zeros_like(right)
    n = len(combinations.launched)
    weight, rows = imagining_ideas.choose_weight(combinations, right, nothing, PARAMS, n)
    assert weight == 0
    assert [row[f"hits_{n}"] for row in rows] == [n, n, n]
    weight, _ = imagining_ideas.choose_weight(combinations, nothing, right, PARAMS, n)
    assert weight == 0.5
