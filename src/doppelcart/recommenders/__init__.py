"""Collaborative filtering recommenders behind one small interface."""

from doppelcart.recommenders.base import Matrix, Recommender, RecommenderConfig
from doppelcart.recommenders.ease import EASE, EASEConfig
from doppelcart.recommenders.gsasrec import GSASRec
from doppelcart.recommenders.gsasrec_network import GSASRecConfig
from doppelcart.recommenders.ials import IALS, IALSConfig
from doppelcart.recommenders.itemknn import ItemKNN, ItemKNNConfig
from doppelcart.recommenders.multvae import MultVAE
from doppelcart.recommenders.multvae_network import MultVAEConfig
from doppelcart.recommenders.popularity import Popularity, PopularityConfig
from doppelcart.recommenders.puresvd import PureSVD, PureSVDConfig

RECOMMENDERS: dict[str, type[Recommender]] = {
    recommender.name: recommender
    for recommender in (Popularity, ItemKNN, IALS, PureSVD, MultVAE, GSASRec, EASE)
}

__all__ = [
    "EASE",
    "IALS",
    "RECOMMENDERS",
    "EASEConfig",
    "GSASRec",
    "GSASRecConfig",
    "IALSConfig",
    "ItemKNN",
    "ItemKNNConfig",
    "Matrix",
    "MultVAE",
    "MultVAEConfig",
    "Popularity",
    "PopularityConfig",
    "PureSVD",
    "PureSVDConfig",
    "Recommender",
    "RecommenderConfig",
]
