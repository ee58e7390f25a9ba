"""What is drawn for one private release is drawn for no other."""

import numpy as np
import pytest

from doppelcart.data.histories import Histories
from doppelcart.models.histories import private_training as private
from doppelcart.models.histories.accounting import PrivacyConfig
from doppelcart.models.histories.hyperparameters import NetworkConfig
from doppelcart.models.histories.private_draws import private_rng

CONFIG = PrivacyConfig(delta=1e-4, seed=2**100)
NETWORK = NetworkConfig(noise_units=3, hidden_units=8, critic_units=5)
BASKETS = ([0, 1], [2], [1, 3])


def histories(*baskets: list[int], n_items: int = 4) -> Histories:
    users, items = np.arange(len(baskets)).astype(str), np.arange(n_items).astype(str)
    return Histories.from_lists([np.array(basket) for basket in baskets], users, items)


SHOP = histories(*BASKETS)


def drawn(
    use: str = "noise",
    shop: Histories = SHOP,
    config: PrivacyConfig = CONFIG,
    epsilon: float | None = 8.0,
    network: NetworkConfig = NETWORK,
) -> np.ndarray:
    return private_rng(use, shop, config, epsilon, network).normal(size=2000)


def test_the_same_inputs_draw_the_same_again() -> None:
    again = CONFIG.model_copy(), histories(*BASKETS)
    np.testing.assert_array_equal(drawn(), drawn(config=again[0], shop=again[1]))


@pytest.mark.parametrize(
    "other",
    [
        {"use": "sampling"},
        {"shop": histories(*BASKETS, [0])},
        {"shop": histories(*BASKETS, [])},
        {"shop": histories([0, 1], [2], [1, 2])},
        # the same items, of other customers
        {"shop": histories([0], [1, 2], [1, 3])},
        {"shop": histories(*BASKETS, n_items=5)},
        {"config": CONFIG.model_copy(update={"clip_norm": 2.0})},
        {"config": PrivacyConfig(delta=1e-4, seed=2**100 + 1)},
        {"epsilon": 4.0},
        {"epsilon": None},
        {"network": NETWORK.model_copy(update={"critic_units": 6})},
    ],
)
def test_where_anything_differs_the_noise_is_unrelated(other) -> None:
    # of 2,000 pairs that have nothing in common, five standard errors are .11
    assert abs(np.corrcoef(drawn(), drawn(**other))[0, 1]) < 0.11


class TestReleases:
    """Two releases under one seed, of which one has a customer more, or another budget."""

    @pytest.fixture(scope="class")
    def shop(self) -> list[list[int]]:
        rng = np.random.default_rng(0)
        return [rng.choice(60, 5, replace=False).tolist() for _ in range(500)]

    def test_what_a_customer_bought_is_not_what_two_releases_differ_in(self, shop) -> None:
        mine = [7, 19, 23, 41, 50]
        without, with_mine = (
            private.popularity_within(histories(*rows, n_items=60), CONFIG, 0.5)[0]
            for rows in (shop, [*shop, mine])
        )
        # with the same noise, all other items would have changed by the same factor
        assert np.ptp(np.delete(with_mine / without, mine)) > 0.1

    def test_the_steps_of_no_two_trainings_share_their_draws(self, shop, monkeypatch) -> None:
        first = []
        monkeypatch.setattr(
            private, "_take_steps", lambda trainer, users, config, rng: first.append(rng.random())
        )
        every, fewer = (histories(*rows, n_items=60) for rows in (shop, shop[:-1]))
        for users, epsilon in ((every, 8.0), (every, 8.0), (fewer, 8.0), (every, 4.0)):
            private.train_privately(users, NETWORK, CONFIG, epsilon)
        assert first[0] == first[1]
        assert len(set(first)) == 3
