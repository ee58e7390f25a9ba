"""Noise put on by hand and undone exactly, and a network that learns whom a vector is of."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from doppelcart.data.histories import Histories
from doppelcart.errors import ParameterError
from doppelcart.models.histories.fitting import make_trainer
from doppelcart.models.histories.hyperparameters import (
    DiffusionNetwork,
    DiffusionTraining,
    Family,
    NetworkConfig,
    TrainingConfig,
)
from doppelcart.models.histories.latent_diffusion import (
    REVERSE,
    LatentDiffusion,
    cosine_schedule,
    time_embedding,
    undo_noise,
)

SIZES = {"noise_units": 2, "hidden_units": 8, "critic_units": 8, "dropout": 0.0}


class TestSchedule:
    def test_the_share_of_signal_at_every_step_by_hand(self):
        # cos(pi/2 * (t/2 + .008) / 1.008) squared: .99984, .49377 and 0, over the first of them
        np.testing.assert_allclose(cosine_schedule(2), [1.0, 0.49384, 0.0], atol=1e-5)

    @given(st.integers(1, 1000))
    def test_it_falls_from_all_to_none(self, n_steps):
        schedule = cosine_schedule(n_steps)
        assert len(schedule) == n_steps + 1
        assert schedule[0] == 1
        assert schedule[-1] == pytest.approx(0, abs=1e-12)
        assert (np.diff(schedule) < 0).all()

    def test_every_step_has_an_embedding_of_its_own(self):
        table = time_embedding(50)
        assert table.shape == (51, 32)
        assert len(np.unique(table.round(4), axis=0)) == 51
        # At step 0 all sines are 0 and all cosines 1.
        assert table[0].tolist() == [0.0] * 16 + [1.0] * 16


class TestUndoing:
    @staticmethod
    def gaussian(mean: float, spread: float, schedule: np.ndarray) -> Any:
        """The velocity that is expected where what is real is normal.

        A state is ``a x + b e``; x and e given the state are linear in it.
        """

        def velocity(state: np.ndarray, step: int) -> np.ndarray:
            a, b = np.sqrt(schedule[step]), np.sqrt(1 - schedule[step])
            off = (state - a * mean) / (a**2 * spread**2 + b**2)
            clean, noise = mean + a * spread**2 * off, b * off
            return a * noise - b * clean

        return velocity

    @pytest.mark.parametrize(("mean", "spread"), [(0.0, 1.0), (3.0, 0.5), (-1.0, 2.0)])
    def test_a_normal_distribution_comes_back_with_mean_and_spread(self, mean, spread):
        schedule = cosine_schedule(50)
        noise = np.random.default_rng(0).standard_normal((20_000, 1))
        found = undo_noise(noise, self.gaussian(mean, spread, schedule), schedule)
        assert found.mean() == pytest.approx(mean, abs=0.03)
        assert found.std() == pytest.approx(spread, rel=0.05)
        # The same noise is the same vector, and more of it is more.
        assert np.corrcoef(noise[:, 0], found[:, 0])[0, 1] == pytest.approx(1)

    def test_two_steps_by_hand(self):
        schedule = np.array([1.0, 0.36, 0.0])
        # At step 2 all is noise: clean is minus the velocity, and the noise is the state.
        # .6 * -1 + .8 * 2 = 1; at step 1 clean is .6 * 1 - .8 * 1 = -.2, which is the end.
        found = undo_noise(np.array([[2.0]]), lambda state, step: np.array([[1.0]]), schedule)
        assert found == pytest.approx(np.array([[-0.2]]))


def trainer_of(family: Family = "diffusion") -> Any:
    """A trainer over a catalogue of six items, one behaviour column and one demographic."""
    rows = [np.array([user % 3, 3 + user % 2]) for user in range(12)]
    names = np.array([f"u{user}" for user in range(12)])
    users = Histories.from_lists(rows, names, np.array([f"i{item}" for item in range(6)]))
    network = DiffusionNetwork(**SIZES, denoiser_units=32, diffusion_steps=20)
    training = DiffusionTraining(ema_decay=0.0, noise_draws=4, batch_size=12)
    return make_trainer(users, np.zeros((6, 0)), 1, 1, network, training, 0.0, family)


def batch_of(wanted: np.ndarray) -> dict[str, tf.Tensor]:
    """Rows of whom nothing is known but their behaviour, which is told apart by its sign."""
    known, n_rows = np.ones((len(wanted), 1), np.float32), len(wanted)
    empty = np.zeros((n_rows, 6), np.float32)
    rows = {"seen": empty, "full": empty, "is_new": known, "behaviour_known": known}
    rows |= {"demographics": 0 * known, "demographics_known": 0 * known}
    rows |= {"behaviour": wanted[:, None].astype(np.float32)}
    return {name: tf.constant(values) for name, values in rows.items()}


def vectors_of(wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Latent vectors about (2, 10) or (-2, 10), by the sign of the behaviour."""
    centre = np.stack([2 * wanted, np.full(len(wanted), 10.0)], axis=1)
    return (centre + 0.3 * rng.standard_normal(centre.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def learned() -> Any:
    """A trainer whose network learned these vectors, by its own loss alone."""
    trainer, rng = trainer_of(), np.random.default_rng(0)
    weights = [*trainer.reverse.trainable_variables, *trainer.condition.trainable_variables]
    optimizer = keras.optimizers.Adam(5e-3)

    @tf.function
    def step(batch: dict[str, tf.Tensor], latent: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = trainer.latent_losses(latent, batch, seed)["velocity_loss"]
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    losses = []
    for _ in range(400):
        wanted = rng.choice([-1.0, 1.0], 64)
        seed = tf.constant(rng.integers(0, 2**30, 2), tf.int32)
        losses.append(float(step(batch_of(wanted), vectors_of(wanted, rng), seed)))
    return trainer, losses


def drawn(trainer: Any, wanted: float, n_rows: int = 500, seed: int = 1) -> np.ndarray:
    """(n_rows, 2) latent vectors that the model makes for a behaviour."""
    batch = batch_of(np.full(n_rows, wanted))
    condition = trainer.condition(
        {"history": batch["seen"], **{n: batch[n] for n in trainer.condition.input if n in batch}}
    )
    noise = np.random.default_rng(seed).standard_normal((n_rows, 2)).astype(np.float32)
    return np.asarray(trainer.generator.get_layer(REVERSE)([tf.constant(noise), condition]))


@pytest.fixture
def uncompiled() -> Iterator[None]:
    """Compiling a step takes longer than the few steps of a test do without."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


class TestLearning:
    def test_vectors_of_a_kind_are_drawn_for_whom_they_are_asked(self, learned):
        trainer, losses = learned
        assert np.mean(losses[-20:]) < 0.8 * np.mean(losses[:20])
        for wanted in (-1.0, 1.0):
            found = drawn(trainer, wanted)
            assert found.mean(axis=0) == pytest.approx([2 * wanted, 10.0], abs=0.35)
            assert (np.sign(found[:, 0]) == wanted).mean() > 0.97
            assert found.std(axis=0) == pytest.approx([0.3, 0.3], abs=0.2)

    def test_told_nothing_both_kinds_are_drawn(self, learned):
        trainer, _ = learned
        layer = trainer.generator.get_layer(REVERSE)
        noise = np.random.default_rng(2).standard_normal((500, 2)).astype(np.float32)
        untold = tf.repeat(layer.nothing[None, :], 500, axis=0)
        share = (np.asarray(layer([tf.constant(noise), untold]))[:, 0] > 0).mean()
        assert 0.2 < share < 0.8

    def test_guidance_parts_the_kinds_further(self, learned):
        trainer, _ = learned
        layer = trainer.generator.get_layer(REVERSE)
        plain = drawn(trainer, 1.0)[:, 0].mean()
        layer.guidance = 1.0
        try:
            assert drawn(trainer, 1.0)[:, 0].mean() > plain
        finally:
            layer.guidance = 0.0

    def test_centre_and_spread_are_those_of_the_vectors_in_both_networks(self):
        trainer = trainer_of()
        latent = np.array([[0.0, 10.0], [4.0, 10.0]], np.float32)
        trainer.latent_losses(tf.constant(latent), batch_of(np.ones(2)), tf.constant([0, 1]))
        for network in (trainer.generator, trainer.averaged):
            layer = network.get_layer(REVERSE)
            assert np.asarray(layer.centre).tolist() == [2.0, 10.0]
            # What does not differ is not divided by 0.
            np.testing.assert_allclose(layer.spread, [2.0, 1e-3], rtol=1e-5)

    def test_the_autoencoder_is_trained_as_that_of_the_vae(self, uncompiled):
        ours, plain = trainer_of(), trainer_of(family="vae")
        batch = batch_of(np.array([1.0, -1.0, 1.0]))
        batch["full"] = tf.one_hot([0, 1, 2], 6)
        for trainer in (ours, plain):
            for number in range(3):
                trainer.step(batch, iter([tf.constant([number, 7])]), 1)
        for one, other in zip(ours.critic.get_weights(), plain.critic.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
        decoders = ours.decoder.get_weights(), plain.generator.get_weights()
        for one, other in zip(*decoders, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_a_layer_comes_back_from_its_configuration():
    layer = LatentDiffusion(8, 5, 0.5, 3, name="r")
    layer.build([(None, 2), (None, 4)])
    again = LatentDiffusion.from_config(layer.get_config())
    again.build([(None, 2), (None, 4)])
    assert again.get_config() == layer.get_config()
    for one, other in zip(again.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.compute_output_shape([(None, 2), (None, 4)]) == (None, 2)


@pytest.mark.parametrize(
    ("network", "training"),
    [(NetworkConfig(), DiffusionTraining()), (DiffusionNetwork(), TrainingConfig())],
)
def test_parameters_of_another_family_are_refused(network, training, block_shop):
    with pytest.raises(ParameterError, match="kedro run --pipelines diffusion"):
        make_trainer(block_shop(4), np.zeros((24, 0)), 1, 1, network, training, 0.0, "diffusion")
