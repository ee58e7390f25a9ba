"""A small shop of two segments and two groups of items, and generators trained on it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.models.histories.batches import ProfileBlocks
from doppelcart.models.histories.hyperparameters import Family, NetworkConfig, TrainingConfig

N_ITEMS = 24
BLOCK = N_ITEMS // 2
N_USERS = 96
Fit = Callable[..., Any]


def block_of(items: np.ndarray) -> np.ndarray:
    """Group of each item: the first half of the catalogue, or the second."""
    return np.asarray(items) // BLOCK


@pytest.fixture(scope="session")
def block_shop() -> Callable[..., Histories]:
    """Users of two segments; each buys 4 to 7 items, 19 in 20 of them of the segment's group."""

    def make(n_users: int = N_USERS, seed: int = 0) -> Histories:
        rng = np.random.default_rng(seed)
        rows = []
        for user in range(n_users):
            chances = np.where(block_of(np.arange(N_ITEMS)) == user % 2, 0.95, 0.05)
            size = rng.integers(4, 8)
            rows.append(rng.choice(N_ITEMS, size, replace=False, p=chances / chances.sum()))
        names = np.array([f"{seed}-{user}" for user in range(n_users)])
        return Histories.from_lists(rows, names, np.array([f"i{j:02d}" for j in range(N_ITEMS)]))

    return make


@pytest.fixture(scope="session")
def profiles() -> Callable[[Histories], ProfileBlocks]:
    """Demographics that say nothing; behaviour that gives length and share of the first group."""

    def make(histories: Histories) -> ProfileBlocks:
        rng = np.random.default_rng(9)
        users = range(histories.n_users)
        share = np.array([(block_of(histories.of(user)) == 0).mean() for user in users])
        behaviour = np.column_stack([histories.lengths / 3 - 2, 4 * share - 2]).astype(np.float32)
        return ProfileBlocks(
            rng.integers(0, 2, (histories.n_users, 3)).astype(np.float32), behaviour
        )

    return make


@pytest.fixture(scope="session")
def item_features() -> np.ndarray:
    """(n_items, 2): what the group is said to be, in one case in four wrongly; noise."""
    rng = np.random.default_rng(5)
    told = np.where(rng.random(N_ITEMS) < 0.75, 1, -1) * (2 * block_of(np.arange(N_ITEMS)) - 1)
    return np.column_stack([told, rng.normal(size=N_ITEMS)]).astype(np.float32)


@pytest.fixture(scope="session")
def validation(block_shop: Callable[..., Histories]) -> Case:
    """Sixty other users of whom two items are known."""
    users = block_shop(60, seed=1)
    return Case("cold_2", users.first(2), users.rest(2))


@pytest.fixture(scope="session")
def tiny() -> tuple[NetworkConfig, TrainingConfig]:
    """Sizes and settings that learn the shop within seconds.

    Behaviour is hidden from half of the users to invent: it says all there is to know here, and
    the noise would have nothing to tell.
    """
    network = NetworkConfig(noise_units=8, hidden_units=32, critic_units=32, dropout=0.1)
    training = TrainingConfig(
        epochs=120,
        batch_size=32,
        critic_steps=1,
        learning_rate=2e-3,
        critic_learning_rate=2e-3,
        ema_decay=0.95,
        evaluate_every=120,
        behaviour_known_share=0.5,
        empty_history_share=0.0,
    )
    return network, training


@pytest.fixture(scope="session")
def fit_shop(
    block_shop: Callable[..., Histories],
    profiles: Callable[[Histories], ProfileBlocks],
    item_features: np.ndarray,
    validation: Case,
    tiny: tuple[NetworkConfig, TrainingConfig],
) -> Fit:
    """Trains on the shop; keyword arguments change the training."""

    def run(adversarial_weight: float = 1.0, family: Family = "gan", **changes: Any) -> Any:
        from doppelcart.models.histories.fitting import fit

        real = block_shop()
        known = profiles(real)
        network, training = tiny
        return fit(
            real,
            known.demographics,
            known.behaviour,
            item_features,
            validation,
            network,
            training.model_copy(update=changes),
            adversarial_weight,
            "test generator",
            family=family,
        )

    return run


@pytest.fixture(scope="session")
def trained_gan(fit_shop: Fit) -> Any:
    """What training against a critic yields, and the monitors' findings."""
    return fit_shop(1.0)


@pytest.fixture(scope="session")
def trained_denoiser(fit_shop: Fit) -> Any:
    """The same without a critic."""
    return fit_shop(0.0)


@pytest.fixture(scope="session")
def trained_vae(fit_shop: Fit) -> Any:
    """The same with an encoder in the critic's place."""
    return fit_shop(0.0, "vae")
