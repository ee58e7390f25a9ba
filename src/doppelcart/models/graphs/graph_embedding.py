"""Vectors of a graph's entities and relations: TransE, ComplEx, RotatE.

All three turn a subject and a relation into a vector that is compared with every entity's. A
relation asked from its tail is a relation of its own, with its own vector (reciprocal relations,
Lacroix, Usunier and Obozinski 2018).

A step changes only the rows that its batch holds: Keras' Adam would turn the gradient of a few
thousand rows into one of all, and touch every entity in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import tensorflow as tf

from doppelcart.metrics.link_prediction import (
    KnownTriples,
    both_ways,
    filtered_ranks,
    summarise_ranks,
)
from doppelcart.models.graphs.hyperparameters import EmbeddingConfig, GraphModel
from doppelcart.progress import tracked

FIRST_SIZE: Final = 0.1
"""Deviation of the first vectors."""


def _translated(subject: tf.Tensor, relation: tf.Tensor) -> tf.Tensor:
    """TransE: what is related lies a step away (Bordes et al. 2013)."""
    return subject + relation


def _multiplied(subject: tf.Tensor, relation: tf.Tensor) -> tf.Tensor:
    """ComplEx: the complex product (Trouillon et al. 2016); the real part comes first."""
    real, imaginary = tf.split(subject, 2, axis=1)
    real_of, imaginary_of = tf.split(relation, 2, axis=1)
    return tf.concat(
        [
            real * real_of - imaginary * imaginary_of,
            real * imaginary_of + imaginary * real_of,
        ],
        axis=1,
    )


def _rotated(subject: tf.Tensor, relation: tf.Tensor) -> tf.Tensor:
    """RotatE: a rotation in every plane (Sun et al. 2019), of the angle of the relation's value."""
    real, imaginary = tf.split(relation, 2, axis=1)
    size = tf.sqrt(tf.square(real) + tf.square(imaginary) + 1e-12)
    return _multiplied(subject, tf.concat([real / size, imaginary / size], axis=1))


def _product(asked: tf.Tensor, entities: tf.Tensor) -> tf.Tensor:
    """(..., n, n_entities) inner products."""
    return tf.matmul(asked, entities, transpose_b=True)


def _nearness(asked: tf.Tensor, entities: tf.Tensor) -> tf.Tensor:
    """(..., n, n_entities) minus the Euclidean distance."""
    squared = (
        tf.reduce_sum(tf.square(asked), axis=-1, keepdims=True)
        + tf.reduce_sum(tf.square(entities), axis=-1)[..., None, :]
        - 2.0 * _product(asked, entities)
    )
    return -tf.sqrt(tf.maximum(squared, 1e-9))


MODELS: Final[dict[GraphModel, tuple[Callable[..., Any], Callable[..., Any]]]] = {
    "transe": (_translated, _nearness),
    "complex": (_multiplied, _product),
    "rotate": (_rotated, _nearness),
}
"""What becomes of a subject under a relation, and how that is compared with entities."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """What was learnt.

    Args:
        model: Which of ``MODELS``.
        entities: (n_entities, 2 * units) float32.
        relations: (2 * n_relations, 2 * units) float32: as they stand, then turned round.
    """

    model: GraphModel
    entities: np.ndarray
    relations: np.ndarray

    def score(self, subjects: np.ndarray, relations: np.ndarray) -> np.ndarray:
        """(n, n_entities) float32 scores of objects, given subjects and relations."""
        turn, compare = MODELS[self.model]
        asked = turn(self.entities[subjects], self.relations[relations])
        return np.asarray(compare(asked, self.entities))


@dataclass(frozen=True, eq=False)
class Learnt:
    """What a training yields.

    Args:
        vectors: Of the epoch that ranked validation triples best.
        log: One row per evaluation: ``epoch``, ``loss``, ``mrr`` of validation triples.
    """

    vectors: Vectors
    log: pd.DataFrame


class _Rows:
    """A table of vectors whose rows are changed by Adagrad, those of a step alone."""

    def __init__(self, shape: tuple[int, int], rng: np.random.Generator, step: float) -> None:
        first = rng.normal(0.0, FIRST_SIZE, shape).astype(np.float32)
        self.table = tf.Variable(first)
        self.squares = tf.Variable(tf.zeros(shape))
        self.step = step

    def change(self, rows: tf.Tensor, gradient: tf.Tensor) -> None:
        """Move some rows, each named once, against their gradient."""
        self.squares.scatter_add(tf.IndexedSlices(tf.square(gradient), rows))
        scale = tf.sqrt(tf.gather(self.squares, rows)) + 1e-8
        self.table.scatter_sub(tf.IndexedSlices(self.step * gradient / scale, rows))


class Embedder:
    """Learns vectors from triples, a batch at a time.

    Args:
        model: Which of ``MODELS``.
        n_entities: Number of entities.
        n_relations: Number of relations as they stand.
        config: How to learn.
    """

    def __init__(
        self, model: GraphModel, n_entities: int, n_relations: int, config: EmbeddingConfig
    ) -> None:
        rng = np.random.default_rng([config.seed, 0])
        width = 2 * config.units
        self.model, self.config, self.n_entities = model, config, n_entities
        self.entities = _Rows((n_entities, width), rng, config.learning_rate)
        self.relations = _Rows((2 * n_relations, width), rng, config.learning_rate)
        self.step = tf.function(self._step, reduce_retracing=True)

    @property
    def vectors(self) -> Vectors:
        """As they are now."""
        return Vectors(
            self.model, self.entities.table.numpy().copy(), self.relations.table.numpy().copy()
        )

    def _step(self, queries: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
        """Change the rows of a batch; returns the mean loss in nats.

        Args:
            queries: (n, 3) int64 subject, relation, object.
            others: (n_others,) int64 entities that the object is told from.
        """
        n = tf.shape(queries)[0]
        named = tf.concat([queries[:, 0], queries[:, 2], others], axis=0)
        rows, places = tf.unique(named)
        relation_rows, relation_places = tf.unique(queries[:, 1])
        values = tf.gather(self.entities.table, rows)
        relation_values = tf.gather(self.relations.table, relation_rows)
        with tf.GradientTape() as tape:
            tape.watch([values, relation_values])
            subject = tf.gather(values, places[:n])
            object_ = tf.gather(values, places[n : 2 * n])
            relation = tf.gather(relation_values, relation_places)
            other = tf.gather(values, places[2 * n :])
            loss = self._loss(queries, others, (subject, relation, object_), other)
        gradients = tape.gradient(loss, [values, relation_values])
        # Of the rows of this batch alone, so that to make them dense costs nothing.
        self.entities.change(rows, tf.convert_to_tensor(gradients[0]))
        self.relations.change(relation_rows, tf.convert_to_tensor(gradients[1]))
        return loss

    def _loss(
        self,
        queries: tf.Tensor,
        others: tf.Tensor,
        triple: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        other: tf.Tensor,
    ) -> tf.Tensor:
        """Cross-entropy of the object among the others, and N3."""
        subject, relation, object_ = triple
        turn, compare = MODELS[self.model]
        asked = turn(subject, relation)
        own = compare(asked[:, None, :], object_[:, None, :])[:, 0, 0]
        against = compare(asked, other)
        # An object that is drawn again is no other.
        same = tf.equal(queries[:, 2][:, None], others[None, :])
        logits = tf.concat([own[:, None], tf.where(same, -1e9, against)], axis=1)
        loss = tf.reduce_mean(tf.reduce_logsumexp(logits, axis=1) - own)
        cubes = sum(_cubed(part) for part in triple)
        return loss + self.config.penalty * cubes


def _cubed(vectors: tf.Tensor) -> tf.Tensor:
    """Mean over rows of the cubed moduli, summed over units."""
    real, imaginary = tf.split(vectors, 2, axis=1)
    moduli = tf.sqrt(tf.square(real) + tf.square(imaginary) + 1e-12)
    return tf.reduce_mean(tf.reduce_sum(moduli**3, axis=1))


def learn_vectors(
    model: GraphModel,
    triples: np.ndarray,
    validation: np.ndarray,
    n_entities: int,
    n_relations: int,
    config: EmbeddingConfig,
    label: str = "",
) -> Learnt:
    """Learn vectors, and keep those of the epoch that ranked validation triples best.

    Args:
        model: Which of ``MODELS``.
        triples: (n, 3) head, relation, tail: to learn from.
        validation: (n_validation, 3) to choose by; without any the last epoch is kept.
        n_entities: Number of entities.
        n_relations: Number of relations.
        config: How to learn.
        label: On progress bars; by default the model's name.
    """
    embedder = Embedder(model, n_entities, n_relations, config)
    queries = both_ways(triples, n_relations)
    asked = _sampled(both_ways(validation, n_relations), config)
    known = KnownTriples(np.vstack([queries, both_ways(validation, n_relations)]), n_entities)
    best, kept, rows = -np.inf, embedder.vectors, []
    for epoch in tracked(range(1, config.epochs + 1), f"embedding, {label or model}", "epoch"):
        losses = [
            float(embedder.step(tf.constant(batch), tf.constant(others)))
            for batch, others in _batches(queries, n_entities, config, epoch)
        ]
        if epoch % config.evaluate_every and epoch != config.epochs:
            continue
        vectors = embedder.vectors
        mrr = summarise_ranks(filtered_ranks(vectors.score, asked, known))["mrr"]
        rows.append({"epoch": epoch, "loss": float(np.mean(losses)), "mrr": mrr})
        if not len(asked) or mrr > best:
            best, kept = mrr, vectors
    return Learnt(kept, pd.DataFrame(rows))


def _sampled(queries: np.ndarray, config: EmbeddingConfig) -> np.ndarray:
    """At most as many queries as are evaluated."""
    order = np.random.default_rng([config.seed, 1]).permutation(len(queries))
    return queries[order[: config.evaluated]]


def _batches(
    queries: np.ndarray, n_entities: int, config: EmbeddingConfig, epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of an epoch with entities to tell their objects from."""
    rng = np.random.default_rng([config.seed, 2, epoch])
    order = rng.permutation(len(queries))
    everybody = np.arange(n_entities)
    for start in range(0, len(order), config.batch_size):
        drawn = (
            everybody
            if n_entities <= config.negatives
            else rng.choice(n_entities, config.negatives, replace=False)
        )
        yield queries[order[start : start + config.batch_size]], drawn
