"""The conditional generator and its critic, as functional Keras models.

Generator ``G(history, profile, z) -> item logits`` and critic ``D(full, seen, profile)``.
Both meet the catalogue only through one dense layer in and, in the generator, one out, so the
cost of a step grows linearly with the number of items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from doppelcart.models.histories.hyperparameters import NetworkConfig

ITEM_FEATURES = "mean_item_features"
PROFILE_INPUTS = ("demographics", "demographics_known", "behaviour", "behaviour_known")


def sparse_rows(history: tf.Tensor) -> tf.SparseTensor:
    """What is not 0 of (batch, n_items) histories; of hidden ones hardly an item in a thousand."""
    places = tf.where(history)
    return tf.SparseTensor(
        places, tf.gather_nd(history, places), tf.shape(history, out_type=tf.int64)
    )


@keras.saving.register_keras_serializable(package="doppelcart")
class SeenBottleneck(keras.layers.Dense):
    """A dense layer over the visible part of a history that works on the items in it alone.

    That part is given and not generated, so it needs no gradient: one flows back to the items in it
    and to no others.

    Args:
        units: Width of the output.
        scaled: Whether histories are divided by the root of their length, as ``HistoryScale`` does.
        dropout: Share of the items that is dropped in training.
        dropout_seed: Of what is dropped.
    """

    def __init__(
        self,
        units: int,
        scaled: bool = False,
        dropout: float = 0.0,
        dropout_seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.scaled = scaled
        self.dropout_seed = dropout_seed
        self.dropout = keras.layers.Dropout(dropout, seed=dropout_seed)

    @property
    def is_plain(self) -> bool:
        """Whether it is its input times its kernel, and nothing else is done to the input."""
        return not self.scaled and self.dropout.rate == 0

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Map (batch, n_items) to (batch, units)."""
        seen = sparse_rows(inputs)
        values = self.dropout(seen.values, training=training)
        if self.scaled:
            values *= tf.gather(history_scale(inputs)[:, 0], seen.indices[:, 0])
        shown = tf.SparseTensor(seen.indices, values, seen.dense_shape)
        return tf.sparse.sparse_dense_matmul(shown, self.kernel) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        own = {"scaled": self.scaled, "dropout": self.dropout.rate}
        return {**super().get_config(), **own, "dropout_seed": self.dropout_seed}


@keras.saving.register_keras_serializable(package="doppelcart")
class MeanItemFeatures(keras.layers.Layer):
    """Average the features of the items in a history; zeros for an empty one.

    Args:
        n_items: Size of the catalogue.
        n_features: Number of item features.
        catalogue: Digest of the item ids, by which another catalogue of the same size is known;
            empty where it was not noted.

    The (n_items, n_features) table is a frozen weight, set by ``set_weights`` and saved with
    the model.
    """

    def __init__(self, n_items: int, n_features: int, catalogue: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_items = n_items
        self.n_features = n_features
        self.catalogue = catalogue
        self.table = self.add_weight(
            shape=(n_items, n_features), initializer="zeros", trainable=False, name="table"
        )

    def call(self, history: Any) -> Any:
        """Map (batch, n_items) histories to (batch, n_features) means."""
        count = ops.maximum(ops.sum(history, axis=1, keepdims=True), 1.0)
        return tf.sparse.sparse_dense_matmul(sparse_rows(history), self.table) / count

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        own = ("n_items", "n_features", "catalogue")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def history_scale(history: Any) -> Any:
    """(batch, 1) factors of (batch, n_items) histories by which long ones drown no short ones."""
    return 1.0 / (1.0 + ops.sqrt(ops.sum(history, axis=1, keepdims=True)))


@keras.saving.register_keras_serializable(package="doppelcart")
class HistoryScale(keras.layers.Layer):
    """Divide a history by the root of its length, so that long ones do not drown short ones."""

    def call(self, history: Any) -> Any:
        """Map (batch, n_items) to (batch, n_items)."""
        return history * history_scale(history)


@keras.saving.register_keras_serializable(package="doppelcart")
class LogLength(keras.layers.Layer):
    """log(1 + number of items) of a history."""

    def call(self, history: Any) -> Any:
        """Map (batch, n_items) to (batch, 1)."""
        return ops.log1p(ops.sum(history, axis=1, keepdims=True))


def note_catalogue(generator: keras.Model, item_ids: np.ndarray) -> None:
    """Write into a trained generator for which items it is.

    Args:
        generator: G of ``build_generator``.
        item_ids: (n_items,) the catalogue.
    """
    generator.get_layer(ITEM_FEATURES).catalogue = digest(item_ids)


def digest(ids: np.ndarray) -> str:
    """A name for identifiers in their order."""
    return hashlib.sha256("\0".join(ids.astype(str)).encode()).hexdigest()[:16]


def log_odds(popularity: np.ndarray, n_users: int) -> np.ndarray:
    """Smoothed log-odds that a user has each item, from (n_items,) shares of users."""
    smoothed = (popularity * n_users + 0.5) / (n_users + 1.0)
    return np.log(smoothed / (1.0 - smoothed)).astype(np.float32)


def profile_inputs(n_demographics: int, n_behaviours: int) -> dict[str, keras.KerasTensor]:
    """Inputs of the profile blocks and of the flags that say whether each is known."""
    widths = (n_demographics, 1, n_behaviours, 1)
    return {
        name: keras.Input((width,), name=name)
        for name, width in zip(PROFILE_INPUTS, widths, strict=True)
    }


def judge_inputs(
    n_items: int, n_demographics: int, n_behaviours: int
) -> dict[str, keras.KerasTensor]:
    """Inputs of the networks that look at whole histories: critics, and the encoder of a VAE."""
    return {
        "full": keras.Input((n_items,), name="full"),
        "seen": keras.Input((n_items,), name="seen"),
        **profile_inputs(n_demographics, n_behaviours),
    }


def layer_seeds(*parts: int) -> Iterator[int]:
    """Seeds of the layers of one network, in the order in which they are built."""
    return iter(np.random.SeedSequence(parts).generate_state(16).tolist())


def dense_layers(
    initializer: type[keras.initializers.Initializer], seeds: Iterator[int]
) -> Callable[..., keras.layers.Dense]:
    """A maker of dense layers by units, name and perhaps class, each with the next seed."""

    def dense(
        units: int, name: str, layer: type[keras.layers.Dense] = keras.layers.Dense, **own: Any
    ) -> keras.layers.Dense:
        return layer(units, kernel_initializer=initializer(next(seeds)), name=name, **own)

    return dense


def build_generator(
    config: NetworkConfig,
    popularity: np.ndarray,
    n_users: int,
    item_features: np.ndarray,
    n_demographics: int,
    n_behaviours: int,
    seed: int,
    name: str = "generator",
) -> keras.Model:
    """Build G(history, profile, z) -> logits.

    An item's logit is the sum of a part of its own and of a part that it shares with the items
    of like features, so that what is seldom bought borrows from what it resembles. The output
    bias starts at the items' log-odds, so that training begins from the
    popularity curve and spends its steps on what depends on the user.

    Args:
        config: Sizes.
        popularity: (n_items,) share of training users who have each item.
        n_users: Number of training users.
        item_features: (n_items, n_features) float32.
        n_demographics: Width of the demographics block.
        n_behaviours: Width of the behaviour block.
        seed: Seed of the initial weights.
        name: Of the model.

    Returns:
        A model of inputs history, noise and the profile blocks, output (batch, n_items).
    """
    seeds = layer_seeds(seed)
    n_items, n_features = item_features.shape
    history = keras.Input((n_items,), name="history")
    noise = keras.Input((config.noise_units,), name="noise")
    profile = profile_inputs(n_demographics, n_behaviours)

    means = MeanItemFeatures(n_items, n_features, name=ITEM_FEATURES)
    encoded = SeenBottleneck(
        config.hidden_units,
        scaled=True,
        kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
        dropout=config.dropout,
        dropout_seed=next(seeds),
        name="item_bottleneck",
    )(history)
    hidden = keras.layers.Concatenate()(
        [encoded, LogLength()(history), means(history), noise, *profile.values()]
    )
    for layer in range(2):
        hidden = keras.layers.Dense(
            config.hidden_units,
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            name=f"trunk_{layer}",
        )(hidden)
        hidden = keras.layers.LayerNormalization(name=f"norm_{layer}")(hidden)
        hidden = keras.layers.Activation("gelu")(hidden)
        hidden = keras.layers.Dropout(config.dropout, seed=next(seeds))(hidden)
    logits = keras.layers.Dense(
        n_items,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.02, seed=next(seeds)),
        bias_initializer="zeros",
        name="item_logits",
    )(hidden)
    if n_features:
        wanted = keras.layers.Dense(
            n_features, use_bias=False, kernel_initializer="zeros", name="wanted_features"
        )(hidden)
        shared = keras.layers.Dense(n_items, use_bias=False, trainable=False, name="feature_logits")
        logits = keras.layers.Add(name="logits")([logits, shared(wanted)])
        shared.set_weights([item_features.T.astype(np.float32)])
    model = keras.Model({"history": history, "noise": noise, **profile}, logits, name=name)
    means.set_weights([item_features.astype(np.float32)])
    output = model.get_layer("item_logits")
    output.bias.assign(log_odds(popularity, n_users))
    return model


def build_critic(
    config: NetworkConfig,
    n_items: int,
    n_demographics: int,
    n_behaviours: int,
    seed: int,
) -> keras.Model:
    """Build D(full, seen, profile) -> one score per row; no normalisation layer (Gulrajani 2017).

    Args:
        config: Sizes.
        n_items: Size of the catalogue.
        n_demographics: Width of the demographics block.
        n_behaviours: Width of the behaviour block.
        seed: Seed of the initial weights.
    """
    dense = dense_layers(keras.initializers.HeNormal, layer_seeds(seed, 1))
    inputs = judge_inputs(n_items, n_demographics, n_behaviours)
    full, seen, *profile = inputs.values()
    hidden = keras.layers.Concatenate()(
        [
            dense(config.critic_units, "full_bottleneck")(full),
            dense(config.critic_units, "seen_bottleneck", SeenBottleneck)(seen),
            LogLength()(full),
            LogLength()(seen),
            *profile,
        ]
    )
    hidden = keras.layers.LeakyReLU(0.2)(hidden)
    for layer in range(2):
        hidden = dense(config.critic_units, f"trunk_{layer}")(hidden)
        hidden = keras.layers.LeakyReLU(0.2)(hidden)
    score = dense(1, "score")(hidden)
    return keras.Model(inputs, score, name="critic")
