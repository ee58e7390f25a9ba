"""A small model with a known answer."""

import numpy as np
from scipy import sparse

from doppelcart.serving.history_completer import Completer
from doppelcart.serving.model import (
    Catalogue,
    Customers,
    Evidence,
    Facts,
    Model,
    Strategy,
    System,
)
from doppelcart.serving.scorer import FoldIn, ItemWeights, Popular

IDS = ["bread", "butter", "jam", "salt"]
# bread leads to butter and jam, butter to jam, jam to salt
WEIGHTS = np.array([[0, 3, 2, 0], [1, 0, 2, 0], [0, 0, 0, 5], [0, 0, 0, 0]], dtype=np.float32)
POPULARITY = np.array([4, 3, 2, 1], dtype=np.float32)


def facts(name: str, recommender: str, **more: object) -> Facts:
    given = {
        "slice": name, "customers": name, "recommender": recommender, "label": recommender.upper(),
        "arm": "none", "level": 0.0, "config": "{}", "promoted": False,
    }  # fmt: skip
    return Facts.model_validate(given | more)


def make_completer() -> Completer:
    """A generator that reads nothing of a history: every item has the odds of its output bias."""
    units, n_features = 2, 1
    return Completer(
        encoder=np.ones((4, units), np.float32),
        encoder_bias=np.zeros(units, np.float32),
        table=np.ones((4, n_features), np.float32),
        reading=np.zeros((units + 1 + n_features, units), np.float32),
        noises=np.zeros((3, units), np.float32),
        told=np.zeros((1, units), np.float32),
        hidden=np.zeros((units, units), np.float32),
        hidden_bias=np.zeros(units, np.float32),
        scales=np.ones((2, units), np.float32),
        shifts=np.zeros((2, units), np.float32),
        output=np.zeros((units, 4), np.float32),
        output_bias=np.log(np.array([4, 3, 1, 0.25], np.float32)),
        wanted=np.zeros((units, n_features), np.float32),
    )


def make_model(weights: np.ndarray = WEIGHTS) -> Model:
    gained = Evidence(
        metric="ndcg@20", value=0.2, against="the most popular items", relative=0.1,
        relative_low=0.05, relative_high=0.15, n_customers=200,
    )  # fmt: skip
    dense = System(ItemWeights(weights), POPULARITY)
    thin = System(ItemWeights(sparse.csr_matrix(weights)), POPULARITY)
    popular = System(Popular(POPULARITY), POPULARITY)
    factors = System(FoldIn(np.eye(4, 2, dtype=np.float32) + 1, 2.0, 1.0), POPULARITY)
    return Model(
        Catalogue(
            IDS,
            ["Rye bread", "Butter", "Jam", "Salt"],
            {"department": ["bakery", "dairy", "grocery", "grocery"],
             "brand": [None, "Farm", "Farm", None]},
        ),
        Customers(
            np.array(["ann", "bob", "eve"]), np.array([0, 1, 3, 3]),
            np.array([0, 0, 1], dtype=np.int32),
        ),
        {
            "warm": Strategy(facts("warm", "ease", evidence=gained), dense),
            "cold_0": Strategy(facts("cold_0", "popularity"), popular),
            "cold_1": Strategy(facts("cold_1", "itemknn"), thin),
            "cold_5": Strategy(facts("cold_5", "ials"), factors),
        },
        {"customers": 3},
    )  # fmt: skip
