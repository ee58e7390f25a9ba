"""How a network that writes texts word by word is trained."""

from typing import ClassVar

from pydantic import Field

from doppelcart.adversarial.hyperparameters import AdversarialLoss, TrainerConfig


class WritingConfig(TrainerConfig):
    """How words of reviews are learnt."""

    PATH: ClassVar[str] = "reviews.writing"

    adversarial_loss: AdversarialLoss = Field(
        "wgan_gp",
        pattern="^(wgan_gp|vanilla|relativistic)$",
        description="losses of the network that writes and of its critic",
    )
    critic_weight: float = Field(
        0.3,
        gt=0,
        le=100,
        description="weight of the critic's opinion beside the next word; the control has none",
    )
    vocabulary: int = Field(
        1500, ge=20, le=100_000, description="words that are known, the most frequent ones"
    )
    word_units: int = Field(48, ge=2, le=1024, description="coordinates of a word")
    memory_units: int = Field(96, ge=2, le=4096, description="width of the recurrent layer")
    critic_units: int = Field(48, ge=2, le=4096, description="width of the critic's layers")
    context: int = Field(
        16, ge=1, le=512, description="real words that are read before words are drawn"
    )
    window: int = Field(12, ge=2, le=512, description="words in a row that the critic looks at")
    temperature: float = Field(
        0.7, gt=0, le=10, description="temperature of the straight-through Gumbel-softmax"
    )
    pretraining_epochs: int = Field(
        10, ge=1, le=10_000, description="rounds on unlabelled reviews, once per fold"
    )
    epochs: int = Field(4, ge=1, le=10_000, description="rounds on labelled reviews")
    steps_per_epoch: int = Field(40, ge=1, le=100_000, description="steps of a round")
    batch_size: int = Field(32, ge=2, le=4096, description="stretches of text per step")
    evaluate_every: int = Field(1, ge=1, description="rounds from one evaluation to the next")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="Adam step of the generator")
    ema_decay: float = Field(
        0.95, ge=0, lt=1, description="decay per step of the averaged generator weights"
    )
