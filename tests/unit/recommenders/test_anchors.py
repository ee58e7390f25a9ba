"""Known figures on CFGAN's split of ML-100K: full ranking, every rating positive."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.metrics.ranking import per_user, top_k
from doppelcart.recommenders import (
    RECOMMENDERS,
    EASEConfig,
    IALSConfig,
    ItemKNNConfig,
    PopularityConfig,
    PureSVDConfig,
    RecommenderConfig,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def split(
    shared_data: Callable[[str], Path],
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    folder = shared_data("cfgan_ml100k")
    parts = [
        pd.read_csv(folder / f"ML100K.{part}", sep=r"\s+", header=None)
        for part in ("train", "test")
    ]
    shape = tuple(max(part[column].max() for part in parts) + 1 for column in (0, 1))
    train, test = (
        sparse.csr_matrix((np.ones(len(part), np.float32), (part[0], part[1])), shape=shape)
        for part in parts
    )
    return train, test


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("popularity", PopularityConfig(), {"precision@5": 0.208, "ndcg@20": 0.213}),
        (
            "itemknn",
            ItemKNNConfig(shrink=10, neighbours=200),
            {"precision@5": 0.392, "precision@20": 0.260, "ndcg@5": 0.421, "ndcg@20": 0.384},
        ),
        (
            "puresvd",
            PureSVDConfig(rank=20),
            {"precision@5": 0.429, "precision@20": 0.285, "ndcg@5": 0.463, "ndcg@20": 0.424},
        ),
        (
            "ials",
            IALSConfig(factors=64, regularization=20, alpha=2),
            {"precision@5": 0.434, "precision@20": 0.294, "ndcg@5": 0.471, "ndcg@20": 0.435},
        ),
        (
            "ease",
            EASEConfig(l2=400),
            {
                "precision@5": 0.446,
                "precision@20": 0.293,
                "ndcg@5": 0.481,
                "ndcg@20": 0.437,
                "reciprocal_rank@20": 0.691,
            },
        ),
    ],
)
def test_anchor(
    split: tuple[sparse.csr_matrix, sparse.csr_matrix],
    name: str,
    config: RecommenderConfig,
    expected: dict[str, float],
) -> None:
    train, test = split
    ranked = top_k(RECOMMENDERS[name]().fit(train).score(train, config), train, 20)
    reached = per_user(ranked, test, (5, 20), ("precision", "ndcg", "reciprocal_rank"))
    # iALS was measured from another random start.
    tolerance = 0.008 if name == "ials" else 0.002
    for metric, value in expected.items():
        assert np.nanmean(reached[metric]) == pytest.approx(value, abs=tolerance), metric
