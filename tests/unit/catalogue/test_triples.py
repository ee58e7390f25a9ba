"""A graph of names and numbers: what is there twice, what says the same, what is held out."""

import logging

import numpy as np
import pandas as pd
import pytest

from doppelcart.catalogue.triples import Graph, drop_inverses, graph_of, part, shuffle_tails
from doppelcart.errors import InputError

NOTHING = np.empty((0, 3), dtype=np.int64)


def graph(*edges: tuple[str, str, str]) -> Graph:
    """Edges as (src, relationship, dst)."""
    return graph_of(pd.DataFrame(edges, columns=["src", "relationship", "dst"]))


def ring(n: int) -> Graph:
    """Every entity has the next two."""
    return graph(*((f"e{i:02d}", "has", f"e{(i + d) % n:02d}") for i in range(n) for d in (1, 2)))


def test_edges_become_numbers_and_names_again():
    found = graph(("b", "r", "a"), ("a", "q", "c"))
    assert found.entities.tolist() == ["a", "b", "c"]
    assert found.relations.tolist() == ["q", "r"]
    assert sorted(found.triples.tolist()) == [[0, 0, 2], [1, 1, 0]]
    edges = found.edges()
    assert edges.columns.tolist() == ["src", "dst", "relationship"]
    assert {tuple(row) for row in edges.to_numpy()} == {("b", "a", "r"), ("a", "c", "q")}
    assert found.places(["c", "nobody"]).tolist() == [2, -1]


def test_an_edge_that_is_there_twice_counts_once(caplog):
    with caplog.at_level(logging.WARNING):
        found = graph(("a", "r", "b"), ("a", "r", "b"), ("a", "q", "b"))
    assert len(found.triples) == 2
    assert "1 of 3 edges are there twice" in caplog.text


def test_a_graph_without_edges_is_refused():
    with pytest.raises(InputError, match="no edge"):
        graph()


def test_an_edge_without_an_end_is_refused():
    with pytest.raises(InputError, match="1 of 2 edges lack src, dst or relationship"):
        graph(("a", "r", "b"), ("a", "r", None))


def test_of_a_relation_and_its_inverse_the_larger_stays():
    found = drop_inverses(
        graph(
            ("a", "has_genre", "x"), ("b", "has_genre", "x"), ("c", "has_genre", "y"),
            ("x", "films", "a"), ("x", "films", "b"), ("a", "near", "b"),
        )
    )  # fmt: skip
    assert found.relations.tolist() == ["has_genre", "near"]
    assert len(found.triples) == 4


def test_of_a_symmetric_relation_one_of_both_ways_stays():
    found = drop_inverses(graph(("a", "with", "b"), ("b", "with", "a"), ("b", "with", "c")))
    assert {tuple(row) for row in found.edges()[["src", "dst"]].to_numpy()} == {
        ("a", "b"),
        ("b", "c"),
    }


def test_relations_that_merely_share_ends_stay():
    found = drop_inverses(graph(("a", "r", "b"), ("a", "r", "c"), ("b", "q", "a"), ("d", "q", "c")))
    assert found.relations.tolist() == ["q", "r"]


def test_what_is_held_out_is_known_from_others():
    parted = part(ring(40), NOTHING, 0.1, 0.2, 0)
    parts = (parted.train, parted.validation, parted.test)
    assert sum(map(len, parts)) == 80
    assert len(np.unique(np.vstack(parts), axis=0)) == 80
    learnt = set(parted.train[:, [0, 2]].ravel())
    for own in parts[1:]:
        assert len(own)
        assert set(own[:, [0, 2]].ravel()) <= learnt


def test_relations_that_know_time_are_tested_by_what_came_later():
    whole = ring(40)
    later = np.array([[0, 0, 20], [1, 0, 21]])
    parted = part(whole, later, 0.1, 0.2, 0)
    np.testing.assert_array_equal(parted.test, later)
    assert len(parted.train) + len(parted.validation) == 80


def test_a_graph_of_which_nothing_can_be_held_out_is_refused():
    lonely = graph(*((f"a{i}", f"r{i}", f"b{i}") for i in range(9)))
    with pytest.raises(InputError, match=r"Of 9 triples 0 can be held out to choose by and 0"):
        part(lonely, NOTHING, 0.3, 0.3, 0)


def test_a_relation_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(InputError, match="no relation made_of; it has has") as error:
        ring(5).keep(["made_of"])
    assert "knowledge_graph.graph.relations" in str(error.value)
    both = graph(("a", "r", "b"), ("a", "q", "b"))
    assert both.keep(["q"]).relations.tolist() == ["q"]
    assert both.keep([]) is both


def test_shuffled_tails_keep_how_often_each_is_named():
    whole = ring(40)
    shuffled = shuffle_tails(whole, 0)
    assert (shuffled.entities == whole.entities).all()
    same = {*map(tuple, whole.triples)} & {*map(tuple, shuffled.triples)}
    assert len(same) < 20
    assert len(shuffled.triples) > 70
    assert set(shuffled.triples[:, 2]) == set(whole.triples[:, 2])
