"""Clusters, weights, oracles and directions, against hand-worked values and whole refusals."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from doppelcart.errors import InputError
from doppelcart.experiment.comparison import columns_of, compare, correct
from doppelcart.experiment.design import Arm, Design, Role
from doppelcart.experiment.intervals import interval
from doppelcart.experiment.resampling import paired_bootstrap
from doppelcart.experiment.verdict import judge

ARMS = {
    "nothing": Role.BASELINE,
    "plain": Role.CONTROL,
    "gan": Role.TRIAL,
    "truth": Role.ORACLE,
}


def design(*names: str, **fields: Any) -> Design:
    arms = tuple(Arm(name=name, role=ARMS[name], phrase=f"the {name}") for name in names)
    known = {"name": "toy", "metric": "hits", "unit": "item", "arms": arms, "n_bootstrap": 2000}
    return Design(**(known | fields))


def scores(values: dict[str, np.ndarray], **columns: Any) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"arm": arm, "item": np.arange(len(found)), "value": found, **columns})
        for arm, found in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


def made_up(n: int = 60, seed: int = 0, **gains: float) -> dict[str, np.ndarray]:
    base = np.random.default_rng(seed).random(n)
    return {arm: base + gain for arm, gain in gains.items()}


def test_units_of_one_cluster_count_once() -> None:
    values = made_up(n=60, nothing=0.0, gan=0.1)
    alone = compare(scores(values), design("nothing", "gan")).iloc[0]
    shops = np.repeat(np.arange(15), 4)
    together = compare(scores(values, shop=shops), design("nothing", "gan", cluster="shop")).iloc[0]
    assert (alone["n_units"], alone["n_clusters"], alone["outcome"]) == (60, 60, "helps")
    assert (together["n_units"], together["n_clusters"]) == (60, 15)
    # Fifteen shops are fewer than a verdict takes, however many items they have.
    assert together["outcome"] == "undefined"
    assert together["least_units"] == 30
    told = judge(
        compare(scores(values, shop=shops), design("nothing", "gan", cluster="shop")),
        design("nothing", "gan", cluster="shop"),
    )["reason"].iloc[0]
    assert "60 units were tested with the gan, in 15 clusters that are resampled whole" in told
    assert told.endswith(", and a verdict takes 30.")


@pytest.mark.parametrize(
    ("alpha", "n", "least", "outcome"),
    [
        (0.05, 29, 30, "undefined"),
        (0.05, 30, 30, "helps"),
        # An error rate of .0001 / 300 comparisons takes more than the 30 of any design.
        (0.0001, 30, 37, "undefined"),
    ],
)
def test_a_verdict_takes_as_many_units_as_its_family_asks_for(
    alpha: float, n: int, least: int, outcome: str
) -> None:
    found = design("nothing", "gan", groups=("slice",), alpha=alpha, n_bootstrap=4_000_000)
    many = range(300) if alpha < 0.05 else range(1)
    compared = pd.DataFrame(
        {
            "slice": many,
            "arm": "gan",
            "against": "nothing",
            "difference": 0.1,
            "p_value": 1e-7,
            "n_clusters": n,
            "tested": True,
        }
    )
    row = correct(compared, found).iloc[0]
    assert (row["least_units"], row["outcome"]) == (least, outcome)


def test_a_cluster_of_one_unit_is_a_cluster() -> None:
    values = made_up(n=40, nothing=0.0, gan=0.1)
    shops = np.r_[np.arange(39), 0]
    found = compare(scores(values, shop=shops), design("nothing", "gan", cluster="shop")).iloc[0]
    assert (found["n_clusters"], found["outcome"]) == (39, "helps")


def test_a_weighted_mean_is_that_of_units_repeated_as_often() -> None:
    rng = np.random.default_rng(1)
    values = {"nothing": rng.random(40), "gan": rng.random(40) + 0.1}
    weights = rng.integers(0, 4, 40)
    weighted = compare(scores(values, sold=weights), design("nothing", "gan", weight="sold"))
    repeated = {arm: np.repeat(found, weights) for arm, found in values.items()}
    clusters = np.repeat(np.arange(40), weights)
    again = compare(scores(repeated, shop=clusters), design("nothing", "gan", cluster="shop"))
    figures = ["base", "value", "difference", "low", "high", "relative", "p_value"]
    assert weighted[figures].iloc[0].tolist() == pytest.approx(again[figures].iloc[0].tolist())


@pytest.mark.parametrize(
    ("weights", "says"),
    [([-1.0] + [1.0] * 39, "at least 0"), ([0.0] * 40, "not all 0"), ([np.inf] * 40, "finite")],
)
def test_weights_that_weigh_nothing_are_refused(weights: list[float], says: str) -> None:
    rows = scores(made_up(n=40, nothing=0.0, gan=0.1), sold=np.array(weights))
    with pytest.raises(InputError, match=says):
        compare(rows, design("nothing", "gan", weight="sold"))


def test_where_less_is_better_a_loss_helps() -> None:
    rows = scores(made_up(nothing=0.0, gan=-0.1))
    assert compare(rows, design("nothing", "gan"))["outcome"].item() == "harms"
    fewer = design("nothing", "gan", higher_is_better=False)
    assert compare(rows, fewer)["outcome"].item() == "helps"


def test_the_share_of_the_gap_to_the_oracle_that_was_closed() -> None:
    rng = np.random.default_rng(2)
    base = rng.random(80)
    gap = 0.4 + rng.normal(0, 0.05, 80)
    values = {"nothing": base, "gan": base + 0.25 * gap, "truth": base + gap}
    found = compare(scores(values), design("nothing", "gan", "truth")).set_index("arm")
    assert found.loc["gan", "gap_closed"] == pytest.approx(0.25)
    noisy = values | {"gan": base + 0.25 * gap + rng.normal(0, 0.1, 80)}
    row = compare(scores(noisy), design("nothing", "gan", "truth")).set_index("arm").loc["gan"]
    assert row["gap_closed_low"] < row["gap_closed"] < row["gap_closed_high"]
    assert np.isnan(found.loc["truth", "gap_closed"])


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gap_has_a_share_only_where_the_oracle_is_better(sign: int) -> None:
    rng = np.random.default_rng(3)
    base = rng.random(80)
    trial = {way: base + way * 0.1 + rng.normal(0, 0.02, 80) for way in (1, -1)}
    bound = {way: base + way * 0.2 + rng.normal(0, 0.02, 80) for way in (1, -1)}
    plan = design("nothing", "gan", "truth", higher_is_better=sign == 1)

    def share_of(trial: np.ndarray, bound: np.ndarray) -> np.ndarray:
        found = compare(scores({"nothing": base, "gan": trial, "truth": bound}), plan)
        row = found.set_index("arm").loc["gan"]
        return row[["gap_closed_low", "gap_closed", "gap_closed_high"]].to_numpy(float)

    low, share, high = share_of(trial[sign], bound[sign])
    assert 0.4 < low < share < high < 0.6
    low, share, high = share_of(trial[-sign], bound[sign])
    assert -0.6 < low < share < high < -0.4
    # Half of the way to something worse is not half of a gap.
    assert np.isnan(share_of(trial[-sign], bound[-sign])).all()
    assert np.isnan(share_of(trial[sign], bound[-sign])).all()


def test_only_an_oracle_brings_the_columns_of_a_gap() -> None:
    rows = scores(made_up(nothing=0.0, gan=0.1))
    found = compare(rows, design("nothing", "gan"))
    assert found.columns.tolist() == columns_of(design("nothing", "gan"))
    assert "gap_closed" not in found


def test_groups_are_compared_apart_and_corrected_together_or_apart() -> None:
    parts = [
        scores(made_up(seed=seed, nothing=0.0, gan=0.0), slice=name)
        for seed, name in enumerate(("a", "b"))
    ]
    rows = pd.concat(parts)
    rng = np.random.default_rng(5)
    rows.loc[rows["arm"] == "gan", "value"] += rng.normal(0.02, 0.1, 120)
    apart = compare(rows, design("nothing", "gan", groups=("slice",), family=("slice",)))
    assert apart["p_holm"].tolist() == apart["p_value"].tolist()
    one = compare(rows, design("nothing", "gan", groups=("slice",)))
    assert one["p_holm"].min() == pytest.approx(min(1, 2 * one["p_value"].min()))


def test_what_is_compared_depends_on_no_other_comparison() -> None:
    values = made_up(nothing=0.0, plain=0.05, gan=0.1)
    both = compare(scores(values), design("nothing", "plain", "gan"))
    alone = compare(scores({k: values[k] for k in ("nothing", "gan")}), design("nothing", "gan"))
    same = both[(both["arm"] == "gan") & (both["against"] == "nothing")]
    figures = ["base", "value", "difference", "low", "high", "p_value"]
    assert same[figures].iloc[0].tolist() == pytest.approx(alone[figures].iloc[0].tolist())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.drop(columns="item"), "no column item"),
        (lambda rows: rows.drop(columns="value"), "no column value"),
        (lambda rows: rows.assign(arm="placebo"), "does not know: placebo"),
        (lambda rows: rows[rows["arm"] == "gan"], "no baseline was scored"),
        (lambda rows: pd.concat([rows, rows.head(3)]), "3 rows repeat a item"),
        (
            lambda rows: rows.assign(level=np.arange(len(rows)) % 2),
            "an arm has several levels",
        ),
        (lambda rows: rows.assign(shop=range(len(rows))), "column shop is missing .* or differs"),
        (lambda rows: rows.assign(shop=np.nan), "column shop is missing"),
    ],
)
def test_scores_that_are_not_what_the_design_says_are_refused(change: Any, says: str) -> None:
    rows = change(scores(made_up(nothing=0.0, gan=0.1), shop=0))
    with pytest.raises(InputError, match=says):
        compare(rows, design("nothing", "gan", cluster="shop"))


def test_nothing_to_compare_leaves_the_columns() -> None:
    found = compare(scores(made_up(nothing=0.0)), design("nothing", "gan"))
    assert found.empty
    assert found.columns.tolist() == columns_of(design("nothing", "gan"))


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 60), st.integers(0, 1000))
@example(5, 512)
@example(34, 34)
def test_the_order_of_rows_changes_nothing(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = scores({"nothing": rng.random(n), "gan": rng.random(n)}, slice="a")
    found = design("nothing", "gan", groups=("slice",), n_bootstrap=200)
    shuffled = rows.sample(frac=1, random_state=seed).sort_values("arm", ascending=False)
    # A bound of the relative difference may be undefined, where the baseline's mean may be near 0.
    figures = [
        "base",
        "value",
        "difference",
        "low",
        "high",
        "relative_low",
        "relative_high",
        "p_value",
    ]
    assert compare(rows, found)[figures].iloc[0].tolist() == pytest.approx(
        compare(shuffled, found)[figures].iloc[0].tolist(), nan_ok=True
    )


def test_the_interval_of_a_mean_contains_it() -> None:
    differences = np.random.default_rng(0).normal(0.2, 1, (50, 3))
    low, high = interval(differences, np.ones_like(differences), 0.95, np.zeros(3))
    assert (low < differences.mean(axis=0)).all()
    assert (differences.mean(axis=0) < high).all()


@pytest.mark.parametrize("base_mean", [1.0, -1.0])
@pytest.mark.parametrize("change", [0.5, -0.5])
def test_the_interval_of_a_ratio_contains_it_whatever_its_signs(
    base_mean: float, change: float
) -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(base_mean, 0.2, 200)
    found = paired_bootstrap(base + rng.normal(change, 0.1, 200), base, rng=rng, n_resamples=500)
    assert found.relative_low < found.relative < found.relative_high
    assert found.relative == pytest.approx(change / base_mean, abs=0.05)
    # The difference is not 0, and so neither is the ratio.
    assert (found.relative_low > 0) == (found.relative > 0) == (found.relative_high > 0)
