"""Training batches: which part of each history is seen, and which profile blocks are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from doppelcart.adversarial.rows import Batch, row_batches, steps_per_epoch
from doppelcart.data.histories import Histories
from doppelcart.models.histories.hyperparameters import TrainingConfig


@dataclass(frozen=True)
class ProfileBlocks:
    """Profiles of the users of a ``Histories``, row by row.

    Args:
        demographics: (n_users, n_demographics) float32; what a shop knows at sign-up.
        behaviour: (n_users, n_behaviours) float32; scaled summary of the whole history. It
            gives away what a completion is asked for, so only synthetic users may see it.
    """

    demographics: np.ndarray
    behaviour: np.ndarray


def kept_sizes(lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How many items of each history stay visible: log-uniform in 1 .. length - 1.

    Short histories thus come as often as long ones, as they do among new customers.
    A history of a single item keeps none.
    """
    top = np.maximum(lengths, 1)
    sizes = np.floor(np.exp(rng.uniform(0, 1, len(lengths)) * np.log(top)))
    return np.minimum(sizes, lengths - 1).clip(0).astype(np.int64)


def hide(histories: Histories, sizes: np.ndarray, rng: np.random.Generator) -> Histories:
    """Keep ``sizes`` items of each history: its earliest ones, or a random subset, even odds."""
    users = np.repeat(np.arange(histories.n_users), histories.lengths)
    position = histories.positions
    earliest = rng.random(histories.n_users) < 0.5
    shuffled = np.lexsort((rng.random(len(users)), users))
    rank = np.empty_like(position)
    rank[shuffled] = position
    return histories.where(np.where(earliest[users], position, rank) < sizes[users])


def make_batch(
    histories: Histories,
    profiles: ProfileBlocks,
    users: np.ndarray,
    n_new: int,
    config: TrainingConfig,
    rng: np.random.Generator,
) -> Batch:
    """Densify some users into one training batch.

    The first ``n_new`` rows have an empty visible history and may show the behaviour block;
    the others are to be completed and never show it. Some of those show no item either: a
    customer of whom nothing is known wants what anybody may buy, not what some synthetic user
    would.

    Args:
        histories: All training users.
        profiles: Their profiles.
        users: (batch,) rows of ``histories``.
        n_new: How many of them train the invention of new users.
        config: Chances that a block is shown and that nothing is seen, and noise on behaviour.
        rng: Source of randomness.

    Returns:
        Float32 arrays: full and seen (batch, n_items), demographics, behaviour (batch, d),
        demographics_known and behaviour_known (batch, 1), is_new (batch, 1).
    """
    chosen = histories.select(users)
    is_new = np.arange(len(users)) < n_new
    is_empty = is_new | (rng.random(len(users)) < config.empty_history_share)
    sizes = np.where(is_empty, 0, kept_sizes(chosen.lengths, rng))
    chances = np.array([config.demographics_known_share, config.behaviour_known_share])
    known = (rng.random((2, len(users), 1)) < chances[:, None, None]).astype(np.float32)
    new = is_new.astype(np.float32)[:, None]
    behaviour = profiles.behaviour[users]
    if config.behaviour_noise:
        noise = rng.standard_normal(behaviour.shape, dtype=np.float32)
        behaviour = behaviour + np.float32(config.behaviour_noise) * noise
    return {
        "full": chosen.matrix.toarray(),
        "seen": hide(chosen, sizes, rng).matrix.toarray(),
        "demographics": profiles.demographics[users] * known[0],
        "demographics_known": known[0],
        "behaviour": behaviour * known[1] * new,
        "behaviour_known": known[1] * new,
        "is_new": new,
    }


@dataclass(frozen=True)
class HistoryBatches:
    """The batches of an epoch; the same for the same seed and epoch, whatever came before.

    Args:
        histories: Training users.
        profiles: Their profiles, row by row.
        config: How to train.
    """

    histories: Histories
    profiles: ProfileBlocks
    config: TrainingConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches that an epoch has."""
        return steps_per_epoch(self.histories.n_users, self.config.batch_size)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Every user at most once, in whole batches."""
        config, n_users = self.config, self.histories.n_users
        rng = np.random.default_rng([config.seed, epoch])
        n_new = round(config.new_user_share * min(config.batch_size, n_users))
        for users in row_batches(n_users, config.batch_size, rng):
            yield make_batch(self.histories, self.profiles, users, n_new, config, rng)
