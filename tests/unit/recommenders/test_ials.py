"""iALS's fold-in against equations worked by hand and against implicit's own."""

import warnings

import numpy as np
import pytest
from implicit.als import AlternatingLeastSquares
from scipy import sparse

from doppelcart.recommenders import IALS, IALSConfig, ials
from doppelcart.serving import folding
from doppelcart.serving.folding import fold_in, shared_squares, weighted_squares


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        # shared 1 + 2 * 2 + 0.5; own 3 * weight * 1; target (1 + 3) * weight * 1
        (1.0, 4 / 8.5),
        (0.5, 2 / 7),
        (0.0, 0.0),
    ],
)
@pytest.mark.parametrize("form", [sparse.csr_matrix, np.asarray])
def test_fold_in_by_hand(weight: float, expected: float, form: type) -> None:
    items = np.array([[1.0], [2.0]], dtype=np.float32)
    seen = form(np.array([[weight, 0.0]], dtype=np.float32))
    user = fold_in(seen, items, 3.0, shared_squares(items, 0.5))
    np.testing.assert_allclose(user, [[expected]], rtol=1e-6)


def test_fold_in_is_that_of_implicit() -> None:
    rng = np.random.default_rng(0)
    train = sparse.csr_matrix((rng.random((40, 30)) < 0.2).astype(np.float32))
    config = IALSConfig(factors=8, regularization=2, alpha=5)
    model = IALS(seed=1).fit(train)
    scores = model.score(train, config)
    reference = AlternatingLeastSquares(factors=8, regularization=2, random_state=1)
    reference.item_factors = model._item_factors(config)
    users = reference.recalculate_user(np.arange(40), 6 * train)
    np.testing.assert_allclose(scores, users @ reference.item_factors.T, atol=1e-4)


def test_item_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    items, seen = rng.random((23, 3), dtype=np.float32), rng.random((4, 23), dtype=np.float32)
    whole = weighted_squares(seen, items)
    monkeypatch.setattr(folding, "_BLOCK", 5)
    np.testing.assert_allclose(weighted_squares(seen, items), whole, rtol=1e-5)


def test_a_config_is_fitted_once_and_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []

    def counted(**arguments: object) -> object:
        fits.append(arguments["factors"])
        return AlternatingLeastSquares(**arguments)

    monkeypatch.setattr(ials, "AlternatingLeastSquares", counted)
    train = sparse.csr_matrix(np.ones((4, 3), dtype=np.float32))
    model = IALS().fit(train)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for factors in (2, 3, 2):
            model.score(train, IALSConfig(factors=factors))
    assert fits == [2, 3]
