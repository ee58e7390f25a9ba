"""Steps of generator and critic."""

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest

from benchmarks.data import made_histories
from benchmarks.records import LARGE, SMALL, about, training_at
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from studies.runs import gan_parameters

STEPS, ROUNDS = 16, 9


@pytest.mark.parametrize("n_items", [SMALL, LARGE])
def test_training_steps(benchmark, n_items):
    """The first epoch, which compiles, is not timed."""
    given = gan_parameters(None)
    training = TrainingConfig(**given["training"])
    how = (
        f"Synthetic histories of 1 % of the items; batches of {training.batch_size} users, "
        f"{training.critic_steps} critic step(s) per generator step, {STEPS} steps per round."
    )
    benchmark.extra_info |= about(training_at(n_items), how, amount=STEPS, unit="steps/s")
    epoch, numbers = epoch_of(n_items, NetworkConfig(**given["network"]), training), count()
    benchmark.pedantic(lambda: epoch(next(numbers)), rounds=ROUNDS, warmup_rounds=1)


def epoch_of(n_items: int, network: NetworkConfig, training: TrainingConfig) -> Callable:
    """A function that trains one epoch of ``STEPS`` steps, told its number."""
    from doppelcart.adversarial.loop import run_epoch
    from doppelcart.models.histories.batches import HistoryBatches, ProfileBlocks
    from doppelcart.models.histories.history_trainer import HistoryTrainer
    from doppelcart.models.histories.networks import build_critic, build_generator

    rng = np.random.default_rng(0)
    real = made_histories(training.batch_size * STEPS, n_items, n_items // 100, rng)
    blocks = ProfileBlocks(
        rng.random((real.n_users, 40), dtype=np.float32),
        rng.standard_normal((real.n_users, 80), dtype=np.float32),
    )
    features = rng.standard_normal((n_items, 50), dtype=np.float32)
    share = np.bincount(real.items, minlength=n_items) / real.n_users
    generator = build_generator(network, share, real.n_users, features, 40, 80, seed=0)
    critic = build_critic(network, n_items, 40, 80, seed=0)
    trainer = HistoryTrainer(generator, critic, training, 1.0)
    batches = HistoryBatches(real, blocks, training)
    return lambda number: run_epoch(trainer, batches, number)
