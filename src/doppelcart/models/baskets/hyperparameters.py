"""What can be chosen about a generator of baskets, with bounds and units."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from doppelcart.adversarial.hyperparameters import TrainerConfig


class BasketTrainingConfig(TrainerConfig):
    """How a generator of baskets is trained."""

    PATH: ClassVar[str] = "cross_domain.training"

    adversarial_weight: float = Field(
        1.0, ge=0, le=1_000, description="weight of the objective beside the reconstruction"
    )
    noise_units: int = Field(16, ge=1, le=1_024, description="units of noise")
    hidden_units: int = Field(128, ge=8, le=4_096, description="units of the hidden layer")
    dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="share of what is known of a household that a training step hides",
    )
    temperature: float = Field(
        0.7, gt=0, le=10, description="of the draws of items; the lower, the more decided"
    )
    swapped_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of what the critic learns to refuse that are real baskets of other "
        "households",
    )
    held_out_share: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the baskets to learn from that choose the checkpoint instead",
    )
