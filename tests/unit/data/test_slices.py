"""Slices are known by their names, and the names by what is known of customers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doppelcart.data.slices import Slice, slice_order


@pytest.mark.parametrize(
    ("name", "items", "share", "label"),
    [
        ("warm", None, None, "Returning customers"),
        ("cold_0", 0, None, "New customers, nothing bought yet"),
        ("cold_1", 1, None, "New customers, first item known"),
        ("cold_5", 5, None, "New customers, first 5 items known"),
        ("cold_80pct", None, 0.8, "New customers, 80 % of their history known"),
        ("cold_12.5pct", None, 0.125, "New customers, 12.5 % of their history known"),
        # Neither is made by the split.
        ("cold_2.5", None, None, "cold_2.5"),
        ("vip", None, None, "vip"),
    ],
)
def test_a_name_says_what_is_known(
    name: str, items: int | None, share: float | None, label: str
) -> None:
    found = Slice.of(name)
    assert (found.known_items, found.known_share, found.label) == (items, share, label)
    assert found.is_cold == (items is not None or share is not None)


@given(st.integers(0, 1000) | st.sampled_from([0.1, 0.125, 0.5, 0.8, 0.95]))
def test_a_slice_is_known_again_by_its_name(known: float) -> None:
    made = Slice.cold(known)
    again = Slice.of(made.name)
    assert again.known_items == made.known_items
    assert again.known_share == pytest.approx(made.known_share)


def test_slices_stand_in_the_order_of_what_is_known() -> None:
    found = slice_order(["cold_80pct", "cold_20", "vip", "cold_5", "warm", "cold_0", "cold_5"])
    assert found == ["warm", "cold_0", "cold_5", "cold_20", "cold_80pct", "vip"]
