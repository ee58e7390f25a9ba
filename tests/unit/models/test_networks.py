"""Layers by hand, and what the two networks depend on."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from doppelcart.models.histories.hyperparameters import NetworkConfig
from doppelcart.models.histories.networks import (
    HistoryScale,
    LogLength,
    MeanItemFeatures,
    SeenBottleneck,
    build_critic,
    build_generator,
    log_odds,
)

HISTORY = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1]], np.float32)
TABLE = np.array([[1, 10], [3, 20], [5, 60]], np.float32)
SMALL = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8, dropout=0.5)
POPULARITY = np.array([0.0, 0.25, 0.5, 1.0, 0.1])


def generator(seed: int = 0, n_demographics: int = 2, n_behaviours: int = 3, n_features: int = 2):
    features = np.arange(5 * n_features, dtype=np.float32).reshape(5, n_features)
    return build_generator(SMALL, POPULARITY, 8, features, n_demographics, n_behaviours, seed)


def inputs(model: keras.Model, seed: int = 0, n: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(0, 2, (n, tensor.shape[-1])).astype(np.float32)
        if name in ("history", "full", "seen")
        else rng.normal(size=(n, tensor.shape[-1])).astype(np.float32)
        for name, tensor in model.input.items()
    }


class TestLayers:
    def test_mean_item_features(self):
        layer = MeanItemFeatures(3, 2)
        layer.set_weights([TABLE])
        np.testing.assert_allclose(layer(HISTORY), [[2, 15], [0, 0], [3, 30]], rtol=1e-6)
        assert layer.trainable_variables == []

    def test_history_scale(self):
        # two items: 1 / (1 + sqrt 2); none: zeros; three: 1 / (1 + sqrt 3)
        found = HistoryScale()(HISTORY)
        two, three = 1 / (1 + 2**0.5), 1 / (1 + 3**0.5)
        np.testing.assert_allclose(found, [[two, two, 0], [0, 0, 0], [three] * 3], rtol=1e-6)

    @pytest.mark.parametrize("scaled", [False, True])
    def test_the_seen_bottleneck_is_a_dense_layer_over_what_is_seen(self, scaled):
        layer = SeenBottleneck(2, scaled=scaled)
        layer.build((None, 3))
        layer.set_weights([TABLE, np.array([1.0, -1.0], np.float32)])
        two, three = (1 / (1 + 2**0.5), 1 / (1 + 3**0.5)) if scaled else (1.0, 1.0)
        # sums of the rows of TABLE that are seen, and the bias
        expected = [[1 + 4 * two, -1 + 30 * two], [1, -1], [1 + 9 * three, -1 + 90 * three]]
        np.testing.assert_allclose(layer(HISTORY), expected, rtol=1e-6)

    def test_the_seen_bottleneck_learns_as_a_dense_layer_does(self):
        sparse, dense = SeenBottleneck(2), keras.layers.Dense(2)
        slopes = []
        for layer in (sparse, dense):
            layer.build((None, 3))
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(HISTORY) * TABLE[:, :2])
            slopes.append(tape.gradient(loss, layer.trainable_variables))
        for one, other in zip(*slopes, strict=True):
            np.testing.assert_allclose(tf.convert_to_tensor(one), other, rtol=1e-6)

    def test_the_seen_bottleneck_drops_items_in_training_and_makes_up_for_them(self):
        layer = SeenBottleneck(1, dropout=0.25, dropout_seed=3)
        layer.build((None, 4000))
        layer.set_weights([np.ones((4000, 1), np.float32), np.zeros(1, np.float32)])
        everything = np.ones((1, 4000), np.float32)
        assert float(layer(everything, training=False)[0, 0]) == 4000
        # of 4,000 items 3,000 are left, with a standard deviation of 27, and count 4/3 each
        assert float(layer(everything, training=True)[0, 0]) == pytest.approx(4000, abs=150)
        assert float(layer(everything, training=True)[0, 0]) != 4000

    def test_log_length(self):
        np.testing.assert_allclose(LogLength()(HISTORY), np.log([[3], [1], [4]]), rtol=1e-6)

    def test_log_odds_are_smoothed_by_half_a_user(self):
        # of 8 users: 0, 2, 4 and 8 have the item, smoothed (n + .5) / 9
        found = log_odds(np.array([0.0, 0.25, 0.5, 1.0]), 8)
        expected = np.log([0.5 / 8.5, 2.5 / 6.5, 1.0, 8.5 / 0.5])
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert found.dtype == np.float32

    def test_the_seen_bottleneck_is_rebuilt_from_its_configuration(self):
        layer = SeenBottleneck(2, scaled=True, dropout=0.5, dropout_seed=7, name="seen")
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert (twin.units, twin.scaled, twin.dropout.rate, twin.dropout_seed) == (2, True, 0.5, 7)
        assert [one.is_plain for one in (layer, twin, SeenBottleneck(2))] == [False, False, True]

    @pytest.mark.parametrize(
        "layer", [MeanItemFeatures(3, 2), HistoryScale(name="scale"), LogLength()], ids=type
    )
    def test_a_layer_is_rebuilt_from_its_configuration(self, layer):
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert type(twin) is type(layer)
        assert twin.get_config() == layer.get_config()
        if layer.weights:
            layer.set_weights([TABLE])
            twin.set_weights(layer.get_weights())
        np.testing.assert_array_equal(twin(HISTORY), layer(HISTORY))


class TestGenerator:
    def test_training_begins_from_popularity(self):
        model = generator()
        logits = model(inputs(model, n=200), training=False).numpy().mean(axis=0)
        np.testing.assert_allclose(logits, log_odds(POPULARITY, 8), atol=0.15)

    def test_dropout_is_for_training_alone(self):
        model = generator()
        fed = inputs(model)
        np.testing.assert_array_equal(model(fed, training=False), model(fed, training=False))
        assert (model(fed, training=True).numpy() != model(fed, training=True).numpy()).any()

    @pytest.mark.parametrize(
        "name",
        [
            "history",
            "noise",
            "demographics",
            "demographics_known",
            "behaviour",
            "behaviour_known",
        ],
    )
    def test_the_output_depends_on_every_input(self, name):
        model = generator()
        fed = inputs(model)
        changed = {**fed, name: 1 - fed[name]}
        assert (model(fed).numpy() != model(changed).numpy()).any()

    def test_item_features_are_kept_as_given(self):
        table = generator().get_layer("mean_item_features").get_weights()[0]
        np.testing.assert_array_equal(table, np.arange(10).reshape(5, 2))

    @pytest.mark.parametrize("build", ["generator", "critic"])
    def test_weights_follow_the_seed(self, build):
        def weights(seed: int) -> list[np.ndarray]:
            model = generator(seed) if build == "generator" else build_critic(SMALL, 5, 2, 3, seed)
            return model.get_weights()

        for one, same in zip(weights(3), weights(3), strict=True):
            np.testing.assert_array_equal(one, same)
        assert any((a != b).any() for a, b in zip(weights(3), weights(4), strict=True))

    @pytest.mark.parametrize("widths", [(0, 3, 2), (2, 0, 2), (2, 3, 0), (0, 0, 0)])
    def test_a_source_without_demographics_or_features_is_no_obstacle(self, widths):
        n_demographics, n_behaviours, n_features = widths
        model = generator(0, n_demographics, n_behaviours, n_features)
        assert np.isfinite(model(inputs(model)).numpy()).all()

    def test_parameters_grow_linearly_with_items(self):
        def count(n_items: int) -> int:
            features = np.zeros((n_items, 2), np.float32)
            return build_generator(SMALL, np.zeros(n_items), 8, features, 2, 3, 0).count_params()

        assert count(300) - count(200) == count(200) - count(100)


class TestCritic:
    def test_one_score_per_row_that_depends_on_every_input(self):
        model = build_critic(SMALL, 5, 2, 3, seed=0)
        fed = inputs(model)
        score = model(fed).numpy()
        assert score.shape == (6, 1)
        for name in fed:
            changed = {**fed, name: 1 - fed[name]}
            assert (model(changed).numpy() != score).any(), name

    def test_a_row_is_scored_by_itself(self):
        # The gradient penalty is one of each row (Gulrajani 2017): nothing may join rows.
        model = build_critic(SMALL, 5, 2, 3, seed=0)
        fed = inputs(model)
        alone = model({name: values[2:3] for name, values in fed.items()}).numpy()
        np.testing.assert_allclose(alone, model(fed).numpy()[2:3], rtol=1e-5)
