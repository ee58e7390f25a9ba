"""A network that reads titles: codes of characters, and what it learns from them."""

import numpy as np
import pytest

from doppelcart.models.text.title_config import TitleTrainingConfig

CONFIG = TitleTrainingConfig(
    length=12, filters=8, hidden_units=16, epochs=60, batch_size=4, learning_rate=0.02, dropout=0
)
TITLES = [f"{mark} {word}" for word in ("cup", "mug", "чай") for mark in "abcdefgh"]
TARGETS = np.repeat(np.eye(3, dtype=np.float32), 8, axis=0)


@pytest.fixture(scope="module")
def network():
    from doppelcart.models.text import title_network

    return title_network


def test_the_commonest_characters_are_told_apart(network):
    assert network.alphabet_of(["aab", "ac", "ab"], 2) == "ab"
    assert network.alphabet_of(["茶茶", "茶"], 5) == "茶"


def test_titles_become_codes_by_hand(network):
    found = network.encode_titles(["ab", "", "xbbbb"], "ab", 4)
    assert found.tolist() == [[2, 3, 0, 0], [0, 0, 0, 0], [1, 3, 3, 3]]


@pytest.mark.slow
class TestTraining:
    def test_it_tells_words_of_any_script_in_titles_that_it_never_saw(self, network):
        reader = network.train_reader(TITLES, TARGETS, CONFIG)
        found = reader.read(["z cup", "mug z", "я чай"])
        assert found.argmax(axis=1).tolist() == [0, 1, 2]
        assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
        assert reader.likeness > 0.8

    def test_a_title_without_characters_tells_nothing(self, network):
        reader = network.train_reader(TITLES, TARGETS, CONFIG.model_copy(update={"epochs": 1}))
        assert not reader.read([""]).any()
        assert reader.read([]).shape == (0, 3)

    def test_the_same_seed_reads_the_same(self, network):
        config = CONFIG.model_copy(update={"epochs": 2, "dropout": 0.3})
        one, two, other = (
            network.train_reader(TITLES, TARGETS, config.model_copy(update={"seed": seed})).read(
                TITLES
            )
            for seed in (0, 0, 1)
        )
        # Within a process sums may be added up in another order, which moves the last digits.
        np.testing.assert_allclose(one, two, atol=1e-5)
        assert np.abs(one - other).max() > 1e-3

    def test_items_of_one_title_count_as_one(self, network):
        config = CONFIG.model_copy(update={"epochs": 3})
        twice = network.train_reader(TITLES * 2, np.vstack([TARGETS] * 2), config)
        once = network.train_reader(TITLES, TARGETS, config)
        assert np.allclose(twice.read(TITLES), once.read(TITLES), atol=1e-4)

    def test_one_title_and_none_are_enough_to_go_on(self, network):
        config = CONFIG.model_copy(update={"epochs": 1})
        one = network.train_reader(["cup"], TARGETS[:1], config)
        assert np.isfinite(one.read(["cup"])).all()
        none = network.train_reader([""], TARGETS[:1], config)
        assert not none.read([""]).any()
