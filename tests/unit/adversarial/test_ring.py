"""The trainer on another thing than histories: eight Gaussians on a ring."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from doppelcart.adversarial import loop, monitors
from doppelcart.adversarial.loop import Trained
from doppelcart.adversarial.state import TrainingState
from doppelcart.adversarial.trainer import Trainer
from doppelcart.errors import ParameterError, TrainingDivergedError
from tests import ring

README = Path(loop.__file__).with_name("README.md")
POINTS = ring.draw_points(1024, seed=0)
LEARNED: dict[str, Any] = {
    "epochs": 120,
    "batch_size": 128,
    "evaluate_every": 20,
    "learning_rate": 2e-3,
    "critic_learning_rate": 4e-3,
    "weight_decay": 0.0,
    "ema_decay": 0.98,
}


def learn(weight: float = 1.0, kind: type[Trainer] = Trainer, **changes: Any) -> Trained:
    config = ring.RingConfig(**LEARNED | changes)
    trainer = ring.build_trainer(config, weight, kind)
    return loop.train(trainer, ring.PointBatches(POINTS, config), ring.evaluate)


def modes_of(trained: Trained) -> int:
    return ring.modes_found(ring.generate(trained.generator, 2000, seed=3))


def warnings_of(trained: Trained) -> dict[str, str]:
    checks = monitors.diagnose(trained.training_log, trained.best_epoch, ring.POINTS)
    return {check.monitor: check.advice for check in checks if check.failed}


def test_the_example_of_the_readme_is_what_is_tested():
    blocks = re.findall(r"```py\n(.+?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 3
    code = Path(ring.__file__).read_text() + Path(__file__).read_text()
    for block in blocks:
        assert block.strip() in code


class TestMeasure:
    def test_the_mixture_itself_has_every_mode(self):
        assert ring.modes_found(ring.draw_points(2000, seed=5)) == ring.N_MODES

    def test_three_of_its_gaussians_are_three(self):
        points = ring.draw_points(2000, seed=5)
        assert ring.modes_found(points[np.arange(2000) % ring.N_MODES < 3]) == 3

    def test_an_even_ring_has_none(self):
        angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 20_000)
        even = ring.RADIUS * np.column_stack([np.cos(angles), np.sin(angles)])
        assert ring.modes_found(even) == 0


@pytest.mark.slow
class TestModes:
    @pytest.mark.parametrize(
        "changes",
        [
            {"adversarial_loss": "relativistic"},
            {"adversarial_loss": "wgan_gp", "gradient_penalty": 1.0, "critic_steps": 2},
        ],
        ids=["relativistic", "wgan_gp"],
    )
    def test_a_modern_loss_finds_every_mode(self, changes):
        trained = learn(**changes)
        assert modes_of(trained) == ring.N_MODES
        assert warnings_of(trained) == {}

    def test_a_critic_that_hardly_learns_lets_modes_collapse_and_the_monitor_names_it(self):
        trained = learn(
            adversarial_loss="vanilla",
            learning_rate=5e-3,
            critic_learning_rate=2e-4,
            epochs=60,
        )
        assert modes_of(trained) <= 2
        found = warnings_of(trained)
        advice = found["mode collapse: coverage of real points' neighbourhoods"]
        assert advice == "Train for more epochs, or raise ring.training.critic_steps."
        assert set(found) == {"mode collapse: coverage of real points' neighbourhoods"}

    def test_without_a_critic_the_mean_is_all_there_is_to_learn(self):
        trained = learn(0.0, ring.RegressionTrainer, epochs=20, evaluate_every=20)
        made = ring.generate(trained.generator, 500, seed=3)
        assert np.linalg.norm(made, axis=1).max() < 0.5 * ring.RADIUS
        # It is known to ignore its noise, so no collapse is looked for.
        assert warnings_of(trained) == {}
        assert not any(name.startswith("critic") for name in trained.training_log)

    def test_the_energy_score_covers_the_ring_without_a_critic_but_blurs_the_modes(self):
        """How far it gets: everything real has a neighbour, and so has much that is not."""
        trained = learn(adversarial_loss="energy_score", learning_rate=5e-3)
        assert trained.critic is None
        kept = trained.training_log.set_index("epoch").loc[trained.best_epoch]
        assert kept["recall"] > 0.9
        assert kept["coverage"] > 0.4
        assert modes_of(trained) < ring.N_MODES
        radii = np.linalg.norm(ring.generate(trained.generator, 2000, seed=3), axis=1)
        assert np.median(radii) == pytest.approx(ring.RADIUS, rel=0.1)
        assert warnings_of(trained) == {}


def test_a_critic_that_is_asked_for_must_be_there():
    config = ring.RingConfig(adversarial_loss="wgan_gp")
    generator = ring.build_network("generator", 2, 2, seed=1)
    with pytest.raises(ParameterError, match=r"ring\.training\.adversarial_loss is wgan_gp"):
        Trainer(generator, None, config)


@pytest.fixture
def _uncompiled() -> Iterator[None]:
    """Compiling a step takes longer than the few steps of these tests do without."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("_uncompiled")
@pytest.mark.parametrize("loss", ["relativistic", "energy_score"])
class TestLoop:
    """Resuming and recovery, where there is a critic and where there is none."""

    @staticmethod
    def train(loss: str, evaluate: Any, state: TrainingState | None = None, **more: Any) -> Trained:
        config = ring.RingConfig(
            adversarial_loss=loss, epochs=4, batch_size=256, evaluate_every=1
        ).model_copy(update=more)
        batches = ring.PointBatches(POINTS, config)
        return loop.train(ring.build_trainer(config), batches, evaluate, state, "ring")

    def test_after_ctrl_c_the_next_run_ends_as_if_nothing_happened(self, loss, tmp_path: Path):
        whole = self.train(loss, ring.evaluate)
        calls: list[Any] = []

        def interrupted(generator: Any) -> dict[str, float]:
            calls.append(generator)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return ring.evaluate(generator)

        state = TrainingState(tmp_path / "ring.npz", "f")
        with pytest.raises(KeyboardInterrupt):
            self.train(loss, interrupted, state)
        assert state.last_saved_epoch == 2
        resumed = self.train(loss, ring.evaluate, state)
        for one, other in zip(
            resumed.generator.get_weights(), whole.generator.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)
        pd.testing.assert_frame_equal(
            resumed.training_log.drop(columns="seconds"), whole.training_log.drop(columns="seconds")
        )

    def test_a_divergence_is_survived_at_half_the_rate(self, loss):
        calls: list[Any] = []

        def poison(generator: Any) -> dict[str, float]:
            calls.append(generator)
            if len(calls) == 2:
                generator.set_weights([np.nan * w for w in generator.get_weights()])
            return {"selection": -len(calls)}

        trained = self.train(loss, poison)
        assert trained.training_log["generator_loss"].isna().tolist() == [False, False, True, False]
        assert trained.training_log["learning_rate"].tolist() == pytest.approx([1e-3] * 3 + [5e-4])
        assert all(np.isfinite(w).all() for w in trained.generator.get_weights())
        found = warnings_of(trained)
        (name,) = (name for name in found if name.startswith("divergence"))
        assert "ring.training.learning_rate" in found[name]

    def test_a_rate_that_no_halving_mends_is_an_error_that_names_it(self, loss):
        with pytest.raises(
            TrainingDivergedError,
            match=r"Training of the ring diverged 1 times.*Lower ring\.training\.learning_rate",
        ):
            self.train(loss, ring.evaluate, learning_rate=1e38, max_recoveries=0)
