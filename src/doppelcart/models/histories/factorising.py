"""GANMF: users and items as factors, against a critic that reconstructs histories.

The generator is a matrix factorisation: one vector per training user, times one per item. The
critic is an autoencoder, whose error is low for real rows; the generator lowers the error of its
own rows, and is held to what the critic notices in the row of the same user.

Source: Dervishaj and Cremonesi (2022), "GAN-based matrix factorization for recommender systems".
The paper completes the users that it knows. New ones are drawn here from a normal distribution with
the mean and the covariance of the users' factors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from doppelcart.adversarial.loop import train
from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.rows import Batch, row_batches, steps_per_epoch
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.models.histories.hyperparameters import FactorisingConfig

LEAST_SCORE: Final = 1e-3
"""Score of an item below which one is as unlikely as another."""
USERS, ITEMS = "users", "items"


def build_factors(n_users: int, n_items: int, n_factors: int, seed: int) -> keras.Model:
    """Build G(user) -> scores of all items: the product of the factors of both.

    Args:
        n_users: Training users.
        n_items: Size of the catalogue.
        n_factors: Length of a vector.
        seed: Of the initial weights.
    """
    small = keras.initializers.RandomNormal(stddev=n_factors**-0.5, seed=seed)
    user = keras.Input((), dtype="int32", name="user")
    vector = keras.layers.Embedding(n_users, n_factors, embeddings_initializer=small, name=USERS)
    items = keras.layers.Dense(
        n_items,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.05, seed=seed + 1),
        name=ITEMS,
    )
    return keras.Model(user, items(vector(user)), name="factors")


def build_reconstructing_critic(n_items: int, units: int, seed: int) -> keras.Model:
    """Build D(row) -> its reconstruction, and the features of its bottleneck.

    Args:
        n_items: Size of the catalogue.
        units: Width of the bottleneck.
        seed: Of the initial weights.
    """
    row = keras.Input((n_items,), name="row")
    start = keras.initializers.GlorotUniform
    features = keras.layers.Dense(units, "tanh", kernel_initializer=start(seed))(row)
    rebuilt = keras.layers.Dense(n_items, kernel_initializer=start(seed + 1))(features)
    return keras.Model(row, {"reconstruction": rebuilt, "features": features}, name="autoencoder")


@dataclass(frozen=True)
class UserBatches:
    """Users with their rows, the same for the same seed and epoch.

    Args:
        rows: (n_users, n_items) 1 for what a user has.
        config: Batch size and seed.
    """

    rows: np.ndarray
    config: FactorisingConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        return steps_per_epoch(len(self.rows), self.config.batch_size)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Every user at most once."""
        rng = np.random.default_rng([self.config.seed, epoch])
        for users in row_batches(len(self.rows), self.config.batch_size, rng):
            yield {"real": self.rows[users], "user": users.astype(np.int32)}


class FactorisingTrainer(Trainer):
    """A trainer of G(user) and of a critic that reconstructs rows, on ``UserBatches``."""

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:  # noqa: ARG002
        """(batch, n_items) scores of the users of a batch; there is no noise."""
        return self.generator(batch["user"], training=True)

    def judge(self, batch: Tensors) -> Judge:
        """Squared error of a row's reconstruction per item of a real row, and the features."""
        items = tf.maximum(tf.reduce_mean(tf.reduce_sum(batch["real"], axis=1)), 1.0)

        def opinion(rows: tf.Tensor) -> dict[str, tf.Tensor]:
            said = self.critic(rows, training=True)
            error = tf.reduce_sum(tf.square(rows - said["reconstruction"]), 1, keepdims=True)
            return {"energy": error / items, "features": said["features"]}

        return opinion

    def paired(self, batch: Tensors) -> tf.Tensor:
        """(batch, 1) every row has a real one of the same user."""
        return tf.ones((tf.shape(batch["real"])[0], 1))


def fit_factors(rows: np.ndarray, validation: np.ndarray, config: FactorisingConfig) -> keras.Model:
    """Train factors on some users; the epoch is chosen by what new users are like.

    Args:
        rows: (n_users, n_items) 1 for what a user has.
        validation: (n, n_items) rows of other users, whom the epoch is chosen by.
        config: Sizes and training.

    Raises:
        TrainingDivergedError: It diverged before anything could be kept.
    """
    n_users, n_items = rows.shape
    trainer = FactorisingTrainer(
        build_factors(n_users, n_items, config.factors, config.seed),
        build_reconstructing_critic(n_items, config.code_units, config.seed + 101),
        config,
    )
    lengths = validation.sum(axis=1).astype(int)

    def evaluate(model: Any) -> dict[str, float]:
        made = new_rows(model, lengths, np.random.default_rng(config.seed))
        return {"selection": -unlikeness(made, validation)}

    batches = UserBatches(rows.astype(np.float32), config)
    return train(trainer, batches, evaluate, label="GANMF").generator


def unlikeness(made: np.ndarray, real: np.ndarray) -> float:
    """How far made rows lie from real ones: distance of co-occurrences, in sizes of the real ones.

    Args:
        made: (n, n_items) 1 for what a made user has.
        real: (m, n_items) the same of real users.
    """
    ours = made.T @ made / len(made)
    theirs = real.T @ real / len(real)
    return float(np.linalg.norm(ours - theirs) / max(float(np.linalg.norm(theirs)), 1e-9))


def new_rows(generator: Any, lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Users that there are not, their items drawn by their scores.

    Who has the higher scores in all is given the longer of the histories.

    Args:
        generator: As from ``fit_factors``.
        lengths: (n,) items of the users, in any order.
        rng: Of factors and items.

    Returns:
        (n, n_items) float32, 1 for what a user has.
    """
    known = generator.get_layer(USERS).get_weights()[0]
    items = generator.get_layer(ITEMS).get_weights()[0]
    covariance = np.atleast_2d(np.cov(known, rowvar=False))
    factors = rng.multivariate_normal(known.mean(axis=0), covariance, len(lengths), method="eigh")
    scores = factors @ items
    longer = np.argsort(np.argsort(np.clip(scores, 0, 1).sum(axis=1)))
    taken = np.sort(lengths)[longer]
    chances = np.log(np.maximum(scores, LEAST_SCORE))
    # The largest of scores with Gumbel noise are a draw without replacement by the scores' shares.
    order = np.argsort(-(chances + rng.gumbel(size=scores.shape)), axis=1)
    made = np.zeros(scores.shape, np.float32)
    ranks = np.arange(scores.shape[1])[None, :] < taken[:, None]
    np.put_along_axis(made, order, ranks.astype(np.float32), axis=1)
    return made
