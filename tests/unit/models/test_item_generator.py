"""The generator of items: codes, likeness, batches, wrong households, and what it learns."""

import numpy as np
import pytest

from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.models.items.item_attributes import OTHER, ItemAttributes, code_items, likeness

CONFIG = ItemTrainingConfig(
    epochs=12, batch_size=128, hidden_units=16, noise_units=2, evaluate_every=4,
    learning_rate=0.01, critic_learning_rate=0.01, ema_decay=0.9,
)  # fmt: skip


class TestCodes:
    def test_the_commonest_values_of_known_items_are_told_apart(self):
        kinds = np.array([7, 7, 7, 9, 9, 4, -1, 8])
        found = code_items({"type": kinds}, np.arange(6), 2, np.full(8, np.nan))
        assert found.names == ("type",)
        assert found.codes[:, 0].tolist() == [1, 1, 1, 2, 2, OTHER, OTHER, OTHER]
        assert found.sizes.tolist() == [3]

    def test_prices_are_put_in_tenths_of_the_known_ones(self):
        prices = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, np.nan, 100])
        found = code_items({}, np.arange(11), 5, prices)
        assert found.names == ("price_band",)
        assert found.codes[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, OTHER, 10]

    def test_what_no_known_item_has_is_no_attribute(self):
        found = code_items({"size": np.full(3, -1)}, np.arange(3), 5, np.full(3, np.nan))
        assert found.names == ()
        assert found.width == 0

    def test_one_in_each_head(self):
        own = ItemAttributes(("a", "b"), np.array([[0, 2], [1, 0]]), np.array([2, 3]))
        assert own.one_hot(np.array([0, 1])).tolist() == [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]

    def test_likeness_by_hand(self):
        matched = np.array([[1.0, 1.0], [1.0, 0.0], [0.5, 0.0]])
        assert likeness(matched, 0.2).tolist() == pytest.approx([1.0, 0.2, 0.12])
        assert likeness(matched, 0.0).tolist() == [1, 0, 0]


@pytest.fixture(scope="module")
def purchases():
    """Two kinds of households in two categories; the kind decides which item of a category."""
    from doppelcart.models.items.imagining import Purchases

    rng = np.random.default_rng(0)
    user = rng.integers(0, 40, 3_000)
    category = rng.integers(0, 2, 3_000)
    item = 2 * category + user % 2
    households = np.column_stack([np.where(np.arange(40) % 2, 1.0, -1.0), rng.normal(size=40)])
    return Purchases(households.astype(np.float32), np.array([0, 0, 1, 1]), 2, user, item)


@pytest.fixture
def attributes() -> ItemAttributes:
    """Within a category a brand tells the items apart; a type tells the categories."""
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    return ItemAttributes(("type", "brand"), codes, np.array([2, 2]))


def test_values_are_drawn_by_their_chances():
    from doppelcart.models.items.imagining import drawn_of

    chances = np.tile([0.0, 0.25, 0.75], (20_000, 1))
    drawn = drawn_of(chances, np.random.default_rng(0))
    assert set(drawn.sum(axis=1)) == {1.0}
    assert drawn.mean(axis=0) == pytest.approx([0, 0.25, 0.75], abs=0.01)


def test_one_that_imagines_what_is_bought_covers_it_and_one_that_collapses_does_not(
    purchases, attributes
):
    from doppelcart.models.items.imagining import covered_items

    def knows(asked, training):
        kind = asked["household"][:, :1] > 0
        return 20.0 * np.concatenate([asked["category"], ~kind, kind], axis=1)

    def collapsed(asked, training):
        return np.tile([20.0, 0.0, 20.0, 0.0], (len(asked["household"]), 1))

    made, real = covered_items(knows, purchases, attributes, CONFIG)
    assert made == pytest.approx(1.0)
    assert real == pytest.approx(1.0)
    assert covered_items(collapsed, purchases, attributes, CONFIG)[0] == pytest.approx(
        0.25, abs=0.05
    )


class TestPurchases:
    def test_another_item_is_of_the_same_category(self, purchases):
        others = purchases.others(np.random.default_rng(0))
        assert (purchases.categories[others] == purchases.categories[purchases.item]).all()
        assert 0.3 < (others != purchases.item).mean() < 0.7

    def test_an_item_without_category_asks_for_none(self, purchases):
        asked = purchases.asked(np.array([0, 1]), np.array([1, -1]))
        assert asked["category"].tolist() == [[0, 1], [0, 0]]

    def test_batches_are_the_same_for_the_same_epoch(self, purchases, attributes):
        from doppelcart.models.items.imagining import PurchaseBatches

        batches = PurchaseBatches(purchases, attributes, CONFIG)
        one, two, later = (next(iter(batches(epoch))) for epoch in (1, 1, 2))
        assert all(np.array_equal(one[name], two[name]) for name in one)
        assert not np.array_equal(one["household"], later["household"])
        assert batches.steps_per_epoch == 3_000 // 128


@pytest.mark.slow
class TestTraining:
    @pytest.mark.parametrize(
        "change",
        [{}, {"adversarial_weight": 0.0}, {"adversarial_loss": "energy_score"}, {"seed": 1}],
        ids=["gan", "without_critic", "energy_score", "vae"],
    )
    def test_it_learns_what_a_household_buys_in_a_category(
        self, purchases, attributes, change, request
    ):
        from doppelcart.models.items.imagining import imagined_likeness, train_generator

        config = CONFIG.model_copy(update=change)
        variational = request.node.callspec.id == "vae"
        trained = train_generator(purchases, attributes, config, "test", variational)
        assert ("kl" in trained.training_log) == variational
        # Half of the others are of the same kind of household, and level.
        assert trained.training_log["selection"].max() > 0.7
        rows, every = np.array([0, 1]), np.tile(np.arange(4), (2, 1))
        asked = trained.generator, purchases, attributes, rows, np.array([0, 1]), every
        (liked,) = imagined_likeness(*asked, 4, [0.0], config)
        assert liked.argmax(axis=1).tolist() == [0, 3]
        assert liked.sum(axis=1).tolist() == pytest.approx([1, 1])

    def test_the_same_seed_gives_the_same_generator(self, purchases, attributes):
        from doppelcart.models.items.imagining import train_generator

        config = CONFIG.model_copy(update={"epochs": 1})
        one, two = (
            train_generator(purchases, attributes, config, "test").generator.get_weights()
            for _ in range(2)
        )
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))

    def test_the_critic_refuses_items_of_wrong_households(self, purchases, attributes):
        import tensorflow as tf

        from doppelcart.models.items.attribute_networks import build_critic, build_generator
        from doppelcart.models.items.attribute_trainer import AttributeTrainer

        shape = {"household_units": 2, "n_categories": 2, "width": 4, "hidden_units": 8}
        trainer = AttributeTrainer(
            build_generator(**shape, noise_units=2, seed=0), build_critic(**shape, seed=1),
            CONFIG, [2, 2],
        )  # fmt: skip
        batch = {"swapped": tf.constant([[1.0], [0.0]]), "other": tf.ones((2, 4))}
        assert trainer.shown(tf.zeros((2, 4)), batch).numpy().tolist() == [[1] * 4, [0] * 4]

    def test_a_draw_has_one_choice_in_each_head(self):
        import tensorflow as tf

        from doppelcart.models.items.attribute_networks import gumbel_softmax

        drawn = gumbel_softmax(tf.math.log([[0.7, 0.2, 0.1]] * 4_000), 0.1, [1, 2]).numpy()
        assert drawn.sum(axis=1) == pytest.approx(1, abs=1e-5)
        chosen = np.bincount(drawn.argmax(axis=1), minlength=3) / 4_000
        assert chosen == pytest.approx([0.7, 0.2, 0.1], abs=0.03)

    def test_saved_and_loaded_it_imagines_the_same(self, purchases, attributes, tmp_path):
        import keras

        from doppelcart.models.items.attribute_networks import build_generator

        generator = build_generator(2, 2, 4, 3, 8, seed=0)
        generator.save(tmp_path / "g.keras")
        again = keras.models.load_model(tmp_path / "g.keras", safe_mode=True)
        fed = purchases.asked(np.array([0, 1]), np.array([0, 1]))
        fed |= {"noise": np.ones((2, 3), np.float32)}
        assert np.array_equal(generator(fed), again(fed))


@pytest.mark.slow
class TestVariational:
    @pytest.fixture
    def trainer(self):
        from doppelcart.models.items.attribute_networks import build_generator
        from doppelcart.models.items.attribute_vae import VariationalItemTrainer, build_encoder

        shape = {"household_units": 2, "n_categories": 2, "width": 4, "hidden_units": 8}
        decoder = build_generator(**shape, noise_units=2, seed=0)
        encoder = build_encoder(**shape, noise_units=2, seed=1)
        return VariationalItemTrainer(decoder, encoder, CONFIG, [2, 2])

    @pytest.fixture
    def batch(self, purchases, attributes):
        import tensorflow as tf

        from doppelcart.models.items.imagining import PurchaseBatches

        batches = PurchaseBatches(purchases, attributes, CONFIG)
        return {name: tf.constant(own) for name, own in next(iter(batches(1))).items()}

    def test_the_loss_is_the_bound_and_its_encoder_begins_at_the_prior(self, trainer, batch):
        import tensorflow as tf

        logs = trainer.step(batch, iter([tf.constant([0, 1])]), 1)
        loss, cost, kl = (float(logs[n]) for n in ("generator_loss", "reconstruction_loss", "kl"))
        assert loss == pytest.approx(cost + kl)
        assert 0 <= kl < 1e-3
        assert cost == pytest.approx(2 * np.log(2), abs=0.7)

    def test_a_step_moves_encoder_and_decoder(self, trainer, batch):
        import tensorflow as tf

        networks = (trainer.generator, trainer.critic)
        before = [network.get_weights() for network in networks]
        trainer.step(batch, iter([tf.constant([0, 1])]), 1)
        for network, old in zip(networks, before, strict=True):
            new = network.get_weights()
            assert any(not np.array_equal(a, b) for a, b in zip(old, new, strict=True))
