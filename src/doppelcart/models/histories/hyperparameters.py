"""What can be chosen about a generator and its training, with bounds and units."""

from typing import ClassVar, Literal

from pydantic import Field

from doppelcart.adversarial.hyperparameters import AdversarialLoss, TrainerConfig
from doppelcart.config.base import Parameters

Family = Literal["gan", "vae", "diffusion"]


class NetworkConfig(Parameters):
    """Sizes of the generator and the critic."""

    PATH: ClassVar[str] = "gan.network"

    noise_units: int = Field(64, ge=1, le=1024, description="length of the noise vector z")
    hidden_units: int = Field(
        128, ge=4, le=8192, description="width of the generator's item bottleneck and trunk"
    )
    critic_units: int = Field(128, ge=4, le=8192, description="width of the critic's layers")
    dropout: float = Field(
        0.2, ge=0, lt=1, description="share of hidden generator units dropped in training"
    )


class TrainingConfig(TrainerConfig):
    """How a generator of histories and its critic are trained."""

    PATH: ClassVar[str] = "gan.training"

    completion_adversarial_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="adversarial weight of completed histories, relative to synthetic ones",
    )
    new_user_share: float = Field(
        0.5, ge=0, le=1, description="share of a batch trained to invent users from nothing"
    )
    kl_weight: float = Field(
        1.0, ge=0, le=100, description="VAE only: weight of the divergence from the prior (beta)"
    )
    kl_annealing: float = Field(
        0.5,
        ge=0,
        le=1,
        description="VAE only: share of the epochs over which kl_weight is reached from 0",
    )
    temperature: float = Field(
        0.7, gt=0, le=10, description="temperature of the straight-through Gumbel-sigmoid"
    )
    demographics_known_share: float = Field(
        0.5, ge=0, le=1, description="chance that demographics are shown in training"
    )
    behaviour_known_share: float = Field(
        1.0,
        ge=0,
        le=1,
        description="chance that a user to invent shows the behaviour wanted; below 1, an empty "
        "history alone asks both for somebody and for what anybody may buy",
    )
    behaviour_noise: float = Field(
        0.5,
        ge=0,
        le=10,
        description="standard deviation of the noise on the behaviour that a user to invent shows "
        "in training, in units of the scaled profile; noise keeps the generator from learning by "
        "heart who had which profile",
    )
    empty_history_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of the histories to complete that show no item at all",
    )


class DiffusionNetwork(NetworkConfig):
    """Sizes of a diffusion model, whose decoder is the generator of all families."""

    PATH: ClassVar[str] = "diffusion.network"

    denoiser_units: int = Field(
        128, ge=4, le=8192, description="width of the network that tells the noise"
    )
    diffusion_steps: int = Field(
        50, ge=2, le=1000, description="steps from a latent vector to noise alone, and back"
    )
    guidance: float = Field(
        0.0,
        ge=0,
        le=20,
        description="by how much more than learned the condition counts; 0 as learned",
    )


class DiffusionTraining(TrainingConfig):
    """How a diffusion model is trained, and the autoencoder that makes its latent space."""

    PATH: ClassVar[str] = "diffusion.training"

    untold_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the latent vectors of whom the network is told nothing in training",
    )
    noise_draws: int = Field(
        8, ge=1, le=1000, description="draws of step and noise a latent vector in each batch"
    )


class FactorisingConfig(TrainerConfig):
    """How users and items are factorised against a critic that reconstructs histories (GANMF)."""

    PATH: ClassVar[str] = "shilling.ganmf"

    adversarial_loss: AdversarialLoss = Field(
        "autoencoding", pattern="^autoencoding$", description="the objective of GANMF"
    )
    factors: int = Field(16, ge=1, le=1024, description="length of the vectors of users and items")
    code_units: int = Field(
        64, ge=1, le=8192, description="width of the bottleneck of the critic's autoencoder"
    )
    epochs: int = Field(150, ge=1, le=100_000, description="passes over the training data")
    batch_size: int = Field(32, ge=2, le=65_536, description="users per step")
    learning_rate: float = Field(0.01, gt=0, le=1, description="Adam step of the generator")
    critic_learning_rate: float = Field(3e-4, gt=0, le=1, description="Adam step of the critic")
    weight_decay: float = Field(
        1e-3, ge=0, le=1, description="decoupled weight decay of the generator"
    )
    evaluate_every: int = Field(10, ge=1, description="epochs from one evaluation to the next")
    ema_decay: float = Field(
        0.98, ge=0, lt=1, description="decay per step of the averaged generator weights"
    )
