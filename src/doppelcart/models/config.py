"""What can be chosen about a generator and its training, with bounds and units."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NetworkConfig(BaseModel):
    """Sizes of the generator and the critic."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    noise_units: int = Field(64, ge=1, le=1024, description="length of the noise vector z")
    hidden_units: int = Field(
        128, ge=4, le=8192, description="width of the generator's item bottleneck and trunk"
    )
    critic_units: int = Field(128, ge=4, le=8192, description="width of the critic's layers")
    dropout: float = Field(
        0.2, ge=0, lt=1, description="share of hidden generator units dropped in training"
    )


class TrainingConfig(BaseModel):
    """How a generator and its critic are trained."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    adversarial_loss: Literal["wgan_gp", "vanilla", "relativistic"] = Field(
        "wgan_gp", description="objective of the game between generator and critic"
    )
    reconstruction_weight: float = Field(
        1.0, ge=0, description="weight of predicting the hidden items of a partial history"
    )
    completion_adversarial_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="adversarial weight of completed histories, relative to invented ones",
    )
    epochs: int = Field(60, ge=1, le=100_000, description="passes over the training users")
    batch_size: int = Field(64, ge=2, le=65_536, description="users a step")
    new_user_share: float = Field(
        0.5, ge=0, le=1, description="share of a batch trained to invent users from nothing"
    )
    critic_steps: int = Field(1, ge=1, le=100, description="critic steps a generator step")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam step of the generator")
    critic_learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam step of the critic")
    weight_decay: float = Field(
        1e-2, ge=0, le=1, description="decoupled weight decay of the generator"
    )
    gradient_penalty: float = Field(
        10.0, ge=0, description="weight of the critic's gradient penalty (WGAN-GP, R1 and R2)"
    )
    temperature: float = Field(
        0.7, gt=0, le=10, description="temperature of the straight-through Gumbel-sigmoid"
    )
    profile_known_share: float = Field(
        0.5, ge=0, le=1, description="chance that each profile block is shown in training"
    )
    ema_decay: float = Field(
        0.995, ge=0, lt=1, description="decay a step of the averaged generator weights"
    )
    evaluate_every: int = Field(5, ge=1, description="epochs between two looks at validation users")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of weights, batches and noise")
