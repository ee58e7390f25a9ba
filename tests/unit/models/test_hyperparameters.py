import pytest
from pydantic import ValidationError

from doppelcart.models.histories.hyperparameters import (
    DiffusionNetwork,
    DiffusionTraining,
    NetworkConfig,
    TrainingConfig,
)


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (NetworkConfig, {"noise_units": 0}),
        (NetworkConfig, {"dropout": 1.0}),
        (NetworkConfig, {"layers": 3}),
        (TrainingConfig, {"adversarial_loss": "least_squares"}),
        (TrainingConfig, {"learning_rate": 0.0}),
        (TrainingConfig, {"batch_size": 1}),
        (TrainingConfig, {"ema_decay": 1.0}),
        (TrainingConfig, {"reconstruction_weight": float("nan")}),
        (TrainingConfig, {"gradient_penalty": float("inf")}),
        (DiffusionNetwork, {"diffusion_steps": 1}),
        (DiffusionNetwork, {"guidance": -0.1}),
        (DiffusionTraining, {"untold_share": 1.1}),
        (DiffusionTraining, {"noise_draws": 0}),
    ],
)
def test_what_cannot_work_is_refused_by_name(model, wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        model(**wrong)


def test_what_was_chosen_stays():
    with pytest.raises(ValidationError, match="frozen"):
        TrainingConfig().epochs = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("loss", "penalty"),
    [
        ("wgan_gp", 10.0),
        ("relativistic", 0.1),
        ("vanilla", 0.0),
        ("hinge", 0.0),
        ("autoencoding", 0.0),
    ],
)
def test_a_loss_has_the_penalty_that_suits_it_unless_another_is_asked_for(loss, penalty):
    assert TrainingConfig(adversarial_loss=loss).penalty_weight == penalty
    assert TrainingConfig(adversarial_loss=loss, gradient_penalty=3.0).penalty_weight == 3.0
