"""GANMF learns who likes what, and new users are drawn from what it learnt."""

import numpy as np
import pytest
from pydantic import ValidationError

from doppelcart.models.histories.factorising import (
    ITEMS,
    USERS,
    build_factors,
    fit_factors,
    new_rows,
    unlikeness,
)
from doppelcart.models.histories.hyperparameters import FactorisingConfig


def two_tastes(n_users: int, seed: int) -> np.ndarray:
    """Each user has six of ten items of one half of the catalogue, and none of the other."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((n_users, 20), np.float32)
    for user in range(n_users):
        rows[user, rng.choice(10, 6, replace=False) + 10 * (user % 2)] = 1
    return rows


def of_one_taste(rows: np.ndarray) -> float:
    """Mean share of a user's items that are of the half that he has most of."""
    halves = rows.reshape(len(rows), 2, 10).sum(axis=2)
    return float((halves.max(axis=1) / halves.sum(axis=1)).mean())


@pytest.mark.slow
def test_new_users_have_one_taste_as_real_ones_have():
    config = FactorisingConfig(epochs=120, factors=2, code_units=8, critic_learning_rate=3e-3)
    generator = fit_factors(two_tastes(120, 0), two_tastes(40, 1), config)
    made = new_rows(generator, np.full(60, 6), np.random.default_rng(0))
    assert made.sum(axis=1).tolist() == [6] * 60
    by_chance = new_rows(build_factors(120, 20, 2, 0), np.full(60, 6), np.random.default_rng(0))
    assert of_one_taste(made) > of_one_taste(by_chance) + 0.1
    again = fit_factors(two_tastes(120, 0), two_tastes(40, 1), config)
    weights = zip(generator.get_weights(), again.get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in weights)


def test_longer_histories_go_to_who_has_higher_scores():
    generator = build_factors(4, 6, 1, 0)
    generator.get_layer(USERS).set_weights([np.array([[0.2], [0.4], [0.6], [0.8]])])
    generator.get_layer(ITEMS).set_weights([np.ones((1, 6))])
    made = new_rows(generator, np.array([1, 4, 2, 3]), np.random.default_rng(0))
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_normal([0.5], [[0.2 / 3]], 4, method="eigh")[:, 0]
    assert np.argsort(made.sum(axis=1)).tolist() == np.argsort(np.clip(drawn, 0, 1)).tolist()
    assert sorted(made.sum(axis=1)) == [1, 2, 3, 4]


def test_rows_are_as_unlike_as_their_pairs():
    real = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert unlikeness(real, real) == 0
    assert unlikeness(np.zeros((2, 3)), real) == pytest.approx(1)


def test_there_is_no_other_objective():
    with pytest.raises(ValidationError, match="adversarial_loss"):
        FactorisingConfig(adversarial_loss="wgan_gp")
