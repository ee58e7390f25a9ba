from typing import Any

import numpy as np
import pytest
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.recommendation import scoring
from doppelcart.recommendation.grid import expand
from doppelcart.recommenders import RECOMMENDERS
from doppelcart.serving.history_completer import completed, strongest_unseen


@pytest.fixture(scope="module")
def data() -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix]:
    """Training users, known items of others, and what a completion adds to them."""
    rng = np.random.default_rng(0)
    train = sparse.csr_matrix((rng.random((30, 40)) < 0.2).astype(np.float32))
    seen = sparse.csr_matrix((rng.random((12, 40)) < 0.1).astype(np.float32))
    return train, seen, strongest_unseen(rng.random((12, 40)), seen, 15)


@pytest.mark.parametrize(
    "name", sorted(name for name, kind in RECOMMENDERS.items() if not kind.needs_order)
)
def test_recommenders_called_affine_are(name: str, data: tuple[sparse.csr_matrix, ...]) -> None:
    train, seen, added = data
    recommender = RECOMMENDERS[name]().fit(train)
    base = recommender.score(seen, recommender.Config())
    whole = recommender.score(completed(seen, added, 1.0), recommender.Config())
    part = recommender.score(completed(seen, added, 0.3), recommender.Config())
    agrees = np.allclose(part, base + 0.3 * (whole - base), atol=1e-4 * np.abs(whole).max())
    assert agrees == RECOMMENDERS[name].is_affine


def in_order(name: str, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """What a recommender is given of a matrix of ones, bought from left to right."""
    users, items = (np.arange(n).astype(str) for n in matrix.shape)
    return RECOMMENDERS[name].matrix_of(Histories.from_matrix(matrix, users, items))


@pytest.mark.parametrize("name", sorted(RECOMMENDERS))
def test_recommenders_called_blind_to_histories_are(
    name: str, data: tuple[sparse.csr_matrix, ...]
) -> None:
    train, seen, _ = (in_order(name, matrix) for matrix in data)
    recommender = RECOMMENDERS[name]().fit(train)
    scores = recommender.score(seen, recommender.Config())
    assert (np.ptp(scores, axis=0).max() == 0) == RECOMMENDERS[name].ignores_history


@pytest.mark.parametrize(
    ("name", "grid"),
    [("ials", {"factors": [2, 4]}), ("ease", {"l2": [3.0, 30.0]})],
)
@pytest.mark.parametrize(
    "asked",
    [
        [scoring.PLAIN, ("gan_completion", 0.5), ("gan_completion", 1.0)],
        [("gan_completion", 0.5)],
        [scoring.PLAIN],
    ],
)
def test_values_at_levels_are_those_of_ranking_the_completed_histories(
    name: str,
    grid: dict[str, list[Any]],
    asked: list[scoring.Level],
    data: tuple[sparse.csr_matrix, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scoring, "BATCH_USERS", 5)
    train, seen, added = data
    relevant = sparse.csr_matrix(np.roll(seen.toarray(), 1, axis=1))
    recommender = RECOMMENDERS[name]().fit(train)
    configs = expand(name, grid)
    by_config = scoring.values_at_levels(
        recommender, configs, seen, {"gan_completion": added}, asked, relevant, "recall", 10
    )
    for config, values in zip(configs, by_config, strict=True):
        assert set(values) == set(asked)
        for (arm, strength), found in values.items():
            history = completed(seen, added, strength) if arm else seen
            ranked = scoring.rank(recommender, config, history, seen, 10)
            expected = [
                len(set(ranked[u]) & set(relevant[u].indices)) / min(10, relevant[u].nnz)
                if relevant[u].nnz
                else np.nan
                for u in range(12)
            ]
            np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("name", ["itemknn", "puresvd", "ease", "ials"])
def test_users_of_whom_nothing_is_known_get_what_is_popular(name: str) -> None:
    train = sparse.csr_matrix([[0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 1, 0]], dtype=np.float32)
    recommender = RECOMMENDERS[name]().fit(train)
    config = recommender.Config()
    nothing = sparse.csr_matrix((1, 4), dtype=np.float32)
    assert scoring.rank(recommender, config, nothing, nothing, 3).tolist() == [[2, 1, 3]]

    relevant = sparse.csr_matrix([[0, 0, 1, 0]], dtype=np.float32)
    (values,) = scoring.values_at_levels(
        recommender, [config], nothing, {}, [scoring.PLAIN], relevant, "mrr", 3
    )
    assert values[scoring.PLAIN].tolist() == [1.0]
