"""A generator as plain arrays completes histories as the network does."""

import keras
import numpy as np
import pytest
from scipy import sparse

from doppelcart.models.histories.hyperparameters import NetworkConfig
from doppelcart.models.histories.networks import build_generator
from doppelcart.models.histories.serving_arrays import completer_arrays
from doppelcart.models.histories.slopes import Completion

N_ITEMS = 30
SIZES = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8, dropout=0.5)


def trained(n_features: int, n_demographics: int) -> keras.Model:
    """A generator none of whose weights is as it began, but for the features of items."""
    rng = np.random.default_rng(n_features)
    features = rng.normal(size=(N_ITEMS, n_features)).astype(np.float32)
    share = rng.uniform(size=N_ITEMS)
    made = build_generator(SIZES, share, 50, features, n_demographics, 3, seed=0)
    for weight in made.trainable_weights:
        weight.assign(weight + rng.normal(scale=0.3, size=weight.shape))
    return made


@pytest.mark.parametrize(("n_features", "n_demographics"), [(5, 2), (0, 2), (5, 0)])
def test_arrays_complete_as_the_network_does(n_features: int, n_demographics: int) -> None:
    generator = trained(n_features, n_demographics)
    rng = np.random.default_rng(1)
    rows = (rng.random((40, N_ITEMS)) < rng.uniform(0, 0.6, (40, 1))).astype(np.float32)
    rows[0] = 0
    seen = sparse.csr_matrix(rows)
    expected = Completion(generator, 3, 7).probabilities(seen)
    found = completer_arrays(generator, 3, 7).probabilities(seen)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert found.dtype == np.float32
    # what is compared depends on the history
    assert np.abs(expected - expected[0]).max() > 0.01


def test_the_same_history_completes_alike_whoever_is_asked_for_with_it() -> None:
    completer = completer_arrays(trained(5, 2), 3)
    seen = sparse.random(20, N_ITEMS, density=0.2, random_state=0, format="csr", dtype=np.float32)
    seen.data[:] = 1
    whole = completer.probabilities(seen)
    for row in range(20):
        np.testing.assert_allclose(completer.probabilities(seen[row]), whole[row : row + 1], 1e-5)
