"""The generator of windows learns what it is shown, with a critic and without one."""

import numpy as np
import pytest

from doppelcart.models.series.likeness import distance
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.models.series.window_networks import drawn
from doppelcart.models.series.window_training import fit_generator, generate

pytestmark = pytest.mark.slow
N_DAYS = 28


@pytest.fixture(scope="module")
def real():
    """Windows that run out on the days which their one condition names, and sell 2 on others."""
    rng = np.random.default_rng(0)
    known = (rng.random((400, N_DAYS, 1)) < 0.4).astype(np.float32)
    out = known[..., 0]
    values = np.stack([np.where(out, 1.0, 2.0), out / 2, 1 - out / 2, out], axis=2)
    return values.astype(np.float32), known


@pytest.mark.parametrize("loss", ["wgan_gp", "energy_score"])
def test_what_is_known_of_a_day_decides(real, loss):
    values, known = real
    config = WindowConfig(adversarial_loss=loss, epochs=2, steps_per_epoch=80, evaluate_every=2)
    generator = fit_generator(values, known, config)
    asked = known[:100][:, ::-1]
    made = generate(generator, asked, np.full((100, N_DAYS), 16), np.random.default_rng(1))
    has = made[..., 1] > 0
    named, others = asked[..., 0] == 1, asked[..., 0] == 0
    assert has[named].mean() > has[others].mean() + 0.3
    assert made[..., 0][others].mean() > made[..., 0][named].mean() + 0.5


def test_what_is_drawn_is_in_whole_hours():
    rng = np.random.default_rng(0)
    hours = np.full((50, N_DAYS), 16)
    made = drawn(rng.normal(0, 3, (50, N_DAYS, 5)).astype(np.float32), hours, rng)
    out = made[..., 1] > 0
    assert 0.3 < out.mean() < 0.7
    np.testing.assert_allclose(made[..., 1:3] * 16, np.round(made[..., 1:3] * 16), atol=1e-5)
    assert (made[..., 1] + made[..., 2])[out].max() <= 1 + 1e-6
    assert (made[..., 2:][~out] == [1, 0]).all()
    assert (made[..., 0] >= 0).all()


def test_windows_that_are_alike_are_near(real):
    values, _ = real
    assert distance(values, values[::-1]) == 0
    assert distance(values[:200], values[200:]) < distance(values[:200], values[200:] * 1.5)
