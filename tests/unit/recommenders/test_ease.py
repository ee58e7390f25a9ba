"""EASE's two forms against the formula written out."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.recommenders import EASE, EASEConfig, Popularity, PopularityConfig, ease


def data(n_users: int, n_items: int = 40, seed: int = 0) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    chance = np.linspace(0.05, 0.6, n_items)
    return sparse.csr_matrix((rng.random((n_users, n_items)) < chance).astype(np.float32))


def by_the_book(train: sparse.csr_matrix, seen: np.ndarray, l2: float, centred: bool) -> np.ndarray:
    """Steck (2019), equation 8, on a dense float64 matrix."""
    matrix = train.toarray().astype(np.float64)
    mean = matrix.mean(axis=0) * centred
    matrix = matrix - mean
    inverse = np.linalg.inv(matrix.T @ matrix + l2 * np.eye(matrix.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    if not centred:
        return seen @ weights
    share = np.minimum(seen.sum(axis=1, keepdims=True) / mean.sum(), 1)
    return (seen - share * mean) @ weights + mean


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("l2", [0.5, 50.0, 5000.0])
@pytest.mark.parametrize("n_users", [15, 39, 40, 200])
def test_both_forms_are_the_formula(n_users: int, l2: float, centred: bool) -> None:
    train = data(n_users)
    seen = data(6, seed=1).toarray() * np.random.default_rng(2).random((6, 40), dtype=np.float32)
    seen[0] = 0
    seen[1, 1:] = 0
    expected = by_the_book(train, seen, l2, centred)
    tolerance = 2e-4 * np.abs(expected).max()
    config = EASEConfig(l2=l2, centred=centred)
    model = EASE().fit(train)
    np.testing.assert_allclose(model.score(seen, config), expected, atol=tolerance)
    histories = sparse.csr_matrix(seen)
    np.testing.assert_allclose(model.score(histories, config), expected, atol=tolerance)


@pytest.mark.parametrize("centred", [False, True])
def test_woodbury_equals_the_ordinary_inverse(centred: bool) -> None:
    train, seen = data(60), data(9, seed=1)
    by_users, by_items = (
        form.scores(seen, form.explained(form.meet(seen), 20.0), 20.0, centred)
        for form in (ease._UserForm(train), ease._ItemForm(train))
    )
    np.testing.assert_allclose(by_users, by_items, atol=1e-5)


@pytest.mark.parametrize(("n_users", "form"), [(39, "_UserForm"), (40, "_ItemForm")])
def test_the_smaller_gram_matrix_is_used(n_users: int, form: str) -> None:
    assert type(EASE().fit(data(n_users))._form).__name__ == form


@pytest.mark.parametrize("n_users", [30, 60])
def test_configs_that_share_their_work_score_as_each_alone(n_users: int) -> None:
    train, seen = data(n_users), data(9, seed=1)
    configs = [EASEConfig(l2=l2, centred=c) for l2 in (2.0, 20.0) for c in (False, True)]
    together = EASE().fit(train).score_each(seen, configs)
    for config, scores in zip(configs, together, strict=True):
        np.testing.assert_array_equal(scores, EASE().fit(train).score(seen, config))


def test_weighted_training_histories() -> None:
    train = data(30)
    train.data *= np.random.default_rng(0).uniform(0.1, 1, train.nnz).astype(np.float32)
    for centred in (False, True):
        scores = EASE().fit(train).score(train, EASEConfig(l2=3, centred=centred))
        expected = by_the_book(train, train.toarray(), 3, centred)
        np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_centred_ranks_an_empty_history_by_popularity() -> None:
    train = data(30)
    nobody = sparse.csr_matrix((1, 40), dtype=np.float32)
    counts = Popularity().fit(train).score(nobody, PopularityConfig())
    centred = EASE().fit(train).score(nobody, EASEConfig(l2=5, centred=True))
    np.testing.assert_allclose(centred * 30, counts, rtol=1e-5)
    assert not EASE().fit(train).score(nobody, EASEConfig(l2=5)).any()


def test_a_full_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    train = data(30)
    roomy, tight = EASE().fit(train), EASE().fit(train)
    expected = [roomy.score(train, EASEConfig(l2=l2)) for l2 in (1.0, 10.0, 1.0)]
    monkeypatch.setattr(ease, "_CACHE_BYTES", 1)
    for l2, scores in zip((1.0, 10.0, 1.0), expected, strict=True):
        np.testing.assert_array_equal(tight.score(train, EASEConfig(l2=l2)), scores)
        assert list(tight._form.solved) == [l2]


def test_item_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    train = data(30)
    whole = EASE().fit(train).score(train, EASEConfig(l2=3))
    monkeypatch.setattr(ease, "_BLOCK", 7)
    np.testing.assert_allclose(EASE().fit(train).score(train, EASEConfig(l2=3)), whole, atol=1e-6)
