"""Held-out triples by looking up: what others have that share one thing with the subject.

Of a relation asked of a subject, say the brand of an item, the lookup names one other relation,
say the manufacturer, and ranks brands by how often items of that manufacturer have them. Whatever
vectors know beyond that is what they are for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from doppelcart.metrics.link_prediction import (
    KnownTriples,
    Score,
    both_ways,
    filtered_ranks,
    summarise_ranks,
)

LEAST = 1e-6
"""What the commonest object counts where nothing is shared: less than one thing that is."""


class Tables:
    """Training triples as one table per relation, either way.

    Args:
        train: (n, 3) head, relation, tail.
        n_entities: Number of entities.
        n_relations: Number of relations.
    """

    def __init__(self, train: np.ndarray, n_entities: int, n_relations: int) -> None:
        queries = both_ways(train, n_relations)
        shape = (n_entities, n_entities)
        self.of = []
        for relation in range(2 * n_relations):
            own = queries[queries[:, 1] == relation]
            ones = np.ones(len(own), dtype=np.float32)
            self.of.append(sparse.csr_matrix((ones, (own[:, 0], own[:, 2])), shape=shape))

    def commonest(self, relation: int) -> np.ndarray:
        """(n_entities,) share of the subjects that have each object, at most ``LEAST``."""
        counts = np.asarray(self.of[relation].sum(axis=0)).ravel()
        return np.asarray(LEAST * counts / max(counts.max(), 1.0))

    def asking(self, shared: int | None) -> Score:
        """Scores of queries of one relation, by what subjects have in common under another."""

        def score(subjects: np.ndarray, relations: np.ndarray) -> np.ndarray:
            return self.score(subjects, int(relations[0]), shared)

        return score

    def score(self, subjects: np.ndarray, relation: int, shared: int | None) -> np.ndarray:
        """(n, n_entities) mean share of those that have something in common who have each object.

        Args:
            subjects: (n,) entities.
            relation: What is asked of them.
            shared: The relation under which they are to have something in common; None for none.
        """
        objects, usual = self.of[relation], self.commonest(relation)
        if shared is None:
            return np.tile(usual, (len(subjects), 1))
        through = self.of[shared]
        has = (np.diff(objects.indptr) > 0).astype(np.float32)
        told = through.T @ has
        weight = np.divide(1.0, told, out=np.zeros_like(told), where=told > 0)
        alike = through[subjects].multiply(weight).tocsr() @ through.T
        number = np.maximum(np.diff(through.indptr)[subjects], 1)[:, None]
        return np.asarray((alike @ objects).toarray() / number + usual)


@dataclass(frozen=True, eq=False)
class Lookup:
    """The lookup that suits each relation best.

    Args:
        tables: Training triples.
        shared: (2 * n_relations,) what subjects are to share; None where the commonest is best.
    """

    tables: Tables
    shared: tuple[int | None, ...]

    def score(self, subjects: np.ndarray, relations: np.ndarray) -> np.ndarray:
        """(n, n_entities) scores of objects, given subjects and relations."""
        found = np.empty((len(subjects), self.tables.of[0].shape[0]), dtype=np.float32)
        for relation in np.unique(relations):
            rows = relations == relation
            found[rows] = self.tables.score(subjects[rows], relation, self.shared[relation])
        return found


def choose_lookup(
    train: np.ndarray,
    validation: np.ndarray,
    n_entities: int,
    n_relations: int,
    chosen_by: int,
) -> Lookup:
    """For every relation, either way, try all others as what is shared.

    Args:
        train: (n, 3) what is looked up in.
        validation: (n_validation, 3) what chooses.
        n_entities: Number of entities.
        n_relations: Number of relations.
        chosen_by: Validation triples of a relation that choose, at most.
    """
    tables = Tables(train, n_entities, n_relations)
    asked = both_ways(validation, n_relations)
    known = KnownTriples(np.vstack([both_ways(train, n_relations), asked]), n_entities)
    shared: list[int | None] = []
    for relation in range(2 * n_relations):
        queries = asked[asked[:, 1] == relation][:chosen_by]
        subjects = np.unique(queries[:, 0])
        candidates: list[int | None] = [None] + [
            other
            for other, table in enumerate(tables.of)
            if len(subjects) and np.diff(table.indptr)[subjects].any()
        ]
        worth = [
            summarise_ranks(filtered_ranks(tables.asking(candidate), queries, known))["mrr"]
            for candidate in candidates
        ]
        shared.append(candidates[int(np.argmax(np.nan_to_num(worth)))])
    return Lookup(tables, tuple(shared))
