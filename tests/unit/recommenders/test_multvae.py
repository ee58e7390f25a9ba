"""Mult-VAE: scores by hand, and the choice of the number of epochs."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from doppelcart.recommenders import MultVAE, MultVAEConfig
from doppelcart.recommenders.multvae_network import log_likelihood, logits

SMALL = MultVAEConfig(
    hidden_units=12, latent_units=3, batch_size=20, learning_rate=0.02, epochs=40, patience=4
)


def shop(n_users: int = 80, n_items: int = 30, seed: int = 0) -> sparse.csr_matrix:
    """Users of two tastes, each with a half of the items."""
    rng = np.random.default_rng(seed)
    chance = np.full((n_users, n_items), 0.03)
    chance[::2, : n_items // 2] = 0.4
    chance[1::2, n_items // 2 :] = 0.4
    return sparse.csr_matrix((rng.random(chance.shape) < chance).astype(np.float32))


def test_scores_by_hand() -> None:
    # One unit in each layer; the log variance, second of the code, has no part in the scores.
    weights = [
        np.array([[1.0], [0.0]]),
        np.array([0.5]),
        np.array([[2.0, 9.0]]),
        np.array([0.1, 9.0]),
        np.array([[3.0]]),
        np.array([-0.2]),
        np.array([[1.0, -1.0]]),
        np.array([0.0, 4.0]),
    ]
    hidden = np.tanh(np.tanh(1.5) * 2 * 3 + 0.1 * 3 - 0.2)
    found = logits(np.array([[1.0, 0.0]], np.float32), weights)
    np.testing.assert_allclose(found, [[hidden, 4 - hidden]], rtol=1e-6)


def test_likelihood_by_hand() -> None:
    # Constant scores 0, log 2, log 3; the first item is seen, which leaves 2 and 3 of 5.
    flat = [np.zeros(s, np.float32) for s in ((3, 1), 1, (1, 2), 2, (1, 1), 1, (1, 3))]
    weights = [*flat, np.log([1.0, 2.0, 3.0])]
    seen = sparse.csr_matrix(np.array([[1, 0, 0]], np.float32))
    hidden = sparse.csr_matrix(np.array([[0, 1, 1]], np.float32))
    expected = (np.log(2 / 5) + np.log(3 / 5)) / 2
    assert log_likelihood(seen, hidden, weights) == pytest.approx(expected)


def test_hidden_and_visible_items_are_the_history_and_share_nothing() -> None:
    from doppelcart.recommenders.multvae_training import hide_items

    matrix = shop()
    seen, hidden = hide_items(matrix, np.random.default_rng(0))
    assert (seen + hidden != matrix).nnz == 0
    assert seen.multiply(hidden).nnz == 0
    assert 0.4 < hidden.nnz / matrix.nnz < 0.6


def test_the_epoch_at_which_held_out_users_are_likeliest_is_taken() -> None:
    from doppelcart.recommenders import multvae_training as training

    matrix = shop()
    rest, held_out = matrix[8:], matrix[:8]
    seen, hidden = training.hide_items(held_out, np.random.default_rng([3, 1]))
    found = training.best_number_of_epochs(rest, held_out, SMALL, 3)
    looked_at = training.epochs(rest, SMALL, 3)
    likelihoods = [
        log_likelihood(seen, hidden, next(looked_at)) for _ in range(found + SMALL.patience)
    ]
    assert int(np.argmax(likelihoods)) + 1 == found
    assert 1 < found < SMALL.epochs


def test_a_ceiling_of_epochs_is_kept_to() -> None:
    from doppelcart.recommenders import multvae_training as training

    one = SMALL.model_copy(update={"epochs": 1})
    for matrix in (shop(), shop(6)):
        expected = training.nth(training.epochs(matrix, one, 0), 1)
        for found, values in zip(training.train(matrix, one, 0), expected, strict=True):
            np.testing.assert_array_equal(found, values)


def test_with_nobody_held_out_all_epochs_are_gone_through() -> None:
    from doppelcart.recommenders import multvae_training as training

    # SMALL would stop earlier, as the test of the epoch above shows.
    config = SMALL.model_copy(update={"held_out_share": 0.0})
    expected = training.nth(training.epochs(shop(), config, 0), config.epochs)
    for found, values in zip(training.train(shop(), config, 0), expected, strict=True):
        np.testing.assert_array_equal(found, values)


def test_a_config_is_trained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from doppelcart.recommenders import multvae_training as training

    trained, train = [], training.train
    monkeypatch.setattr(training, "train", lambda *args: trained.append(args) or train(*args))
    recommender = MultVAE().fit(shop(20))
    config = SMALL.model_copy(update={"epochs": 2})
    for other in (config, config.model_copy(), config.model_copy(update={"epochs": 1})):
        recommender.score(shop(3), other)
    assert len(trained) == 2


def test_recommenders_load_without_tensorflow() -> None:
    code = (
        "import sys, doppelcart.recommenders as r; r.MultVAE(); "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
