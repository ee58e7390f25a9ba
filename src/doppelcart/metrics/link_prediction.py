"""How high a held-out triple of a graph is ranked, among what is not known to be true.

Queries are (subject, relation, object): given the first two, all entities are ranked, and those
known to be right besides are left out ("filtered", Bordes et al. 2013). A relation asked from its
tail is a relation of its own: see ``both_ways``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(n,) subjects and (n,) relations -> (n, n_entities) scores of objects, higher is better."""

ROWS = 256


def both_ways(triples: np.ndarray, n_relations: int) -> np.ndarray:
    """(2 n, 3) triples as they stand, then turned round under relations of their own.

    Args:
        triples: (n, 3) head, relation, tail.
        n_relations: Relations as they stand; relation r turned round is ``n_relations + r``.
    """
    head, relation, tail = triples.T
    return np.vstack([triples, np.column_stack([tail, relation + n_relations, head])])


class KnownTriples:
    """Which objects are known of a subject and a relation.

    Args:
        queries: (n, 3) of all that is known, as from ``both_ways``.
        n_entities: Number of entities.
    """

    def __init__(self, queries: np.ndarray, n_entities: int) -> None:
        self.n_entities = n_entities
        keys = self._keys(queries[:, 0], queries[:, 1])
        order = np.argsort(keys, kind="stable")
        self.keys, self.objects = keys[order], queries[order, 2]

    def _keys(self, subjects: np.ndarray, relations: np.ndarray) -> np.ndarray:
        return relations.astype(np.int64) * self.n_entities + subjects

    def cells(self, subjects: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the queries and columns of the entities that are known to be right."""
        keys = self._keys(subjects, relations)
        first = np.searchsorted(self.keys, keys, side="left")
        counts = np.searchsorted(self.keys, keys, side="right") - first
        rows = np.repeat(np.arange(len(keys)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, self.objects[np.repeat(first, counts) + within]


def filtered_ranks(score: Score, queries: np.ndarray, known: KnownTriples) -> np.ndarray:
    """(n,) float64 rank of each query's object, from 1; of ties the middle.

    Args:
        score: What ranks.
        queries: (n, 3) subject, relation, object.
        known: What is right besides, and is left out.
    """
    ranks = np.empty(len(queries))
    for start in range(0, len(queries), ROWS):
        subjects, relations, objects = queries[start : start + ROWS].T
        scores = np.array(score(subjects, relations), dtype=np.float64)
        rows = np.arange(len(objects))
        own = scores[rows, objects].copy()
        scores[known.cells(subjects, relations)] = -np.inf
        scores[rows, objects] = -np.inf
        better = (scores > own[:, None]).sum(axis=1)
        tied = (scores == own[:, None]).sum(axis=1)
        ranks[start : start + ROWS] = 1 + better + tied / 2
    return ranks


def summarise_ranks(ranks: np.ndarray) -> dict[str, float]:
    """Mean reciprocal rank, and the shares ranked among the first 1, 3 and 10.

    Args:
        ranks: (n,) as from ``filtered_ranks``; figures of none are NaN.
    """
    if not len(ranks):
        return dict.fromkeys(("mrr", "hits@1", "hits@3", "hits@10"), float("nan"))
    hits = {f"hits@{k}": float((ranks <= k).mean()) for k in (1, 3, 10)}
    return {"mrr": float((1 / ranks).mean()), **hits}
