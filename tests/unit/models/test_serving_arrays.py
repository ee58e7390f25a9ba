"""A generator as plain arrays completes histories as the network does."""

import keras
import numpy as np
import pytest
from scipy import sparse

from doppelcart.errors import InputError
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
        np.testing.assert_array_equal(completer.probabilities(seen[row])[0], whole[row])


def test_a_profile_completes_as_the_network_does() -> None:
    generator = trained(5, 2)
    rng = np.random.default_rng(2)
    seen = sparse.csr_matrix((rng.random((30, N_ITEMS)) < 0.2).astype(np.float32))
    profiles = rng.random((30, 2)).astype(np.float32)
    found = completer_arrays(generator, 3, 7).probabilities(seen, profiles)
    asked = Completion(generator, 3, 7)
    for row in range(30):
        expected = asked.probabilities(seen[row], profiles[row])
        np.testing.assert_allclose(found[row], expected[0], atol=2e-6)
    # who is known of is completed otherwise than who is not
    assert np.abs(found - asked.probabilities(seen)).max() > 0.01


def test_profiles_of_other_columns_are_refused() -> None:
    seen = sparse.csr_matrix((2, N_ITEMS), dtype=np.float32)
    with pytest.raises(InputError, match=r"\(2, 3\).*learnt 2 columns"):
        completer_arrays(trained(5, 2), 1).probabilities(seen, np.zeros((2, 3), np.float32))
