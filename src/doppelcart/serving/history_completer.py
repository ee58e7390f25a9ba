"""What a trained generator would complete a history with, on arrays alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.special import erf, expit

EPSILON = 1e-3
"""Of the layer normalisation, as Keras has it."""


@dataclass(frozen=True, eq=False)
class Completer:
    """A generator of histories with its noise drawn once, who the customer is left unknown.

    The same history always gets the same answer, whoever asks. The network is that of
    ``models.histories.networks.build_generator``.

    Args:
        encoder: (n_items, units) float32 kernel of the layer that reads a history.
        encoder_bias: (units,) float32.
        table: (n_items, n_features) float32 features of the items.
        reading: (units + 1 + n_features, units) float32 kernel of the first hidden layer: rows of
            the encoded history, of its log length and of its mean features.
        noises: (n_draws, units) float32: what each draw of noise adds to that layer, its bias
            included.
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
    hidden: np.ndarray
    hidden_bias: np.ndarray
    scales: np.ndarray
    shifts: np.ndarray
    output: np.ndarray
    output_bias: np.ndarray
    wanted: np.ndarray

    def probabilities(self, seen: sparse.csr_matrix) -> np.ndarray:
        """(n_users, n_items) float32 mean probability that a customer also has an item.

        Args:
            seen: (n_users, n_items) CSR of ones.
        """
        lengths = np.asarray(seen.sum(axis=1), dtype=np.float32)
        read = (
            np.concatenate(
                [
                    (seen @ self.encoder) / (1 + np.sqrt(lengths)) + self.encoder_bias,
                    np.log1p(lengths),
                    (seen @ self.table) / np.maximum(lengths, 1),
                ],
                axis=1,
            )
            @ self.reading
        )
        total = np.zeros(seen.shape, dtype=np.float32)
        for noise in self.noises:
            state = self._activated(read + noise, 0)
            state = self._activated(state @ self.hidden + self.hidden_bias, 1)
            own = state @ self.output + self.output_bias
            total += expit(own + (state @ self.wanted) @ self.table.T)
        return total / np.float32(len(self.noises))

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
