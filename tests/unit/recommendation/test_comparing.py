import numpy as np
import pandas as pd
import pytest
from judging import COLUMNS, Settings, against_best, compare, decide

from doppelcart.errors import InputError, ParameterError
from doppelcart.experiment.families import least_resamples
from doppelcart.recommendation.design import best_baselines, largest_family

SETTINGS = Settings(metric="ndcg@20", n_bootstrap=2000)


def user_metrics(values: dict[tuple[str, str], np.ndarray], name: str = "warm") -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {
                "slice": name,
                "arm": arm,
                "recommender": recommender,
                "user_id": [f"u{i}" for i in range(len(by_user))],
                "ndcg@20": by_user,
            }
        )
        for (recommender, arm), by_user in values.items()
    ]
    return pd.concat(frames, ignore_index=True)


def chosen(rows: list[tuple[str, str, float, float]], name: str = "warm") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["recommender", "arm", "level", "value"]).assign(
        slice=name, config="{}", n_users=5
    )


def test_the_best_baseline_is_the_one_validation_saw() -> None:
    table = chosen(
        [("ease", "none", 0, 0.2), ("itemknn", "none", 0, 0.3), ("ease", "copies", 1, 9)]
    )
    assert best_baselines(table) == {"warm": "itemknn"}


def test_a_comparison_is_paired_by_user_and_counted() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(100)
    metrics = user_metrics({("ease", "none"): base, ("ease", "copies"): base + 0.1})
    shuffled = metrics.sample(frac=1, random_state=1)
    row = compare(
        shuffled.sort_values("arm"),
        chosen([("ease", "none", 0, 1), ("ease", "copies", 1, 1)]),
        SETTINGS,
    ).iloc[0]
    assert row[["arm", "against", "metric"]].tolist() == ["copies", "none", "ndcg@20"]
    assert row["base"] == pytest.approx(base.mean())
    assert row["difference"] == pytest.approx(0.1)
    assert row["relative"] == pytest.approx(0.1 / base.mean())
    assert 0.09 < row["low"] < 0.1 < row["high"] < 0.11
    assert row["p_holm"] < 0.01
    assert row["n_units"] == 100


def test_generators_arms_meet_every_control_and_the_best_baseline() -> None:
    arms = ["none", "copies", "gan_new_users", "popularity_completion", "gan_completion"]
    rng = np.random.default_rng(0)
    values = {("ease", arm): rng.random(50) for arm in arms}
    values["itemknn", "none"] = np.full(50, 0.9)
    table = chosen(
        [("ease", arm, 0.0 if arm == "none" else 1.0, 0.2) for arm in arms]
        + [("itemknn", "none", 0.0, 0.3)]
    )
    uplift = compare(user_metrics(values), table, SETTINGS)
    assert list(zip(uplift["arm"], uplift["against"], strict=True)) == [
        ("copies", "none"),
        ("gan_new_users", "none"),
        ("gan_new_users", "copies"),
        ("gan_new_users", "best_baseline"),
        ("popularity_completion", "none"),
        ("gan_completion", "none"),
        ("gan_completion", "popularity_completion"),
        ("gan_completion", "best_baseline"),
    ]
    against_best = uplift[uplift["against"] == "best_baseline"]
    assert against_best["base"].tolist() == [pytest.approx(0.9)] * 2


def test_an_arm_at_its_best_meets_the_best_without_it_and_popularity() -> None:
    base = np.random.default_rng(0).random(50)
    values = {
        ("popularity", "none"): base,
        ("ease", "none"): base + 0.1,
        ("itemknn", "none"): base + 0.3,
        ("ease", "gan_completion"): base + 0.2,
        ("itemknn", "gan_completion"): base + 0.5,
        ("ease", "gan_only"): base,
    }
    table = chosen(
        [
            ("popularity", "none", 0.0, 0.1),
            ("ease", "none", 0.0, 0.3),
            ("itemknn", "none", 0.0, 0.2),
            ("ease", "gan_completion", 1.0, 0.5),
            ("itemknn", "gan_completion", 1.0, 0.4),
            ("ease", "gan_only", 1.0, 0.9),
        ]
    )
    best = against_best(user_metrics(values), table, SETTINGS)
    keys = ["arm", "recommender", "against", "baseline"]
    assert best[keys].values.tolist() == [
        ["gan_completion", "ease", "best_baseline", "ease"],
        ["gan_completion", "ease", "most_popular", "popularity"],
    ]
    # What test users would have preferred, ItemKNN on both sides, plays no part.
    assert best["difference"].tolist() == pytest.approx([0.1, 0.2])
    # Each kind of baseline is a family of one comparison.
    assert best["p_holm"].tolist() == best["p_value"].tolist()


def test_an_arm_that_brought_nothing_is_the_best_without_it() -> None:
    base = np.random.default_rng(0).random(50)
    arms = ["none", "gan_completion"]
    values = {("ease", arm): base for arm in arms} | {("popularity", "none"): base - 0.1}
    table = chosen([("ease", arm, 0.0, 0.3) for arm in arms] + [("popularity", "none", 0.0, 0.1)])
    best = against_best(user_metrics(values), table, SETTINGS).set_index("against")
    assert best["tested"].to_dict() == {"best_baseline": False, "most_popular": True}
    assert best.loc["best_baseline", ["difference", "p_holm"]].tolist() == [0, 1]
    assert best.loc["most_popular", "difference"] == pytest.approx(0.1)


def test_an_arm_at_level_0_does_not_help_where_its_recommender_beats_the_best_without() -> None:
    """Test customers like EASE better than popularity, which validation took for the best."""
    popular = np.random.default_rng(0).random(50)
    values = {
        ("popularity", "none"): popular,
        ("ease", "none"): popular + 0.1,
        ("ease", "popularity_completion"): popular + 0.1,
    }
    table = chosen(
        [
            ("popularity", "none", 0.0, 0.3),
            ("ease", "none", 0.0, 0.2),
            ("ease", "popularity_completion", 0.0, 0.2),
        ]
    )
    best = against_best(user_metrics(values), table, SETTINGS)
    assert best["against"].tolist() == ["best_baseline", "most_popular"]
    assert best["outcome"].tolist() == ["not used"] * 2
    # what is compared, and with how many others it is corrected, are as they were
    assert best["tested"].all()
    assert best["p_holm"].tolist() == best["p_value"].tolist()
    assert best["p_value"].max() < 0.001


def test_an_arm_that_declined_is_not_tested_and_does_not_widen_the_family() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(80)
    better = base + rng.normal(0.01, 0.04, 80)
    values = {("ease", "none"): base, ("ease", "copies"): base, ("ease", "mixup"): better}
    rows = [("ease", "none", 0.0, 0.3), ("ease", "copies", 0.0, 0.3), ("ease", "mixup", 1.0, 0.3)]
    uplift = compare(user_metrics(values), chosen(rows), SETTINGS).set_index("arm")
    assert uplift["tested"].to_dict() == {"copies": False, "mixup": True}
    assert uplift.loc["copies", ["difference", "p_holm"]].tolist() == [0, 1]
    assert uplift.loc["mixup", "p_holm"] == uplift.loc["mixup", "p_value"]


def test_holm_runs_over_the_slice_or_over_the_whole_table() -> None:
    rng = np.random.default_rng(0)
    parts, tables = [], []
    for name in ("warm", "cold_5"):
        base = rng.random(200)
        values = {("ease", "none"): base, ("ease", "mixup"): base + rng.normal(0.006, 0.04, 200)}
        parts.append(user_metrics(values, name))
        tables.append(chosen([("ease", "none", 0, 0.3), ("ease", "mixup", 1, 0.3)], name))
    both = pd.concat(parts), pd.concat(tables)
    declined = tables[0].iloc[1:].assign(arm="copies", level=0.0)
    same = parts[0][parts[0]["arm"] == "none"].assign(arm="copies")
    both = pd.concat([same, *parts]), pd.concat([declined, *tables])
    by_slice = compare(*both, SETTINGS)
    by_table = compare(*both, Settings(metric="ndcg@20", n_bootstrap=2000, family=()))
    assert by_slice["p_holm"].tolist() == by_slice["p_value"].tolist()
    assert by_table["tested"].tolist() == [False, True, True]
    low, high = sorted(by_table.loc[by_table["tested"], "p_value"])
    assert 0 < low < high < 0.5
    found = sorted(by_table.loc[by_table["tested"], "p_holm"])
    assert found == [pytest.approx(2 * low), pytest.approx(max(2 * low, high))]


def test_a_family_of_the_whole_table_asks_for_more_resamples() -> None:
    rng = np.random.default_rng(1)
    parts, tables = [], []
    for name in ("warm", "cold_5"):
        parts.append(user_metrics({("ease", a): rng.random(40) for a in ("none", "mixup")}, name))
        tables.append(chosen([("ease", "none", 0, 0.3), ("ease", "mixup", 1, 0.3)], name))
    both = pd.concat(parts), pd.concat(tables)
    compare(*both, Settings("ndcg@20", n_bootstrap=39, family=("slice",)))
    compare(*both, Settings("ndcg@20", n_bootstrap=20, seeds=(0, 1), family=()))
    with pytest.raises(ParameterError, match=r"0\.05 / 2, .*Raise them to 40 or more"):
        compare(*both, Settings("ndcg@20", n_bootstrap=39, family=()))


def test_resamples_of_all_seeds_are_taken_together() -> None:
    base = np.random.default_rng(0).random(60)
    metrics = user_metrics({("ease", "none"): base, ("ease", "mixup"): base + 0.1})
    table = chosen([("ease", "none", 0, 0.3), ("ease", "mixup", 1, 0.3)])
    one, three = (
        compare(metrics, table, Settings("ndcg@20", 499, seeds)).iloc[0]
        for seeds in ((0,), (0, 1, 2))
    )
    # Sixty users changed alike: no draw of signs reaches as far.
    assert (one["p_value"], three["p_value"]) == pytest.approx((1 / 500, 1 / 1498))
    # The interval takes no resamples, and no seed.
    assert (one["low"], one["high"]) == (three["low"], three["high"])


@pytest.mark.parametrize("n_users", [1, 2, 5, 29])
def test_on_too_few_users_nothing_is_tested(n_users: int) -> None:
    base = np.random.default_rng(0).random(n_users)
    arms = ["none", "gan_new_users", "copies"]
    gains = {"none": 0.0, "gan_new_users": 0.2, "copies": -0.2}
    values = {("ease", arm): base + gains[arm] for arm in arms}
    table = chosen([("ease", arm, float(arm != "none"), 0.3) for arm in arms])
    uplift = compare(user_metrics(values), table, SETTINGS)
    assert uplift.columns.tolist() == COLUMNS
    assert not uplift["tested"].any()
    assert uplift["p_holm"].isna().all()
    assert set(uplift["least_units"]) == {30}
    assert (uplift["low"] < uplift["high"]).all()
    assert decide(uplift, table, 0.05)["verdict"].tolist() == ["undefined"]


def test_a_slice_whose_metric_is_undefined_for_everybody_is_undefined() -> None:
    values = {("ease", arm): np.full(40, np.nan) for arm in ("none", "mixup")}
    table = chosen([("ease", "none", 0.0, 0.3), ("ease", "mixup", 1.0, 0.3)])
    row = compare(user_metrics(values), table, SETTINGS).iloc[0]
    assert (row["n_units"], row["tested"]) == (0, False)
    assert np.isnan(row["p_holm"])


def test_a_slice_too_small_does_not_weaken_the_others_of_a_table() -> None:
    rng = np.random.default_rng(0)
    parts, tables = [], []
    for name, n_users in (("warm", 100), ("cold_5", 5)):
        base = rng.random(n_users)
        better = base + rng.normal(0.02, 0.05, n_users)
        parts.append(user_metrics({("ease", "none"): base, ("ease", "mixup"): better}, name))
        tables.append(chosen([("ease", "none", 0, 0.3), ("ease", "mixup", 1, 0.3)], name))
    settings = Settings("ndcg@20", n_bootstrap=2000, family=())
    uplift = compare(pd.concat(parts), pd.concat(tables), settings).set_index("slice")
    assert uplift["tested"].to_dict() == {"warm": True, "cold_5": False}
    assert uplift.loc["warm", "p_holm"] == uplift.loc["warm", "p_value"]


def test_fewer_may_be_asked_for_and_then_signs_must_be_able_to_tell() -> None:
    # All of n users changed alike: p is (2/3)^n + (1/3)^n, and three at .05 take n of 11.
    arms = ["none", "copies", "popularity", "mixup"]
    settings = Settings("ndcg@20", n_bootstrap=2000, min_units=2)
    table = chosen([("ease", arm, float(arm != "none"), 0.2) for arm in arms])
    for n_users, tested in ((10, False), (11, True)):
        base = np.random.default_rng(0).random(n_users)
        values = {("ease", arm): base + (arm != "none") for arm in arms}
        uplift = compare(user_metrics(values), table, settings)
        assert set(uplift["least_units"]) == {11}
        assert uplift["tested"].all() == tested
        assert (uplift["p_holm"] <= 0.05).all() == tested


def test_too_few_resamples_for_the_family_are_an_error() -> None:
    arms = ["none", "copies", "popularity", "mixup"]
    values = {("ease", arm): np.random.default_rng(1).random(40) for arm in arms}
    table = chosen([("ease", arm, float(arm != "none"), 0.2) for arm in arms])
    with pytest.raises(ParameterError, match="Raise them to 60 or more"):
        compare(user_metrics(values), table, Settings("ndcg@20", n_bootstrap=59))


def test_the_largest_family_is_the_one_that_is_compared() -> None:
    arms = ["copies", "mixup", "gan_new_users", "popularity_completion", "gan_completion"]
    # 1 + 1 + (none, copies, mixup, best) + 1 + (none, popularity_completion, best)
    assert largest_family(["ease"], [*arms, "gan_only"]) == 10
    # Completion does not apply to popularity.
    assert largest_family(["ease", "popularity"], arms) == 10 + 6
    values = {("ease", arm): np.random.default_rng(1).random(9) for arm in ["none", *arms]}
    table = chosen([("ease", arm, float(arm != "none"), 0.2) for arm in ["none", *arms]])
    assert len(compare(user_metrics(values), table, SETTINGS)) == 10


def test_the_least_resamples_are_enough() -> None:
    for comparisons, alpha in [(1, 0.05), (3, 0.05), (74, 0.01)]:
        least = least_resamples(comparisons, alpha)
        assert comparisons / (least + 1) <= alpha < comparisons / (least - 1)


def test_a_metric_that_was_not_measured_is_an_error() -> None:
    metrics = user_metrics({("ease", "none"): np.ones(3)})
    with pytest.raises(InputError, match="no column 'recall@7'; it has ndcg@20"):
        compare(metrics, chosen([("ease", "none", 0, 1)]), Settings("recall@7"))
