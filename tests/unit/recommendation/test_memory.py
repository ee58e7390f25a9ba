"""Recommenders that do not fit into memory are refused, with a way out that works."""

import numpy as np
import pytest

from doppelcart.data.histories import Histories
from doppelcart.errors import ResourceError
from doppelcart.recommendation import memory
from doppelcart.recommendation.grid import expand_all

CONFIGS = expand_all({"popularity": {}, "ials": {}, "ease": {"l2": [10.0, 100.0]}, "puresvd": {}})


def shop(n_items: int = 4000, n_users: int = 8000) -> Histories:
    """Item i has 1 to 40 users: a hundred items each."""
    users_per_item = 1 + np.arange(n_items) // (n_items // 40)
    rows: list[list[int]] = [[] for _ in range(n_users)]
    place = 0
    for item, count in enumerate(users_per_item):
        for _ in range(count):
            rows[place % n_users].append(item)
            place += 1
    return Histories.from_lists(
        [np.array(row) for row in rows],
        np.arange(n_users).astype(str),
        np.arange(n_items).astype(str),
    )


def refusal(limit: float, workers: int = 1) -> str:
    with pytest.raises(ResourceError) as raised:
        memory.check_memory(shop(), CONFIGS, 1.0, workers, limit)
    return str(raised.value)


def limit_for(n_items: int, name: str = "ease", workers: int = 1) -> float:
    return memory.needed(CONFIGS, 16_000, n_items, workers)[name]


def test_what_fits_is_let_through() -> None:
    assert memory.check_memory(shop(), CONFIGS, 1.0, 1, limit_for(4000)) is None


def test_only_the_large_are_named_with_what_they_need() -> None:
    text = refusal(limit_for(4000) - 1)
    assert f"ease ({limit_for(4000) / 1e9:.1f} GB)" in text
    assert "1 of 4 recommenders" in text
    assert "grids: {ease: null}" in text
    assert not any(name in text for name in ("puresvd", "ials", "popularity"))
    assert "4,000 items, up to 16,000 training users" in text


@pytest.mark.parametrize(("fits", "support"), [(3999, 2), (2000, 21), (2050, 21), (1000, 31)])
def test_the_support_that_is_named_leaves_a_catalogue_that_fits(fits: int, support: int) -> None:
    """A hundred items each have 1 to 40 users, so that 4,100 - 100 k have k users or more."""
    text = refusal(limit_for(fits))
    assert (
        f"min_users_per_item` to about {support}, which leaves some {4100 - 100 * support:,} i"
        in text
    )


def test_where_no_support_helps_none_is_named() -> None:
    text = refusal(1.0)
    assert "min_users_per_item" not in text
    assert "leave them out" not in text


def test_fewer_fits_at_once_are_a_way_out_only_where_they_are() -> None:
    assert "or fit one after the other" in refusal(limit_for(4000), workers=2)
    assert "fit one" not in refusal(limit_for(4000) - 1, workers=2)
