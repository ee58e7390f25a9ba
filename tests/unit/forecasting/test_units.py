"""What a shop counts in, series by series, and what of it can be ordered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doppelcart.forecasting.units import STEPS, in_steps, unit_step, unit_steps, whole_steps


@pytest.mark.parametrize("step", STEPS)
def test_the_unit_is_what_most_sales_are_counted_in(step):
    counts = np.random.default_rng(0).integers(0, 9, 400)
    sold = (counts * step).astype("f4")
    assert unit_step(sold) == step
    sold[0] = 0.377
    assert unit_step(sold) == step


def test_the_little_that_is_sold_is_no_piece():
    assert unit_step(np.full(30, 0.01)) == 0.01
    assert in_steps(np.array([0.0, 0.01, 0.99, 1.0]), np.array(1.0)).tolist() == [0, 0.01, 1, 1]


def test_every_series_has_its_own():
    sold = np.array([[1.0, 2.0, np.nan], [0.4, 0.4, 0.8], [0.0, 0.0, 0.0]])
    assert unit_steps(sold).tolist() == [1.0, 0.1, 0.01]


def test_what_is_no_whole_number_of_steps_is_not_rounded():
    assert in_steps(np.array([2.0, 2.6, np.nan]), np.array(1.0)).tolist()[:2] == [2.0, 2.6]


@given(st.integers(0, 10_000), st.sampled_from(STEPS))
def test_a_whole_number_of_steps_is_ordered_as_it_is(count, step):
    amount = np.float32(count * step)
    assert in_steps(np.array([amount]), np.array(step))[0] == count
    assert whole_steps(np.array([count * step]), np.array(step))[0] == count * step


@given(st.floats(0, 1e4), st.sampled_from(STEPS))
def test_an_order_holds_what_it_is_for_and_less_than_a_step_more(amount, step):
    found = float(whole_steps(np.array([amount]), np.array(step))[0])
    assert amount - 1e-6 <= found < amount + step + 1e-6
