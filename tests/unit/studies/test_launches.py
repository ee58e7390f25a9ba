"""Imagined items over seeds and launch windows: what is told of hand-made units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.pipelines.new_items.design import WORDS
from studies import launches
from studies.trained.catalogue import Log


def units() -> pd.DataFrame:
    """Three seeds at two cuts, one household at the first and three at the second.

    The ridge has .1 everywhere and copies .11. The GAN alone has .08, .09 and .10 at the second
    cut, and .08 at the first whatever its seed.
    """
    listed = []
    for cut, households in ((0.5, 1.0), (0.8, 3.0)):
        for seed, alone in enumerate((0.08, 0.09, 0.10)):
            one = {"cut": cut, "seed": seed, "households": households, "ridge": 0.1}
            for name in WORDS:
                one |= {name: 0.11, f"ridge_and_{name}": 0.12}
            listed.append(one | {"imagined": alone if cut == 0.8 else 0.08})
    return pd.DataFrame(listed)


def told() -> dict[str, launches.Figure]:
    return {figure.figure: figure for figure in launches.figures_of(units(), 20)}


def test_changes_are_against_the_ridge_and_intervals_over_seeds():
    gan = told()["alone: items imagined by the GAN"]
    # By seed -20, -12.5 and -5, three households of four being of the second cut: mean -12.5,
    # deviation 7.5; the 97.5 % point of Student's t with 2 degrees is 4.3027.
    assert gan.value == pytest.approx(-12.5)
    assert gan.high - gan.value == pytest.approx(4.3027 * 7.5 / 3**0.5, rel=1e-4)
    assert gan.met is False
    copies = told()["alone: the household's own items in their place"]
    assert copies.value == pytest.approx(10)
    assert copies.low != copies.low  # no seed changes them: no interval
    apart = "alone: items imagined by the GAN more than the household's own items in their place"
    assert told()[apart].value == pytest.approx(-22.5)
    assert told()["beside the ridge: items imagined by a VAE"].value == pytest.approx(20)


def test_each_cut_is_told_by_itself():
    first = told()["after 50% of the lines, alone: items imagined by the GAN"]
    assert first.value == pytest.approx(-20)
    second = told()["after 80% of the lines, alone: items imagined by the GAN"]
    assert second.value == pytest.approx(-10)
    assert second.high - second.value == pytest.approx(4.3027 * 10 / 3**0.5, rel=1e-4)


def test_all_cuts_are_named():
    assert "50%, 80%" in told()["alone: items imagined by the GAN"].how


def read(price: float = 2.0, of_a_brand: float = 1.0) -> Log:
    """Two lines, and an item of a brand."""
    lines = pd.DataFrame(
        {
            "user_id": pd.Categorical(["a", "b"]),
            "item_id": pd.Categorical(["jam", "jam"]),
            "timestamp": pd.Timestamp("2031-01-01"),
            "price": [1.0, price],
        }
    )
    features = ItemFeatures(
        np.array(["jam"]),
        sparse.csr_matrix([[of_a_brand]]),
        np.array(["ours"]),
        np.array(["brand"]),
        np.array(["brand", "words"]),
        np.array([[False, True]]),
    )
    return Log(lines, features, pd.DataFrame())


def test_a_log_is_known_again_by_what_it_holds():
    own = launches.bytes_of(read())
    turned = read()._replace(lines=read().lines.iloc[::-1])
    assert launches.bytes_of(turned) == own
    assert launches.bytes_of(read(price=3.0)) != own
    assert launches.bytes_of(read(of_a_brand=2.0)) != own
