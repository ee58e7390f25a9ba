"""Permutation, intervals and Holm against hand-worked values, SciPy and promised coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from doppelcart.errors import InputError
from doppelcart.experiment.families import holm, least_units
from doppelcart.experiment.p_values import sign_flip, skewness_corrected
from doppelcart.experiment.resampling import paired_bootstrap, paired_bootstraps


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        ([0.3], 1.0),  # one of one sign, and one of the other
        ([0.1, 0.2], 2 / 4),
        ([0.1, 0.2, 0.4], 2 / 8),
        # Of +-1 +-2 +-4, |7| and |5| reach the 5 that -1 +2 +4 make: four cases.
        ([-0.1, 0.2, 0.4], 4 / 8),
        ([0.1, 0.2, 0.3, 0.4], 2 / 16),
        # Of +-1 +-2 +-3 +-4, |10| and |8| reach 8: four cases.
        ([-0.1, 0.2, 0.3, 0.4], 4 / 16),
        ([0.2] * 5, 2 / 32),
        # Of five equal ones, all one way in two cases, one the other way in ten.
        ([0.2, 0.2, 0.2, 0.2, -0.2], 12 / 32),
        ([0.1] * 6, 2 / 64),
        # Who did not change has no sign to flip.
        ([0.1, 0.0, 0.2, 0.0, 0.4, 0.0], 2 / 8),
        ([0.0] * 6, 1.0),
    ],
)
def test_signs_of_few_are_gone_through_whole(differences: list[float], p_value: float) -> None:
    column = np.array(differences)[:, None]
    for values in (column, -column, 1000 * column):
        assert sign_flip(values, rng(), 99) == pytest.approx([p_value])
    base = np.full(len(differences), 0.5)
    uplift = paired_bootstrap(base + differences, base, rng=rng(), n_resamples=99)
    assert p_value <= uplift.p_value <= 1


def test_a_constant_difference_is_no_point() -> None:
    base = np.array([0.25, 0.25, 0.25, 0.25])
    uplift = paired_bootstrap(base + 0.5, base, rng=rng(), n_resamples=99)
    assert (uplift.base, uplift.value, uplift.difference) == (0.25, 0.75, 0.5)
    assert uplift.p_value == pytest.approx((2 / 3) ** 4 + (1 / 3) ** 4)
    # Four who changed alike cannot exclude 0, and the interval does not.
    assert uplift.low <= 0 < 0.5 < uplift.high
    assert (uplift.relative_low, uplift.relative_high) == pytest.approx(
        (4 * uplift.low, 4 * uplift.high)
    )
    assert uplift.relative == 2
    assert (uplift.n_units, uplift.n_undefined, uplift.n_clusters) == (4, 0, 4)
    many = paired_bootstrap(np.full(100, 0.75), np.full(100, 0.25), rng=rng(), n_resamples=99)
    assert 0.4 < many.low < 0.5 < many.high < 0.6
    assert many.p_value == pytest.approx(1 / 100)


def test_the_last_digits_of_a_sum_are_no_change() -> None:
    value, base = np.full(40, 0.1 + 0.2), np.full(40, 0.3)
    assert (value != base).all()
    uplift = paired_bootstrap(value, base, rng=rng(), n_resamples=99)
    assert (uplift.difference, uplift.low, uplift.high, uplift.p_value) == (0, 0, 0, 1)


@pytest.mark.parametrize("n_users", [1, 2, 5])
def test_few_users_say_little(n_users: int) -> None:
    base = np.full(n_users, 0.5)
    uplift = paired_bootstrap(base - 0.0625, base, rng=rng())
    assert uplift.p_value == pytest.approx((2 / 3) ** n_users + (1 / 3) ** n_users)
    assert uplift.low < -0.0625 < 0 <= uplift.high
    assert uplift.relative_low < -0.125 < 0 <= uplift.relative_high


def test_duplicates_of_users_are_one_unit_where_they_are_said_to_be() -> None:
    difference = np.array([0.1, 0.2, 0.3, -0.05, 0.25])
    base = np.array([0.5, 0.4, 0.3, 0.6, 0.2])
    alone = paired_bootstrap(base + difference, base, rng=rng())
    value, thrice = np.repeat(base + difference, 3), np.repeat(base, 3)
    together = paired_bootstrap(value, thrice, rng=rng(), clusters=np.repeat(np.arange(5), 3))
    assert (together.n_units, together.n_clusters) == (15, 5)
    figures = ("difference", "p_value", "low", "high", "relative_low", "relative_high")
    assert [getattr(together, name) for name in figures] == pytest.approx(
        [getattr(alone, name) for name in figures]
    )
    apart = paired_bootstrap(value, thrice, rng=rng())
    assert apart.p_value < together.p_value


def test_clusters_of_unequal_size_keep_the_mean_of_users() -> None:
    value, base = np.array([1.0, 0.0, 0.5, 0.2]), np.zeros(4)
    uplift = paired_bootstrap(value, base, rng=rng(), clusters=np.array(["a", "a", "a", "b"]))
    assert uplift.difference == pytest.approx(1.7 / 4)
    assert uplift.p_value == pytest.approx(5 / 9)
    left_out = np.where([False, True, False, False], np.nan, value)
    uplift = paired_bootstrap(left_out, base, rng=rng(), clusters=np.array(["a", "b", "a", "c"]))
    assert (uplift.n_units, uplift.n_clusters, uplift.n_undefined) == (3, 2, 1)


def test_skewness_is_held_against_the_side_it_hides() -> None:
    """Many small losses and few large gains: that more of the large were missed is likely."""
    losing = np.repeat([-1.0, 2.0], [34, 6])
    assert skewness_corrected(losing[:, None]) > 3 * stats.ttest_1samp(losing, 0).pvalue
    even = np.linspace(-1, 1, 40) + 0.3
    p_value = paired_bootstrap(even, 0 * even, rng=rng()).p_value
    assert p_value == pytest.approx(stats.ttest_1samp(even, 0).pvalue, rel=0.3)


@given(
    st.lists(st.integers(-4, 4), min_size=1, max_size=40),
    st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_p_value_and_interval_never_contradict_each_other(steps: list[int], seed: int) -> None:
    difference = np.array(steps) / 8
    base = np.full(len(steps), 0.5)
    uplift = paired_bootstrap(base + difference, base, rng=rng(seed), n_resamples=199)
    assert 0 < uplift.p_value <= 1
    if uplift.p_value > 0.05:
        assert uplift.low <= 0 <= uplift.high
    else:
        assert uplift.low >= 0 or uplift.high <= 0
    if difference.any():
        assert uplift.low < uplift.difference < uplift.high
        assert uplift.p_value >= 2 / 2 ** np.count_nonzero(difference)
    else:
        assert (uplift.low, uplift.high) == (0, 0)
    mirrored = paired_bootstrap(base - difference, base, rng=rng(seed), n_resamples=199)
    assert mirrored.p_value == pytest.approx(uplift.p_value)
    assert (mirrored.low, mirrored.high) == pytest.approx((-uplift.high, -uplift.low), abs=1e-9)


@pytest.mark.parametrize(
    ("comparisons", "alpha", "units"),
    # (2/3)^8 + (1/3)^8 is .0392, (2/3)^15 .0023 of .05 / 20, (2/3)^22 .00013 of .05 / 300
    [(1, 0.05, 8), (20, 0.05, 15), (300, 0.05, 22), (0, 0.05, 8)],
)
def test_the_least_units_are_those_that_can_tell(
    comparisons: int, alpha: float, units: int
) -> None:
    assert least_units(comparisons, alpha) == units


def test_the_same_arm_twice() -> None:
    values = rng().random(50)
    uplift = paired_bootstrap(values, values, rng=rng(), n_resamples=99)
    assert (uplift.difference, uplift.low, uplift.high, uplift.p_value) == (0, 0, 0, 1)


def test_a_loss_is_judged_like_a_gain() -> None:
    draws = rng(3)
    base = draws.random(80)
    value = base + draws.normal(0.05, 0.2, 80)
    gain = paired_bootstrap(value, base, rng=rng())
    loss = paired_bootstrap(base, value, rng=rng())
    assert 0.001 < gain.p_value < 0.2
    assert loss.p_value == gain.p_value
    assert (loss.low, loss.high) == pytest.approx((-gain.high, -gain.low))


def test_undefined_users_are_left_out_and_counted() -> None:
    value = np.array([1.0, np.nan, 3.0, 5.0, 2.0])
    base = np.array([0.5, 1.0, np.nan, 1.0, 1.0])
    uplift = paired_bootstrap(value, base, rng=rng())
    kept = paired_bootstrap(value[[0, 3, 4]], base[[0, 3, 4]], rng=rng())
    assert (uplift.n_units, uplift.n_undefined) == (3, 2)
    assert uplift.difference == pytest.approx((0.5 + 4 + 1) / 3)
    assert (uplift.low, uplift.high, uplift.p_value) == (kept.low, kept.high, kept.p_value)


def test_nobody_to_compare() -> None:
    uplift = paired_bootstrap(np.array([np.nan]), np.array([1.0]), rng=rng())
    assert (uplift.n_units, uplift.n_undefined) == (0, 1)
    assert np.isnan([uplift.base, uplift.difference, uplift.low, uplift.p_value]).all()
    assert paired_bootstrap(np.empty(0), np.empty(0), rng=rng()).n_units == 0


def test_no_relative_uplift_over_zero() -> None:
    uplift = paired_bootstrap(np.ones(5), np.zeros(5), rng=rng(), n_resamples=50)
    assert uplift.difference == 1
    assert np.isnan([uplift.relative, uplift.relative_low, uplift.relative_high]).all()


def test_a_resample_without_a_base_takes_no_interval_away() -> None:
    # 5 of 40 users have a base; about 1 in 200 resamples has none of them, which is no 2.5 %
    base = np.repeat([0.5, 0.0], [5, 35])
    value = base + np.repeat([0.1, 0.0], [35, 5])
    uplift = paired_bootstrap(value, base, rng=rng(), n_resamples=2000)
    assert 0 < uplift.relative_low < uplift.relative < uplift.relative_high < np.inf


def test_a_base_that_is_hardly_there_leaves_the_ends_open() -> None:
    base = np.repeat([0.5, 0.0], [1, 39])  # that it is above 0 at all is not shown
    uplift = paired_bootstrap(base + 0.1, base, rng=rng(), n_resamples=500)
    assert np.isnan(uplift.relative_high)
    assert uplift.low > 0


def test_agrees_with_scipy() -> None:
    draws = rng(1)
    base = draws.random(200)
    value = base + draws.normal(0.02, 0.2, 200)
    ours = paired_bootstrap(value, base, rng=rng())
    theirs = stats.bootstrap(
        (value - base,), np.mean, n_resamples=10_000, method="percentile", rng=rng(2)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-3)
    ratio = stats.bootstrap(
        (value, base),
        lambda a, b, axis: a.mean(axis=axis) / b.mean(axis=axis) - 1,
        paired=True,
        n_resamples=10_000,
        method="percentile",
        rng=rng(3),
    ).confidence_interval
    assert (ours.relative_low, ours.relative_high) == pytest.approx(tuple(ratio), abs=3e-3)
    assert ours.p_value == pytest.approx(stats.ttest_rel(value, base).pvalue, abs=0.03)


def test_interval_and_p_value_agree() -> None:
    draws = rng(4)
    base = np.zeros((60, 100))
    values = draws.normal(0, 0.2, (60, 100)) + np.linspace(0, 0.12, 100)
    for uplift in paired_bootstraps(values, base, rng=rng(), n_resamples=999):
        excluded = uplift.low > 0 or uplift.high < 0
        assert excluded == (uplift.p_value < 0.05) or abs(uplift.p_value - 0.05) < 0.005


def test_many_comparisons_equal_single_ones() -> None:
    draws = rng(5)
    values, bases = draws.random((40, 3)), draws.random((40, 3))
    values[:5, 1] = np.nan
    together = paired_bootstraps(values, bases, rng=rng(), n_resamples=200)
    for column in range(3):
        alone = paired_bootstrap(values[:, column], bases[:, column], rng=rng(), n_resamples=200)
        assert vars(together[column]) == pytest.approx(vars(alone))


def test_memory_is_bounded_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = rng(6)
    value, base = draws.random(30), draws.random(30)
    whole = paired_bootstrap(value, base, rng=rng(), n_resamples=100)
    monkeypatch.setattr("doppelcart.experiment.p_values._CELLS", 70)
    assert vars(paired_bootstrap(value, base, rng=rng(), n_resamples=100)) == pytest.approx(
        vars(whole)
    )


def test_coverage_of_skewed_differences() -> None:
    """400 shops of 150 users, most differences 0 and the rest skewed: 95 % +- 3 standard errors."""
    draws = rng(7)
    change = draws.exponential(0.3, (150, 400)) - 0.1
    values = np.where(draws.random((150, 400)) < 0.4, change, 0.0)
    truth = 0.4 * (0.3 - 0.1)
    base = np.zeros_like(values)
    covered = [
        uplift.low <= truth <= uplift.high
        for uplift in paired_bootstraps(values, base, rng=rng(8), n_resamples=1000)
    ]
    assert 0.91 < np.mean(covered) < 0.985
    false_alarms = [
        uplift.p_value < 0.05
        for uplift in paired_bootstraps(values - truth, base, rng=rng(9), n_resamples=1000)
    ]
    assert 0.015 < np.mean(false_alarms) < 0.09


@pytest.mark.parametrize(
    ("value", "base", "options"),
    [
        (np.ones(3), np.ones(2), {}),
        (np.ones((3, 1)), np.ones((3, 1)), {}),
        (np.ones(3), np.ones(3), {"n_resamples": 0}),
        (np.ones(3), np.ones(3), {"confidence": 1.0}),
    ],
)
def test_unusable_arguments(value: np.ndarray, base: np.ndarray, options: dict) -> None:
    with pytest.raises(InputError):
        paired_bootstrap(value, base, rng=rng(), **options)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        # Sorted .005 .01 .03 .04 times 4 3 2 1, then never decreasing.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.6, 0.9], [1.0, 1.0]),
        ([0.01, np.nan, 0.03], [0.02, np.nan, 0.03]),
        ([np.nan], [np.nan]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(holm(np.array(p_values)), expected)


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(InputError):
        holm(np.array([0.1, 1.2]))
