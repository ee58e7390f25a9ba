"""How a generator of texts in coordinates is trained."""

from typing import ClassVar

from pydantic import Field

from doppelcart.adversarial.hyperparameters import AdversarialLoss, TrainerConfig


class CoordinateConfig(TrainerConfig):
    """How coordinates of reviews are learnt."""

    PATH: ClassVar[str] = "reviews.training"

    adversarial_loss: AdversarialLoss = Field(
        "wgan_gp", description="losses of generator and critic"
    )
    epochs: int = Field(6, ge=1, le=10_000, description="rounds of steps_per_epoch steps")
    steps_per_epoch: int = Field(50, ge=1, le=100_000, description="steps of a round")
    batch_size: int = Field(32, ge=2, le=4_096, description="reviews per step")
    evaluate_every: int = Field(2, ge=1, description="rounds from one evaluation to the next")
    ema_decay: float = Field(
        0.98, ge=0, lt=1, description="decay per step of the averaged generator weights"
    )
