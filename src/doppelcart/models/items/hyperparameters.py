"""What can be chosen about a generator of items, with bounds and units."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field

from doppelcart.adversarial.hyperparameters import TrainerConfig


class ItemTrainingConfig(TrainerConfig):
    """How a generator of items is trained."""

    PATH: ClassVar[str] = "new_items.training"

    adversarial_weight: float = Field(
        1.0, ge=0, le=1_000, description="weight of the objective beside the reconstruction"
    )
    noise_units: int = Field(16, ge=1, le=1_024, description="units of noise")
    hidden_units: int = Field(128, ge=8, le=4_096, description="units of each of two hidden layers")
    temperature: float = Field(
        0.7, gt=0, le=10, description="of the draws of attributes; the lower, the more decided"
    )
    swapped_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of what the critic learns to refuse that are real items of other "
        "households",
    )
    held_out_share: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of the purchases that choose the checkpoint and are not trained on",
    )

    def with_controls(self, trial: str) -> dict[str, Self]:
        """How the generator on trial and its controls are trained: the same network for all.

        Args:
            trial: Name of the arm on trial.
        """
        return {
            trial: self,
            "without_critic": self.model_copy(update={"adversarial_weight": 0.0}),
            "energy_score": self.model_copy(update={"adversarial_loss": "energy_score"}),
        }
