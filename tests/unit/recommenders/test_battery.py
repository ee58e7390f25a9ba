"""What every recommender must do, on data whose answer is known."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError, ParameterError
from doppelcart.metrics.ranking import top_k
from doppelcart.recommenders import (
    RECOMMENDERS,
    EASEConfig,
    GSASRecConfig,
    IALSConfig,
    ItemKNNConfig,
    MultVAEConfig,
    PopularityConfig,
    PureSVDConfig,
    RecommenderConfig,
)

CASES = {
    "popularity": ("popularity", PopularityConfig()),
    "itemknn": ("itemknn", ItemKNNConfig(shrink=5)),
    "itemknn-conditional": ("itemknn", ItemKNNConfig(shrink=0, alpha=1)),
    "itemknn-neighbours": ("itemknn", ItemKNNConfig(shrink=5, neighbours=5)),
    "ials": ("ials", IALSConfig(factors=2, regularization=1)),
    "puresvd": ("puresvd", PureSVDConfig(rank=2)),
    "ease": ("ease", EASEConfig(l2=5)),
    "ease-centred": ("ease", EASEConfig(l2=5, centred=True)),
    "multvae": (
        "multvae",
        MultVAEConfig(
            hidden_units=24,
            latent_units=4,
            learning_rate=0.02,
            epochs=60,
            batch_size=12,
            patience=60,
        ),
    ),
    "gsasrec": (
        "gsasrec",
        GSASRecConfig(
            dimension=8,
            blocks=1,
            length=8,
            negatives=8,
            learning_rate=0.02,
            epochs=40,
            batch_size=12,
            patience=40,
        ),
    ),
}
PERSONAL = [case for case in CASES if case != "popularity"]
COMPLETED = [case for case in PERSONAL if not RECOMMENDERS[CASES[case][0]].needs_order]
every = pytest.mark.parametrize("case", CASES)

BLOCK = 6


def two_tastes(n_users: int) -> sparse.csr_matrix:
    """Users buy 5 of the 6 items of one of two blocks, and never from the other."""
    dense = np.zeros((n_users, 2 * BLOCK), dtype=np.float32)
    for user in range(n_users):
        start = BLOCK * (user % 2)
        dense[user, start : start + BLOCK] = 1
        dense[user, start + user // 2 % BLOCK] = 0
    return sparse.csr_matrix(dense)


def noisy(n_users: int = 30, n_items: int = 50, seed: int = 1) -> sparse.csr_matrix:
    """Two tastes of unequal strength, with noise: no two singular values are close."""
    rng = np.random.default_rng(seed)
    chance = np.full((n_users, n_items), 0.05)
    chance[: n_users // 3, : n_items // 2] = 0.8
    chance[n_users // 3 :, n_items // 2 :] = 0.5
    return sparse.csr_matrix((rng.random((n_users, n_items)) < chance).astype(np.float32))


def given(case: str, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The matrix; if the order is needed, and ones say nothing of it, as if bought from left on."""
    needs_order = RECOMMENDERS[CASES[case][0]].needs_order
    if not needs_order or isinstance(matrix, np.ndarray) or (matrix.data != 1).any():
        return matrix
    users, items = (np.arange(n).astype(str) for n in matrix.shape)
    return Histories.from_matrix(matrix, users, items).places


def scores(case: str, train: sparse.csr_matrix, seen: sparse.csr_matrix | np.ndarray) -> np.ndarray:
    name, config = CASES[case]
    return RECOMMENDERS[name](seed=3).fit(given(case, train)).score(given(case, seen), config)


def test_registry_names_each_recommender() -> None:
    assert list(RECOMMENDERS) == [
        "popularity",
        "itemknn",
        "ials",
        "puresvd",
        "multvae",
        "gsasrec",
        "ease",
    ]
    assert all(cls.name == name for name, cls in RECOMMENDERS.items())
    assert {name for name, _ in CASES.values()} == set(RECOMMENDERS)


@pytest.mark.parametrize("case", PERSONAL)
@pytest.mark.parametrize("n_users", [12, 48])
def test_finds_the_taste(case: str, n_users: int) -> None:
    seen = sparse.csr_matrix(np.eye(2 * BLOCK, dtype=np.float32)[[0, 1, 6]])
    ranked = top_k(scores(case, two_tastes(n_users), seen), seen, BLOCK - 1)
    assert [sorted(row) for row in ranked.tolist()] == [
        [1, 2, 3, 4, 5],
        [0, 2, 3, 4, 5],
        [7, 8, 9, 10, 11],
    ]


@every
def test_scores_have_shape_and_type(case: str) -> None:
    train = noisy()
    result = scores(case, train, train[:7])
    assert result.shape == (7, 50)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    assert np.isfinite(result).all()


@every
def test_same_seed_same_scores(case: str) -> None:
    train = noisy()
    np.testing.assert_array_equal(scores(case, train, train), scores(case, train, train))


@every
def test_inputs_stay_as_they_were(case: str) -> None:
    train, seen = given(case, noisy()), given(case, noisy(seed=2).tocsc().tocsr())
    before = [array.copy() for m in (train, seen) for array in (m.data, m.indices, m.indptr)]
    for matrix in (train, seen):
        for array in (matrix.data, matrix.indices, matrix.indptr):
            array.flags.writeable = False
    dense = seen.toarray()
    dense.flags.writeable = False
    scores(case, train, seen)
    scores(case, train, dense)
    after = [array for m in (train, seen) for array in (m.data, m.indices, m.indptr)]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


@every
def test_dense_and_sparse_histories_agree(case: str) -> None:
    seen = noisy(seed=5)
    seen.data *= np.random.default_rng(0).random(seen.nnz, dtype=np.float32)
    sparse_scores = scores(case, noisy(), seen)
    dense_scores = scores(case, noisy(), seen.toarray())
    np.testing.assert_allclose(sparse_scores, dense_scores, rtol=1e-4, atol=1e-5)


@every
def test_histories_are_scored_one_by_one(case: str) -> None:
    seen = noisy(seed=5)
    whole = scores(case, noisy(), seen)
    alone = scores(case, noisy(), seen[4:5])
    np.testing.assert_allclose(whole[4:5], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", COMPLETED)
def test_a_completed_item_counts_by_its_weight(case: str) -> None:
    seen = np.zeros((3, 2 * BLOCK), dtype=np.float32)
    seen[:, 6] = 0.5
    seen[:, 0] = [0.0, 0.3, 0.9]
    of_first_block = scores(case, two_tastes(48), seen)[:, 1:BLOCK].mean(axis=1)
    assert of_first_block[0] < of_first_block[1] < of_first_block[2]


@every
def test_an_empty_history_and_no_history(case: str) -> None:
    train = noisy()
    empty = sparse.csr_matrix((2, 50), dtype=np.float32)
    result = scores(case, train, empty)
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(result[0], result[1])
    assert scores(case, train, empty[:0]).shape == (0, 50)


@every
@pytest.mark.parametrize("n_users", [1, 3])
def test_one_item_catalogue(case: str, n_users: int) -> None:
    train = sparse.csr_matrix(np.ones((n_users, 1), dtype=np.float32))
    result = scores(case, train, train[:1])
    assert result.shape == (1, 1)
    assert np.isfinite(result).all()


@every
def test_items_without_users_are_harmless(case: str) -> None:
    train = noisy().toarray()
    train[:, [3, 40]] = 0
    seen = noisy(seed=5)
    result = scores(case, sparse.csr_matrix(train), seen)
    assert np.isfinite(result).all()


POSITION_MATTERS = {
    "ials": "implicit starts each row from a random draw that depends on its position",
    "gsasrec": "vectors begin from random draws, one per item, and histories are in order",
    "multvae": "weights begin from random draws, one per item, and batches from another per user",
    "itemknn-neighbours": "of equally similar neighbours any may be kept",
}


@pytest.mark.parametrize("case", [case for case in CASES if case not in POSITION_MATTERS])
def test_order_of_items_and_users_does_not_matter(case: str) -> None:
    train, seen = noisy(), noisy(seed=5)
    rng = np.random.default_rng(0)
    items, users = rng.permutation(50), rng.permutation(30)
    moved = scores(case, train[users][:, items], seen[:, items])
    np.testing.assert_allclose(moved, scores(case, train, seen)[:, items], rtol=1e-3, atol=1e-4)


@every
def test_a_second_fit_forgets_the_first(case: str) -> None:
    name, config = CASES[case]
    first, second = noisy(), noisy(20, 45, seed=9)
    first, second = given(case, first), given(case, second)
    recommender = RECOMMENDERS[name](seed=3).fit(first)
    recommender.score(first, config)
    again = recommender.fit(second).score(second, config)
    np.testing.assert_array_equal(again, scores(case, second, second))


COPIES = 3


@pytest.mark.parametrize(
    ("name", "config", "scaled"),
    [
        ("puresvd", PureSVDConfig(rank=2), PureSVDConfig(rank=2)),
        ("itemknn", ItemKNNConfig(shrink=4), ItemKNNConfig(shrink=4 * COPIES)),
        (
            "itemknn",
            ItemKNNConfig(shrink=4, alpha=0.8),
            ItemKNNConfig(shrink=4 * COPIES, alpha=0.8),
        ),
        ("ease", EASEConfig(l2=7), EASEConfig(l2=7 * COPIES)),
        ("ease", EASEConfig(l2=7, centred=True), EASEConfig(l2=7 * COPIES, centred=True)),
    ],
)
def test_copied_users_equal_a_re_tuned_config(
    name: str, config: RecommenderConfig, scaled: RecommenderConfig
) -> None:
    """30 users are below the 50 items and 90 above: EASE's two forms must agree too."""
    train, seen = noisy(), noisy(seed=5)
    copied = sparse.csr_matrix(sparse.vstack([train] * COPIES))
    original = RECOMMENDERS[name]().fit(train).score(seen, config)
    of_copies = RECOMMENDERS[name]().fit(copied).score(seen, scaled)
    np.testing.assert_allclose(of_copies, original, rtol=1e-4, atol=2e-6)


@every
def test_score_before_fit(case: str) -> None:
    name, config = CASES[case]
    with pytest.raises(InputError, match=f"{name}: .*before fit"):
        RECOMMENDERS[name]().score(noisy(), config)


@every
def test_another_catalogue(case: str) -> None:
    name, config = CASES[case]
    with pytest.raises(InputError, match=r"49 items but .* fitted on 50"):
        RECOMMENDERS[name]().fit(given(case, noisy())).score(noisy(n_items=49), config)


@every
def test_a_config_of_another_recommender(case: str) -> None:
    name, _ = CASES[case]
    other = PureSVDConfig() if name != "puresvd" else EASEConfig()
    with pytest.raises(ParameterError, match="give a"):
        RECOMMENDERS[name]().fit(given(case, noisy())).score(noisy(), other)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_nothing_to_learn_from(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"{shape[0]} users and {shape[1]} items"):
        RECOMMENDERS["popularity"]().fit(sparse.csr_matrix(shape, dtype=np.float32))


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_unusable_weights(wrong: float) -> None:
    train = noisy()
    train.data[:2] = wrong
    with pytest.raises(InputError, match=f"2 of {train.nnz} training weights"):
        RECOMMENDERS["ease"]().fit(train)


@pytest.mark.parametrize(
    ("name", "field", "wrong"),
    [
        ("itemknn", "alpha", 0.4),
        ("itemknn", "alpha", 1.1),
        ("itemknn", "shrink", 1001),
        ("itemknn", "neighbours", -1),
        ("ials", "factors", 0),
        ("ials", "regularization", 0),
        ("ials", "alpha", 0),
        ("puresvd", "rank", 0),
        ("puresvd", "rank", 201),
        ("ease", "l2", 0),
        ("multvae", "dropout", 1),
        ("multvae", "epochs", 0),
        ("multvae", "latent_units", 0),
        ("gsasrec", "calibration", 1.1),
        ("gsasrec", "heads", 5),
        ("gsasrec", "length", 0),
        ("gsasrec", "negatives", 0),
        ("popularity", "unknown", 1),
    ],
)
def test_configs_are_bounded(name: str, field: str, wrong: float) -> None:
    with pytest.raises(ValueError, match=field):
        RECOMMENDERS[name].Config(**{field: wrong})
