"""Training that goes wrong by its settings, and the monitor that names what went wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from doppelcart.errors import TrainingDivergedError

pytestmark = pytest.mark.slow

Fit = Callable[..., Any]


def warnings_of(monitors: Any) -> dict[str, str]:
    """Advice by monitor, of those that warn."""
    warned = monitors[monitors["status"] == "warning"]
    return dict(zip(warned["monitor"], warned["advice"], strict=True))


def test_a_healthy_training_warns_of_nothing_but_chance(trained_gan, trained_vae):
    for _, monitors in (trained_gan, trained_vae):
        assert not [name for name in warnings_of(monitors) if "memorisation" not in name]


@pytest.mark.parametrize("loss", ["wgan_gp", "vanilla"])
def test_a_generator_that_rushes_at_the_critic_collapses(fit_shop: Fit, loss: str):
    _, monitors = fit_shop(
        1.0,
        adversarial_loss=loss,
        reconstruction_weight=0.0,
        learning_rate=0.3,
        epochs=20,
        evaluate_every=20,
    )
    found = warnings_of(monitors)
    assert "mode collapse: duplicates among synthetic users" in found
    assert "mode collapse: recall of real users' neighbourhoods" in found
    assert "noise_units" in found["mode collapse: duplicates among synthetic users"]


def test_a_temperature_near_zero_lets_no_gradient_through(fit_shop: Fit):
    _, monitors = fit_shop(
        1.0, reconstruction_weight=0.0, temperature=1e-6, epochs=4, evaluate_every=4
    )
    found = warnings_of(monitors)
    assert "temperature" in found["vanishing gradients, generator"]
    assert not any("exploding" in name for name in found)


def test_a_critic_without_its_penalty_and_at_a_high_rate_explodes(fit_shop: Fit):
    trained, monitors = fit_shop(
        1.0, gradient_penalty=0.0, critic_learning_rate=1.0, epochs=10, evaluate_every=10
    )
    found = warnings_of(monitors)
    assert "gradient_penalty" in found["exploding gradients, critic"]
    assert "exploding gradients, generator" in found
    assert np.isfinite(trained.training_log["generator_loss"]).all()


def test_an_encoder_whose_every_nat_is_dear_says_nothing(fit_shop: Fit):
    _, monitors = fit_shop(
        0.0, "vae", kl_weight=50.0, kl_annealing=0.0, epochs=20, evaluate_every=20
    )
    (name,) = (name for name in warnings_of(monitors) if name.startswith("posterior collapse"))
    assert "kl_weight" in warnings_of(monitors)[name]


def test_a_rate_that_no_halving_mends_is_an_error(fit_shop: Fit):
    with pytest.raises(TrainingDivergedError, match=r"diverged 4 times.*learning_rate"):
        fit_shop(0.0, learning_rate=1e30, epochs=10, evaluate_every=5)


def test_an_error_of_divergence_is_survived_and_named(fit_shop: Fit):
    # The rate at which the first steps overflow, and an eighth of it at which they do not.
    trained, monitors = fit_shop(
        0.0, learning_rate=1e10, weight_decay=0.0, epochs=8, evaluate_every=1
    )
    diverged = trained.training_log["generator_loss"].isna().sum()
    assert 1 <= diverged <= 3
    (name,) = (name for name in warnings_of(monitors) if name.startswith("divergence"))
    assert "learning_rate" in warnings_of(monitors)[name]
    assert all(np.isfinite(w).all() for w in trained.generator.get_weights())
