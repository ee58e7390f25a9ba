"""How a generator of windows is trained."""

from typing import ClassVar, Literal

from pydantic import Field

from doppelcart.adversarial.hyperparameters import AdversarialLoss, TrainerConfig

Family = Literal["gan", "vae"]
"""What trains the generator: a critic, or a scoring rule in its place; or an encoder."""


class WindowConfig(TrainerConfig):
    """How windows of sales and stock-outs are learnt."""

    PATH: ClassVar[str] = "stockouts.generator"

    adversarial_loss: AdversarialLoss = Field(
        "wgan_gp", description="losses of generator and critic"
    )
    epochs: int = Field(10, ge=1, le=10_000, description="rounds of steps_per_epoch steps")
    steps_per_epoch: int = Field(50, ge=1, le=100_000, description="steps of a round")
    batch_size: int = Field(64, ge=2, le=4_096, description="windows per step")
    evaluate_every: int = Field(2, ge=1, description="rounds from one evaluation to the next")
    ema_decay: float = Field(
        0.98, ge=0, lt=1, description="decay per step of the averaged generator weights"
    )
