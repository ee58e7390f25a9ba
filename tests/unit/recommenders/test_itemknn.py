"""ItemKNN against similarities worked by hand."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.recommenders import ItemKNN, ItemKNNConfig, itemknn

# Users of items 0, 1, 2: 3, 2, 1. Bought together: 0 and 1 twice, 0 and 2 once, 1 and 2 once.
TRAIN = sparse.csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]], dtype=np.float32))
ONE_EACH = np.eye(3, dtype=np.float32)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            ItemKNNConfig(shrink=0, alpha=1),
            [[0, 2 / 3, 1 / 3], [2 / 2, 0, 1 / 2], [1 / 1, 1 / 1, 0]],
        ),
        (
            ItemKNNConfig(shrink=0, alpha=0.5),
            [[0, 2 / 6**0.5, 1 / 3**0.5], [2 / 6**0.5, 0, 1 / 2**0.5], [1 / 3**0.5, 1 / 2**0.5, 0]],
        ),
        (
            ItemKNNConfig(shrink=2, alpha=1),
            [[0, 2 / 5, 1 / 5], [2 / 4, 0, 1 / 4], [1 / 3, 1 / 3, 0]],
        ),
        # Of each candidate (column) only its most similar known item stays.
        (ItemKNNConfig(shrink=0, alpha=1, neighbours=1), [[0, 0, 0], [1, 0, 1 / 2], [0, 1, 0]]),
    ],
)
@pytest.mark.parametrize("form", [sparse.csr_matrix, np.asarray])
def test_similarities_by_hand(config: ItemKNNConfig, expected: list, form: type) -> None:
    if config.neighbours:
        # Candidate 0 is as similar to item 1 (2 / 2) as to item 2 (1 / 1): make it 1 clearly.
        config = ItemKNNConfig(shrink=0.01, alpha=1, neighbours=1)
    scores = ItemKNN().fit(TRAIN).score(form(ONE_EACH), config)
    np.testing.assert_allclose(scores, expected, rtol=0.02, atol=1e-6)


def test_a_history_sums_its_items() -> None:
    knn = ItemKNN().fit(TRAIN)
    both = knn.score(sparse.csr_matrix([[0, 1, 0.5]]), ItemKNNConfig(shrink=0, alpha=1))
    np.testing.assert_allclose(both, [[1 + 0.5, 0.5, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("neighbours", [0, 4])
@pytest.mark.parametrize("dense_from", [0.0, 1.0])
def test_blocks_do_not_show(
    neighbours: int, dense_from: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    train = sparse.csr_matrix((rng.random((20, 23)) < 0.3).astype(np.float32))
    config = ItemKNNConfig(neighbours=neighbours)
    whole = ItemKNN().fit(train).score(train, config)
    monkeypatch.setattr(itemknn, "_BLOCK", 5)
    monkeypatch.setattr(itemknn, "_DENSE_FROM", dense_from)
    blocks = ItemKNN().fit(train).score(train, config)
    np.testing.assert_allclose(blocks, whole, rtol=1e-5, atol=1e-6)


def test_neighbours_are_looked_up_once_per_config_and_forgotten_by_a_new_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[slice] = []
    pairs_of = ItemKNN._pairs_of

    def counted(self: ItemKNN, candidates: slice) -> np.ndarray:
        looked_at.append(candidates)
        return pairs_of(self, candidates)

    monkeypatch.setattr(ItemKNN, "_pairs_of", counted)
    configs = [ItemKNNConfig(shrink=shrink, neighbours=1) for shrink in (0.0, 1.0)]
    knn = ItemKNN().fit(TRAIN)
    first = [scores.copy() for scores in knn.score_each(TRAIN, configs)]
    again = [knn.score(TRAIN, config) for config in configs]
    assert len(looked_at) == 1, "one pass over the one block, for both configs"
    np.testing.assert_array_equal(first, again)
    other = sparse.csr_matrix(np.array([[0, 1, 1], [1, 1, 0]], dtype=np.float32))
    refitted = knn.fit(other).score(TRAIN, configs[0])
    np.testing.assert_array_equal(refitted, ItemKNN().fit(other).score(TRAIN, configs[0]))
    assert not np.array_equal(refitted, first[0])
