"""A small network that learns to tell pictures: what it sees, and what it learns."""

import numpy as np
import pytest

from doppelcart.models.images.classifier_config import ClassifierConfig

CONFIG = ClassifierConfig(
    side=16, width=8, blocks=2, epochs=12, batch_size=16, learning_rate=0.02, dropout=0
)


def pictures(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Upright bars, level bars and chequers, in any colour: colours alone tell nothing."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    place = np.arange(32) // 4 % 2
    marks = np.stack([
        np.tile(place, (32, 1)), np.tile(place[:, None], (1, 32)), place[:, None] ^ place[None, :]
    ])  # fmt: skip
    dark, light = rng.integers(0, 100, (n, 1, 1, 3)), rng.integers(155, 255, (n, 1, 1, 3))
    return np.where(marks[labels][..., None] > 0, light, dark).astype(np.uint8), labels


@pytest.fixture(scope="module")
def classifier():
    from doppelcart.models.images import picture_classifier

    return picture_classifier


def told(classifier, config=CONFIG, seed=0):
    pixels, labels = pictures()
    learnt, chosen, asked = np.split(np.arange(90), [45, 60])
    found = classifier.train_classifier(pixels, labels, learnt, chosen, config, seed)
    return found.classes(pixels[asked]), labels[asked], found.epoch


@pytest.mark.slow
class TestTraining:
    def test_it_learns_shapes_whatever_their_colour(self, classifier):
        said, right, epoch = told(classifier)
        assert np.mean(said == right) > 0.8
        assert 1 <= epoch <= CONFIG.epochs

    def test_the_same_seed_says_the_same(self, classifier):
        config = CONFIG.model_copy(update={"epochs": 1})
        pixels, labels = pictures()
        rows = np.arange(90)
        one, two = (
            classifier.train_classifier(pixels, labels, rows[:45], rows[45:60], config, 3)
            for _ in range(2)
        )
        np.testing.assert_allclose(one.features(pixels), two.features(pixels), atol=1e-3)
        assert one.features(pixels).shape == (90, 16)
        assert one.classes(pixels[:0]).shape == (0,)

    def test_labels_of_what_is_asked_play_no_part(self, classifier):
        config = CONFIG.model_copy(update={"epochs": 1})
        pixels, labels = pictures()
        wrong = labels.copy()
        wrong[60:] = 0
        rows = np.split(np.arange(90), [45, 60])
        one, two = (
            classifier.train_classifier(pixels, own, *rows[:2], config, 0)
            for own in (labels, wrong)
        )
        np.testing.assert_allclose(one.features(pixels), two.features(pixels), atol=1e-3)


def test_changes_keep_the_shape_and_differ_by_picture(classifier):
    import tensorflow as tf

    pixels, _ = pictures(6)
    small = classifier._shrunk(np.repeat(pixels[:1], 6, axis=0), 16)
    assert small.min() >= 0
    assert small.max() <= 1
    found = np.asarray(classifier._changed(tf.constant(small), tf.constant([0, 1])))
    assert found.shape == small.shape
    assert len(np.unique(found.round(4).reshape(6, -1), axis=0)) > 1
