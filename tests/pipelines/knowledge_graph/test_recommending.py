"""Recommenders with vectors beside what they know, against formulas written out."""

import numpy as np
from scipy import sparse

from doppelcart.catalogue.item_facts import placed
from doppelcart.pipelines.knowledge_graph import recommending
from doppelcart.recommenders.ease import EASE, EASEConfig


def histories(n_users: int, n_items: int, seed: int) -> sparse.csr_matrix:
    dense = np.random.default_rng(seed).random((n_users, n_items)) < 0.4
    return sparse.csr_matrix(dense, dtype=np.float32)


def test_without_vectors_it_is_ease():
    train, seen = histories(12, 8, 0), histories(3, 8, 1)
    found = recommending.side_scores(train, np.zeros((8, 1), np.float32), 0.0, 5.0, seen)
    np.testing.assert_allclose(
        found, EASE().fit(train).score(seen, EASEConfig(l2=5.0)), rtol=1e-3, atol=1e-5
    )


def test_vectors_count_as_households():
    train, seen = histories(12, 8, 0), histories(3, 8, 1)
    side = np.random.default_rng(2).normal(size=(8, 2)).astype(np.float32)
    found = recommending.side_scores(train, side, 3.0, 5.0, seen)
    gram = (train.T @ train).toarray() + 3.0 * side @ side.T + 5.0 * np.eye(8)
    inverse = np.linalg.inv(gram)
    weights = np.eye(8) - inverse / np.diag(inverse)
    np.testing.assert_allclose(found, seen.toarray() @ weights, rtol=1e-3, atol=1e-5)


def test_vectors_are_of_length_one_and_zero_where_nothing_is_known():
    vectors = np.array([[3.0, 4.0], [0.0, 2.0]])
    found = placed(vectors, np.array([1, -1, 0]))
    np.testing.assert_allclose(found, [[0, 1], [0, 0], [0.6, 0.8]])


def test_attributes_become_vectors_that_tell_groups_apart():
    rows = sparse.csr_matrix(np.repeat(np.eye(3), 4, axis=0))
    vectors = recommending.attribute_vectors(rows, 2)
    assert vectors.shape == (12, 2)
    alike = vectors @ vectors.T
    np.testing.assert_allclose(alike[0, 1:4], 1, rtol=1e-4)
