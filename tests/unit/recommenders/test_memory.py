"""What a recommender says that a fit takes is what it takes."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from doppelcart.recommenders import (
    RECOMMENDERS,
    EASEConfig,
    GSASRecConfig,
    IALSConfig,
    ItemKNNConfig,
    MultVAEConfig,
    PureSVDConfig,
    RecommenderConfig,
)

CONFIGS = {
    "ease": [EASEConfig(l2=l2, centred=True) for l2 in (10.0, 100.0, 1000.0)],
    "itemknn": [ItemKNNConfig(shrink=5), ItemKNNConfig(shrink=0, neighbours=20)],
    "puresvd": [PureSVDConfig(rank=20), PureSVDConfig(rank=80)],
    "ials": [IALSConfig(factors=64, iterations=1), IALSConfig(factors=32, iterations=1)],
}
SHAPES = [(900, 700), (600, 1200)]


def shop(n_users: int, n_items: int) -> sparse.csr_matrix:
    rng = np.random.default_rng(0)
    matrix = sparse.random(n_users, n_items, density=0.05, random_state=rng, format="csr")
    matrix.data[:] = 1
    return matrix.astype(np.float32)


def peak(name: str, train: sparse.csr_matrix, configs: list[RecommenderConfig]) -> int:
    RECOMMENDERS[name]().fit(train[:9]).score(train[:2], configs[0])  # what is imported is no need
    tracemalloc.start()
    try:
        recommender = RECOMMENDERS[name]().fit(train)
        for _ in recommender.score_each(train[:20], configs):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CONFIGS)
def test_an_estimate_is_an_upper_bound(name: str, shape: tuple[int, int]) -> None:
    train = shop(*shape)
    beside = 6 * 12 * train.nnz + 20 * 8 * 4 * shape[1]
    said = RECOMMENDERS[name].memory(*shape, CONFIGS[name])
    assert peak(name, train, CONFIGS[name]) <= said + beside


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["ease", "puresvd", "itemknn"])
def test_an_estimate_is_no_more_than_twice_what_is_taken(name: str, shape: tuple[int, int]) -> None:
    said = RECOMMENDERS[name].memory(*shape, CONFIGS[name])
    assert said <= 2 * peak(name, shop(*shape), CONFIGS[name])


def test_what_is_learned_of_a_large_catalogue_is_counted() -> None:
    """By hand: bytes per cell of 30,000 items' matrices, in double and single precision."""
    grid = [EASEConfig(l2=l2, centred=centred) for l2 in (1, 10, 100) for centred in (False, True)]
    one, more = (RECOMMENDERS["ease"].memory(60_000, 30_000, tried) for tried in (grid[:2], grid))
    assert one == (8 + 8 + 4) * 30_000**2
    assert more == (8 + 8 + 4 + 4) * 30_000**2
    assert RECOMMENDERS["popularity"].memory(60_000, 30_000, []) == 0
    network = 2 * 4 * 30_000 * 200
    assert RECOMMENDERS["multvae"].memory(60_000, 30_000, [MultVAEConfig()]) == (
        5 * network + 6 * 4 * 30_000 * 100
    )
    config = GSASRecConfig(dimension=10, blocks=2, heads=2, length=20, negatives=30, batch_size=40)
    vectors, places = 4 * (30_000 + 20) * 10, 40 * 20
    assert RECOMMENDERS["gsasrec"].memory(60_000, 30_000, [config]) == (
        6 * vectors + 4 * places * (2 * (20 * 10 + 4 * 2 * 20) + 4 * 30)
    )
