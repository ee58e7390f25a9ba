"""Texts on their label, word by word: learnt from the next word alone, or with a critic besides.

The network reads unlabelled texts once, and goes on from there with the few that have a label. The
critic looks at stretches of words that the network drew after real ones, against the real ones that
stand there; draws are discrete, and gradients pass them by a straight-through Gumbel-softmax. The
control is the same training with the critic's weight at 0, so that all it learns is the next word.

Sources: Kusner and Hernandez-Lobato (2016), "GANs for sequences of discrete elements with the
Gumbel-softmax distribution"; Lamb et al. (2016), "Professor forcing", for critics of free-running
networks beside teacher forcing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from doppelcart.adversarial.loop import train
from doppelcart.adversarial.objectives import Judge
from doppelcart.adversarial.rows import Batch
from doppelcart.adversarial.trainer import Tensors, Trainer
from doppelcart.models.text.vocabulary import END, START, UNKNOWN, Vocabulary, vocabulary_of
from doppelcart.models.text.writing_config import WritingConfig
from doppelcart.models.text.writing_networks import (
    UNLABELLED,
    begun,
    build_word_critic,
    build_writer,
    forbidden,
    gumbel_softmax,
    remembered,
    stepped,
)

EVALUATED = 8
"""Batches by which the round is chosen."""
HELD_OUT = 0.2
"""Share of the texts by which the round is chosen."""


@dataclass(frozen=True)
class StretchBatches:
    """Random stretches of texts with their label, the same for the same seed and epoch.

    Args:
        streams: Numbers of words by label, texts one after the other.
        config: Lengths, batch size, steps, seed.
    """

    streams: dict[int, np.ndarray]
    config: WritingConfig

    @property
    def steps_per_epoch(self) -> int:
        """Batches of a round."""
        return self.config.steps_per_epoch

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """So many batches, each label as often as another."""
        rng = np.random.default_rng([self.config.seed, epoch])
        length = self.config.context + self.config.window + 1
        labels = np.array(sorted(self.streams))
        # A stream that is shorter than a stretch goes round.
        long = {key: np.resize(own, max(len(own), length)) for key, own in self.streams.items()}
        for _ in range(self.config.steps_per_epoch):
            label = rng.choice(labels, self.config.batch_size)
            begin = [int(rng.integers(len(long[key]) - length + 1)) for key in label]
            rows = [long[key][at : at + length] for key, at in zip(label, begin, strict=True)]
            yield {"tokens": np.stack(rows), "label": label.astype(np.int32)}


class WritingTrainer(Trainer):
    """A trainer of G(tokens, label) and, where there is one, of D(window, label)."""

    config: WritingConfig

    def real(self, batch: Tensors) -> tf.Tensor:
        """(batch, window, n_words) the words that follow the context, one of all each."""
        window = batch["tokens"][:, self.config.context : self.config.context + self.config.window]
        return tf.one_hot(window, self.generator.output.shape[-1])

    def output(self, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:  # noqa: ARG002
        """(batch, length, n_words) logits of each next word, the real words being known."""
        shown = {"tokens": batch["tokens"][:, :-1], "label": batch["label"]}
        return self.generator(shown, training=True)

    def reconstruction(self, output: tf.Tensor, batch: Tensors) -> tf.Tensor:
        """Cross-entropy of the next word, in nats."""
        next_words = batch["tokens"][:, 1:]
        rows = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=next_words, logits=output)
        return tf.reduce_mean(rows)

    def draw(self, output: tf.Tensor, batch: Tensors, seed: tf.Tensor) -> tf.Tensor:
        """(batch, window, n_words) words drawn after the context, each on those before it."""
        context, label = batch["tokens"][:, : self.config.context], batch["label"]
        state = remembered(self.generator, context, label)
        logits = output[:, self.config.context - 1]
        drawn = []
        for place in range(self.config.window):
            word = gumbel_softmax(logits, self.config.temperature, seed + 31 * (place + 1))
            drawn.append(word)
            if place + 1 < self.config.window:
                logits, state = stepped(self.generator, word, label, state)
        return tf.stack(drawn, axis=1)

    def judge(self, batch: Tensors) -> Judge:
        """The critic's opinion of stretches, given the label."""
        label = tf.cast(batch["label"], tf.float32)[:, None]
        return lambda window: self.critic({"window": window, "label": label}, training=True)


def _next_word_loss(writer: Any, batches: StretchBatches) -> float:
    """Mean cross-entropy of the next word, in nats, on the same stretches whenever it is asked."""
    losses = []
    for batch, _ in zip(batches(0), range(EVALUATED), strict=False):
        tokens = tf.constant(batch["tokens"])
        logits = writer({"tokens": tokens[:, :-1], "label": tf.constant(batch["label"])})
        rows = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tokens[:, 1:], logits=logits)
        losses.append(float(tf.reduce_mean(rows)))
    return float(np.mean(losses))


@dataclass(frozen=True)
class Reader:
    """What was learnt from unlabelled texts, to begin from with labelled ones.

    Args:
        vocabulary: Known words.
        writer: G after the unlabelled texts.
        config: How to train.
    """

    vocabulary: Vocabulary
    writer: keras.Model
    config: WritingConfig

    def learn(
        self, texts: Sequence[str], labels: np.ndarray, has_critic: bool, seed: int
    ) -> tuple[keras.Model, float]:
        """Go on with labelled texts, with a critic or without.

        Args:
            texts: Labelled ones, two or more of each label.
            labels: (n,) whether deceptive.
            has_critic: Whether there is one.
            seed: Of batches, draws and the critic.

        Returns:
            G; and its cross-entropy of the next word, in nats, on texts that chose the round.

        Raises:
            TrainingDivergedError: It diverged before anything could be kept.
        """
        config = self.config.model_copy(update={"seed": seed})
        writer = keras.models.clone_model(self.writer)
        writer.set_weights(self.writer.get_weights())
        parts = [_parted(texts, labels, kept=kept) for kept in (True, False)]
        learnt, held = (
            StretchBatches(
                {label: self.vocabulary.stream(own) for label, own in part.items()}, config
            )
            for part in parts
        )
        critic = build_word_critic(config, self.vocabulary.size, seed + 101) if has_critic else None
        trainer = WritingTrainer(writer, critic, config, config.critic_weight * has_critic)
        trained = train(
            trainer,
            learnt,
            lambda candidate: {"selection": -_next_word_loss(candidate, held)},
            label="writer with a critic" if has_critic else "writer",
        ).generator
        return trained, _next_word_loss(trained, held)


def _parted(texts: Sequence[str], labels: np.ndarray, *, kept: bool) -> dict[int, list[str]]:
    """Texts by label: those to learn from, or the first of each, by which the round is chosen."""
    found = {}
    for label in (0, 1):
        own = [text for text, its in zip(texts, labels, strict=True) if int(its) == label]
        n_held = max(1, round(HELD_OUT * len(own))) if len(own) > 1 else 0
        chosen = own[n_held:] if kept else own[:n_held] or own
        if chosen:
            found[label] = chosen
    return found


def read(texts: Sequence[str], config: WritingConfig) -> Reader:
    """Learn to write from unlabelled texts.

    Args:
        texts: Of places that may be learnt from.
        config: Sizes and training.

    Raises:
        TrainingDivergedError: It diverged before anything could be kept.
    """
    own = config.model_copy(update={"epochs": config.pretraining_epochs})
    vocabulary = vocabulary_of(texts, config.vocabulary)
    order = np.random.default_rng(config.seed).permutation(len(texts))
    n_held = max(1, round(HELD_OUT / 4 * len(texts)))
    held, learnt = (
        StretchBatches({UNLABELLED: vocabulary.stream(texts[n] for n in places)}, own)
        for places in (order[:n_held], order[n_held:])
    )
    trainer = WritingTrainer(build_writer(own, vocabulary.size, own.seed), None, own, 0.0)
    trained = train(
        trainer,
        learnt,
        lambda candidate: {"selection": -_next_word_loss(candidate, held)},
        label="writer on unlabelled texts",
    )
    return Reader(vocabulary, trained.generator, config)


def written(
    writer: Any, vocabulary: Vocabulary, labels: np.ndarray, longest: np.ndarray, seed: int
) -> list[str]:
    """Texts of a network, one per label asked for; unmarked.

    Args:
        writer: G.
        vocabulary: Its words.
        labels: (n,) whether deceptive.
        longest: (n,) words at most.
        seed: Of the words.
    """
    n_words, asked = vocabulary.size, tf.constant(labels.astype(np.int32))
    barred = forbidden(n_words, (START, UNKNOWN))
    state = tf.zeros((len(labels), writer.get_layer("memory").units))
    word, numbers = begun(len(labels), n_words), []
    # A text of no word at all would be none.
    first = barred + forbidden(n_words, (END,))
    for place in range(int(longest.max(initial=0))):
        logits, state = stepped(writer, word, asked, state)
        allowed = logits + (first if place == 0 else barred)
        word = gumbel_softmax(allowed, 1.0, tf.constant([seed, place], tf.int32))
        numbers.append(np.asarray(tf.argmax(word, axis=1)))
    rows = np.stack(numbers, axis=1)
    return [
        vocabulary.text(row[:most]) for row, most in zip(rows, longest.astype(int), strict=True)
    ]
