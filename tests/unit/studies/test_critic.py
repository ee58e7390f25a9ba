"""What the critic is worth: the arithmetic of the comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from studies import critic
from studies.shops import Shop

N_ITEMS = 12


def histories(n_users: int, seed: int) -> Histories:
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(N_ITEMS)[: rng.integers(2, 7)] for _ in range(n_users)]
    return Histories.from_lists(
        rows, np.arange(n_users).astype(str), np.arange(N_ITEMS).astype(str)
    )


@pytest.fixture
def shop() -> Shop:
    train, held_out = histories(60, 0), histories(20, 1)
    nobody = Case("cold_0", held_out.first(0), held_out)
    return Shop(
        None,
        train,
        pd.DataFrame(),
        np.zeros((60, 0)),
        np.zeros((N_ITEMS, 0)),
        held_out,
        {},
        {"cold_0": nobody},
        pd.DataFrame(),
    )


def popularity(train: Histories) -> np.ndarray:
    return np.bincount(train.items, minlength=train.n_items).astype(np.float32)


class TestCompare:
    def figures(self, shop: Shop) -> dict[str, critic.Figure]:
        judged = {
            "gan": [{"x": 1.0, "y": 5.0}, {"x": 2.0, "y": 5.1}, {"x": 3.0, "y": 4.9}],
            "denoiser": [{"x": 0.0, "y": 5.1}, {"x": 0.0, "y": 5.0}, {"x": 0.0, "y": 4.9}],
        }
        return {
            figure.figure: figure for figure in critic.compare("Shop", shop, judged, "3 epochs")
        }

    def test_a_row_has_both_means_and_their_difference(self, shop):
        figures = self.figures(shop)
        assert list(figures)[:4] == [
            "Shop: x, GAN",
            "Shop: x, without a critic",
            "Shop: x, difference",
            "Shop: x, p after Holm",
        ]
        assert figures["Shop: x, GAN"].value == 2
        assert figures["Shop: x, without a critic"].value == 0

    def test_the_interval_of_the_difference_is_that_of_paired_seeds(self, shop):
        difference = self.figures(shop)["Shop: x, difference"]
        # differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), t of 2 degrees at .975 is 4.3027
        assert difference.value == 2
        assert difference.low == pytest.approx(2 - 4.3027 / np.sqrt(3), abs=1e-4)
        assert difference.high == pytest.approx(2 + 4.3027 / np.sqrt(3), abs=1e-4)

    def test_p_values_are_corrected_for_all_rows(self, shop):
        # t = 2 sqrt(3) of 2 degrees: p = .0742, times two rows; the other difference has p = 1
        figures = self.figures(shop)
        assert figures["Shop: x, p after Holm"].value == pytest.approx(0.1483, abs=1e-4)
        assert figures["Shop: y, difference"].value == pytest.approx(0)
        assert figures["Shop: y, p after Holm"].value == pytest.approx(1)


def test_best_sellers_themselves_are_no_change_for_nobody(shop):
    counts = popularity(shop.train)
    found = critic.of_nobody(shop, lambda seen: iter([np.tile(counts, (seen.n_users, 1))]))
    assert list(found.values()) == [0]


def test_worst_sellers_are_worse_for_nobody(shop):
    counts = popularity(shop.train)
    found = critic.of_nobody(shop, lambda seen: iter([np.tile(-counts, (seen.n_users, 1))]))
    assert min(found.values()) < 0


def test_the_real_users_look_like_themselves():
    real = histories(60, 0)
    found = critic.likeness(real, real, 0)
    assert found["correlation of popularity"] == pytest.approx(1)
    assert found["distance of history lengths (KS)"] == 0
    tail = "share of purchases in the less bought half of items, times the real"
    assert found[tail] == pytest.approx(1)
