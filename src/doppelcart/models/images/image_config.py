"""Parameters of the generator of pictures."""

from typing import ClassVar, Literal

from pydantic import Field

from doppelcart.adversarial.hyperparameters import AdversarialLoss, TrainerConfig


class ImageTrainingConfig(TrainerConfig):
    """How pictures are learned."""

    PATH: ClassVar[str] = "pictures.training"

    image_size: Literal[32, 64] = Field(
        default=32, description="Pixels of a side; at 64 a step takes four times as long."
    )
    width: int = Field(
        default=16,
        ge=4,
        le=128,
        multiple_of=4,
        description="Channels of the layers nearest to the picture; further in they double.",
    )
    noise_units: int = Field(default=64, ge=1, le=1024, description="Length of the noise.")
    augment: bool = Field(
        default=True,
        description="Whether the critic sees real and synthetic pictures alike in other colours, "
        "shifted and with a patch cut out (DiffAugment), so that it cannot learn few by heart.",
    )
    critic: Literal["projected", "pixels"] = Field(
        default="projected",
        description="What the critic looks at: what EfficientNet-Lite0 sees in a picture "
        "(Projected GAN), or its pixels, which takes no weights, and many more steps.",
    )
    sight: int = Field(
        default=64,
        ge=32,
        le=256,
        multiple_of=32,
        description="Pixels of a side to which pictures are brought for EfficientNet-Lite0.",
    )
    adversarial_loss: AdversarialLoss = Field(
        default="hinge", description="As of every trainer; energy_score has no critic."
    )
    gradient_penalty: float | None = Field(
        default=1.0,
        ge=0,
        description="Weight of R1 and R2, on pictures from -1 to 1; hinge has no penalty.",
    )
    penalty_every: int = Field(
        default=8, ge=1, le=64, description="Penalties in one critic step of so many, as heavier."
    )
    steps_per_epoch: int = Field(
        default=100, ge=1, le=100_000, description="Steps from one evaluation to the next."
    )
    epochs: int = Field(default=20, ge=1, le=100_000, description="So many times these steps.")
    batch_size: int = Field(default=32, ge=2, le=65_536, description="Pictures per step.")
    learning_rate: float = Field(
        default=7e-4, gt=0, le=1, description="Adam step of the generator."
    )
    critic_learning_rate: float = Field(
        default=7e-4, gt=0, le=1, description="Adam step of the critic."
    )
    ema_decay: float = Field(
        default=0.99, ge=0, lt=1, description="Decay per step of the averaged generator."
    )
    weight_decay: float = Field(
        default=0.0, ge=0, le=1, description="Decoupled weight decay of the generator."
    )
    evaluate_every: int = Field(default=4, ge=1, description="Epochs between two evaluations.")
