"""Variational autoencoder with a multinomial likelihood."""

from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np
from scipy import sparse

from doppelcart.recommenders.base import Matrix, Recommender, RecommenderConfig
from doppelcart.recommenders.multvae_network import MultVAEConfig, logits
from doppelcart.serving.scorer import Bottleneck


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
    label: ClassVar[str] = "Mult-VAE"
    Config: ClassVar[type[RecommenderConfig]] = MultVAEConfig

    @classmethod
    def memory(
        cls,
        n_users: int,  # noqa: ARG003 - users come in batches
        n_items: int,
        configs: Sequence[RecommenderConfig],
    ) -> int:
        """The networks kept; one's gradients, moments and batches while it is trained."""
        own = cast(Sequence[MultVAEConfig], configs)
        networks = [2 * 4 * n_items * config.hidden_units for config in own]
        batches = [6 * 4 * n_items * config.batch_size for config in own]
        return sum(networks) + 4 * max(networks, default=0) + max(batches, default=0)

    def _fit(self, train: sparse.csr_matrix) -> None:
        self._train = train
        self._weights: dict[MultVAEConfig, list[np.ndarray]] = {}

    def _network(self, config: MultVAEConfig) -> list[np.ndarray]:
        """Weights of the four layers, trained at the first use of a config."""
        if config not in self._weights:
            from doppelcart.recommenders.multvae_training import train

            self._weights[config] = train(self._train, config, self.seed)
        return self._weights[config]

    def scorer(self, config: RecommenderConfig) -> Bottleneck:
        """See ``Recommender``; the log variance, which no score needs, is left out."""
        weights = self._network(cast(MultVAEConfig, config))
        n_latent = len(weights[4])
        return Bottleneck(
            encoder=weights[0],
            encoder_bias=weights[1],
            latent=weights[2][:, :n_latent],
            latent_bias=weights[3][:n_latent],
            decoder=weights[4],
            decoder_bias=weights[5],
            output=weights[6],
            output_bias=weights[7],
        )

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        return logits(seen, self._network(cast(MultVAEConfig, config)))
