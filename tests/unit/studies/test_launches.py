"""Imagined items over seeds: what is told of hand-made units."""

from __future__ import annotations

import pytest

from doppelcart.pipelines.new_items.design import WORDS
from studies import launches, runs


def units() -> list[dict[str, float]]:
    """Three seeds: the ridge has .1, the GAN alone .08, .09 and .1, copies always .11."""
    listed = []
    for alone in (0.08, 0.09, 0.10):
        one = {"ridge": 0.1}
        for name in WORDS:
            one |= {name: 0.11, f"ridge_and_{name}": 0.12}
        listed.append(one | {"imagined": alone})
    return listed


def test_changes_are_against_the_ridge_and_intervals_over_seeds():
    given = launches.given_to(runs.all_parameters(None)["new_items"])
    told = {figure.figure: figure for figure in launches.figures_of(units(), given)}
    gan = told["alone: items imagined by the GAN"]
    # Mean -10, deviation 10; the 97.5 % point of Student's t with 2 degrees is 4.3027.
    assert gan.value == pytest.approx(-10)
    assert gan.high - gan.value == pytest.approx(4.3027 * 10 / 3**0.5, rel=1e-4)
    assert gan.met is False
    copies = told["alone: the household's own items in their place"]
    assert copies.value == pytest.approx(10)
    assert copies.low != copies.low  # no seed changes them: no interval
    apart = "alone: items imagined by the GAN more than the household's own items in their place"
    assert told[apart].value == pytest.approx(-20)
    assert told["beside the ridge: items imagined by a VAE"].value == pytest.approx(20)


def test_one_cut_is_kept():
    given = launches.given_to(runs.all_parameters(None)["new_items"])
    assert given.imagined.cuts == (0.8,)
