"""What can be chosen about a model that only a contest uses, with bounds and units."""

from typing import Literal

from pydantic import Field

from doppelcart.config.base import Parameters


class CfganConfig(Parameters):
    """CFGAN: networks, sampling of zeros, and training; the defaults are those for ML-100K.

    Source: Chae, Kang, Kim and Lee (2018), "CFGAN: A generic collaborative filtering framework
    based on generative adversarial networks", sections 3.2 and 3.3, and its authors' code.
    """

    view: Literal["item", "user"] = Field(
        "item", description="whether a purchase vector is an item's users or a user's items"
    )
    hidden_units: int = Field(400, ge=1, le=8192, description="width of the generator's layers")
    hidden_layers: int = Field(1, ge=1, le=8, description="hidden layers of the generator")
    critic_units: int = Field(125, ge=1, le=8192, description="width of the critic's layers")
    critic_layers: int = Field(1, ge=1, le=8, description="hidden layers of the critic")
    zero_reconstruction: float = Field(
        0.7, ge=0, le=1, description="share of a vector's zeros that G is to reproduce (ZR)"
    )
    zero_weight: float = Field(0.03, ge=0, description="weight of the error on those zeros")
    partial_masking: float = Field(
        0.7, ge=0, le=1, description="share of a vector's zeros that the critic is shown (PM)"
    )
    learning_rate: float = Field(1e-4, gt=0, le=1, description="Adam step of the generator")
    critic_learning_rate: float = Field(1e-4, gt=0, le=1, description="Adam step of the critic")
    l2: float = Field(1e-3, ge=0, description="weight of half the squared generator weights")
    critic_l2: float = Field(0.0, ge=0, description="weight of half the squared critic weights")
    batch_size: int = Field(32, ge=1, le=65_536, description="vectors a generator step")
    critic_batch_size: int = Field(64, ge=1, le=65_536, description="vectors a critic step")
    epochs_per_round: int = Field(
        4, ge=1, le=100, description="generator epochs on one draw of zeros"
    )
    critic_epochs_per_round: int = Field(
        2, ge=1, le=100, description="critic epochs on one draw of zeros, before the generator's"
    )
    rounds: int = Field(
        250, ge=1, le=100_000, description="draws of zeros; the paper counts generator epochs"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of weights, draws and batches")
