"""What can be chosen about a generator and its training, with bounds and units."""

from typing import Final, Literal

from pydantic import Field

from doppelcart.config.base import Parameters

Family = Literal["gan", "vae"]
AdversarialLoss = Literal["wgan_gp", "vanilla", "relativistic", "autoencoding"]

DEFAULT_PENALTY: Final[dict[AdversarialLoss, float]] = {
    "wgan_gp": 10.0,
    "vanilla": 0.0,
    "relativistic": 0.1,
    "autoencoding": 0.0,
}
"""Weight of the gradient penalty that suits each loss; 0 where it has none."""


class NetworkConfig(Parameters):
    """Sizes of the generator and the critic."""

    noise_units: int = Field(64, ge=1, le=1024, description="length of the noise vector z")
    hidden_units: int = Field(
        128, ge=4, le=8192, description="width of the generator's item bottleneck and trunk"
    )
    critic_units: int = Field(128, ge=4, le=8192, description="width of the critic's layers")
    dropout: float = Field(
        0.2, ge=0, lt=1, description="share of hidden generator units dropped in training"
    )


class TrainingConfig(Parameters):
    """How a generator and its critic are trained."""

    adversarial_loss: AdversarialLoss = Field(
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
    gradient_penalty: float | None = Field(
        None,
        ge=0,
        description="weight of the critic's gradient penalty (WGAN-GP, R1 and R2); none given "
        "means 10 for wgan_gp and 0.1 for relativistic; the other losses have no penalty",
    )
    energy_margin: float = Field(
        1.0,
        ge=0,
        le=100,
        description="autoencoding only: the energy of the generated that the critic is content "
        "with, as a multiple of that of the real",
    )
    feature_matching: float = Field(
        0.5,
        ge=0,
        le=1,
        description="autoencoding only: share of feature matching in the generator's loss; the "
        "rest is energy",
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
    ema_decay: float = Field(
        0.995, ge=0, lt=1, description="decay a step of the averaged generator weights"
    )
    evaluate_every: int = Field(5, ge=1, description="epochs between two looks at validation users")
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
    epochs_a_round: int = Field(
        4, ge=1, le=100, description="generator epochs on one draw of zeros"
    )
    critic_epochs_a_round: int = Field(
        2, ge=1, le=100, description="critic epochs on one draw of zeros, before the generator's"
    )
    rounds: int = Field(
        250, ge=1, le=100_000, description="draws of zeros; the paper counts generator epochs"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of weights, draws and batches")
