"""Pictures by class: what the networks make, what the critic may see, and that it learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from doppelcart.errors import InputError
from doppelcart.imaging import lite0
from doppelcart.imaging.lite0 import build, build_trunk, random_weights
from doppelcart.metrics.pictures import kernel_distance
from doppelcart.models.images import image_training
from doppelcart.models.images.diff_augment import augmented, cut_out, recoloured, shifted
from doppelcart.models.images.image_config import ImageTrainingConfig
from doppelcart.models.images.image_networks import (
    build_critic,
    build_generator,
    channels,
    conditions_of,
)
from doppelcart.models.images.image_training import (
    ImageBatches,
    TrainedImages,
    resized,
    to_bytes,
    to_floats,
    train_image_generator,
)
from doppelcart.models.images.projected_critic import BLOCKS, build_projected_critic

TINY = ImageTrainingConfig(
    width=4, noise_units=4, epochs=2, steps_per_epoch=20, evaluate_every=1, batch_size=16,
    learning_rate=5e-3, penalty_every=2, critic="pixels", adversarial_loss="relativistic",
)  # fmt: skip
SEED = tf.constant([3, 5], tf.int32)


def red_and_blue(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Plain pictures: class 0 red, class 1 blue."""
    labels = np.arange(n) % 2
    colours = np.array([[220, 20, 20], [20, 20, 220]])[labels]
    noise = np.random.default_rng(0).integers(-15, 16, (n, 40, 40, 3))
    return (colours[:, None, None, :] + noise).astype(np.uint8), labels


@pytest.fixture(scope="module")
def trained() -> TrainedImages:
    pixels, labels = red_and_blue()
    return train_image_generator(pixels, labels, TINY, n_classes=2, seed=1)


class TestProjectedCritic:
    CONFIG = TINY.model_copy(
        update={"critic": "projected", "adversarial_loss": "hinge", "sight": 32}
    )

    def test_it_has_an_opinion_per_resolution_and_trains_no_weight_of_its_eyes(self) -> None:
        critic = build_projected_critic(self.CONFIG, 3, random_weights(0), 0)
        pictures = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
        given = {"picture": pictures, "condition": np.eye(4, 3, dtype=np.float32)}
        opinions = np.asarray(critic(given, training=True))
        assert opinions.shape == (4, len(BLOCKS))
        frozen = build_trunk(random_weights(0), 32, BLOCKS).count_params()
        trained = sum(int(np.prod(weight.shape)) for weight in critic.trainable_variables)
        assert 0 < trained < critic.count_params() - frozen
        # Batch normalisation goes by what it learnt, not by the batch.
        alone = np.asarray(critic({k: v[:1] for k, v in given.items()}, training=True))
        np.testing.assert_allclose(alone[0], opinions[0], rtol=1e-3, atol=1e-4)

    def test_it_sees_what_the_whole_network_sees(self) -> None:
        weights = random_weights(0)
        pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
        *_, fine, coarse = build(weights)(pixels, training=False)
        maps = build_trunk(weights, 64, BLOCKS)(pixels, training=False)
        np.testing.assert_allclose(maps[BLOCKS.index(4)], fine, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(maps[BLOCKS.index(10)], coarse, rtol=1e-4, atol=1e-4)

    def test_classes_get_their_colours(self) -> None:
        pixels, labels = red_and_blue()
        config = self.CONFIG.model_copy(update={"epochs": 3})
        made = train_image_generator(
            pixels, labels, config, n_classes=2, seed=1, weights=random_weights(0)
        ).sample(np.array([0] * 8 + [1] * 8), seed=0)
        mean = made.mean(axis=(1, 2))
        assert (
            mean[:8, 0].mean() - mean[:8, 2].mean() > mean[8:, 0].mean() - mean[8:, 2].mean() + 20
        )

    def test_without_weights_it_is_refused(self) -> None:
        pixels, labels = red_and_blue()
        with pytest.raises(InputError, match=r"critic is projected.*extra `images`"):
            train_image_generator(pixels, labels, self.CONFIG, n_classes=2, seed=1)


class TestNetworks:
    @pytest.mark.parametrize(
        ("size", "expected"), [(32, [64, 32, 16, 8]), (64, [64, 64, 32, 16, 8])]
    )
    def test_channels_halve_towards_the_picture(self, size: int, expected: list[int]) -> None:
        assert channels(ImageTrainingConfig(image_size=size, width=8)) == expected

    @pytest.mark.parametrize("size", [32, 64])
    def test_a_picture_has_the_size_that_is_asked_for(self, size: int) -> None:
        config = ImageTrainingConfig(image_size=size, width=4, noise_units=3)
        picture = build_generator(config, 5, 0)(
            {"noise": np.zeros((2, 3)), "condition": np.eye(5)[:2]}
        )
        assert picture.shape == (2, size, size, 3)
        assert float(np.abs(picture).max()) <= 1
        given = {"picture": picture.numpy(), "condition": np.eye(5)[:2]}
        assert build_critic(config, 5, 0)(given).shape == (2, 1)

    def test_the_same_seed_makes_the_same_weights(self) -> None:
        one, other, third = (build_generator(TINY, 2, seed).get_weights() for seed in (0, 0, 1))
        assert all((a == b).all() for a, b in zip(one, other, strict=True))
        assert any((a != b).any() for a, b in zip(one, third, strict=True))

    def test_a_class_is_told_with_its_group(self) -> None:
        assert conditions_of(2).tolist() == [[1, 0], [0, 1]]
        with_groups = conditions_of(3, np.array([0, 1, 1]))
        assert with_groups.tolist() == [[1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 0, 1]]


class TestWhatTheCriticMaySee:
    pictures = tf.constant(np.random.default_rng(0).uniform(-1, 1, (6, 32, 32, 3)), tf.float32)

    def test_a_shift_moves_a_picture_by_at_most_an_eighth(self) -> None:
        dot = np.zeros((20, 32, 32, 3), np.float32)
        dot[:, 16, 16] = 1
        _, down, right, _ = np.nonzero(shifted(tf.constant(dot), SEED).numpy())
        assert {down.min() >= 12, down.max() <= 20, right.min() >= 12, right.max() <= 20} == {True}
        assert len(np.unique(down)) > 3

    def test_a_patch_of_half_the_side_is_grey(self) -> None:
        found = cut_out(tf.ones((40, 32, 32, 3)), SEED).numpy()
        holes = (found == 0).all(axis=3).sum(axis=(1, 2))
        # 15 pixels a side where the whole of it is in the picture, less at its edges
        assert holes.max() == 225
        assert holes.min() >= 64
        assert ((found == 0) | (found == 1)).all()

    def test_colours_change_and_the_same_seed_changes_them_alike(self) -> None:
        found = recoloured(self.pictures, SEED).numpy()
        assert np.abs(found - self.pictures).mean() > 0.05
        np.testing.assert_array_equal(found, recoloured(self.pictures, SEED))
        assert (found != recoloured(self.pictures, SEED + 1).numpy()).any()

    def test_gradients_flow_back_to_the_picture(self) -> None:
        with tf.GradientTape() as tape:
            tape.watch(self.pictures)
            total = tf.reduce_sum(tf.square(augmented(self.pictures, SEED)))
        gradient = tape.gradient(total, self.pictures).numpy()
        assert np.isfinite(gradient).all()
        assert (gradient != 0).any(axis=(1, 2, 3)).all()


class TestTraining:
    def test_classes_get_their_colours(self, trained: TrainedImages) -> None:
        drawn = trained.sample(np.array([0] * 20 + [1] * 20), seed=3).astype(float)
        assert drawn.shape == (40, 32, 32, 3)
        redness = (drawn[..., 0] - drawn[..., 2]).mean(axis=(1, 2))
        assert redness[:20].mean() > 60
        assert redness[20:].mean() < -60

    def test_between_two_classes_lies_what_is_of_neither(self, trained: TrainedImages) -> None:
        zeros, ones = np.zeros(8, int), np.ones(8, int)
        ends = [trained.interpolate(zeros, ones, share, seed=2) for share in (0.0, 1.0)]
        np.testing.assert_array_equal(ends[0], trained.sample(zeros, seed=2))
        np.testing.assert_array_equal(ends[1], trained.sample(ones, seed=2))
        middle = trained.interpolate(zeros, ones, 0.5, seed=2).astype(float)
        reds = [values[..., 0].mean() for values in (ends[0], middle, ends[1])]
        assert reds == sorted(reds, reverse=True)

    def test_the_same_seed_draws_the_same(self, trained: TrainedImages) -> None:
        labels = np.array([0, 1])
        same = [trained.sample(labels, seed=seed) for seed in (4, 4, 5)]
        assert (same[0] == same[1]).all()
        assert (same[0] != same[2]).any()

    def test_the_critic_scores_pictures_of_any_size(self, trained: TrainedImages) -> None:
        pixels, labels = red_and_blue(10)
        scores = trained.critic_scores(pixels, labels)
        assert scores.shape == (10,)
        assert np.isfinite(scores).all()

    def test_without_a_critic_nothing_can_be_asked_of_one(self) -> None:
        pixels, labels = red_and_blue()
        config = TINY.model_copy(update={"adversarial_loss": "energy_score", "epochs": 1})
        without = train_image_generator(pixels, labels, config, n_classes=2, seed=1)
        assert without.sample(labels, seed=0).shape == (24, 32, 32, 3)
        with pytest.raises(InputError, match="without a critic"):
            without.critic_scores(pixels, labels)

    def test_what_cannot_be_learned_is_refused(self) -> None:
        pixels, labels = red_and_blue(4)
        with pytest.raises(InputError, match="0 pictures and 0 classes"):
            train_image_generator(pixels[:0], labels[:0], TINY, n_classes=2, seed=0)
        with pytest.raises(InputError, match="1 of 4 pictures are of none of 2 classes"):
            train_image_generator(pixels, np.array([0, 1, 0, 2]), TINY, n_classes=2, seed=0)

    def test_every_class_comes_as_often(self) -> None:
        labels = np.array([0] * 90 + [1] * 10)
        pictures = np.zeros((100, 4, 4, 3), np.uint8)
        config = TINY.model_copy(update={"batch_size": 100})
        batches = ImageBatches(pictures, conditions_of(2)[labels], labels, config)
        first = [batch["condition"][:, 1].mean() for batch in batches(0)]
        assert np.mean(first) == pytest.approx(0.5, abs=0.05)
        again = [batch["condition"][:, 1].mean() for batch in batches(0)]
        assert first == again


def test_lazy_penalties_have_the_same_expectation() -> None:
    from doppelcart.adversarial.objectives import Examples, Relativistic

    slopes = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    slopes.layers[0].set_weights([np.array([[3.0], [4.0]]), np.zeros(1)])
    real, fake = tf.zeros((4, 2)), tf.ones((4, 2))

    def loss(every: int, seed: int) -> float:
        config = TINY.model_copy(update={"penalty_every": every, "gradient_penalty": 2.0})
        given = tf.constant([seed, 1], tf.int32)
        examples = Examples(slopes, real, [fake], tf.zeros((4, 1)), given)
        return float(Relativistic(config).critic_loss(examples)[0])

    # softplus(7 - 0) and (5 squared, twice, half of a weight of 2 each)
    always = loss(1, 0)
    assert always == pytest.approx(np.log1p(np.exp(7)) + 50, rel=1e-5)
    lazy = [loss(4, seed) for seed in range(100)]
    assert {round(value - always) for value in lazy} == {-50, 150}
    assert np.mean(lazy) == pytest.approx(always, abs=30)


def test_numbers_and_bytes_go_back_and_forth() -> None:
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_bytes(to_floats(every)), every)
    squares = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1).repeat(3, axis=3)
    # means of 0 1 4 5, and so on; halves go to the even number
    assert resized(squares, 2)[0, :, :, 0].tolist() == [[2, 4], [10, 12]]


def test_the_kernel_distance_is_0_between_alike_and_large_between_others() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 400, 5))
    assert abs(kernel_distance(one, other)) < 0.1
    assert kernel_distance(one, other + 1) > 1
    # by hand, d = 1: k(x, y) = (x y + 1)^3
    assert kernel_distance(np.array([[0.0], [1.0]]), np.array([[0.0], [0.0]])) == 1 + 1 - 2
    assert kernel_distance(np.array([[1.0], [1.0]]), np.array([[0.0], [0.0]])) == 8 + 1 - 2


def test_epochs_are_compared_by_what_the_critic_sees_or_by_small_pictures_without_it() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (6, 32, 32, 3), dtype=np.uint8)
    weights = lite0.random_weights(0)
    projected = ImageTrainingConfig(critic="projected", sight=32)
    scoring = projected.model_copy(update={"adversarial_loss": "energy_score"})
    for config in (projected, scoring):
        seen = image_training._look_of(config, weights)(pictures)
        np.testing.assert_allclose(seen, lite0.embed(pictures, weights, 6, 32).pooled, atol=1e-4)
    for config, given in ((projected, None), (ImageTrainingConfig(critic="pixels"), weights)):
        assert image_training._look_of(config, given)(pictures).shape == (6, 8 * 8 * 3)
