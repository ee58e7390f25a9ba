"""What is compared with what, what counts as tested, and in which words it is said."""

import pandas as pd
import pytest

from doppelcart.arms.comparing import ComparisonSettings
from doppelcart.arms.definition import NONE
from doppelcart.pipelines.targeting.comparison import compare, largest_family

SETTINGS = ComparisonSettings(metric="ndcg@20", n_bootstrap=2000, seeds=(0,))
RATIOS = {
    NONE: 0.0,
    "uniform_gan": 0.1,
    "targeted_gan": 0.3,
    "targeted_denoiser": 0.3,
    "targeted_copies": 0.0,
}
GAINS = {
    NONE: 0.0,
    "uniform_gan": 0.0,
    "targeted_gan": 0.1,
    "targeted_denoiser": 0.1,
    "targeted_copies": 0.0,
}
LABELS = {"slice": "cold_5", "segment": "old", "recommender": "ease"}


def invented(n_inside: int = 40, n_others: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The segment gains a tenth by users of its own, whoever made them; the others lose as much."""
    metrics, chosen = [], []
    for customers, n_users, sign in (("segment", n_inside, 1), ("others", n_others, -1)):
        for arm, gain in GAINS.items():
            labels = LABELS | {"customers": customers, "arm": arm}
            chosen.append(labels | {"knob": RATIOS[arm]})
            metrics += [
                labels
                | {"user_id": f"{customers}{user}", "ndcg@20": 0.4 + user % 3 / 10 + sign * gain}
                for user in range(n_users)
            ]
    return pd.DataFrame(metrics), pd.DataFrame(chosen)


def judged(least: int = 30, **sizes: int) -> pd.DataFrame:
    return compare(*invented(**sizes), least, SETTINGS).set_index(["customers", "arm", "against"])


def test_only_the_arm_on_trial_meets_its_controls_and_only_in_its_segment():
    results = judged()
    assert results.loc["segment"].index.tolist() == [
        *((arm, NONE) for arm in GAINS if arm != NONE),
        ("targeted_gan", "uniform_gan"),
        ("targeted_gan", "targeted_denoiser"),
        ("targeted_gan", "targeted_copies"),
    ]
    assert set(results.loc["others"].index.get_level_values("against")) == {NONE}


def test_the_largest_family_is_what_one_slice_compares():
    one_segment = len(judged())
    assert largest_family(1, 1) == one_segment
    assert largest_family(9, 3) == 27 * one_segment


def test_a_gain_is_told_from_harm_and_from_nothing():
    results = judged()
    row = results.loc[("segment", "targeted_gan", NONE)]
    assert row["verdict"] == "helps"
    assert row[["difference", "low", "high"]].tolist() == pytest.approx([0.1] * 3)
    assert row["relative"] == pytest.approx(0.1 / row["base"])
    assert row["ratio"] == 0.3
    verdicts = results["verdict"]
    assert verdicts["others", "targeted_gan", NONE] == "harms"
    assert verdicts["segment", "uniform_gan", NONE] == "no evidence"
    assert verdicts["segment", "targeted_gan", "targeted_denoiser"] == "no evidence"
    assert verdicts["segment", "targeted_copies", NONE] == "not used"


def test_untested_rows_weaken_no_other():
    # In the segment six rows are tested, among the others three: the smallest p times nine.
    results = judged()
    row = results.loc[("segment", "targeted_gan", NONE)]
    assert row["p_value"] == pytest.approx(2 / 2001)
    assert row["p_holm"] == pytest.approx(9 * 2 / 2001)
    assert results.loc[("segment", "targeted_copies", NONE)]["p_holm"] == 1


def test_too_few_customers_can_tell_nothing():
    results = judged(n_inside=29)
    verdicts = results.loc["segment"]["verdict"]
    assert set(verdicts.drop(("targeted_copies", NONE))) == {"too few customers"}
    assert results.loc[("others", "targeted_gan", NONE)]["p_holm"] == pytest.approx(3 * 2 / 2001)
