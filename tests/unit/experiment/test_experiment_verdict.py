"""The rules of the verdict, on an experiment that is no recommender's."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.experiment.comparison import compare
from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words
from doppelcart.experiment.verdict import judge, promotion

ROLES = {
    "nothing": Role.BASELINE,
    "strong": Role.BASELINE,
    "plain": Role.CONTROL,
    "gan": Role.TRIAL,
    "truth": Role.ORACLE,
    "shuffled": Role.MUST_FAIL,
    "planted": Role.MUST_WIN,
}
WORDS = Words(unit="review", units="reviews", trial="the critic", best="the best text baseline")


def judged(
    gains: dict[str, float], noise: float = 0.02, n: int = 80, **fields: Any
) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    base = rng.random(n)
    arms = tuple(Arm(name=name, role=ROLES[name], phrase=f"the {name} way") for name in gains)
    design = Design(
        **(
            {"name": "toy", "metric": "auc", "unit": "review", "arms": arms, "words": WORDS}
            | {"n_bootstrap": 2000}
            | fields
        )
    )
    rows = pd.concat(
        pd.DataFrame(
            {
                "arm": name,
                "review": range(n),
                "value": base + gain + (rng.normal(0, noise, n) if gain else 0),
            }
        )
        for name, gain in gains.items()
    )
    return judge(compare(rows, design), design)


BEST = {"best": (Baseline(group=(), arm="nothing"),)}


def test_a_trial_that_beats_everything_is_promoted() -> None:
    row = judged({"nothing": 0.0, "plain": 0.1, "gan": 0.2}, **BEST).iloc[0]
    assert row[["verdict", "win", "promoted", "not_beaten"]].tolist() == ["helps", True, True, ""]
    assert row["reason"].startswith("auc changed by +")
    assert "80 reviews) with the gan way: better than without, than every control" in row["reason"]


def test_without_a_best_baseline_nothing_is_promoted() -> None:
    row = judged({"nothing": 0.0, "plain": 0.1, "gan": 0.2}).iloc[0]
    assert row[["verdict", "win", "promoted"]].tolist() == ["helps", True, False]


@pytest.mark.parametrize(
    ("control", "says"),
    [
        ({"plain": 0.1}, "the gan way: better than without and than every control."),
        ({}, "the gan way: better than the nothing way."),
    ],
)
def test_a_win_is_held_to_no_best_that_the_design_does_not_name(
    control: dict[str, float], says: str
) -> None:
    row = judged({"nothing": 0.0, **control, "gan": 0.2}).iloc[0]
    assert row["reason"].endswith(says)


def test_a_gain_that_a_control_has_too_is_not_the_trials() -> None:
    row = judged({"nothing": 0.0, "plain": 0.2, "gan": 0.2}, **BEST).iloc[0]
    assert row[["verdict", "win", "not_beaten"]].tolist() == ["not proven", False, "plain"]
    assert "so the gain is not the critic's" in row["reason"]


def test_a_control_that_the_design_names_and_nobody_ran_is_not_beaten() -> None:
    arms = tuple(Arm(name=n, role=ROLES[n], phrase=n) for n in ("nothing", "plain", "gan"))
    row = judged({"nothing": 0.0, "gan": 0.2}, arms=arms, **BEST).iloc[0]
    assert row[["win", "not_beaten"]].tolist() == [False, "plain"]
    assert "not run: plain" in row["reason"]


@pytest.mark.parametrize(
    ("gains", "says"),
    [
        ({"shuffled": 0.2}, "the shuffled way cannot help, and does"),
        ({"planted": 0.0}, "the planted way must help, and is not shown to"),
    ],
)
def test_an_experiment_that_fails_its_own_check_has_no_verdict(
    gains: dict[str, float], says: str
) -> None:
    row = judged({"nothing": 0.0, "plain": 0.1, "gan": 0.2} | gains, **BEST).iloc[0]
    assert row[["verdict", "win", "promoted"]].tolist() == ["undefined", False, False]
    assert says in row["reason"]


def test_an_experiment_that_passes_its_own_check_has_one() -> None:
    gains = {"nothing": 0.0, "plain": 0.1, "gan": 0.2, "shuffled": 0.0, "planted": 0.3}
    assert judged(gains, **BEST)["verdict"].tolist() == ["helps"]


def test_an_oracle_is_neither_judged_nor_promoted() -> None:
    table = judged({"nothing": 0.0, "plain": 0.1, "gan": 0.2, "truth": 0.4}, **BEST)
    assert table["arm"].tolist() == ["gan"]
    assert table["gap_closed"].item() == pytest.approx(0.5, abs=0.05)


def test_not_worse_by_a_margin_declared_beforehand() -> None:
    def not_worse(loss: float, margin: float) -> bool:
        return bool(
            judged({"nothing": 0.0, "gan": loss}, noise=0.005, margin=margin)["not_worse"].item()
        )

    assert not_worse(-0.01, margin=0.05)
    assert not not_worse(-0.05, margin=0.05)
    few = judged({"nothing": 0.0, "gan": 0.01}, n=20, margin=0.05)
    assert few["verdict"].item() == "undefined"
    assert not few["not_worse"].item()


def test_promotion_names_what_won_and_what_did_not() -> None:
    arms = tuple(Arm(name=n, role=ROLES[n], phrase=n) for n in ("nothing", "plain", "gan"))
    design = Design(name="toy", metric="auc", unit="review", arms=arms, **BEST)
    won = promotion(judged({"nothing": 0.0, "plain": 0.1, "gan": 0.2}, **BEST), design, "a rule")
    assert (won["rule"], [entry["arm"] for entry in won["promoted"]]) == ("a rule", ["gan"])
    lost = promotion(judged({"nothing": 0.0, "plain": 0.1, "gan": 0.1}, **BEST), design, "a rule")
    assert [entry["arm"] for entry in lost["refused"]] == ["gan"]
    assert lost["promoted"] == []


def test_not_worse_is_about_a_rise_where_less_is_better() -> None:
    def not_worse(rise: float) -> bool:
        found = judged(
            {"nothing": 0.0, "gan": rise}, noise=0.005, margin=0.05, higher_is_better=False
        )
        return bool(found["not_worse"].item())

    assert [not_worse(rise) for rise in (0.01, 0.05, -0.05)] == [True, False, True]


def test_a_win_over_a_weak_baseline_is_not_promoted() -> None:
    """Another baseline is stronger than what the trial gains."""
    best = {"best": (Baseline(group=(), arm="strong"),)}
    gains = {"nothing": 0.0, "strong": 0.3, "plain": 0.1, "gan": 0.2}
    row = judged(gains, **best).iloc[0]
    assert row[["verdict", "win", "promoted"]].tolist() == ["best not beaten", True, False]
    assert "not shown to beat the best text baseline" in row["reason"]


def test_an_arm_that_is_not_used_is_undefined_only_where_there_are_too_few_units() -> None:
    """Five comparisons at .05 take 30 units at least; at 29 nobody can tell that nothing is."""

    def unused(n: int) -> str:
        arms = tuple(Arm(name=name, role=ROLES[name], phrase=name) for name in ("nothing", "gan"))
        design = Design(name="toy", metric="auc", unit="review", arms=arms, n_bootstrap=2000)
        rows = pd.DataFrame(
            {
                "arm": ["nothing"] * n + ["gan"] * n,
                "review": [*range(n), *range(n)],
                "value": 0.5,
                "level": 0.0,
            }
        )
        found: str = judge(compare(rows, design), design)["verdict"].iloc[0]
        return found

    assert [unused(n) for n in (29, 30)] == ["undefined", "not used"]


def test_a_group_that_no_arm_is_meant_for_asks_for_no_rivals() -> None:
    arms = tuple(
        Arm(name=name, role=ROLES[name], phrase=name) for name in ("nothing", "plain", "gan")
    )
    design = Design(
        name="toy",
        metric="auc",
        unit="review",
        arms=arms,
        groups=("who",),
        bystanders={"who": "others"},
        n_bootstrap=2000,
    )
    rng = np.random.default_rng(0)
    rows = pd.concat(
        pd.DataFrame({"who": "others", "arm": arm, "review": range(60), "value": gain + noise})
        for arm, gain in (("nothing", 0.0), ("gan", 0.2))
        for noise in (rng.random(60) / 50,)
    )
    row = judge(compare(rows, design), design).iloc[0]
    assert row[["verdict", "win", "not_beaten"]].tolist() == ["helps", True, ""]
