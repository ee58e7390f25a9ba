"""Rankings and accuracy metrics against values worked by hand."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.errors import InputError
from doppelcart.metrics import ranking
from doppelcart.metrics.ranking import METRICS, hits, per_user, top_k

# User 0: hits at ranks 1 and 3, three relevant items, one of them (5) not listed.
# User 1: one relevant item, not listed. User 2: nothing relevant. User 3: six relevant items.
RANKED = np.array([[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [3, 2, 0, 6]])
RELEVANT = sparse.csr_matrix(
    np.array(
        [
            [1, 0, 1, 0, 0, 1, 0],
            [0, 0, 0, 0, 1, 0, 0],
            [0, 0, 0, 0, 0, 0, 0],
            [1, 1, 0, 1, 1, 1, 1],
        ],
        dtype=np.float32,
    )
)
LOG3, LOG5 = np.log2(3), np.log2(5)


@pytest.mark.parametrize(
    ("name", "k", "expected"),
    [
        (
            "ndcg",
            4,
            [
                (1 + 1 / 2) / (1 + 1 / LOG3 + 1 / 2),
                0,
                np.nan,
                (1 + 1 / 2 + 1 / LOG5) / (1 + 1 / LOG3 + 1 / 2 + 1 / LOG5),
            ],
        ),
        ("ndcg", 2, [1 / (1 + 1 / LOG3), 0, np.nan, 1 / (1 + 1 / LOG3)]),
        ("recall", 4, [2 / 3, 0, np.nan, 3 / 4]),
        ("recall", 2, [1 / 2, 0, np.nan, 1 / 2]),
        ("precision", 4, [2 / 4, 0, np.nan, 3 / 4]),
        ("precision", 2, [1 / 2, 0, np.nan, 1 / 2]),
        ("average_precision", 4, [(1 + 2 / 3) / 3, 0, np.nan, (1 + 2 / 3 + 3 / 4) / 4]),
        ("average_precision", 2, [1 / 2, 0, np.nan, 1 / 2]),
        ("hit_rate", 4, [1, 0, np.nan, 1]),
        ("reciprocal_rank", 4, [1, 0, np.nan, 1]),
    ],
)
def test_metrics_by_hand(name: str, k: int, expected: list[float]) -> None:
    values = METRICS[name](RANKED, RELEVANT, k)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, expected)
    np.testing.assert_array_equal(values, per_user(RANKED, RELEVANT, (k,), (name,))[f"{name}@{k}"])


def test_reciprocal_rank_of_a_later_hit() -> None:
    ranked = np.array([[1, 3, 5]])
    assert ranking.reciprocal_rank(ranked, RELEVANT[:1], 3).tolist() == [1 / 3]
    assert ranking.reciprocal_rank(ranked, RELEVANT[:1], 2).tolist() == [0]


def test_an_ended_list_has_no_hits_after_its_end() -> None:
    # -1 must not be read as the last item, which is relevant to this user.
    found = hits(np.array([[3, -1]]), RELEVANT[3:])
    assert found.tolist() == [[True, False]]


def test_explicit_zeros_are_not_relevant() -> None:
    relevant = RELEVANT[:1].copy()
    relevant.data[0] = 0
    assert hits(np.array([[0, 2]]), relevant).tolist() == [[False, True]]
    assert ranking.recall(np.array([[0, 2]]), relevant, 2).tolist() == [0.5]


def test_per_user_names_each_metric_and_length() -> None:
    table = per_user(RANKED, RELEVANT, (1, 4), ("ndcg", "recall"))
    assert list(table) == ["ndcg@1", "recall@1", "ndcg@4", "recall@4"]


def test_no_users() -> None:
    ranked = top_k(np.empty((0, 7), dtype=np.float32), None, 3)
    assert ranked.shape == (0, 3)
    assert per_user(ranked, RELEVANT[:0], (3,))["ndcg@3"].shape == (0,)


@pytest.mark.parametrize("k", [0, 5])
def test_lists_must_be_long_enough(k: int) -> None:
    with pytest.raises(InputError, match="lists"):
        ranking.ndcg(RANKED, RELEVANT, k)


def test_lists_must_fit_the_users() -> None:
    with pytest.raises(InputError, match="4 ranked lists but relevant items of 3"):
        ranking.ndcg(RANKED, RELEVANT[:3], 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_top_k_is_a_stable_sort(dtype: type) -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (200, 40)).astype(dtype)
    seen = sparse.csr_matrix(rng.random((200, 40)) < 0.3, dtype=np.float32)
    masked = np.where(seen.toarray() > 0, -np.inf, scores)
    expected = np.argsort(-masked, axis=1, kind="stable")
    for k in (1, 7, 20):
        np.testing.assert_array_equal(top_k(scores, seen, k), expected[:, :k])
    np.testing.assert_array_equal(
        top_k(scores, None, 40), np.argsort(-scores, axis=1, kind="stable")
    )


def test_top_k_leaves_its_input_alone() -> None:
    scores = np.array([[3.0, 2.0, 1.0]], dtype=np.float32)
    seen = sparse.csr_matrix([[1, 0, 0]])
    scores.flags.writeable = False
    assert top_k(scores, seen, 1).tolist() == [[1]]


def test_top_k_fills_up_what_is_left() -> None:
    scores = np.array([[3.0, 2.0, -np.inf], [1.0, 2.0, 3.0]])
    seen = sparse.csr_matrix([[1, 0, 0], [1, 1, 1]])
    assert top_k(scores, seen, 4).tolist() == [[1, -1, -1, -1], [-1, -1, -1, -1]]
    assert top_k(scores, seen, 2).tolist() == [[1, -1], [-1, -1]]


def test_seen_zeros_may_be_recommended() -> None:
    seen = sparse.csr_matrix((np.zeros(1), ([0], [0])), shape=(1, 2))
    assert top_k(np.array([[2.0, 1.0]]), seen, 1).tolist() == [[0]]


@pytest.mark.parametrize(
    ("scores", "seen", "k", "message"),
    [
        ([[1.0, np.nan], [1.0, 2.0]], None, 1, "1 of 2 users"),
        ([[1.0, 2.0]], None, 0, "k is 0"),
        ([[1.0, 2.0]], sparse.csr_matrix((1, 3)), 1, "seen items are"),
    ],
)
def test_top_k_refuses(scores: list, seen: object, k: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        top_k(np.array(scores), seen, k)
