"""What completes a history before it is scored, on arrays alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from scipy import sparse
from scipy.special import erf, expit

from doppelcart.errors import InputError
from doppelcart.serving.folding import times

EPSILON = 1e-3
"""Of the layer normalisation, as Keras has it."""
_USERS: Final = 64
"""Histories completed at once, so that their probabilities stay in the cache."""


@dataclass(frozen=True, eq=False)
class Completer:
    """A generator of histories with its noise drawn once.

    The same history of the same customer always gets the same answer, whoever else is asked for.
    The network is that of ``models.histories.networks.build_generator``.

    Args:
        encoder: (n_items, units) float32 kernel of the layer that reads a history.
        encoder_bias: (units,) float32.
        table: (n_items, n_features) float32 features of the items.
        reading: (units + 1 + n_features, units) float32 kernel of the first hidden layer: rows of
            the encoded history, of its log length and of its mean features.
        noises: (n_draws, units) float32: what each draw of noise adds to that layer, its bias
            included.
        told: (n_columns + 1, units) float32: what each column of a profile adds to that layer, and
            last, that a profile is known.
        hidden: (units, units) float32 kernel of the second hidden layer.
        hidden_bias: (units,) float32.
        scales: (2, units) float32 factors of the two layer normalisations.
        shifts: (2, units) float32 what they add.
        output: (units, n_items) float32 kernel of the items' own part of the logits.
        output_bias: (n_items,) float32.
        wanted: (units, n_features) float32 kernel of the part that items of like features share.
    """

    encoder: np.ndarray
    encoder_bias: np.ndarray
    table: np.ndarray
    reading: np.ndarray
    noises: np.ndarray
    told: np.ndarray
    hidden: np.ndarray
    hidden_bias: np.ndarray
    scales: np.ndarray
    shifts: np.ndarray
    output: np.ndarray
    output_bias: np.ndarray
    wanted: np.ndarray

    def probabilities(
        self, seen: sparse.csr_matrix, profiles: np.ndarray | None = None
    ) -> np.ndarray:
        """(n_users, n_items) float32 mean probability that a customer also has an item.

        Args:
            seen: (n_users, n_items) CSR of ones.
            profiles: (n_users, n_columns) what else is known of the customers; None where
                nothing else is known of them.

        Raises:
            InputError: Profiles are not as the generator learnt them, or not as many.
        """
        expected = (seen.shape[0], len(self.told) - 1)
        if profiles is not None and profiles.shape != expected:
            raise InputError(
                f"Profiles of shape {profiles.shape} were given to complete {expected[0]} "
                f"histories by a generator that learnt {expected[1]} columns. Train it again: "
                "kedro run --pipelines gan"
            )
        found = np.empty(seen.shape, dtype=np.float32)
        for start in range(0, seen.shape[0], _USERS):
            part = slice(start, start + _USERS)
            found[part] = self._completed(seen[part], None if profiles is None else profiles[part])
        return found

    def _completed(self, seen: sparse.csr_matrix, profiles: np.ndarray | None) -> np.ndarray:
        """As ``probabilities``, of a few users: all draws of noise of all of them at once."""
        read = times(self._read(seen), self.reading)
        if profiles is not None:
            read += times(profiles.astype(np.float32), self.told[:-1]) + self.told[-1]
        drawn = (self.noises[:, None, :] + read[None]).reshape(-1, read.shape[1])
        state = self._activated(drawn, 0)
        state = self._activated(times(state, self.hidden) + self.hidden_bias, 1)
        own = times(state, self.output) + self.output_bias
        own += times(times(state, self.wanted), self.table.T)
        total: np.ndarray = expit(own).reshape(len(self.noises), *seen.shape).sum(axis=0)
        return total / np.float32(len(self.noises))

    def _read(self, seen: sparse.csr_matrix) -> np.ndarray:
        """What the first hidden layer reads of histories."""
        lengths = np.asarray(seen.sum(axis=1), dtype=np.float32).reshape(-1, 1)
        return np.concatenate(
            [
                (seen @ self.encoder) / (1 + np.sqrt(lengths)) + self.encoder_bias,
                np.log1p(lengths),
                (seen @ self.table) / np.maximum(lengths, 1),
            ],
            axis=1,
        )

    def _activated(self, state: np.ndarray, layer: int) -> np.ndarray:
        """Layer normalisation (Ba, Kiros and Hinton 2016) and GELU (Hendrycks and Gimpel 2016)."""
        centred = state - state.mean(axis=1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + EPSILON)
        normal = (centred / spread * self.scales[layer] + self.shifts[layer]).astype(np.float32)
        halved = np.float32(0.5) * normal
        return halved * (1 + erf(normal / np.float32(np.sqrt(2))))

    def arrays(self) -> dict[str, np.ndarray]:
        """Its arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, arrays: dict[str, Any]) -> Self:
        """The completer of some arrays.

        Args:
            arrays: As from ``arrays``.
        """
        return cls(**arrays)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of its arrays."""
        return tuple(field.name for field in fields(cls))


def noise_of(n_draws: int, units: int, seed: int) -> np.ndarray:
    """(n_draws, units) float32 noise that all histories are completed with.

    Args:
        n_draws: Draws of the generator that are averaged.
        units: Length of the generator's noise.
        seed: Of the draws.
    """
    return np.random.default_rng(seed).standard_normal((n_draws, units), dtype=np.float32)


def strongest_unseen(
    probabilities: np.ndarray, seen: sparse.csr_matrix, top: int | None
) -> sparse.csr_matrix:
    """Each user's most probable unknown items: ``p * (1 - x)``, cut to its ``top`` entries.

    Args:
        probabilities: (n_users, n_items) in [0, 1].
        seen: (n_users, n_items) CSR of ones, the known items.
        top: How many items per user to keep; None keeps all.

    Returns:
        (n_users, n_items) CSR, float32.

    Raises:
        InputError: If a probability is outside [0, 1] or not a number.
    """
    unseen = np.array(probabilities, dtype=np.float32)
    if unseen.shape != seen.shape:
        raise InputError(
            f"A completer returned shape {unseen.shape} for {seen.shape[0]} users and "
            f"{seen.shape[1]} items."
        )
    inside: np.ndarray = (unseen >= 0) & (unseen <= 1)
    bad = np.flatnonzero(~inside.all(axis=1))
    if len(bad):
        raise InputError(
            f"A completer returned values outside [0, 1] or not a number for {len(bad)} of "
            f"{len(unseen)} users. Probabilities are needed: train the generator again."
        )
    unseen[seen.nonzero()] = 0
    n_items = unseen.shape[1]
    if top is not None and top < n_items:
        columns = np.argpartition(unseen, n_items - top, axis=1)[:, n_items - top :]
        columns.sort(axis=1)
        data = np.take_along_axis(unseen, columns, axis=1).ravel()
        indptr = np.arange(0, top * len(unseen) + 1, top)
        kept = sparse.csr_matrix((data, columns.ravel(), indptr), shape=unseen.shape)
        kept.eliminate_zeros()
        return kept
    return sparse.csr_matrix(unseen)


def completed(
    seen: sparse.csr_matrix, added: sparse.csr_matrix, strength: float
) -> sparse.csr_matrix:
    """``x + s * p * (1 - x)``: the history that is handed to the recommender.

    Args:
        seen: (n_users, n_items) CSR of ones.
        added: (n_users, n_items) CSR of probabilities, 0 on known items.
        strength: s in [0, 1]; 0 returns the known history as it is.

    Returns:
        (n_users, n_items) CSR, float32, values in (0, 1].
    """
    if strength == 0:
        return seen
    return (seen + added.multiply(np.float32(strength))).tocsr().astype(np.float32)
