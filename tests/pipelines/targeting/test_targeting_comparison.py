"""What is compared with what, what counts as tested, and in which words it is said."""

import pandas as pd
import pytest

from doppelcart.experiment import comparison
from doppelcart.experiment.design import largest_family
from doppelcart.pipelines.targeting.comparison import declare, tabulate, unit_scores
from doppelcart.pipelines.targeting.groups import Group
from doppelcart.recommendation.arms import NONE

METRIC = "ndcg@20"
SETTINGS = {"family": ("slice",), "n_bootstrap": 2000, "seeds": (0,)}
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


def made_up(n_inside: int = 40, n_others: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The segment gains a tenth by users of its own, whoever made them; the others lose as much."""
    metrics, chosen = [], []
    for customers, n_users, sign in (("segment", n_inside, 1), ("others", n_others, -1)):
        for arm, gain in GAINS.items():
            labels = LABELS | {"customers": customers, "arm": arm}
            chosen.append(labels | {"level": RATIOS[arm]})
            metrics += [
                labels
                | {"user_id": f"{customers}{user}", "ndcg@20": 0.4 + user % 3 / 10 + sign * gain}
                for user in range(n_users)
            ]
    return pd.DataFrame(metrics), pd.DataFrame(chosen)


def judged(least: int = 30, **sizes: int) -> pd.DataFrame:
    compared = compare(*made_up(**sizes), min_units=least)
    return compared.set_index(["customers", "arm", "against"])


def compare(metrics: pd.DataFrame, chosen: pd.DataFrame, min_units: int = 30) -> pd.DataFrame:
    scores = unit_scores(metrics, chosen, METRIC)
    design = declare(METRIC, [Group("cold_5", "old", "segment")], min_units=min_units, **SETTINGS)
    return tabulate(comparison.compare(scores, design))


def test_only_the_arm_on_trial_meets_its_controls_and_only_in_its_segment():
    results = judged()
    assert results.loc["segment"].index.tolist() == [
        ("uniform_gan", NONE),
        ("targeted_gan", NONE),
        ("targeted_gan", "uniform_gan"),
        ("targeted_gan", "targeted_denoiser"),
        ("targeted_gan", "targeted_copies"),
        ("targeted_denoiser", NONE),
        ("targeted_copies", NONE),
    ]
    assert set(results.loc["others"].index.get_level_values("against")) == {NONE}


def test_the_largest_family_is_what_one_slice_compares():
    one_segment = len(judged())
    for n_segments, n_recommenders in ((1, 1), (9, 3)):
        groups = [
            Group("cold_5", str(number), customers)
            for number in range(n_segments)
            for customers in ("segment", "others")
        ]
        # A second slice makes a family of its own.
        groups += [group._replace(slice="warm") for group in groups]
        design = declare(METRIC, groups, **SETTINGS)
        names = [str(number) for number in range(n_recommenders)]
        assert largest_family(design, groups, names) == n_segments * n_recommenders * one_segment


def test_a_gain_is_told_from_harm_and_from_nothing():
    results = judged()
    row = results.loc[("segment", "targeted_gan", NONE)]
    assert row["outcome"] == "helps"
    assert row["difference"] == pytest.approx(0.1)
    assert 0 < row["low"] < 0.1 < row["high"]
    assert row["relative"] == pytest.approx(0.1 / row["base"])
    assert row["ratio"] == 0.3
    verdicts = results["outcome"]
    assert verdicts["others", "targeted_gan", NONE] == "harms"
    assert verdicts["segment", "uniform_gan", NONE] == "no evidence"
    assert verdicts["segment", "targeted_gan", "targeted_denoiser"] == "no evidence"
    assert verdicts["segment", "targeted_copies", NONE] == "not used"


def test_untested_rows_weaken_no_other():
    # In the segment six rows are tested, among the others three: the smallest p times nine.
    results = judged()
    row = results.loc[("segment", "targeted_gan", NONE)]
    assert row["p_value"] == pytest.approx(1 / 2001)
    assert row["p_holm"] == pytest.approx(9 / 2001)
    assert results.loc[("segment", "targeted_copies", NONE)]["p_holm"] == 1


@pytest.mark.parametrize("few", [1, 2, 5, 29])
def test_on_too_few_customers_the_verdict_is_undefined_and_says_what_it_takes(few: int):
    results = judged(n_inside=few)
    tried = results.loc["segment"].drop(("targeted_copies", NONE))
    assert set(tried["outcome"]) == {"undefined"}
    assert set(tried["least_units"]) == {30}
    assert tried["p_holm"].isna().all()
    assert results.loc[("others", "targeted_gan", NONE)]["p_holm"] == pytest.approx(3 / 2001)


def test_a_segment_without_a_customer_is_in_no_row():
    metrics, chosen = made_up()
    others = metrics[metrics["customers"] == "others"]
    assert set(compare(others, chosen)["customers"]) == {"others"}


def test_whoever_asks_for_fewer_gets_no_verdict_that_signs_cannot_give():
    # Nine comparisons at .05 take 13 who all changed alike: (2/3)^13 is .0051.
    assert set(judged(least=2, n_inside=5).loc["segment"]["outcome"]) == {"undefined", "not used"}
    assert judged(least=2, n_inside=5).loc["segment"]["least_units"].max() == 13
