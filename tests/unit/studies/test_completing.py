"""What of a completion reaches a recommender: made histories, a generator whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.histories import Histories
from studies import completing
from studies.completing import Way
from studies.shops import Shop

N_ITEMS = 4


class Guess:
    """Logits that are the noise's first coordinate for every item; profiles are ignored."""

    def __init__(self) -> None:
        widths = {"history": N_ITEMS, "noise": 2, "demographics": 1, "behaviour": 1}
        self.input = {name: SimpleNamespace(shape=(None, width)) for name, width in widths.items()}

    def __call__(self, inputs: dict[str, np.ndarray], training: bool) -> np.ndarray:
        return np.repeat(inputs["noise"][:, :1], N_ITEMS, axis=1)


@pytest.fixture
def shop() -> Shop:
    users = Histories.from_lists(
        [np.array([0]), np.array([1])], np.array(["a", "b"]), np.arange(N_ITEMS).astype(str)
    )
    demographics = pd.DataFrame({"user_id": ["a", "b"], "demographic__x": [0.0, 1.0]})
    nothing = np.zeros((2, 0), np.float32)
    return Shop(None, users, demographics, nothing, nothing, users, {}, {}, pd.DataFrame())


def test_the_mean_noise_is_no_noise(shop):
    (made,) = completing.completer_of(shop, Guess(), Way(0))(shop.train)
    np.testing.assert_allclose(made, 0.5)


def test_more_noises_come_closer_to_the_mean(shop):
    one, many = (
        next(completing.completer_of(shop, Guess(), Way(draws))(shop.train)) for draws in (1, 400)
    )
    assert np.abs(many - 0.5).max() < 0.05 < np.abs(one - 0.5).max()


def test_drawn_completions_are_zeros_and_ones_whose_mean_is_the_soft_one(shop):
    (drawn,) = completing.completer_of(shop, Guess(), Way(1, sampled=True))(shop.train)
    assert set(np.unique(drawn)) <= {0, 1}
    (mean,) = completing.completer_of(shop, Guess(), Way(2_000, sampled=True))(shop.train)
    np.testing.assert_allclose(mean, 0.5, atol=0.05)


def test_a_way_is_held_against_no_completion_at_all():
    values = {"none": np.array([0.2, 0.4]), "soft": np.array([0.4, 0.5])}
    [figure] = completing.rows_of("Shop: 5 known", 2, values, {"soft": 0.3})
    assert figure.figure == "Shop: 5 known, soft (strength 0.3)"
    assert figure.value == pytest.approx(50)
