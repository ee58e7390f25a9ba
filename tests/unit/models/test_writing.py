"""Words become numbers and words again, draws are discrete, and batches keep to their label."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from doppelcart.models.text.vocabulary import END, MARKS, START, UNKNOWN, tokens_of, vocabulary_of
from doppelcart.models.text.writing_config import WritingConfig
from doppelcart.models.text.writing_networks import (
    build_word_critic,
    build_writer,
    gumbel_softmax,
    remembered,
    stepped,
)
from doppelcart.models.text.writing_training import StretchBatches, WritingTrainer, written

SMALL = WritingConfig(
    word_units=6, memory_units=5, critic_units=4, context=3, window=4, batch_size=8,
    steps_per_epoch=2,
)  # fmt: skip
N_WORDS = 12


def test_the_most_frequent_words_are_known():
    known = vocabulary_of(["b a a", "A c, c b", "d"], size=MARKS + 3)
    assert known.words == ("a", "b", "c")
    assert known.size == MARKS + 3
    assert known.stream(["a d c"]).tolist() == [START, 3, UNKNOWN, 5, END]
    assert known.text([3, UNKNOWN, 4, END, 5]) == "a b"


@given(st.lists(st.text("abc ,.'", max_size=30), min_size=1, max_size=5))
def test_known_texts_come_back_word_by_word(texts):
    known = vocabulary_of(texts, size=1000)
    for text in texts:
        stream = known.stream([text])
        assert stream[0] == START
        assert tokens_of(known.text(stream[1:])) == tokens_of(text)


def test_punctuation_stands_by_its_word():
    text = "Nice, but not here!"
    known = vocabulary_of([text], size=50)
    assert known.text(known.stream([text])) == "nice, but not here!"


def test_stretches_are_of_their_label():
    streams = {0: np.arange(3, 30, dtype=np.int32), 1: np.arange(40, 43, dtype=np.int32)}
    batches = StretchBatches(streams, SMALL)
    rows = [batch for epoch in (1, 2) for batch in batches(epoch)]
    assert len(rows) == 4
    for batch in rows:
        assert batch["tokens"].shape == (8, 8)
        assert ((batch["tokens"] >= 40) == (batch["label"] == 1)[:, None]).all()
        # A stretch is a piece of the stream; a stream that is too short goes round.
        gaps = np.diff(batch["tokens"], axis=1)
        assert set(gaps[batch["label"] == 0].ravel()) <= {1}
        assert set(gaps[batch["label"] == 1].ravel()) <= {1, -2}
    again = list(batches(1))
    assert (again[0]["tokens"] == rows[0]["tokens"]).all()


def test_draws_are_one_word_each_by_their_logits_and_pass_a_gradient():
    logits = tf.Variable(np.tile(np.log([[0.7, 0.2, 0.1]]), (4000, 1)).astype(np.float32))
    with tf.GradientTape() as tape:
        drawn = gumbel_softmax(logits, 0.7, tf.constant([1, 2]))
        value = tf.reduce_sum(drawn * [1.0, 2.0, 3.0])
    assert np.asarray(drawn).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert set(np.asarray(drawn).round(5).ravel()) == {0.0, 1.0}
    assert np.asarray(drawn).mean(axis=0) == pytest.approx([0.7, 0.2, 0.1], abs=0.03)
    assert float(tf.norm(tape.gradient(value, logits))) > 0


def test_word_by_word_is_what_the_whole_text_gives():
    writer = build_writer(SMALL, N_WORDS, seed=0)
    shift = writer.get_layer("label_shift")
    shift.set_weights([np.random.default_rng(0).normal(size=shift.embeddings.shape)])
    tokens = tf.constant([[0, 4, 7, 9], [0, 5, 5, 3]])
    label = tf.constant([0, 1])
    whole = writer({"tokens": tokens, "label": label})
    state = remembered(writer, tokens[:, :3], label)
    logits, _ = stepped(writer, tf.one_hot(tokens[:, 3], N_WORDS), label, state)
    assert np.asarray(logits) == pytest.approx(np.asarray(whole[:, 3]), abs=1e-5)


def test_a_window_is_drawn_after_real_words_and_judged_on_its_label():
    critic = build_word_critic(SMALL, N_WORDS, seed=1)
    trainer = WritingTrainer(build_writer(SMALL, N_WORDS, seed=0), critic, SMALL, 0.5)
    streams = {label: np.arange(40, dtype=np.int32) % N_WORDS for label in (0, 1)}
    batch = {k: tf.constant(v) for k, v in next(StretchBatches(streams, SMALL)(1)).items()}
    real = trainer.real(batch)
    assert real.shape == (8, 4, N_WORDS)
    assert (np.argmax(real, axis=2) == np.asarray(batch["tokens"])[:, 3:7]).all()
    seed = tf.constant([1, 2])
    drawn = trainer.draw(trainer.output(batch, seed), batch, seed)
    assert drawn.shape == real.shape
    assert trainer.judge(batch)(drawn).shape == (8, 1)


def test_texts_are_no_longer_than_asked_and_hold_no_marks():
    known = vocabulary_of(["a b c d e f g h i"], size=N_WORDS)
    writer = build_writer(SMALL, known.size, seed=0)
    longest = np.array([1, 5, 9, 5])
    texts = written(writer, known, np.array([0, 1, 0, 1]), longest, seed=3)
    lengths = [len(tokens_of(text)) for text in texts]
    assert all(1 <= n <= most for n, most in zip(lengths, longest, strict=True))
    assert texts == written(writer, known, np.array([0, 1, 0, 1]), longest, seed=3)
