"""Self-attention over what was bought last, trained with few negatives and a loss that knows it."""

from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np
from scipy import sparse

from doppelcart.recommenders.base import Matrix, Recommender, RecommenderConfig
from doppelcart.recommenders.gsasrec_network import GSASRecConfig, Weights, logits
from doppelcart.recommenders.sequences import last_items, sequences_of


class GSASRec(Recommender):
    """What is bought next, told from the last items of a history and their order.

    Source: Petrov and Macdonald (2023), "gSASRec: Reducing overconfidence in sequential
    recommendation trained with negative sampling", equations 7 and 9, over the network of Kang and
    McAuley (2018), "Self-attentive sequential recommendation". It differs in this: negatives are
    drawn once per window and not once per place, which costs a fraction; an item has a bias that
    begins at its popularity, since most epochs would otherwise go into learning what sells;
    every epoch cuts all of a history into windows anew; and what was bought at once can be put in
    another order every epoch, since the order in which a basket is recorded says nothing.

    The number of epochs is the one whose lists are best, by NDCG, for a share of the training users
    whose histories are cut at random places, held out; the network is then trained on all of them.

    TensorFlow is loaded when the first network is trained; scoring is products of arrays.
    """

    name: ClassVar[str] = "gsasrec"
    label: ClassVar[str] = "gSASRec"
    needs_order: ClassVar[bool] = True
    Config: ClassVar[type[RecommenderConfig]] = GSASRecConfig

    @classmethod
    def memory(
        cls,
        n_users: int,  # noqa: ARG003 - users come in batches
        n_items: int,
        configs: Sequence[RecommenderConfig],
    ) -> int:
        """The vectors kept; one network's gradients, moments and batches while it is trained."""
        own = cast(Sequence[GSASRecConfig], configs)
        networks = [4 * (n_items + config.length) * config.dimension for config in own]
        return sum(networks) + 5 * max(networks, default=0) + max(map(_batch, own), default=0)

    def _fit(self, train: sparse.csr_matrix) -> None:
        self._train = sequences_of(train)
        self._weights: dict[GSASRecConfig, Weights] = {}

    def _network(self, config: GSASRecConfig) -> Weights:
        """Weights, trained at the first use of a config."""
        if config not in self._weights:
            from doppelcart.recommenders.gsasrec_training import train

            self._weights[config] = train(self._train, self.n_items, config, self.seed)
        return self._weights[config]

    def _score(self, seen: Matrix, config: RecommenderConfig) -> np.ndarray:
        own = cast(GSASRecConfig, config)
        known = sequences_of(seen)
        items = last_items(known, known.lengths, own.length, self.n_items)
        return logits(items, self._network(own), own)


def _batch(config: GSASRecConfig) -> int:
    """Bytes of what a step keeps for its gradients: states, attention, scores of negatives."""
    places = config.batch_size * config.length
    per_place = 20 * config.dimension + 4 * config.heads * config.length
    return 4 * places * (config.blocks * per_place + 4 * config.negatives)
