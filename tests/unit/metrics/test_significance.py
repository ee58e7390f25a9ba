"""Bootstrap and Holm against hand-worked values, SciPy, and their promised coverage."""

import numpy as np
import pytest
from scipy import stats

from doppelcart.errors import InputError
from doppelcart.metrics import significance
from doppelcart.metrics.significance import holm, paired_bootstrap, paired_bootstraps


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_constant_difference() -> None:
    base = np.array([0.25, 0.25, 0.25, 0.25])
    uplift = paired_bootstrap(base + 0.5, base, rng=rng(), n_resamples=99)
    assert (uplift.base, uplift.value, uplift.difference) == (0.25, 0.75, 0.5)
    assert (uplift.low, uplift.high) == (0.5, 0.5)
    assert (uplift.relative, uplift.relative_low, uplift.relative_high) == (2, 2, 2)
    assert uplift.p_value == pytest.approx(2 / 100)
    assert (uplift.n_users, uplift.n_undefined) == (4, 0)


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
    assert (uplift.n_users, uplift.n_undefined) == (3, 2)
    assert uplift.difference == pytest.approx((0.5 + 4 + 1) / 3)
    assert (uplift.low, uplift.high, uplift.p_value) == (kept.low, kept.high, kept.p_value)


def test_nobody_to_compare() -> None:
    uplift = paired_bootstrap(np.array([np.nan]), np.array([1.0]), rng=rng())
    assert (uplift.n_users, uplift.n_undefined) == (0, 1)
    assert np.isnan([uplift.base, uplift.difference, uplift.low, uplift.p_value]).all()
    assert paired_bootstrap(np.empty(0), np.empty(0), rng=rng()).n_users == 0


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


def test_a_base_that_is_hardly_there_leaves_an_end_open() -> None:
    base = np.repeat([0.5, 0.0], [1, 39])  # a third of the resamples have none
    uplift = paired_bootstrap(base + 0.1, base, rng=rng(), n_resamples=500)
    assert np.isnan(uplift.relative_high)
    assert uplift.relative_low > 0


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
    monkeypatch.setattr(significance, "_CELLS", 70)
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
