"""What every family of trained generators must do, whatever trains them: one battery for all."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from kedro.io import DatasetError

from doppelcart.adversarial import loop
from doppelcart.adversarial.loop import Trained
from doppelcart.adversarial.state import Progress, TrainingState
from doppelcart.data.histories import Histories
from doppelcart.datasets.keras_model import KerasModelDataset
from doppelcart.errors import InputError, StorageError
from doppelcart.models.histories.batches import HistoryBatches, ProfileBlocks
from doppelcart.models.histories.fitting import make_trainer
from doppelcart.models.histories.generation import complete, generate
from doppelcart.models.histories.history_trainer import HistoryTrainer
from doppelcart.models.histories.hyperparameters import (
    DiffusionNetwork,
    DiffusionTraining,
    NetworkConfig,
    TrainingConfig,
)

pytestmark = pytest.mark.slow

NETWORK = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8, dropout=0.2)
CONFIG = TrainingConfig(epochs=3, batch_size=12, evaluate_every=1, kl_annealing=0.5)
N_ITEMS = 24

FAMILIES: dict[str, dict[str, Any]] = {
    "wgan_gp": {"adversarial_loss": "wgan_gp"},
    "vanilla": {"adversarial_loss": "vanilla"},
    "relativistic": {"adversarial_loss": "relativistic"},
    "hinge": {"adversarial_loss": "hinge"},
    "autoencoding": {"adversarial_loss": "autoencoding"},
    "energy_score": {"adversarial_loss": "energy_score"},
    "denoiser": {"adversarial_weight": 0.0},
    "vae": {"adversarial_weight": 0.0, "family": "vae"},
    "diffusion": {"adversarial_weight": 0.0, "family": "diffusion"},
}
CONFIGURED = {
    "diffusion": (
        DiffusionNetwork(**NETWORK.model_dump(), denoiser_units=8, diffusion_steps=3),
        DiffusionTraining(**CONFIG.model_dump(), noise_draws=2),
    )
}
"""Families with parameters of their own."""


@pytest.fixture(scope="module", autouse=True)
def _uncompiled() -> Iterator[None]:
    """Compiling a step takes longer than the few steps of these tests do without."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def real(block_shop: Callable[..., Histories]) -> Histories:
    return block_shop(24)


@pytest.fixture(scope="module")
def blocks(real: Histories, profiles: Callable[[Histories], ProfileBlocks]) -> ProfileBlocks:
    return profiles(real)


@pytest.fixture(scope="module", params=FAMILIES)
def new_trainer(request: pytest.FixtureRequest, real: Histories) -> Callable[..., HistoryTrainer]:
    """Makes an untrained trainer of one family."""
    settings = dict(FAMILIES[request.param])
    weight = settings.pop("adversarial_weight", 1.0)
    family = settings.pop("family", "gan")

    def make(**changes: Any) -> HistoryTrainer:
        network, training = CONFIGURED.get(family, (NETWORK, CONFIG))
        config = training.model_copy(update=settings | changes)
        features = np.eye(N_ITEMS, 2, dtype=np.float32)
        return make_trainer(real, features, 3, 2, network, config, weight, family)

    return make


def train(trainer: HistoryTrainer, real: Histories, blocks: ProfileBlocks, *others: Any) -> Trained:
    return loop.train(trainer, HistoryBatches(real, blocks, trainer.config), *others)


def size_of_weights(model: Any) -> dict[str, float]:
    """A metric that differs from one epoch to the next."""
    return {"selection": float(sum(np.abs(w).sum() for w in model.get_weights()))}


def assert_same(left: Trained, right: Trained) -> None:
    """The same weights of both networks to the last bit."""
    for part in ("generator", "critic"):
        weights = (getattr(side, part).get_weights() for side in (left, right))
        for one, other in zip(*weights, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def trained(
    new_trainer: Callable[..., HistoryTrainer], real: Histories, blocks: ProfileBlocks
) -> Trained:
    """One training of a family; nobody may change it."""
    return train(new_trainer(), real, blocks, size_of_weights)


def test_a_seed_gives_the_same_weights(trained, new_trainer, real, blocks):
    assert_same(train(new_trainer(), real, blocks, size_of_weights), trained)


def test_another_seed_gives_others(trained, new_trainer, real, blocks):
    other = train(new_trainer(seed=1, epochs=1), real, blocks, size_of_weights)
    assert (other.generator.get_weights()[1] != trained.generator.get_weights()[1]).any()


def test_every_figure_of_the_history_is_finite(trained):
    training_log = trained.training_log
    assert training_log["epoch"].tolist() == [1, 2, 3]
    assert np.isfinite(training_log.to_numpy(dtype=float)).all()
    assert (training_log["generator_gradient_norm"] > 0).all()


def test_ctrl_c_and_the_next_run_end_as_if_nothing_happened(
    trained, new_trainer, real, blocks, tmp_path: Path
):
    calls: list[Any] = []

    def interrupted(model: Any) -> dict[str, float]:
        calls.append(model)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return size_of_weights(model)

    state = TrainingState(tmp_path / "state.npz", "f")
    with pytest.raises(KeyboardInterrupt):
        train(new_trainer(), real, blocks, interrupted, state)
    resumed = train(new_trainer(), real, blocks, size_of_weights, state)
    assert_same(resumed, trained)
    columns = [name for name in trained.training_log if name != "seconds"]
    np.testing.assert_array_equal(resumed.training_log[columns], trained.training_log[columns])


def test_a_state_cut_short_is_an_error_that_says_what_to_do(
    new_trainer, real, blocks, tmp_path: Path
):
    path, trainer = tmp_path / "state.npz", new_trainer()
    TrainingState(path, "f").save(trainer.variables, Progress(epoch=1))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(StorageError, match="Delete it to train from the beginning"):
        train(trainer, real, blocks, size_of_weights, TrainingState(path, "f"))


def test_both_networks_come_back_from_disk_as_they_were(trained, real, tmp_path: Path):
    for part in ("generator", "critic"):
        model, path = getattr(trained, part), tmp_path / f"{part}.keras"
        model.save(path)
        loaded = keras.saving.load_model(path, compile=False)
        for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    loaded = keras.saving.load_model(tmp_path / "generator.keras", compile=False)
    made = [
        generate(model, 9, real.item_ids, np.random.default_rng(0)).items
        for model in (loaded, trained.generator)
    ]
    np.testing.assert_array_equal(*made)


def test_a_model_cut_short_is_an_error(trained, tmp_path: Path):
    dataset = KerasModelDataset(filepath=str(tmp_path / "generator.keras"))
    dataset.save(trained.generator)
    (file,) = tmp_path.rglob("*.keras")
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(DatasetError, match=r"generator\.keras"):
        dataset.load()


def test_completions_are_probabilities_of_every_item(trained, real):
    for seen in (real.first(2).matrix, real.first(0).matrix):
        found = complete(trained.generator, seen, 2, np.random.default_rng(0))
        assert found.shape == (real.n_users, N_ITEMS)
        assert found.dtype == np.float32
        assert found.min() >= 0
        assert found.max() <= 1


def test_users_of_another_catalogue_are_refused(trained, real):
    with pytest.raises(InputError, match=r"catalogue of 24 items.*have 5"):
        generate(trained.generator, 3, real.item_ids[:5], np.random.default_rng(0))
    with pytest.raises(InputError, match=r"catalogue of 24 items.*have 5"):
        complete(trained.generator, real.matrix[:, :5], 1, np.random.default_rng(0))


def test_a_divergence_is_survived(new_trainer, real, blocks):
    """The second evaluation poisons the network that trains the generator, and the generator."""
    trainer, evaluations = new_trainer(epochs=4), []

    def poison(model: Any) -> dict[str, float]:
        evaluations.append(model)
        if len(evaluations) == 2:
            for network in (trainer.generator, trainer.critic):
                network.set_weights([np.nan * w for w in network.get_weights()])
        return {"selection": -len(evaluations)}

    trained = train(trainer, real, blocks, poison)
    assert trained.training_log["generator_loss"].isna().tolist() == [False, False, True, False]
    for network in (trained.generator, trained.critic):
        assert all(np.isfinite(w).all() for w in network.get_weights())
