"""What may be searched: refused before anything runs, all at once, and applied by the models."""

import pytest
from pydantic import ValidationError

from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.search.space import Dimension, apply, current, of_model


@pytest.mark.parametrize(
    ("dimension", "told"),
    [
        ({"name": "learning_rat", "low": 0.1, "high": 0.2}, "did you mean learning_rate"),
        ({"name": "seed", "choices": [1, 2]}, "is not searched"),
        ({"name": "evaluate_every", "choices": [1, 2]}, "is not searched"),
        ({"name": "dropout", "low": 0.4, "high": 0.1}, "low 0.4 lies above high 0.1"),
        (
            {"name": "dropout", "low": 0.0, "high": 1.0},
            "1.0 is out of bounds: input should be less",
        ),
        ({"name": "dropout", "low": 0.0, "high": 0.5, "log": True}, "has no logarithm"),
        ({"name": "dropout", "low": 0.0}, "give either"),
        ({"name": "dropout"}, "give either"),
        ({"name": "dropout", "low": 0, "high": 0.1, "choices": [0.2]}, "give either"),
        ({"name": "hidden_units", "low": 8.5, "high": 16}, "8.5 is out of bounds"),
        ({"name": "hidden_units", "choices": [8, 2]}, "2 is out of bounds"),
        ({"name": "adversarial_loss", "choices": ["wgan_gp", "wgan"]}, "'wgan' is out of bounds"),
        ({"name": "adversarial_loss", "low": 1, "high": 2}, "is out of bounds"),
    ],
)
def test_a_dimension_that_cannot_be_searched_says_why(dimension, told):
    with pytest.raises(ValidationError, match=told):
        Dimension(**dimension)


def test_all_that_is_wrong_with_a_dimension_is_told_together():
    with pytest.raises(ValidationError) as refused:
        Dimension(name="dropout", low=3.0, high=2.0)
    assert "low 3 lies above high 2; 3.0 is out of bounds" in str(refused.value)
    assert "2.0 is out of bounds" in str(refused.value)


def test_a_range_holds_its_ends_and_no_more_and_whole_numbers_where_the_field_does():
    share = Dimension(name="dropout", low=0.1, high=0.3)
    assert [share.holds(value) for value in (0.1, 0.3, 0.31, None, "x")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert not share.is_integer
    assert Dimension(name="hidden_units", low=8, high=16).is_integer


def test_values_go_to_the_configuration_that_has_the_field():
    values = {"hidden_units": 32, "learning_rate": 0.01, "adversarial_loss": "vanilla"}
    network, training = apply(values, NetworkConfig(dropout=0.5), TrainingConfig(epochs=3))
    assert network == NetworkConfig(dropout=0.5, hidden_units=32)
    assert training == TrainingConfig(epochs=3, learning_rate=0.01, adversarial_loss="vanilla")
    assert of_model(values | {"hidden_units": "32"}, NetworkConfig) == {"hidden_units": 32}


def test_what_is_configured_now_is_left_out_where_the_space_does_not_hold_it():
    space = {
        name: Dimension(name=name, low=low, high=high)
        for name, low, high in [
            ("dropout", 0.0, 0.1),
            ("hidden_units", 4, 500),
            ("gradient_penalty", 1, 20),
        ]
    }
    # None given, a gradient penalty is the one that suits the loss: 10 for WGAN-GP.
    assert current(space, NetworkConfig(), TrainingConfig()) == {
        "hidden_units": 128,
        "gradient_penalty": 10.0,
    }
