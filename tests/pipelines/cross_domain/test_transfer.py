"""Systems in closed form, worked by hand or by another way."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.pipelines.cross_domain import transfer
from doppelcart.pipelines.cross_domain.params import SystemsParams
from doppelcart.pipelines.cross_domain.transfer import Bench, Components, Lists, fit_ease

GRID = transfer.grid_of(
    SystemsParams(ranks=(2, 4), penalties=(1.0, 30.0), neighbours=(5, 40), l2=(30.0,))
)


def random_rows(n_rows: int, seed: int) -> sparse.csr_matrix:
    dense = np.random.default_rng(seed).random((n_rows, 7)) < 0.4
    return sparse.csr_matrix(dense, dtype=np.float32)


def test_the_ridge_by_households_is_that_by_items():
    train, other = random_rows(12, 0), random_rows(3, 1)
    baskets = np.random.default_rng(2).random((12, 2))
    found = transfer.ridge(Components.of(train, other, other), baskets, None, 2.5)
    x = train.toarray() - train.toarray().mean(axis=0)
    slopes = np.linalg.solve(x.T @ x + 2.5 * np.eye(7), x.T @ (baskets - baskets.mean(axis=0)))
    expected = (other.toarray() - train.toarray().mean(axis=0)) @ slopes + baskets.mean(axis=0)
    np.testing.assert_allclose(found.test, expected, rtol=1e-4)


def test_full_rank_is_the_ridge_and_less_uses_the_leading_components():
    train, other = random_rows(12, 0), random_rows(3, 1)
    components = Components.of(train, other, other)
    baskets = np.random.default_rng(2).random((12, 2))
    full = transfer.ridge(components, baskets, None, 1.0)
    np.testing.assert_allclose(transfer.ridge(components, baskets, 7, 1.0).test, full.test)
    x = train.toarray() - train.toarray().mean(axis=0)
    _, sizes, right = np.linalg.svd(x, full_matrices=False)
    scores = x @ right[:2].T
    slopes = (scores.T @ (baskets - baskets.mean(axis=0))) / (sizes[:2] ** 2 + 1.0)[:, None]
    placed = (other.toarray() - train.toarray().mean(axis=0)) @ right[:2].T
    expected = placed @ slopes + baskets.mean(axis=0)
    np.testing.assert_allclose(
        transfer.ridge(components, baskets, 2, 1.0).test, expected, rtol=1e-4
    )


def test_ease_with_the_department_unknown_and_not_refused_is_the_full_ridge():
    # The mean of some items given all others, under the precision matrix by which EASE scores.
    train = random_rows(40, 3).toarray().astype(float)
    source, target = slice(0, 5), slice(5, 7)
    centred = train - train.mean(axis=0)
    precision = np.linalg.inv(centred.T @ centred + 2.0 * np.eye(7))
    given = -np.linalg.solve(precision[target, target], precision[target, source])
    own, other = train[:, source], random_rows(3, 4).toarray()[:, source].astype(float)
    conditional = (other - own.mean(axis=0)) @ given.T + train[:, target].mean(axis=0)
    parts = (sparse.csr_matrix(part) for part in (own, other, other))
    ridge = transfer.ridge(Components.of(*parts), train[:, target], None, 2.0)
    np.testing.assert_allclose(ridge.test, conditional, rtol=1e-4)


def test_masked_items_stand_where_a_history_of_that_length_is_expected():
    mean = np.array([0.5, 0.5, 0.25], dtype=np.float32)
    known = sparse.csr_matrix(np.array([[1, 0, 0], [0, 0, 0], [1, 1, 0]], dtype=np.float32))
    filled = transfer.expected(known, mean, np.array([2]))
    # One item elsewhere is as many as are expected; two count no more than one.
    np.testing.assert_allclose(filled, [[1, 0, 0.25], [0, 0, 0], [1, 1, 0.25]])


def test_baskets_of_the_nearest_are_copied_by_likeness():
    alike = np.array([[0.5, 0.1, 0.25], [0.0, 0.0, 0.0]])
    baskets = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    found = transfer.copied(alike, baskets, 2)
    np.testing.assert_allclose(found, [[0.5 / 0.75, 0.25 / 0.75], [0, 0]], rtol=1e-6)


def test_cosines_of_ones():
    rows = sparse.csr_matrix(np.array([[1, 1, 0, 0], [0, 0, 0, 0]], dtype=np.float32))
    train = sparse.csr_matrix(np.array([[1, 1, 1, 1], [1, 0, 0, 0]], dtype=np.float32))
    expected = [[2 / np.sqrt(8), 1 / np.sqrt(2)], [0, 0]]
    np.testing.assert_allclose(transfer.cosines(rows, train), expected, rtol=1e-6)


def test_a_weight_is_chosen_by_validation_households():
    bought = sparse.csr_matrix(np.array([[0, 1, 0]]))
    right, wrong = np.array([[0.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])
    weight, values, summed = transfer.added(
        Lists(wrong, wrong), Lists(right, right), (0.0, 0.5, 2.0), bought, 1
    )
    assert (weight, values) == (2.0, [0.0, 0.0, 1.0])
    assert summed.test.argmax() == 1
    weight, _, _ = transfer.added(Lists(right, right), Lists(wrong, wrong), (0.0, 0.5), bought, 1)
    assert weight == 0.0


@pytest.mark.parametrize("place", [0, 1])
def test_what_is_planted_is_found_by_every_system_but_the_blind(same, place):
    crossing = same[place]
    target = next(target for target in crossing.targets if target.name == "tools")
    bench = Bench(crossing, target, fit_ease(crossing))
    lists, tried = transfer.rank_department(bench, GRID, 10, 0)
    truth = crossing.truth(target)
    worth = {
        name: transfer.ndcg(transfer.top_k(own.test, None, 10), truth, 10).mean()
        for name, own in lists.items()
    }
    # Ten items of twenty are of the right kind, and four of them are bought.
    for name in ("linear", "full_ridge", "reduced_rank", "ease", "copies"):
        assert worth[name] > 1.25 * worth["popularity"], (name, worth)
    for name in ("random", "shuffled"):
        assert worth[name] < 0.9 * worth["linear"], (name, worth)
    assert set(tried["system"]) == set(GRID)


def test_the_better_ridge_is_the_linear_system(same):
    bench = Bench(same[0], same[0].targets[0], fit_ease(same[0]))
    lists, tried = transfer.rank_department(bench, GRID, 10, 0)
    best = tried.groupby("system")["ndcg"].max()
    better = max(("reduced_rank", "full_ridge"), key=lambda name: best[name])
    assert lists["linear"] is lists[better]
