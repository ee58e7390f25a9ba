"""What can be chosen about a training against a critic, with bounds and units."""

from typing import Final, Literal

from pydantic import Field

from doppelcart.config.base import Parameters

AdversarialLoss = Literal[
    "wgan_gp", "vanilla", "relativistic", "hinge", "autoencoding", "energy_score"
]

DEFAULT_PENALTY: Final[dict[AdversarialLoss, float]] = {
    "wgan_gp": 10.0,
    "vanilla": 0.0,
    "relativistic": 0.1,
    "hinge": 0.0,
    "autoencoding": 0.0,
    "energy_score": 0.0,
}
"""Weight of the gradient penalty that suits each loss; 0 where it has none."""


class TrainerConfig(Parameters):
    """How a generator and its critic are trained, whatever is generated.

    A subclass adds what its batches and draws ask for, and says in ``PATH`` where a person gives
    it: messages then name the parameters as that person knows them.
    """

    adversarial_loss: AdversarialLoss = Field(
        "wgan_gp",
        description="losses of generator and critic; energy_score is a "
        "control that puts a proper scoring rule in the critic's place",
    )
    reconstruction_weight: float = Field(
        1.0, ge=0, description="weight of the reconstruction loss, which needs no critic"
    )
    epochs: int = Field(60, ge=1, le=100_000, description="passes over the training data")
    batch_size: int = Field(64, ge=2, le=65_536, description="examples per step")
    critic_steps: int = Field(1, ge=1, le=100, description="critic steps per generator step")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam step of the generator")
    critic_learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam step of the critic")
    weight_decay: float = Field(
        1e-2, ge=0, le=1, description="decoupled weight decay of the generator"
    )
    gradient_penalty: float | None = Field(
        None,
        ge=0,
        description="weight of the critic's gradient penalty (WGAN-GP, R1 and R2); none given "
        "means 10 for wgan_gp and 0.1 for relativistic; the other losses have no penalty",
    )
    penalty_every: int = Field(
        1,
        ge=1,
        le=64,
        description="relativistic only: the penalties are taken in one critic step of so many, "
        "drawn at random, and as many times heavier: less work for the same expectation",
    )
    energy_margin: float = Field(
        1.0,
        ge=0,
        le=100,
        description="autoencoding only: the energy of the synthetic that the critic is content "
        "with, as a multiple of that of the real",
    )
    feature_matching: float = Field(
        0.5,
        ge=0,
        le=1,
        description="autoencoding only: share of feature matching in the generator's loss; the "
        "rest is energy",
    )
    ema_decay: float = Field(
        0.995, ge=0, lt=1, description="decay per step of the averaged generator weights"
    )
    evaluate_every: int = Field(
        5, ge=1, description="epochs between two evaluations on validation data"
    )
    max_recoveries: int = Field(
        3,
        ge=0,
        le=20,
        description="how often diverged training goes on from its best checkpoint, each time "
        "at half the learning rates, before it stops there",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of weights, batches and noise")

    @property
    def penalty_weight(self) -> float:
        """``gradient_penalty``, or what suits the loss where none is given."""
        if self.gradient_penalty is None:
            return DEFAULT_PENALTY[self.adversarial_loss]
        return self.gradient_penalty
