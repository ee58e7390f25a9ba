"""Filtered ranks, worked by hand."""

import numpy as np
import pytest

from doppelcart.metrics.link_prediction import (
    KnownTriples,
    both_ways,
    filtered_ranks,
    summarise_ranks,
)

SCORES = np.array([0.9, 0.8, 0.7, 0.7, 0.1])


def constant(subjects, relations):
    return np.tile(SCORES, (len(subjects), 1))


def test_a_triple_is_asked_from_either_end():
    assert both_ways(np.array([[1, 0, 2]]), 3).tolist() == [[1, 0, 2], [2, 3, 1]]


def test_what_is_known_besides_is_left_out_and_ties_take_the_middle():
    queries = np.array([[0, 0, 2], [0, 1, 2], [0, 0, 0], [0, 0, 4]])
    known = KnownTriples(np.array([[0, 0, 0], [0, 0, 2], [1, 0, 1], [0, 1, 1]]), 5)
    # Of (0, 0) the entities 0 and 2 are known, of (0, 1) the entity 1.
    assert filtered_ranks(constant, queries, known).tolist() == [2.5, 2.5, 1, 3]


def test_nothing_known_ranks_among_all():
    known = KnownTriples(np.empty((0, 3), dtype=np.int64), 5)
    assert filtered_ranks(constant, np.array([[3, 0, 4]]), known).tolist() == [5]


def test_equal_scores_are_worth_what_chance_is():
    known = KnownTriples(np.empty((0, 3), dtype=np.int64), 5)

    def blind(subjects, relations):
        return np.zeros((len(subjects), 5))

    assert filtered_ranks(blind, np.array([[0, 0, 1]]), known).tolist() == [3]


def test_figures_of_ranks():
    found = summarise_ranks(np.array([1.0, 2.0, 4.0, 20.0]))
    assert found == {
        "mrr": pytest.approx((1 + 0.5 + 0.25 + 0.05) / 4),
        "hits@1": 0.25,
        "hits@3": 0.5,
        "hits@10": 0.75,
    }
    assert np.isnan(summarise_ranks(np.array([]))["mrr"])
