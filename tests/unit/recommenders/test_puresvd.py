"""PureSVD against an exact singular value decomposition."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.recommenders import PureSVD, PureSVDConfig


@pytest.mark.parametrize("shape", [(60, 300), (300, 60)])
@pytest.mark.parametrize("rank", [1, 3])
def test_first_vectors_are_exact(shape: tuple[int, int], rank: int) -> None:
    rng = np.random.default_rng(0)
    tastes = rng.random((shape[0], 3)) ** 3 @ (rng.random((3, shape[1])) ** 3)
    train = sparse.csr_matrix((rng.random(shape) < tastes / tastes.max()).astype(np.float32))
    _, _, right = np.linalg.svd(train.toarray().astype(np.float64), full_matrices=False)
    expected = train @ right[:rank].T @ right[:rank]
    scores = PureSVD().fit(train).score(train, PureSVDConfig(rank=rank))
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_a_rank_beyond_the_matrix_keeps_the_history() -> None:
    train = sparse.csr_matrix(np.tril(np.ones((5, 5), dtype=np.float32)))
    scores = PureSVD().fit(train).score(train, PureSVDConfig(rank=50))
    np.testing.assert_allclose(scores, train.toarray(), atol=1e-5)
