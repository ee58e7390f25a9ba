"""Variational autoencoder with a multinomial likelihood."""

from typing import ClassVar, cast

import numpy as np
from pydantic import Field
from scipy import sparse

from doppelcart.recommenders.base import Matrix, Recommender, RecommenderConfig, to_dense


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
    batch_size: int = Field(default=100, ge=1, le=65_536, description="Users a step.")
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


class MultVAE(Recommender):
    """A history's items as draws from one multinomial, through a latent normal vector.

    Source: Liang, Krishnan, Hoffman and Jebara (2018), "Variational autoencoders for
    collaborative filtering": equations 2, 4 and 7, one hidden layer of tanh in either network,
    dropout on the input. Histories go in as ones and zeros and not, as there, at unit length: a
    hidden unit then moves with the items it sees, which takes far fewer steps to learn, and of a
    short history it says little. The number of epochs is the one that predicts best the hidden
    half of the histories of a share of the training users, held out; the network is then trained
    on all of them. Where those are too few to hold any out, all epochs are gone through. Held-out
    users speak for users not seen in training; those who were gain from more epochs, whose number
    is then better chosen like the other parameters, with nobody held out.

    TensorFlow is loaded when the first network is trained; scoring is a few products of arrays.
    """

    name: ClassVar[str] = "multvae"
    Config: ClassVar[type[RecommenderConfig]] = MultVAEConfig

    def _fit(self, train: sparse.csr_matrix) -> None:
        self._train = train
        self._weights: dict[MultVAEConfig, list[np.ndarray]] = {}

    def _network(self, config: MultVAEConfig) -> list[np.ndarray]:
        """Weights of the four layers, trained at the first use of a config."""
        if config not in self._weights:
            from doppelcart.recommenders.multvae_training import train

            self._weights[config] = train(self._train, config, self.seed)
        return self._weights[config]

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        return logits(seen, self._network(cast(MultVAEConfig, config)))


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


def log_likelihood(seen: Matrix, hidden: sparse.csr_matrix, weights: list[np.ndarray]) -> float:
    """Mean log probability, in nats, of a hidden item given the visible part of its history."""
    scores = logits(seen, weights).astype(np.float64)
    scores[to_dense(seen) > 0] = -np.inf
    top = scores.max(axis=1, keepdims=True)
    normaliser = top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    rows, items = hidden.nonzero()
    return float((scores - normaliser)[rows, items].mean())
