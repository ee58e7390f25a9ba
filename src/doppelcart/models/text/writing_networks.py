"""A network that writes word by word on a label, and a critic of stretches of words."""

from __future__ import annotations

from typing import Any, Final

import keras
import tensorflow as tf

from doppelcart.models.text.vocabulary import START
from doppelcart.models.text.writing_config import WritingConfig

UNLABELLED: Final = 2
"""What stands for the label of a text that has none."""
WORDS, LABEL, MEMORY, NEXT = "words", "label_shift", "memory", "next_word"
NEVER: Final = -1e9


def build_writer(config: WritingConfig, n_words: int, seed: int) -> keras.Model:
    """Build G(tokens, label) -> logits of the word that follows each.

    A label is added to every word; that of an unlabelled text is 0, and so are those of labels
    before they are learnt.

    Args:
        config: Sizes.
        n_words: Words and marks.
        seed: Of the initial weights.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    label = keras.Input((), dtype="int32", name="label")
    start = keras.initializers.GlorotUniform
    small = keras.initializers.RandomNormal(stddev=0.05, seed=seed)
    words = keras.layers.Embedding(
        n_words, config.word_units, embeddings_initializer=small, name=WORDS
    )(tokens)
    shift = keras.layers.Embedding(
        UNLABELLED + 1, config.word_units, embeddings_initializer="zeros", name=LABEL
    )(label)
    shifted = keras.layers.Add()([words, keras.layers.Reshape((1, config.word_units))(shift)])
    memory = keras.layers.GRU(
        config.memory_units,
        return_sequences=True,
        kernel_initializer=start(seed + 1),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 2),
        name=MEMORY,
    )(shifted)
    logits = keras.layers.Dense(n_words, kernel_initializer=start(seed + 3), name=NEXT)(memory)
    return keras.Model({"tokens": tokens, "label": label}, logits, name="writer")


def build_word_critic(config: WritingConfig, n_words: int, seed: int) -> keras.Model:
    """Build D(window, label) -> one score per row, over words in rows of three and five.

    Args:
        config: Sizes.
        n_words: Words and marks.
        seed: Of the initial weights.
    """
    window = keras.Input((config.window, n_words), name="window")
    label = keras.Input((1,), name="label")
    units, start = config.critic_units, keras.initializers.HeNormal
    hidden = keras.layers.Dense(units, use_bias=False, kernel_initializer=start(seed))(window)
    for layer in range(2):
        hidden = keras.layers.Conv1D(
            units, 3, padding="same", kernel_initializer=start(seed + 1 + layer)
        )(hidden)
        hidden = keras.layers.LeakyReLU(0.2)(hidden)
    pooled = keras.layers.GlobalAveragePooling1D()(hidden)
    joined = keras.layers.Concatenate()([pooled, label])
    joined = keras.layers.Dense(units, "leaky_relu", kernel_initializer=start(seed + 3))(joined)
    score = keras.layers.Dense(1, kernel_initializer=start(seed + 4))(joined)
    return keras.Model({"window": window, "label": label}, score, name="word_critic")


def remembered(writer: keras.Model, tokens: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    """(batch, memory_units) the state after some words.

    Args:
        writer: G of ``build_writer``.
        tokens: (batch, n) numbers of words.
        label: (batch,) labels.
    """
    shifted = writer.get_layer(WORDS)(tokens) + writer.get_layer(LABEL)(label)[:, None]
    return writer.get_layer(MEMORY)(shifted)[:, -1]


def stepped(
    writer: keras.Model, word: tf.Tensor, label: tf.Tensor, state: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Logits of the next word, and the state after one.

    Args:
        writer: G of ``build_writer``.
        word: (batch, n_words) one word per row, as shares of all words.
        label: (batch,) labels.
        state: (batch, memory_units) before the word.
    """
    vector = tf.matmul(word, tf.convert_to_tensor(writer.get_layer(WORDS).embeddings))
    shifted = vector + writer.get_layer(LABEL)(label)
    output, _ = writer.get_layer(MEMORY).cell(shifted, [state])
    return writer.get_layer(NEXT)(output), output


def gumbel_softmax(logits: tf.Tensor, temperature: float, seed: tf.Tensor) -> tf.Tensor:
    """(batch, n_words) one word per row drawn by its logits, with the gradient of a soft draw.

    Source: Jang, Gu and Poole (2017), "Categorical reparameterization with Gumbel-softmax",
    section 2.2 (straight-through).

    Args:
        logits: (batch, n_words).
        temperature: Of the soft draw.
        seed: (2,) int32.
    """
    uniform = tf.random.stateless_uniform(tf.shape(logits), seed, minval=1e-6, maxval=1 - 1e-6)
    noisy = logits - tf.math.log(-tf.math.log(uniform))
    soft = tf.nn.softmax(noisy / temperature)
    hard = tf.one_hot(tf.argmax(noisy, axis=1), logits.shape[-1])
    return hard + soft - tf.stop_gradient(soft)


def begun(n_rows: int, n_words: int) -> tf.Tensor:
    """(n_rows, n_words) the mark that begins a text, for every row."""
    return tf.one_hot(tf.fill((n_rows,), START), n_words)


def forbidden(n_words: int, marks: tuple[int, ...]) -> Any:
    """(1, n_words) what is added to logits so that some marks are never drawn."""
    return NEVER * tf.reduce_sum(tf.one_hot(marks, n_words), axis=0, keepdims=True)
