"""What a lookup finds, by hand."""

import numpy as np
import pandas as pd

from doppelcart.catalogue.triples import graph_of, part
from doppelcart.metrics.link_prediction import KnownTriples, both_ways, filtered_ranks
from doppelcart.pipelines.knowledge_graph.links import ALL, LOOKUP, measure_links
from doppelcart.pipelines.knowledge_graph.lookup import Tables, choose_lookup

MADE_BY, BRAND = 0, 1


def shop() -> np.ndarray:
    """Items 0 to 29; makers 30 to 32, each of whom has one brand, 33 to 35."""
    rows = [(item, MADE_BY, 30 + item % 3) for item in range(30)]
    return np.array(rows + [(item, BRAND, 33 + item % 3) for item in range(30)])


def test_the_share_of_those_with_the_same_maker():
    train = shop()[:-1]
    tables = Tables(train, 36, 2)
    (found,) = tables.score(np.array([29]), BRAND, MADE_BY)
    # Nine other items of maker 32 all have brand 35; the rest is what everybody has.
    np.testing.assert_allclose(found[33:], [1e-6, 1e-6, 1 + 9e-7], rtol=1e-4)
    (usual,) = tables.score(np.array([29]), BRAND, None)
    np.testing.assert_allclose(usual[33:] * 1e6, [1, 1, 0.9], rtol=1e-5)


def test_the_maker_is_chosen_to_tell_the_brand():
    triples = shop()
    held = np.flatnonzero((triples[:, 1] == BRAND) & (triples[:, 0] % 4 == 0))
    train = np.delete(triples, held, axis=0)
    lookup = choose_lookup(train, triples[held], 36, 2, 100)
    assert lookup.shared[BRAND] == MADE_BY
    known = KnownTriples(both_ways(triples, 2), 36)
    assert filtered_ranks(lookup.score, triples[held], known).tolist() == [1] * len(held)


def test_links_are_told_relation_by_relation_beside_the_lookup():
    names = np.array([f"e{n:02d}" for n in range(36)])
    triples = shop()
    graph = graph_of(
        pd.DataFrame(
            {
                "src": names[triples[:, 0]],
                "relationship": np.array(["made_by", "of_brand"])[triples[:, 1]],
                "dst": names[triples[:, 2]],
            }
        )
    )
    parted = part(graph, np.empty((0, 3), dtype=np.int64), 0.1, 0.2, 0)
    lookup = choose_lookup(parted.train, parted.validation, 36, 2, 100)
    right = {(h, r): t for h, r, t in graph.triples}

    def oracle(subjects, relations):
        found = np.zeros((len(subjects), 36))
        for row, key in enumerate(zip(subjects, relations, strict=True)):
            if key in right:
                found[row, right[key]] = 1
        return found

    table = measure_links(parted, lookup, {"oracle": oracle}, 100, 0)
    assert table["relation"].unique().tolist() == ["made_by", "of_brand", ALL]
    rows = table.set_index(["relation", "model"])
    assert (rows.loc[(slice(None), "oracle"), "mrr_of_tails"] == 1).all()
    assert rows.loc[("of_brand", LOOKUP), "mrr_of_tails"] == 1
    assert rows.loc[("of_brand", LOOKUP), "looks_up"].startswith("made_by, ")
    assert rows.loc[(ALL, "oracle"), "triples"] == len(parted.test)
