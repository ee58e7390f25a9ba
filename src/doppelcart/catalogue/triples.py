"""A knowledge graph as triples of whole numbers: head, relation, tail."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.errors import InputError

logger = logging.getLogger(__name__)

HEAD, RELATION, TAIL = Columns.HEAD, Columns.RELATION, Columns.TAIL
"""Columns of an edge list, by the names that graph libraries read."""
INVERSE_SHARE = 0.8
"""Share of a relation's edges that another has turned round, from which one of both is dropped."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Triples by places in lists of names.

    Args:
        entities: (n_entities,) names, sorted, each once.
        relations: (n_relations,) names, sorted, each once.
        triples: (n, 3) int64 head, relation, tail, each once.
    """

    entities: np.ndarray
    relations: np.ndarray
    triples: np.ndarray

    def places(self, names: Sequence[str] | np.ndarray) -> np.ndarray:
        """(n,) place of each entity; -1 for one that the graph has not."""
        return pd.Index(self.entities).get_indexer(np.asarray(names, dtype=str))

    def keep(self, relations: Sequence[str]) -> Graph:
        """The same graph with some relations alone; with all where none is named.

        Args:
            relations: Their names.

        Raises:
            InputError: Names those that the graph has not, and those that it has.
        """
        if not relations:
            return self
        if unknown := [name for name in relations if name not in self.relations]:
            raise InputError(
                f"The graph has no relation {', '.join(unknown)}; it has "
                f"{', '.join(self.relations)}. Correct knowledge_graph.graph.relations."
            )
        edges = self.edges()
        return graph_of(edges[edges[RELATION].isin(relations)])

    def edges(self) -> pd.DataFrame:
        """One row per triple, by names: ``src``, ``dst``, ``relationship``."""
        head, relation, tail = self.triples.T
        return pd.DataFrame(
            {
                HEAD: self.entities[head],
                TAIL: self.entities[tail],
                RELATION: self.relations[relation],
            }
        )


def graph_of(edges: pd.DataFrame) -> Graph:
    """A graph of an edge list; what is there twice counts once, and a line of the log says so.

    Args:
        edges: ``src``, ``dst`` and ``relationship``.

    Raises:
        InputError: There is no edge, or a name is missing.
    """
    if edges.empty:
        raise InputError("The graph has no edge, so that there is nothing to learn from.")
    if missing := int(edges[[HEAD, TAIL, RELATION]].isna().any(axis=1).sum()):
        raise InputError(
            f"{missing} of {len(edges)} edges lack {HEAD}, {TAIL} or {RELATION}: name all three, "
            "or leave the edge out."
        )
    named = edges[[HEAD, RELATION, TAIL]].astype(str)
    once = named.drop_duplicates()
    if twice := len(named) - len(once):
        logger.warning("%d of %d edges are there twice, and count once.", twice, len(named))
    entities = np.unique(once[[HEAD, TAIL]].to_numpy())
    relations = np.unique(once[RELATION].to_numpy())
    columns = (
        np.searchsorted(entities, once[HEAD]),
        np.searchsorted(relations, once[RELATION]),
        np.searchsorted(entities, once[TAIL]),
    )
    return Graph(entities, relations, np.column_stack(columns).astype(np.int64))


def drop_inverses(graph: Graph) -> Graph:
    """Leave out relations that say another one from the other end.

    Held-out edges of such a pair are answered by its other half, and figures of them say nothing
    (Akrami et al. 2020). Of a pair the relation of fewer edges goes. A relation that is its own
    inverse keeps one of an edge and its reverse.

    Args:
        graph: A graph.
    """
    pairs = {}
    for place, name in enumerate(graph.relations):
        own = graph.triples[graph.triples[:, 1] == place]
        pairs[name] = pd.MultiIndex.from_arrays([own[:, 0], own[:, 2]])
    dropped: list[str] = []
    names = sorted(pairs, key=lambda name: (-len(pairs[name]), name))
    for n, name in enumerate(names):
        for kept in names[:n]:
            turned = pairs[kept].swaplevel()
            if kept not in dropped and pairs[name].isin(turned).mean() >= INVERSE_SHARE:
                dropped.append(name)
                logger.info("Relation %s is %s from the other end, and is left out.", name, kept)
                break
    keep = ~np.isin(graph.relations[graph.triples[:, 1]], dropped)
    triples = graph.triples[keep]
    # Of an edge and its reverse under one relation the first by name stays.
    low, high = np.sort(triples[:, [0, 2]], axis=1).T
    ends = pd.DataFrame({"low": low, "high": high, "relation": triples[:, 1]})
    reverse = ends.duplicated() & (triples[:, 0] != triples[:, 2])
    return graph_of(replace(graph, triples=triples[~reverse.to_numpy()]).edges())


@dataclass(frozen=True, eq=False)
class Parted:
    """A graph's triples, parted.

    Args:
        graph: All of them.
        train: (n_train, 3) to learn from.
        validation: (n_validation, 3) to choose by.
        test: (n_test, 3) read once.
    """

    graph: Graph
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def part(
    graph: Graph,
    later: np.ndarray,
    validation_share: float,
    test_share: float,
    seed: int,
) -> Parted:
    """Hold triples out, of which every entity and relation is also learnt from.

    Relations of which triples came later are tested by these alone, never at random.

    Args:
        graph: What is known.
        later: (n_later, 3) triples that came later; may be none.
        validation_share: Share of what is known to choose by.
        test_share: Share of it to be read once.
        seed: Of what is held out.

    Raises:
        InputError: No triple can be held out.
    """
    triples = graph.triples
    draw = np.random.default_rng(seed).random(len(triples))
    timed = np.isin(triples[:, 1], np.unique(later[:, 1]))
    chosen = draw < validation_share
    tested = ~chosen & (draw < validation_share + test_share) & ~timed
    train = triples[~chosen & ~tested]
    validation, test = (
        own[_learnt(own, train)] for own in (triples[chosen], np.vstack([triples[tested], later]))
    )
    if not len(validation) or not len(test):
        raise InputError(
            f"Of {len(triples)} triples {len(validation)} can be held out to choose by and "
            f"{len(test)} to test, and it takes one of each: what is held out must have entities "
            "and a relation that others name as well. Raise "
            "knowledge_graph.graph.validation_share or knowledge_graph.graph.test_share, or bring "
            "tables that say more of the items."
        )
    # What could not be held out is learnt from.
    back = triples[(chosen | tested) & ~_learnt(triples, train)]
    return Parted(graph, np.vstack([train, back]), validation, test)


def _learnt(triples: np.ndarray, train: np.ndarray) -> np.ndarray:
    """(n,) bool: whether training triples have head, relation and tail of each."""
    head, relation, tail = triples.T
    entities = np.unique(train[:, [0, 2]])
    return (
        np.isin(head, entities)
        & np.isin(tail, entities)
        & np.isin(relation, np.unique(train[:, 1]))
    )


def shuffle_tails(graph: Graph, seed: int) -> Graph:
    """The same heads and tails of every relation, paired at random: a graph without knowledge.

    Args:
        graph: A graph.
        seed: Of the shuffling.
    """
    rng = np.random.default_rng(seed)
    triples = graph.triples.copy()
    for place in range(len(graph.relations)):
        rows = np.flatnonzero(triples[:, 1] == place)
        triples[rows, 2] = triples[rng.permutation(rows), 2]
    return replace(graph, triples=np.unique(triples, axis=0))
