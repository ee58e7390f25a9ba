"""The generator of windows learns what it is shown: with a critic, without one, by an encoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from doppelcart.models.series.likeness import distance
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.models.series.window_networks import (
    EMPTY,
    FIRST,
    GATE,
    N_HEADS,
    NOISE,
    SALES,
    SOLD,
    SPREAD,
    drawn,
    relaxed,
)
from doppelcart.models.series.window_training import fit_generator, generate, make_trainer
from doppelcart.models.series.window_vae import OverDays, build_decoder, misfit

pytestmark = pytest.mark.slow
N_DAYS = 28


@pytest.fixture(scope="module")
def real():
    """Windows that run out on the days which their one condition names, and sell 2 on others."""
    rng = np.random.default_rng(0)
    known = (rng.random((400, N_DAYS, 1)) < 0.4).astype(np.float32)
    out = known[..., 0]
    values = np.stack([np.where(out, 0.0, 2.0), out / 2, 1 - out / 2, out], axis=2)
    return values.astype(np.float32), known


@pytest.mark.parametrize(
    ("loss", "family", "epochs"),
    [("wgan_gp", "gan", 2), ("energy_score", "gan", 2), ("wgan_gp", "vae", 5)],
)
def test_what_is_known_of_a_day_decides(real, loss, family, epochs):
    values, known = real
    config = WindowConfig(
        adversarial_loss=loss, epochs=epochs, steps_per_epoch=80, evaluate_every=epochs
    )
    generator = fit_generator(values, known, config, family)
    asked = known[:100][:, ::-1]
    made = generate(generator, asked, np.full((100, N_DAYS), 16), np.random.default_rng(1))
    has = made[..., 1] > 0
    named, others = asked[..., 0] == 1, asked[..., 0] == 0
    assert has[named].mean() > has[others].mean() + 0.3
    assert made[..., 0][others].mean() > made[..., 0][named].mean() + 0.5


@pytest.mark.parametrize("family", ["gan", "vae"])
def test_days_that_are_given_stay_as_they_are(real, family):
    values, known = real
    batch = {"real": tf.constant(values[:8]), "known": tf.constant(known[:8])}
    seed = tf.constant([1, 2])
    made = {}
    for n_given in (0, 20):
        trainer = make_trainer(N_DAYS, 1, WindowConfig(), family, n_given)
        heads = trainer.output(batch, seed)[..., :N_HEADS]
        made[n_given] = trainer.draw(heads, batch, seed).numpy()
    np.testing.assert_array_equal(made[20][:, :20], values[:8, :20])
    assert not np.array_equal(made[0][:, :20], values[:8, :20])
    np.testing.assert_array_equal(made[20][:, 20:], made[0][:, 20:])


def test_what_an_epoch_is_kept_by_may_be_told(real):
    values, known = real
    config = WindowConfig(epochs=3, steps_per_epoch=1, evaluate_every=1)
    seen = []

    def best_at_first(generator):
        seen.append(generator.get_weights()[0].copy())
        return {"selection": -float(len(seen))}

    kept = fit_generator(values, known, config, evaluate=best_at_first)
    assert len(seen) == 3
    np.testing.assert_array_equal(kept.get_weights()[0], seen[0])


def heads_of(chances):
    """Heads of two days, the same of both: log sales of 3, all else as told."""
    heads = np.full((1, 2, N_HEADS), 50.0, np.float32)
    heads[..., SALES] = 3.0
    for place, chance in chances.items():
        heads[..., place] = np.log(chance / (1 - chance))
    return heads


def test_heads_stand_for_the_same_in_training_and_when_drawn():
    # A quarter of 16 hours is empty, and of the 12 that are not a third lies before the first.
    heads = heads_of({EMPTY: 1 / 4, FIRST: 1 / 3})
    made = drawn(heads, np.full((1, 2), 16), np.random.default_rng(0))
    np.testing.assert_allclose(made[0, 0], [np.log1p(np.exp(3)), 4 / 16, 4 / 16, 1], rtol=1e-6)
    soft = relaxed(tf.constant(heads), tf.constant([1, 2])).numpy()
    np.testing.assert_allclose(soft, made, atol=1e-4)
    heads[..., [SOLD, GATE]] = -50
    made = drawn(heads, np.full((1, 2), 16), np.random.default_rng(0))
    np.testing.assert_allclose(made[0, 0], [0, 0, 1, 0])
    soft = relaxed(tf.constant(heads), tf.constant([1, 2])).numpy()
    np.testing.assert_allclose(soft, made, atol=1e-4)


def test_the_misfit_is_the_likelihood_worked_by_hand():
    heads = np.zeros((1, 2, N_HEADS + 1), np.float32)
    heads[..., SALES], heads[..., SPREAD] = np.log(np.expm1(1.0)), np.log(0.5)
    heads[..., GATE] = np.log(3)
    # Sold e^1.5 - 1 on a day with a quarter empty, the first after two thirds of the rest; nothing
    # on a day in stock.
    real = np.array([[[1.5, 0.25, 0.5, 1.0], [0.0, 0.0, 1.0, 0.0]]], np.float32)
    found = misfit(tf.constant(heads), tf.constant(real)).numpy()
    coin = np.log(2)
    sold = coin + 0.5 * (0.5 / 0.5) ** 2 + np.log(0.5)
    np.testing.assert_allclose(found[0, 0], sold - np.log(3 / 4) + 3 * coin, rtol=1e-5)
    np.testing.assert_allclose(found[0, 1], coin - np.log(1 / 4), rtol=1e-5)


def test_a_decoder_has_a_trend_and_a_season_and_can_be_copied():
    terms = tf.constant([[[1.0, 0.0], [2.0, 5.0]]])
    made = OverDays([[1, 1, 1], [0, 1, 0]])(terms).numpy()
    np.testing.assert_allclose(made[0], [[1, 0], [3, 5], [1, 0]])
    decoder = build_decoder(9, 2, seed=3)
    copy = keras.models.clone_model(decoder)
    copy.set_weights(decoder.get_weights())
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4, NOISE)).astype(np.float32)
    told = {"noise": noise, "known": rng.normal(size=(4, 9, 2)).astype(np.float32)}
    assert decoder(told).shape == (4, 9, N_HEADS + 1)
    np.testing.assert_allclose(copy(told), decoder(told), rtol=1e-6)


def test_sales_of_a_decoder_spread_as_it_says():
    heads = np.zeros((1, 4000, N_HEADS + 1), np.float32)
    heads[..., SALES], heads[..., SOLD], heads[..., SPREAD] = 5.0, 50.0, np.log(0.3)
    made = drawn(heads, np.full((1, 4000), 16), np.random.default_rng(0))
    assert made[..., 0].std() == pytest.approx(0.3, rel=0.05)
    assert made[..., 0].mean() == pytest.approx(np.log1p(np.exp(5)), abs=0.02)
    without = drawn(heads[..., :N_HEADS], np.full((1, 4000), 16), np.random.default_rng(0))
    assert without[..., 0].std() < 1e-6


def test_what_is_drawn_is_in_whole_hours():
    rng = np.random.default_rng(0)
    hours = np.full((50, N_DAYS), 16)
    made = drawn(rng.normal(0, 3, (50, N_DAYS, N_HEADS)).astype(np.float32), hours, rng)
    out = made[..., 1] > 0
    assert 0.3 < out.mean() < 0.7
    assert 0.3 < (made[..., 0] == 0).mean() < 0.7
    np.testing.assert_allclose(made[..., 1:3] * 16, np.round(made[..., 1:3] * 16), atol=1e-5)
    assert (made[..., 1] + made[..., 2])[out].max() <= 1 + 1e-6
    assert (made[..., 2:][~out] == [1, 0]).all()
    assert (made[..., 0] >= 0).all()


def test_windows_that_are_alike_are_near(real):
    values, _ = real
    assert distance(values, values[::-1]) == 0
    assert distance(values[:200], values[200:]) < distance(values[:200], values[200:] * 1.5)
