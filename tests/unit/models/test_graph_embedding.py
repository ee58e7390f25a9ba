"""Vectors of graphs: rows that a step changes, planted structure, and public graphs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from doppelcart.catalogue.triples import graph_of
from doppelcart.metrics.link_prediction import (
    KnownTriples,
    both_ways,
    filtered_ranks,
    summarise_ranks,
)
from doppelcart.models.graphs.hyperparameters import EmbeddingConfig

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[3] / "docs/examples/graphs"
SMALL = EmbeddingConfig(units=8, epochs=60, batch_size=64, evaluate_every=20, penalty=0.0)
NOTHING = np.empty((0, 3), dtype=np.int64)


def learn(*args, **more):
    from doppelcart.models.graphs.graph_embedding import learn_vectors

    return learn_vectors(*args, **more)


def clans(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Forty entities of four clans, each of which has all of the next clan; a tenth held out.

    The last clan has none: a translation cannot come back to where it began.
    """
    clan = np.arange(40) % 4
    rows = [(i, 0, j) for i in range(40) for j in range(40) if clan[j] == clan[i] + 1]
    order = np.random.default_rng(seed).permutation(len(rows))
    triples = np.array(rows)[order]
    return triples[30:], triples[:30]


def mrr(vectors, train, test, n_entities=40, n_relations=1):
    known = KnownTriples(both_ways(np.vstack([train, test]), n_relations), n_entities)
    return summarise_ranks(filtered_ranks(vectors.score, both_ways(test, n_relations), known))[
        "mrr"
    ]


@pytest.mark.parametrize("model", ["transe", "complex", "rotate"])
def test_planted_clans_are_found_and_shuffled_ones_are_not(model):
    train, test = clans()
    learnt = learn(model, train, NOTHING, 40, 1, SMALL)
    # Of the next clan all but the held-out one are filtered: 1 of 31 at random.
    assert mrr(learnt.vectors, train, test) > 0.7
    shuffled = train.copy()
    shuffled[:, 2] = np.random.default_rng(1).permutation(shuffled[:, 2])
    blind = learn(model, shuffled, NOTHING, 40, 1, SMALL)
    assert mrr(blind.vectors, train, test) < 0.35


def test_scores_are_those_of_the_papers():
    from doppelcart.models.graphs.graph_embedding import Vectors

    rng = np.random.default_rng(0)
    entities, relations = (rng.normal(size=(n, 4)).astype(np.float32) for n in (5, 2))
    heads, asked = np.array([1, 3]), np.array([0, 1])

    def as_complex(rows):
        return rows[:, :2] + 1j * rows[:, 2:]

    e, r = as_complex(entities), as_complex(relations)
    turned = e[heads] * r[asked]
    np.testing.assert_allclose(
        Vectors("complex", entities, relations).score(heads, asked),
        np.real(turned @ e.conj().T),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip
    moved = entities[heads] + relations[asked]
    np.testing.assert_allclose(
        Vectors("transe", entities, relations).score(heads, asked),
        -np.linalg.norm(moved[:, None] - entities, axis=2),
        rtol=1e-4, atol=1e-4,
    )  # fmt: skip
    rotated = e[heads] * (r / np.abs(r))[asked]
    distance = np.sqrt((np.abs(rotated[:, None] - e) ** 2).sum(axis=2))
    np.testing.assert_allclose(
        Vectors("rotate", entities, relations).score(heads, asked), -distance, rtol=1e-4, atol=1e-4
    )


def test_a_step_changes_the_rows_of_its_batch_alone():
    import tensorflow as tf

    from doppelcart.models.graphs.graph_embedding import Embedder

    embedder = Embedder("complex", 50, 3, SMALL)
    before = embedder.vectors
    embedder.step(tf.constant([[1, 0, 2], [4, 2, 1]]), tf.constant([7, 9]))
    after = embedder.vectors
    changed = np.flatnonzero((before.entities != after.entities).any(axis=1))
    assert changed.tolist() == [1, 2, 4, 7, 9]
    assert np.flatnonzero((before.relations != after.relations).any(axis=1)).tolist() == [0, 2]


def test_the_same_seed_gives_the_same_vectors():
    train, _ = clans()
    short = SMALL.model_copy(update={"epochs": 3})
    first, second = (learn("complex", train, NOTHING, 40, 1, short).vectors for _ in "ab")
    np.testing.assert_array_equal(first.entities, second.entities)
    other = learn("complex", train, NOTHING, 40, 1, short.model_copy(update={"seed": 1})).vectors
    assert (first.entities != other.entities).any()


def test_the_best_epoch_on_validation_is_kept():
    train, test = clans()
    learnt = learn("complex", train, test, 40, 1, SMALL)
    assert learnt.log["epoch"].tolist() == [20, 40, 60]
    assert mrr(learnt.vectors, train, test) == pytest.approx(learnt.log["mrr"].max(), abs=1e-6)


@pytest.mark.parametrize(("name", "least"), [("umls", 0.74), ("kinships", 0.75)])
def test_public_graphs_are_learnt_as_well_as_published(name, least):
    parts = [
        pd.read_csv(EXAMPLES / name / f"{part}.txt", sep="\t", header=None, dtype=str,
                    names=["src", "relationship", "dst"])
        for part in ("train", "valid", "test")
    ]  # fmt: skip
    graph = graph_of(pd.concat(parts))
    size = (len(graph.entities), len(graph.relations))
    train, validation, test = (
        np.column_stack(
            [
                graph.places(part["src"].to_numpy()),
                np.searchsorted(graph.relations, part["relationship"]),
                graph.places(part["dst"].to_numpy()),
            ]
        )
        for part in parts
    )
    config = EmbeddingConfig(units=32, epochs=20, batch_size=256, evaluate_every=20)
    learnt = learn("complex", train, validation, *size, config)
    assert mrr(learnt.vectors, np.vstack([train, validation]), test, *size) >= least
