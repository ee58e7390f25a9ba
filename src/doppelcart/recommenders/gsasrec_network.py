"""Sizes of gSASRec and what its trained weights say, on arrays alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from doppelcart.recommenders.base import RecommenderConfig

FORBIDDEN = -1e9
"""Added to the attention that a place must not give."""
EPSILON = 1e-6
"""Added to a variance before it divides."""
ROWS = 64
"""Histories whose attention is held at once."""

Weights = Mapping[str, np.ndarray]
"""By name: ``items``, ``places``, ``bias``, those of ``names_of`` for each block, and of the last
norm ``last/scale`` and ``last/shift``."""

NORMS = ("before", "between")
KERNELS = ("query", "key", "value", "inner", "outer")


class GSASRecConfig(RecommenderConfig):
    """Hyper-parameters of gSASRec."""

    dimension: int = Field(default=32, ge=1, le=1024, description="Length of an item's vector.")
    blocks: int = Field(default=1, ge=1, le=8, description="Layers of attention.")
    heads: int = Field(
        default=1, ge=1, le=16, description="Parts of a vector that attend apart; divides it."
    )
    length: int = Field(
        default=50, ge=1, le=2000, description="Last items of a history that are looked at."
    )
    negatives: int = Field(
        default=128,
        ge=1,
        le=65_536,
        description="Items drawn per window that were not bought next (k).",
    )
    calibration: float = Field(
        default=0.75,
        ge=0,
        le=1,
        description="How far the loss makes up for drawing few of them (t); 0: cross entropy.",
    )
    baskets: bool = Field(
        default=True,
        description="Whether items at ascending catalogue positions were bought at once, and have "
        "no order among them; false takes the order as it is recorded.",
    )
    dropout: float = Field(
        default=0.5, ge=0, lt=1, description="Share of the units dropped in training."
    )
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Adam step.")
    batch_size: int = Field(default=64, ge=1, le=65_536, description="Windows per step.")
    epochs: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Most passes over the users; fewer if held-out users say so.",
    )
    held_out_share: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the training users that say how many; 0: go through all epochs.",
    )
    patience: int = Field(
        default=4,
        ge=1,
        le=10_000,
        description="Epochs without a better one after which the search for the best one ends.",
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"heads {self.heads} do not divide dimension {self.dimension}")
        return self


def drawn_negatives(config: GSASRecConfig, n_items: int) -> int:
    """How many negatives are drawn: no more than there are other items."""
    return min(config.negatives, max(n_items - 1, 1))


def exponent(config: GSASRecConfig, n_items: int) -> float:
    """The power beta of a positive's probability.

    Petrov and Macdonald (2023), equation 9: ``beta = alpha (t (1 - 1 / alpha) + 1 / alpha)``, which
    is ``1 - t (1 - alpha)``, with the share alpha of the other items that are drawn.

    Args:
        config: Negatives and calibration.
        n_items: Size of the catalogue.
    """
    share = drawn_negatives(config, n_items) / max(n_items - 1, 1)
    return 1 - config.calibration * (1 - share)


def names_of(block: int) -> dict[str, str]:
    """Names of a block's weights, by what they are within it."""
    parts = [f"{norm}/{part}" for norm in NORMS for part in ("scale", "shift")]
    parts += [f"{kernel}/{part}" for kernel in KERNELS for part in ("kernel", "bias")]
    return {part: f"block {block}/{part}" for part in parts}


def hidden_states(items: np.ndarray, weights: Weights, config: GSASRecConfig) -> np.ndarray:
    """(n_users, length, dimension) what is known after each item of a history.

    Args:
        items: (n_users, length) catalogue positions, oldest first; the size of the catalogue
            stands where there is none.
        weights: Trained.
        config: Blocks and heads.
    """
    there = (items < len(weights["items"]) - 1)[:, :, None]
    states = (
        weights["items"][items] * np.float32(np.sqrt(config.dimension)) + weights["places"]
    ) * there
    length = items.shape[1]
    allowed = np.tril(np.ones((length, length), dtype=bool)) & there.transpose(0, 2, 1)
    for number in range(config.blocks):
        own = {part: weights[name] for part, name in names_of(number).items()}
        states = _block(states, allowed, own, config.heads) * there
    return _normalised(states, weights["last/scale"], weights["last/shift"])


def logits(items: np.ndarray, weights: Weights, config: GSASRecConfig) -> np.ndarray:
    """(n_users, n_items) scores of what comes after the last item.

    Args:
        items: As of ``hidden_states``.
        weights: Trained.
        config: Blocks and heads.
    """
    catalogue = weights["items"][:-1].T
    scores = np.empty((len(items), catalogue.shape[1]), dtype=np.float32)
    for start in range(0, len(items), ROWS):
        rows = slice(start, start + ROWS)
        scores[rows] = hidden_states(items[rows], weights, config)[:, -1] @ catalogue
    scores += weights["bias"][:-1]
    return scores


def _block(states: np.ndarray, allowed: np.ndarray, own: Weights, heads: int) -> np.ndarray:
    """Attention of normalised states to all states, and two layers, each added to what it took."""

    def layer(name: str, values: np.ndarray) -> np.ndarray:
        return np.asarray(values @ own[f"{name}/kernel"] + own[f"{name}/bias"])

    def norm(name: str, values: np.ndarray) -> np.ndarray:
        return _normalised(values, own[f"{name}/scale"], own[f"{name}/shift"])

    asking = norm("before", states)
    query, key, value = (
        _by_head(layer(name, values), heads)
        for name, values in (("query", asking), ("key", states), ("value", states))
    )
    agreement = query @ key.transpose(0, 1, 3, 2) / np.sqrt(np.float32(query.shape[-1]))
    agreement += np.where(allowed, 0, FORBIDDEN).astype(np.float32)[:, None]
    shares = np.exp(agreement - agreement.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    attended = (shares @ value).transpose(0, 2, 1, 3).reshape(states.shape)
    between = norm("between", attended + asking)
    return layer("outer", np.maximum(layer("inner", between), 0)) + between


def _by_head(values: np.ndarray, heads: int) -> np.ndarray:
    """(n_users, heads, length, dimension / heads)."""
    n_users, length, dimension = values.shape
    return values.reshape(n_users, length, heads, dimension // heads).transpose(0, 2, 1, 3)


def _normalised(values: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Each state brought to mean 0 and variance 1, then scaled and shifted."""
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + np.float32(EPSILON)) * scale + shift)
