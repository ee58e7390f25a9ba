"""Agreement of rankings, on figures whose order is known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.recommendation import rankings, scoring
from doppelcart.recommenders import EASE, EASEConfig, PopularityConfig

ORDER = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def around(means: np.ndarray, noise: float, n_users: int = 60, seed: int = 0) -> np.ndarray:
    return means + noise * np.random.default_rng(seed).standard_normal((n_users, len(means)))


def agree(first: np.ndarray, second: np.ndarray) -> rankings.Agreement:
    return rankings.agreement(first, second, np.random.default_rng(0))


def test_the_same_order_agrees_wholly_and_the_reverse_not_at_all() -> None:
    real = around(ORDER, 0)
    same = agree(real, 3 * real + 1)
    assert (same.tau, same.low, same.high) == pytest.approx((1, 1, 1))
    assert (same.ranked, same.n_users) == (5, 60)
    assert agree(real, -real).tau == pytest.approx(-1)
    # One of ten pairs is in the wrong order: (9 - 1) / 10.
    swapped = real[:, [1, 0, 2, 3, 4]]
    assert agree(real, swapped).tau == pytest.approx(0.8)


def test_ties_count_for_neither_order() -> None:
    tied = around(np.array([1.0, 1.0, 2.0]), 0)
    # tau-b: two pairs agree, one is tied in the first ranking: 2 / sqrt(2 * 3).
    assert agree(tied, around(np.arange(3.0), 0)).tau == pytest.approx(2 / np.sqrt(6))


@settings(deadline=None)
@given(hnp.arrays(np.int8, (7, 2, 5), elements=st.integers(0, 3)))
def test_many_rankings_at_once_agree_as_each_alone(figures: np.ndarray) -> None:
    first, second = figures[:, 0].astype(float), figures[:, 1].astype(float)
    alone = [scipy.stats.kendalltau(*pair).statistic for pair in zip(first, second, strict=True)]
    assert rankings.kendall_tau(first, second) == pytest.approx(alone, nan_ok=True)


def test_the_interval_is_wide_where_the_users_leave_the_order_open() -> None:
    steady = agree(around(ORDER, 0.01), around(ORDER, 0.01, seed=1))
    noisy = agree(around(ORDER, 2.0), around(ORDER, 2.0, seed=1))
    assert (steady.low, steady.high) == pytest.approx((1, 1))
    assert noisy.high - noisy.low > 0.5
    assert noisy.low <= noisy.tau <= noisy.high


def test_users_with_an_undefined_value_are_left_out() -> None:
    real = around(ORDER, 0)
    real[7, 2] = np.nan
    assert agree(real, around(ORDER, 0)).n_users == 59
    assert np.isnan(agree(real[7:8], real[7:8]).tau)


@pytest.mark.parametrize(("n_users", "has_one"), [(1, False), (29, False), (30, True)])
def test_few_users_give_no_interval(n_users: int, has_one: bool) -> None:
    real = around(ORDER, 0, n_users)
    found = agree(real, real)
    assert found.tau == pytest.approx(1)
    assert np.isfinite([found.low, found.high]).all() == has_one


def test_one_recommender_is_no_ranking() -> None:
    real = around(ORDER, 0)[:, :1]
    assert np.isnan(agree(real, real).tau)


def test_every_arm_of_synthetic_users_stands_beside_the_reference() -> None:
    users = [f"u{n}" for n in range(30)]
    by_arm = {"none": ORDER, "gan_only": ORDER[::-1], "popularity_only": ORDER, "mixup": ORDER}
    long = pd.concat(
        pd.DataFrame(
            {"slice": "cold_5", "recommender": f"r{r}", "arm": arm, "user_id": users, "ndcg@20": v}
        )
        for arm, means in by_arm.items()
        for r, v in enumerate(means)
    ).sample(frac=1, random_state=0)
    tables = rankings.by_recommender(long, ["cold_5", "cold_20"], "ndcg@20")
    halves = {"cold_5": (around(ORDER, 0), around(ORDER, 0)[:, [1, 0, 2, 3, 4]])}
    table = rankings.tabulate(tables, halves, "recommenders", "ndcg@20", 0)
    assert list(table) == rankings.COLUMNS
    assert dict(zip(table["arm"], table["tau"], strict=True)) == pytest.approx(
        {"popularity_only": 1.0, "gan_only": -1.0, "real_halves": 0.8}
    )


def test_without_synthetic_only_arms_nothing_is_ranked() -> None:
    plain = pd.DataFrame(
        {"slice": "cold_5", "recommender": "ease", "arm": "none", "user_id": ["u"], "ndcg@20": 1.0}
    )
    assert rankings.by_recommender(plain, ["cold_5"], "ndcg@20") == {}
    assert rankings.tabulate({}, {}, "recommenders", "ndcg@20", 0).empty


def test_each_half_is_every_other_user(
    group_shop: Callable[..., Histories], cold_case: Callable[[Histories, int], Case]
) -> None:
    train, case = group_shop(40, 0), cold_case(group_shop(12, 1), 2)
    configs = {"cold_2": {"popularity": [PopularityConfig()], "ease": [EASEConfig(l2=5)]}}
    halves = rankings.halves_of(train, "ndcg", 10, 2, {"cold_2": case}, configs)["cold_2"]
    for half, values in enumerate(halves):
        rows = train.select(np.arange(half, 40, 2))
        fitted = EASE().fit(rows.matrix)
        (expected,) = scoring.values_at_levels(
            fitted,
            [EASEConfig(l2=5)],
            case.seen.matrix,
            {},
            [scoring.PLAIN],
            case.relevant.matrix,
            "ndcg",
            10,
        )
        assert values.shape == (12, 2)
        np.testing.assert_array_equal(values[:, 1], expected[scoring.PLAIN])
    assert not np.array_equal(*halves)
