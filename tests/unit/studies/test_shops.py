"""By what a training and its figures are known again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from studies import runs, shops
from studies.memory import digest
from studies.shops import Fitted, Shop, fitted, judged_by, trained_by

pytestmark = pytest.mark.slow

N_USERS, N_ITEMS = 6, 8


def histories(prefix: str, seed: int) -> Histories:
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(N_ITEMS)[:4] for _ in range(N_USERS)]
    names = np.array([f"{prefix}{number}" for number in range(N_USERS)])
    return Histories.from_lists(rows, names, np.arange(N_ITEMS).astype(str))


def case(name: str, users: Histories) -> Case:
    return Case(name, users.first(1), users.rest(1))


@pytest.fixture
def shop() -> Shop:
    held_out = histories("v", 1)
    return Shop(
        None,
        histories("t", 0),
        pd.DataFrame({"user_id": ["t0"], "demographic__age": [1.0]}),
        np.zeros((N_USERS, 2), np.float32),
        np.zeros((N_ITEMS, 3), np.float32),
        held_out,
        {name: case(name, held_out) for name in ("cold_5", "cold_80pct")},
        {"cold_5": case("cold_5", histories("e", 2))},
        pd.DataFrame(),
    )


def trained(shop: Shop) -> str:
    return digest(trained_by(shop, "gan", 0, {}))


def judged(shop: Shop) -> str:
    return digest(judged_by(shop, "gan", 0, {}))


def test_the_same_shop_is_known_again(shop):
    assert trained(shop) == trained(replace(shop))
    assert judged(shop) == judged(replace(shop))


@pytest.mark.parametrize(
    "other",
    [
        {"train": histories("t", 3)},
        {"demographics": pd.DataFrame({"user_id": ["t0"], "demographic__age": [0.0]})},
        {"behaviour": np.ones((N_USERS, 2), np.float32)},
        {"features": np.ones((N_ITEMS, 3), np.float32)},
        {"validation": {"cold_5": case("cold_5", histories("v", 4))}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_data_are_another_training(shop, other):
    assert trained(replace(shop, **other)) != trained(shop)
    assert judged(replace(shop, **other)) != judged(shop)


@pytest.mark.parametrize(
    "other",
    [
        {"non_members": histories("v", 5)},
        {"test": {"cold_5": case("cold_5", histories("e", 6))}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_judges_find_other_figures_of_the_same_training(shop, other):
    assert trained(replace(shop, **other)) == trained(shop)
    assert judged(replace(shop, **other)) != judged(shop)


def test_parameters_count(shop):
    assert digest(trained_by(shop, "gan", 1, {})) != trained(shop)
    assert digest(trained_by(shop, "gan", 0, {"epochs": 1})) != trained(shop)
    assert digest(trained_by(shop, "denoiser", 0, {})) != trained(shop)


def test_a_training_is_found_again_with_its_generator(shop, tmp_path, monkeypatch):
    from doppelcart.models.histories.hyperparameters import NetworkConfig
    from doppelcart.models.histories.networks import build_generator

    network = NetworkConfig(**runs.gan_parameters(None)["network"])
    share, features = np.full(N_ITEMS, 0.5), np.zeros((N_ITEMS, 3), np.float32)
    made = build_generator(network, share, N_USERS, features, 1, 2, seed=0)
    trained = []

    def fit(*asked):
        trained.append(asked[1:])
        return Fitted(made, pd.DataFrame({"epoch": [1], "selection": [0.25]}), 1)

    monkeypatch.setattr(shops, "CACHE", tmp_path)
    monkeypatch.setattr(shops, "_fit", fit)
    for _ in range(2):
        found = fitted(shop, "gan", 0)
        rng = np.random.default_rng(0)
        inputs = {
            name: rng.random((3, tensor.shape[1]), dtype=np.float32)
            for name, tensor in made.input.items()
        }
        np.testing.assert_array_equal(
            found.generator(inputs, training=False), made(inputs, training=False)
        )
        assert (found.best_epoch, found.training_log["selection"].item()) == (1, 0.25)
    fitted(shop, "gan", 1, epochs=3)
    assert trained == [("gan", 0, {}), ("gan", 1, {"epochs": 3})]
