"""Sizes of Mult-VAE and what its trained weights say, on arrays alone."""

import numpy as np
from pydantic import Field
from scipy import sparse

from doppelcart.recommenders.base import Matrix, RecommenderConfig, to_dense


class MultVAEConfig(RecommenderConfig):
    """Hyper-parameters of Mult-VAE."""

    hidden_units: int = Field(
        default=200, ge=1, le=4096, description="Width of the hidden layer of either network."
    )
    latent_units: int = Field(default=64, ge=1, le=1024, description="Length of a latent vector.")
    dropout: float = Field(
        default=0.5, ge=0, lt=1, description="Share of a history's items dropped in training."
    )
    kl_weight: float = Field(
        default=0.2, ge=0, le=10, description="Weight of the divergence from the prior (beta)."
    )
    annealing_epochs: int = Field(
        default=5, ge=0, le=10_000, description="Epochs over which that weight grows from 0."
    )
    learning_rate: float = Field(default=3e-3, gt=0, le=1, description="Adam step.")
    batch_size: int = Field(default=100, ge=1, le=65_536, description="Users per step.")
    epochs: int = Field(
        default=100,
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
        default=10,
        ge=1,
        le=10_000,
        description="Epochs without a better one after which the search for the best one ends.",
    )


def logits(seen: Matrix, weights: list[np.ndarray]) -> np.ndarray:
    """(n_users, n_items) logits at the mean of the latent vector.

    Args:
        seen: (n_users, n_items) histories.
        weights: Kernel and bias of the hidden layer, of the latent mean and log variance, of
            the second hidden layer and of the output.
    """
    hidden = np.tanh(seen @ weights[0] + weights[1])
    mean = (hidden @ weights[2] + weights[3])[:, : weights[4].shape[0]]
    decoded: np.ndarray = np.tanh(mean @ weights[4] + weights[5]) @ weights[6] + weights[7]
    return decoded


def gradients(
    known: np.ndarray, points: np.ndarray, directions: np.ndarray, weights: list[np.ndarray]
) -> np.ndarray:
    """(n_points, n_known, n_directions) slopes of sums of logits along each known item.

    Args:
        known: (n_known,) catalogue positions.
        points: (n_points, n_known) weights of the known items where slopes are taken.
        directions: (n_items, n_directions) what is summed.
        weights: As of ``logits``.
    """
    of_known, n_latent = weights[0][known], weights[4].shape[0]
    hidden = np.tanh(points @ of_known + weights[1])
    mean = (hidden @ weights[2] + weights[3])[:, :n_latent]
    decoded = np.tanh(mean @ weights[4] + weights[5])
    of_output = weights[6] @ directions
    slopes = np.empty((*points.shape, directions.shape[1]), dtype=np.float32)
    for point in range(len(points)):
        of_decoded = (1 - decoded[point] ** 2)[:, None] * of_output
        of_hidden = weights[2][:, :n_latent] @ (weights[4] @ of_decoded)
        slopes[point] = of_known @ ((1 - hidden[point] ** 2)[:, None] * of_hidden)
    return slopes


def log_likelihood(seen: Matrix, hidden: sparse.csr_matrix, weights: list[np.ndarray]) -> float:
    """Mean log probability, in nats, of a hidden item given the visible part of its history."""
    scores = logits(seen, weights).astype(np.float64)
    scores[to_dense(seen) > 0] = -np.inf
    top = scores.max(axis=1, keepdims=True)
    normaliser = top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    rows, items = hidden.nonzero()
    return float((scores - normaliser)[rows, items].mean())
