from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case, sample_case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.recommendation.grid import expand
from doppelcart.recommendation.grid_search import (
    TuningSettings,
    _order,
    choose,
    tune,
    tune_by_user,
)

ColdCase = Callable[[Histories, int], Case]

L2 = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0]


def settings(**changes: object) -> TuningSettings:
    given: dict[str, object] = {
        "configs": {"ease": expand("ease", {"l2": [10.0]})},
        "arms": [],
        "ratios": [1.0],
        "strengths": [0.5],
        "k": 5,
    }
    return TuningSettings(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("n_users", [24, 120])
def test_copies_are_ease_with_its_penalty_halved(
    group_shop: Callable[..., Histories], cold_case: ColdCase, centred: bool, n_users: int
) -> None:
    """Doubling all users doubles X'X, so l2 = 2x with copies is l2 = x without; both forms."""
    train = group_shop(n_users, 0)
    case = cold_case(group_shop(200, 1), 2)
    configs = expand("ease", {"l2": [1.5, 3.0, 6.0], "centred": [centred]})
    scores = tune(
        train,
        {"copies": train},
        {},
        {"cold_2": case},
        settings(configs={"ease": configs}, arms=["copies"], k=20),
    )
    value = scores.set_index(["arm", "level", "config"])["value"]
    plain, at_double = configs[0].model_dump_json(), configs[1].model_dump_json()
    assert value["copies", 1.0, at_double] == pytest.approx(value["none", 0.0, plain], abs=5e-5)
    assert abs(value["none", 0.0, at_double] - value["none", 0.0, plain]) > 1e-3


def test_every_arm_has_the_whole_grid_and_zero_in_it(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    train = group_shop(24, 0)
    configs = {
        "popularity": expand("popularity", {}),
        "puresvd": expand("puresvd", {"rank": [2, 4]}),
    }
    scores = tune(
        train,
        {"copies": train, "gan": group_shop(24, 2)},
        {"gan_completion": lambda seen: iter([np.full((seen.n_users, seen.n_items), 0.1)])},
        {"cold_0": cold_case(group_shop(30, 1), 0), "cold_2": cold_case(group_shop(30, 1), 2)},
        settings(
            configs=configs,
            arms=["copies", "gan_completion", "gan_only"],
            ratios=[0.5, 1.0],
            strengths=[0.1, 0.3, 1.0],
            synthetic_only_slices=["cold_2"],
        ),
    )
    sizes = scores.groupby(["arm", "recommender", "slice"]).size().to_dict()
    for name in ("cold_0", "cold_2"):
        assert sizes["none", "puresvd", name] == 2
        assert sizes["copies", "puresvd", name] == 2 * 3
        assert sizes["copies", "popularity", name] == 3
        assert sizes["gan_completion", "puresvd", name] == 2 * 4
        assert ("gan_completion", "popularity", name) not in sizes
    assert sizes["gan_only", "puresvd", "cold_2"] == 2
    assert ("gan_only", "puresvd", "cold_0") not in sizes
    columns = ["recommender", "slice", "config", "value"]
    at_zero = scores[(scores["level"] == 0) & (scores["arm"] == "copies")][columns]
    none = scores[scores["arm"] == "none"][columns]
    pd.testing.assert_frame_equal(
        at_zero.reset_index(drop=True), none.reset_index(drop=True), check_exact=True
    )


def test_slices_are_kept_apart_however_they_are_scored(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    train, held_out = group_shop(24, 0), group_shop(30, 1)
    cases = {f"cold_{k}": cold_case(held_out, k) for k in (1, 3)}
    together = tune(train, {}, {}, cases, settings())
    for name in cases:
        alone = tune(train, {}, {}, {name: cases[name]}, settings())
        assert together.set_index("slice")["value"][name] == pytest.approx(alone["value"].item())


def test_scores_of_users_are_what_the_means_are_made_of(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    train, case = group_shop(24, 0), cold_case(group_shop(30, 1), 2)
    scores, users = tune_by_user(
        train,
        {"gan": group_shop(24, 2)},
        {"gan_completion": lambda seen: iter([np.full((seen.n_users, seen.n_items), 0.1)])},
        {"cold_2": case, "cold_0": cold_case(group_shop(30, 1), 0)},
        settings(
            arms=["gan_completion", "gan_only"], synthetic_only_slices=["cold_2"], max_users=20
        ),
    )
    assert set(users["arm"]) == {"none", "gan_only"}
    assert set(users["slice"]) == {"cold_2"}
    assert set(users["user_id"]) <= set(case.user_ids)
    assert users.groupby("arm")["user_id"].nunique().tolist() == [20, 20]
    keys = ["slice", "recommender", "config", "arm"]
    means = users.groupby(keys)["value"].mean()
    expected = scores.set_index(keys)["value"]
    pd.testing.assert_series_equal(means, expected.loc[means.index])


def test_workers_change_nothing(group_shop: Callable[..., Histories], cold_case: ColdCase) -> None:
    train, case = group_shop(24, 0), cold_case(group_shop(60, 1), 2)
    configs = {
        "ease": expand("ease", {"l2": [5.0, 50.0]}),
        "ials": expand("ials", {"factors": [8]}),
    }
    one, three = (
        tune(
            train,
            {"copies": train},
            {},
            {"cold_2": case},
            settings(configs=configs, arms=["copies"], workers=workers),
        )
        for workers in (1, 3)
    )
    pd.testing.assert_frame_equal(one, three, check_exact=True)


def test_no_more_validation_users_than_asked_for_and_always_the_same(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    case = cold_case(group_shop(30, 1), 2)
    drawn = sample_case(case, 10, seed=3)
    assert drawn.n_users == 10
    assert len(set(drawn.user_ids)) == 10
    assert drawn.user_ids.tolist() == sample_case(case, 10, seed=3).user_ids.tolist()
    assert drawn.user_ids.tolist() != sample_case(case, 10, seed=4).user_ids.tolist()
    row = case.user_ids.tolist().index(drawn.user_ids[0])
    assert drawn.seen.of(0).tolist() == case.seen.of(row).tolist()
    assert sample_case(case, 30, seed=3) is case


def test_cases_without_users_are_passed_over_and_none_left_is_an_error(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    train, empty = group_shop(24, 0), cold_case(group_shop(0, 1), 2)
    full = cold_case(group_shop(9, 1), 1)
    scores = tune(train, {}, {}, {"cold_2": empty, "cold_1": full}, settings())
    assert scores["slice"].unique().tolist() == ["cold_1"]
    with pytest.raises(InputError, match="None of the 1 validation cases"):
        tune(train, {}, {}, {"cold_2": empty}, settings())


def shop_of_two_slices(
    group_shop: Callable[..., Histories], cold_case: ColdCase, **changes: object
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A search on 60 users of two slices, with completion and without."""
    held_out = group_shop(60, 1)
    return tune_by_user(
        group_shop(24, 0),
        {"gan": group_shop(24, 2)},
        {"gan_completion": lambda seen: iter([np.full((seen.n_users, seen.n_items), 0.1)])},
        {"cold_1": cold_case(held_out, 1), "cold_3": cold_case(held_out, 3)},
        settings(
            configs={
                "ease": expand("ease", {"l2": L2, "centred": [False, True]}),
                "puresvd": expand("puresvd", {"rank": [2, 4]}),
            },
            arms=["gan_new_users", "gan_completion", "gan_only"],
            strengths=[0.3, 1.0],
            synthetic_only_slices=["cold_3"],
            **changes,
        ),
    )


def test_finalists_are_the_best_of_the_first_round_and_are_scored_on_all(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    rounds, _ = shop_of_two_slices(group_shop, cold_case, first_users=20, finalists=0.25)
    whole, _ = shop_of_two_slices(group_shop, cold_case)
    keys = ["arm", "recommender", "slice", "config", "level"]
    assert rounds[keys].equals(whole[keys])
    assert whole["finalist"].all()
    assert set(whole["n_users"]) == {60}
    last = rounds["finalist"].to_numpy()
    assert (rounds["n_users"] == np.where(last, 60, 20)).all()
    np.testing.assert_allclose(rounds["value"][last], whole["value"][last])
    assert not np.allclose(rounds["value"][~last], whole["value"][~last])

    one = rounds[(rounds["slice"] == "cold_1") & (rounds["recommender"] == "ease")]
    assert one[one["arm"] == "none"]["finalist"].sum() == 3
    completed = one[(one["arm"] == "gan_completion") & (one["level"] > 0)]
    assert completed["finalist"].sum() == 6
    few = rounds[(rounds["slice"] == "cold_1") & (rounds["recommender"] == "puresvd")]
    assert few[few["arm"] == "none"]["finalist"].all(), "two go on at the least"


def test_what_ranks_configurations_is_scored_whole(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    scores, users = shop_of_two_slices(group_shop, cold_case, first_users=20, finalists=0.25)
    ranked = scores[scores["slice"].eq("cold_3") & scores["arm"].isin(["none", "gan_only"])]
    assert ranked["finalist"].all()
    assert users["value"].notna().all()
    assert not scores[scores["slice"].eq("cold_1") & scores["arm"].eq("none")]["finalist"].all()


def test_the_first_round_is_decided_by_its_own_users(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    """Scores on the first users alone, searched as a shop of its own, choose the finalists."""
    rounds, _ = shop_of_two_slices(group_shop, cold_case, first_users=20, finalists=0.25)
    none = rounds[
        rounds["slice"].eq("cold_1") & rounds["arm"].eq("none") & rounds["recommender"].eq("ease")
    ]
    case = cold_case(group_shop(60, 1), 1)
    first = case.select(np.sort(_order("cold_1", 60, 0)[:20]))
    alone = tune(
        group_shop(24, 0),
        {},
        {},
        {"cold_1": first},
        settings(configs={"ease": expand("ease", {"l2": L2, "centred": [False, True]})}),
    )
    dropped = ~none["finalist"].to_numpy()
    np.testing.assert_allclose(alone["value"][dropped], none["value"][dropped])
    assert alone["value"][~dropped].min() >= alone["value"][dropped].max()


def test_too_few_synthetic_users_stop_the_tuning_before_it_starts(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    train = group_shop(24, 0)
    with pytest.raises(InputError, match="synthetic_gan holds 5 users, 24 are needed"):
        tune(
            train,
            {"gan": group_shop(5, 2)},
            {},
            {"cold_1": cold_case(train, 1)},
            settings(arms=["gan_new_users"]),
        )


def scores_of(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["arm", "config", "level", "value"]).assign(
        recommender="ease", slice="warm", n_users=9, finalist=True
    )


def test_the_best_is_chosen_and_ties_go_to_the_smaller_level_then_to_grid_order() -> None:
    chosen = choose(
        scores_of(
            ("none", "A", 0, 0.30),
            ("none", "B", 0, 0.30),
            ("copies", "A", 0, 0.30),
            ("copies", "B", 0, 0.30),
            ("copies", "B", 1, 0.30),
            ("gan_new_users", "A", 0, 0.30),
            ("gan_new_users", "B", 1, 0.31),
        )
    ).set_index("arm")
    assert chosen.loc["none", ["config", "level"]].tolist() == ["A", 0]
    assert chosen.loc["copies", ["config", "level"]].tolist() == ["A", 0]
    assert chosen.loc["gan_new_users", ["config", "level", "value"]].tolist() == ["B", 1, 0.31]


def test_what_did_not_reach_the_last_round_is_not_chosen() -> None:
    scores = scores_of(("none", "A", 0, 0.9), ("none", "B", 0, 0.1))
    scores["finalist"] = [False, True]
    assert choose(scores)["config"].tolist() == ["B"]


def test_an_undefined_value_never_wins() -> None:
    chosen = choose(scores_of(("none", "A", 0, np.nan), ("none", "B", 0, 0.1)))
    assert chosen["config"].tolist() == ["B"]
