"""The training loop: repeatable, resumable, and never worse off than its last good checkpoint."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from doppelcart.adversarial import loop
from doppelcart.adversarial import trainer as trainers
from doppelcart.adversarial.loop import Trained
from doppelcart.adversarial.rows import steps_per_epoch
from doppelcart.adversarial.state import Progress, TrainingState
from doppelcart.data.histories import Histories
from doppelcart.errors import StorageError, TrainingDivergedError
from doppelcart.models.histories import batches as batching
from doppelcart.models.histories.batches import HistoryBatches, ProfileBlocks
from doppelcart.models.histories.history_trainer import HistoryTrainer
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.models.histories.networks import build_critic, build_generator

NETWORK = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8, dropout=0.2)
CONFIG = TrainingConfig(epochs=5, batch_size=10, evaluate_every=2, critic_steps=1, ema_decay=0.5)
N_USERS = 24


@pytest.fixture(scope="module", autouse=True)
def _uncompiled() -> Iterator[None]:
    """Compiling a step takes longer than the few steps of these tests do without."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def compiled() -> Iterator[None]:
    """Functions compiled after all, for the tests of just that."""
    tf.config.run_functions_eagerly(False)
    yield
    tf.config.run_functions_eagerly(True)


@pytest.fixture(scope="module")
def real(block_shop: Callable[..., Histories]) -> Histories:
    return block_shop(N_USERS)


@pytest.fixture(scope="module")
def blocks(real: Histories, profiles: Callable[[Histories], ProfileBlocks]) -> ProfileBlocks:
    return profiles(real)


def new_trainer(
    adversarial_weight: float = 1.0, dropout: float = NETWORK.dropout, **changes: Any
) -> HistoryTrainer:
    features = np.eye(24, 2, dtype=np.float32)
    network = NETWORK.model_copy(update={"dropout": dropout})
    generator = build_generator(network, np.full(24, 0.2), N_USERS, features, 3, 2, seed=0)
    critic = build_critic(NETWORK, 24, 3, 2, seed=0)
    return HistoryTrainer(generator, critic, CONFIG.model_copy(update=changes), adversarial_weight)


def batches(
    real: Histories, blocks: ProfileBlocks, config: TrainingConfig, epoch: int
) -> Iterator[dict[str, np.ndarray]]:
    return HistoryBatches(real, blocks, config)(epoch)


def run_epoch(
    trainer: HistoryTrainer, real: Histories, blocks: ProfileBlocks, epoch: int
) -> dict[str, float]:
    return loop.run_epoch(trainer, HistoryBatches(real, blocks, trainer.config), epoch)


def train(
    trainer: HistoryTrainer, real: Histories, blocks: ProfileBlocks, *others: Any, **more: Any
) -> Trained:
    return loop.train(trainer, HistoryBatches(real, blocks, trainer.config), *others, **more)


def first_batch(
    trainer: HistoryTrainer, real: Histories, blocks: ProfileBlocks
) -> dict[str, np.ndarray]:
    return next(batches(real, blocks, trainer.config, 1))


def size_of_weights(model: Any) -> dict[str, float]:
    """A metric that differs from one epoch to the next."""
    return {"selection": float(sum(np.abs(w).sum() for w in model.get_weights()))}


class Scripted:
    """Says the metrics it was told to and remembers the weights that it was shown."""

    def __init__(self, *values: float):
        self.values = list(values)
        self.seen: list[list[np.ndarray]] = []

    def __call__(self, model: Any) -> dict[str, float]:
        self.seen.append([w.copy() for w in model.get_weights()])
        return {"selection": self.values[len(self.seen) - 1]}


def assert_same(left: Trained, right: Trained) -> None:
    """Same weights to the last bit, same figures but for the time they took."""
    assert left.best_epoch == right.best_epoch
    for part in ("generator", "critic"):
        pairs = zip(
            getattr(left, part).get_weights(), getattr(right, part).get_weights(), strict=True
        )
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)
    pd.testing.assert_frame_equal(
        left.training_log.drop(columns="seconds"), right.training_log.drop(columns="seconds")
    )


@pytest.fixture(scope="module")
def uninterrupted(real: Histories, blocks: ProfileBlocks) -> Trained:
    return train(new_trainer(), real, blocks, size_of_weights)


class TestBatches:
    def test_an_epoch_takes_each_user_at_most_once_in_whole_batches(self, real, blocks):
        found = list(batches(real, blocks, CONFIG, epoch=1))
        assert len(found) == steps_per_epoch(N_USERS, 10) == 2
        assert {len(batch["full"]) for batch in found} == {10}
        # half of ten are new users
        assert [batch["is_new"].sum() for batch in found] == [5, 5]
        rows = np.concatenate([batch["full"] for batch in found])
        assert len(np.unique(rows, axis=0)) == len(rows)

    def test_few_users_make_one_batch(self, real, blocks):
        few = CONFIG.model_copy(update={"batch_size": 1000})
        assert [len(batch["full"]) for batch in batches(real, blocks, few, 1)] == [N_USERS]
        assert steps_per_epoch(N_USERS, 1000) == 1

    def test_an_epoch_is_the_same_whatever_came_before_and_unlike_the_next(self, real, blocks):
        def full(epoch: int, **changes: Any) -> np.ndarray:
            config = CONFIG.model_copy(update=changes)
            return np.concatenate([b["seen"] for b in batches(real, blocks, config, epoch)])

        np.testing.assert_array_equal(full(3), full(3))
        assert (full(3) != full(4)).any()
        assert (full(3) != full(3, seed=1)).any()


class TestSteps:
    def test_the_averaged_weights_follow_at_the_decay_asked_for(self, real, blocks):
        trainer = new_trainer(0.0, ema_decay=0.75, batch_size=N_USERS)
        before = [np.asarray(v) for v in trainer.averaged.trainable_variables]
        run_epoch(trainer, real, blocks, 1)
        after = [np.asarray(v) for v in trainer.generator.trainable_variables]
        pairs = zip(before, after, trainer.averaged.trainable_variables, strict=True)
        for start, end, average in pairs:
            np.testing.assert_allclose(average, 0.75 * start + 0.25 * end, rtol=1e-5, atol=1e-7)
        assert any((start != end).any() for start, end in zip(before, after, strict=True))

    def test_every_loss_and_norm_is_logged(self, uninterrupted):
        assert {
            "epoch",
            "seconds",
            "selection",
            "generator_loss",
            "adversarial_loss",
            "reconstruction_loss",
            "generator_gradient_norm",
            "critic_loss",
            "critic_margin",
            "critic_gradient_norm",
            "learning_rate",
        } == set(uninterrupted.training_log)
        assert uninterrupted.training_log["epoch"].tolist() == [1, 2, 3, 4, 5]
        # evaluated every second epoch, and at the last
        evaluated = uninterrupted.training_log["selection"].notna()
        assert evaluated.tolist() == [False, True, False, True, True]
        assert uninterrupted.steps_per_second > 0

    @pytest.mark.parametrize("loss", ["wgan_gp", "vanilla", "relativistic"])
    def test_the_loss_of_the_generator_is_the_weighted_sum(self, real, blocks, loss):
        trainer = new_trainer(0.5, adversarial_loss=loss, reconstruction_weight=3.0)
        for epoch in (1, 2):
            logs = run_epoch(trainer, real, blocks, epoch)
            expected = 3.0 * logs["reconstruction_loss"] + 0.5 * logs["adversarial_loss"]
            assert logs["generator_loss"] == pytest.approx(expected, rel=1e-4)
            assert np.isfinite(list(logs.values())).all()
        assert logs["critic_gradient_norm"] > 0

    def test_without_a_critic_the_critic_is_never_touched(self, real, blocks):
        trainer = new_trainer(0.0)
        before = trainer.critic.get_weights()
        trained = train(trainer, real, blocks, size_of_weights)
        for old, new in zip(before, trained.critic.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
        assert int(trainer.critic_optimizer.iterations) == 0
        assert not [name for name in trained.training_log if name.startswith("critic")]
        assert trained.training_log["adversarial_loss"].tolist() == [0.0] * 5

    def test_the_critic_takes_its_number_of_steps(self, real, blocks):
        trainer = new_trainer(1.0, critic_steps=3)
        run_epoch(trainer, real, blocks, 1)
        assert int(trainer.critic_optimizer.iterations) == 3 * 2
        assert int(trainer.generator_optimizer.iterations) == 2

    def test_critic_and_generator_step_on_the_same_histories_one_after_the_other(
        self, real, blocks
    ):
        together, apart = (new_trainer(dropout=0.0) for _ in range(2))
        batch = {name: tf.constant(v) for name, v in first_batch(together, real, blocks).items()}
        seed = tf.constant([3, 4], tf.int32)
        together.joint_step(batch, seed)
        apart.critic_step(batch, seed)
        apart.generator_step(batch, seed)
        for one, other in zip(together.variables, apart.variables, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)

    def test_an_update_in_one_pass_is_the_same_update(self, real, blocks, monkeypatch, compiled):
        plain = new_trainer()
        monkeypatch.setattr(trainers, "FUSED_FROM", 0)
        fused = new_trainer()
        gradients = [tf.fill(v.shape, 0.1) for v in plain.generator.trainable_variables]
        for trainer in (plain, fused):
            trainer.update_generator(gradients)
        text = fused.update_generator.experimental_get_compiler_ir(gradients)(stage="hlo")
        assert "HloModule" in text
        for one, other in zip(plain.variables, fused.variables, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)

    def test_of_a_user_of_whom_nothing_is_known_nothing_is_reconstructed(self, real, blocks):
        unknown = {"new_user_share": 1.0, "behaviour_known_share": 0.0}
        assert run_epoch(new_trainer(1.0, **unknown), real, blocks, 1)["reconstruction_loss"] == 0
        # There the average is all there is to learn.
        assert run_epoch(new_trainer(0.0, **unknown), real, blocks, 1)["reconstruction_loss"] > 0

    def test_completed_histories_count_by_their_share_in_the_loss(self, real, blocks):
        def loss(new_user_share: float, share: float) -> float:
            trainer = new_trainer(
                1.0,
                new_user_share=new_user_share,
                completion_adversarial_share=share,
                batch_size=N_USERS,
            )
            return run_epoch(trainer, real, blocks, 1)["adversarial_loss"]

        assert loss(0.0, 0.25) == pytest.approx(0.25 * loss(0.0, 1.0), rel=1e-4)
        assert loss(1.0, 0.25) == pytest.approx(loss(1.0, 1.0), rel=1e-4)


class TestEvaluations:
    def test_every_evaluation_is_told_with_its_epoch_and_metrics(self, real, blocks):
        told = []
        metrics = Scripted(1.0, 3.0, 2.0)
        train(
            new_trainer(),
            real,
            blocks,
            metrics,
            on_evaluation=lambda *told_then: told.append(told_then),
        )
        assert told == [(2, {"selection": 1.0}), (4, {"selection": 3.0}), (5, {"selection": 2.0})]

    def test_what_the_listener_raises_ends_the_training(self, real, blocks):
        class EnoughError(Exception):
            pass

        def stop(epoch: int, metrics: dict[str, float]) -> None:
            raise EnoughError(epoch)

        with pytest.raises(EnoughError, match="2"):
            train(new_trainer(), real, blocks, Scripted(1.0, 3.0, 2.0), on_evaluation=stop)


class TestRepeat:
    def test_a_seed_gives_the_same_training_to_the_last_bit(self, real, blocks, uninterrupted):
        assert_same(train(new_trainer(), real, blocks, size_of_weights), uninterrupted)

    def test_another_seed_gives_another(self, real, blocks, uninterrupted):
        other = run_epoch(new_trainer(seed=1), real, blocks, 1)
        assert other["generator_loss"] != uninterrupted.training_log["generator_loss"].iloc[0]


class TestResume:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "deep" / "gan.npz"

    @staticmethod
    def interrupted_in_evaluation(call: int) -> Callable[[Any], dict[str, float]]:
        calls = []

        def evaluate(model: Any) -> dict[str, float]:
            calls.append(model)
            if len(calls) == call:
                raise KeyboardInterrupt
            return size_of_weights(model)

        return evaluate

    def test_after_ctrl_c_at_an_evaluation_the_next_run_ends_as_if_nothing_happened(
        self, real, blocks, uninterrupted, path, caplog
    ):
        with pytest.raises(KeyboardInterrupt):
            train(
                new_trainer(),
                real,
                blocks,
                self.interrupted_in_evaluation(3),
                TrainingState(path, "f"),
                "gan",
            )
        assert path.exists()
        assert "gan was interrupted in epoch 5; the next run resumes from epoch 4" in caplog.text
        state = TrainingState(path, "f")
        resumed = train(new_trainer(), real, blocks, size_of_weights, state)
        assert state.last_saved_epoch == 4
        assert_same(resumed, uninterrupted)
        assert not path.exists()

    @pytest.mark.slow
    def test_the_same_with_compiled_steps(self, real, blocks, path):
        tf.config.run_functions_eagerly(False)
        try:
            short = {"epochs": 2, "evaluate_every": 1}
            whole = train(new_trainer(**short), real, blocks, size_of_weights)
            evaluate, state = self.interrupted_in_evaluation(2), TrainingState(path, "f")
            with pytest.raises(KeyboardInterrupt):
                train(new_trainer(**short), real, blocks, evaluate, state)
            resumed = train(new_trainer(**short), real, blocks, size_of_weights, state)
        finally:
            tf.config.run_functions_eagerly(True)
        assert_same(resumed, whole)

    def test_after_ctrl_c_in_the_middle_of_an_epoch_too(
        self, real, blocks, uninterrupted, path, monkeypatch
    ):
        make_batch, calls = batching.make_batch, []

        def interrupted(*args: Any) -> Any:
            calls.append(args)
            if len(calls) == 6:  # the second batch of epoch 3
                raise KeyboardInterrupt
            return make_batch(*args)

        monkeypatch.setattr(batching, "make_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(new_trainer(), real, blocks, size_of_weights, TrainingState(path, "f"))
        calls.clear()
        monkeypatch.setattr(
            batching, "make_batch", lambda *args: calls.append(args) or make_batch(*args)
        )
        resumed = train(new_trainer(), real, blocks, size_of_weights, TrainingState(path, "f"))
        assert_same(resumed, uninterrupted)
        # epochs 3, 4 and 5, of two steps each; no work is done twice
        assert len(calls) == 6

    @pytest.mark.parametrize(
        ("seconds", "kept", "said"),
        [(0.0, 2, "resumes from epoch 2"), (1e9, 0, "begins again, since no epoch had been saved")],
    )
    def test_what_is_said_at_ctrl_c_is_what_is_kept(
        self, real, blocks, path, monkeypatch, caplog, seconds, kept, said
    ):
        one_epoch = loop.run_epoch

        def interrupted(trainer: HistoryTrainer, *others: Any) -> dict[str, float]:
            logs = one_epoch(trainer, *others)
            if others[-1] == 3:
                raise KeyboardInterrupt
            return logs

        monkeypatch.setattr(loop, "run_epoch", interrupted)
        monkeypatch.setattr(loop, "SECONDS_BETWEEN_SAVES", seconds)
        trainer, state = new_trainer(evaluate_every=5), TrainingState(path, "f")
        with pytest.raises(KeyboardInterrupt):
            train(trainer, real, blocks, size_of_weights, state)
        assert f"interrupted in epoch 3; the next run {said}" in caplog.text
        assert TrainingState(path, "f").load(new_trainer().variables).epoch == kept

    def test_a_state_of_other_data_or_settings_is_not_resumed(
        self, real, blocks, uninterrupted, path
    ):
        TrainingState(path, "of other data").save(new_trainer(seed=7).variables, Progress(epoch=1))
        state = TrainingState(path, "f")
        fresh = train(new_trainer(epochs=2), real, blocks, size_of_weights, state)
        pd.testing.assert_frame_equal(
            fresh.training_log.drop(columns="seconds"),
            uninterrupted.training_log.head(2).drop(columns="seconds"),
        )

    def test_a_state_cut_short_is_an_error_that_says_what_to_do(self, real, blocks, path):
        trainer = new_trainer()
        TrainingState(path, "f").save(trainer.variables, Progress(epoch=2))
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(StorageError, match=rf"{path}.*Delete it to train from the beginning"):
            train(trainer, real, blocks, size_of_weights, TrainingState(path, "f"))


class TestCheckpoint:
    def test_the_generator_that_did_best_on_validation_users_is_kept(self, real, blocks):
        evaluate = Scripted(0.1, 0.7, 0.3)
        trained = train(new_trainer(0.0), real, blocks, evaluate)
        assert trained.best_epoch == 4
        for kept, seen in zip(trained.generator.get_weights(), evaluate.seen[1], strict=True):
            np.testing.assert_array_equal(kept, seen)

    @pytest.fixture
    def no_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loop, "run_epoch", lambda *args: {"generator_loss": 1.0})

    @pytest.mark.usefixtures("no_steps")
    def test_a_metric_that_is_undefined_is_worse_than_any(self, real, blocks):
        assert train(new_trainer(0.0), real, blocks, Scripted(np.nan, -3.0, np.nan)).best_epoch == 4

    @pytest.mark.usefixtures("no_steps")
    def test_never_a_metric_keeps_the_first(self, real, blocks):
        nan = float("nan")
        assert train(new_trainer(0.0), real, blocks, Scripted(nan, nan, nan)).best_epoch == 2

    @pytest.mark.usefixtures("no_steps")
    def test_the_last_epoch_is_not_saved_only_to_be_forgotten(
        self, real, blocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        saved: list[int] = []
        monkeypatch.setattr(
            TrainingState, "save", lambda self, variables, progress: saved.append(progress.epoch)
        )
        train(new_trainer(0.0), real, blocks, Scripted(1, 2, 3), TrainingState(tmp_path / "s", ""))
        assert saved == [2, 4]


class TestDivergence:
    """A learning rate that no network survives, until it was halved often enough."""

    def test_training_goes_on_from_the_best_checkpoint_at_half_the_rates(
        self, real, blocks, caplog
    ):
        trainer = new_trainer(1.0, evaluate_every=1)
        shown = []

        def poison(model: Any) -> dict[str, float]:
            shown.append((model.get_weights(), trainer.critic.get_weights()))
            if len(shown) == 2:
                trainer.critic.set_weights([np.nan * w for w in trainer.critic.get_weights()])
            return {"selection": [0.9, 0.5, 0.3, 0.2][len(shown) - 1]}

        with caplog.at_level(logging.WARNING):
            trained = train(trainer, real, blocks, poison, label="gan")
        assert "gan diverged in epoch 3: falling back to epoch 1, at half" in caplog.text
        assert "learning_rate" in caplog.text
        rows = trained.training_log
        assert rows["epoch"].tolist() == [1, 2, 3, 4, 5]
        assert rows["generator_loss"].isna().tolist() == [False, False, True, False, False]
        assert rows["learning_rate"].tolist() == pytest.approx([1e-3] * 3 + [5e-4] * 2)
        assert float(trainer.critic_optimizer.learning_rate) == pytest.approx(5e-4)
        # Generator and critic alike are those of the epoch that was kept.
        assert trained.best_epoch == 1
        for model, weights in zip((trained.generator, trained.critic), shown[0], strict=True):
            for found, expected in zip(model.get_weights(), weights, strict=True):
                np.testing.assert_array_equal(found, expected)
        # What follows began from there: the poisoned critic is gone.
        assert all(np.isfinite(weights).all() for weights in shown[2][1])

    def test_a_rate_too_high_is_halved_until_training_holds(self, real, blocks):
        # Gradients grow as the square of the weights: they overflow at 5e9 and not at half of it.
        trainer = new_trainer(0.0, learning_rate=5e9, weight_decay=0.0, evaluate_every=1)
        trained = train(trainer, real, blocks, size_of_weights)
        diverged = trained.training_log["generator_loss"].isna()
        rates = trained.training_log["learning_rate"]
        assert 1 <= diverged.sum() <= 3
        assert rates.iloc[-1] == pytest.approx(5e9 * 0.5 ** diverged.sum())
        assert all(np.isfinite(w).all() for w in trained.generator.get_weights())

    def test_without_a_checkpoint_it_is_an_error_with_advice(self, real, blocks):
        trainer = new_trainer(learning_rate=1e38, critic_learning_rate=1e38)
        with pytest.raises(
            TrainingDivergedError, match=r"diverged 4 times.*in epoch 4.*learning_rate"
        ):
            train(trainer, real, blocks, size_of_weights)

    def test_the_number_of_recoveries_is_a_parameter(self, real, blocks, caplog):
        trainer = new_trainer(learning_rate=1e38, max_recoveries=0)
        with pytest.raises(TrainingDivergedError, match="diverged 1 times"):
            train(trainer, real, blocks, size_of_weights)
        assert "falling back to its beginning, and it ends there" in caplog.text

    def test_the_last_step_of_an_epoch_may_be_the_one_that_diverges(self, real, blocks):
        # Its loss is that of the weights before the step, still finite.
        trainer = new_trainer(
            0.0, learning_rate=1e39, batch_size=N_USERS, evaluate_every=1, epochs=1
        )
        with pytest.raises(TrainingDivergedError, match="epoch 1"):
            train(trainer, real, blocks, size_of_weights)
