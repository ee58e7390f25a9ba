"""How the completion of a history depends on each item in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit

from doppelcart.models.histories.generation import generator_logits
from doppelcart.serving.history_completer import noise_of

ROWS: int = 256
"""Histories completed at once."""


@dataclass(frozen=True, eq=False)
class Completion:
    """A generator that completes histories, the same noise for all of them.

    What is deleted from a history is then all that changes its completion.

    Args:
        generator: The trained G.
        n_draws: Noise vectors averaged.
        seed: Of the noise.
    """

    generator: Any
    n_draws: int
    seed: int = 0

    @cached_property
    def noise(self) -> np.ndarray:
        """(n_draws, noise_units) float32."""
        return noise_of(self.n_draws, self.generator.input["noise"].shape[-1], self.seed)

    def probabilities(
        self, seen: sparse.csr_matrix, demographics: np.ndarray | None = None
    ) -> np.ndarray:
        """(n, n_items) float32 mean probability of each item.

        Args:
            seen: (n, n_items) histories.
            demographics: (n_demographics,) of the user of all of them; None where unknown.
        """
        found = np.empty(seen.shape, dtype=np.float32)
        for start in range(0, seen.shape[0], ROWS):
            part = slice(start, start + ROWS)
            history = seen[part].toarray().astype(np.float32)
            known = _repeated(demographics, len(history))
            total = np.zeros_like(history)
            for noise in self.noise:
                drawn = np.repeat(noise[None], len(history), axis=0)
                total += expit(generator_logits(self.generator, history, drawn, known))
            found[part] = total / self.n_draws
        return found

    def gradients(
        self,
        known: np.ndarray,
        points: np.ndarray,
        directions: np.ndarray,
        demographics: np.ndarray | None = None,
    ) -> np.ndarray:
        """(n_points, n_known, n_directions) slopes of sums of probabilities along each known item.

        Where the weight of an item is 0 its slope is 0: the network does not look at it.

        Args:
            known: (n_known,) catalogue positions.
            points: (n_points, n_known) weights of the known items where slopes are taken.
            directions: (n_items, n_directions) what is summed.
            demographics: (n_demographics,) of the user; None where unknown.
        """
        import tensorflow as tf

        n_items, n_directions = directions.shape
        towards = tf.constant(directions.T, tf.float32)
        slopes = np.empty((*points.shape, n_directions), dtype=np.float32)
        inputs = {
            name: tf.zeros((n_directions, tensor.shape[-1]))
            for name, tensor in self.generator.input.items()
        }
        told = _repeated(demographics, n_directions)
        if told is not None:
            inputs["demographics"] = tf.constant(told, tf.float32)
            inputs["demographics_known"] = tf.ones((n_directions, 1))
        for place, point in enumerate(points):
            row = np.zeros((n_directions, n_items), dtype=np.float32)
            row[:, known] = point
            history = tf.constant(row)
            total = np.zeros((n_directions, len(known)), dtype=np.float32)
            for noise in self.noise:
                drawn = tf.repeat(tf.constant(noise[None]), n_directions, axis=0)
                with tf.GradientTape() as tape:
                    tape.watch(history)
                    logits = self.generator(
                        {**inputs, "history": history, "noise": drawn}, training=False
                    )
                    summed = tf.reduce_sum(tf.sigmoid(logits) * towards)
                total += tape.gradient(summed, history).numpy()[:, known]
            slopes[place] = total.T / self.n_draws
        return slopes


def _repeated(row: np.ndarray | None, n: int) -> np.ndarray | None:
    return None if row is None else np.repeat(row[None], n, axis=0)
