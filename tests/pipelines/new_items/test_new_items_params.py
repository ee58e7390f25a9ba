"""Bounds of the parameters of new_items."""

import pytest

from doppelcart.pipelines.new_items.params import SystemsParams, WindowsParams


@pytest.mark.parametrize("cuts", [(0.0,), (1.0,), (0.5, 1.2)])
def test_cuts_lie_between_nothing_and_all(cuts):
    with pytest.raises(ValueError, match="between 0 and 1"):
        WindowsParams(cuts=cuts)


def test_cuts_are_put_in_order_once_each():
    assert WindowsParams(cuts=(0.9, 0.5, 0.9)).cuts == (0.5, 0.9)


def test_weights_hold_zero():
    with pytest.raises(ValueError, match="must hold 0"):
        SystemsParams(weights=(0.5,))
    assert SystemsParams(weights=(1.0, 0.0)).weights == (0.0, 1.0)


def test_the_grid_holds_every_combination():
    grid = SystemsParams(priors=(1.0, 2.0), spreads=(0.0, 1.0), l2=(1.0,), penalties=(3.0,)).grid()
    assert len(grid["shares"]) == 4
    assert grid["ridge"] == [{"l2": 1.0, "penalty": 3.0}]
