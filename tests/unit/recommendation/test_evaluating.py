"""Evaluation end to end on small shops: what is there is found, what is not there is not."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from judging import Settings, compare, decide
from scipy import sparse

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.recommendation import evaluating
from doppelcart.recommendation.completion import popularity_completer
from doppelcart.recommendation.evaluating import evaluate, summarise
from doppelcart.recommendation.grid import expand
from doppelcart.recommendation.grid_search import TuningSettings, choose, tune
from doppelcart.recommenders import RECOMMENDERS

ColdCase = Callable[[Histories, int], Case]
ITEMS = np.array(["a", "b", "c", "d"])


def histories(*rows: list[int]) -> Histories:
    users = np.array([f"u{i}" for i in range(len(rows))])
    return Histories.from_lists([np.array(row, dtype=int) for row in rows], users, ITEMS)


def chosen(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["arm", "recommender", "config", "level"])
    return table.assign(slice="cold_1", value=0.1, n_users=2)


def test_hand_worked_metrics_of_popularity() -> None:
    """Popularity ranks a, b, c, d; the first user knows a, so is shown b, c; the second a, b."""
    train = histories([0, 1, 2, 3], [0, 1, 2], [0, 1], [0])
    case = Case("cold_1", histories([0], [3]), histories([2], [0, 1, 2]))
    users, lists = evaluate(
        train,
        {},
        {},
        {"cold_1": case},
        chosen(("none", "popularity", "{}", 0.0)),
        np.eye(4),
        cutoffs=[1, 2],
    )
    users = users.set_index("user_id")
    half = 1 / np.log2(3)
    assert users["ndcg@2"].tolist() == pytest.approx([half, 1])
    assert users["ndcg@1"].tolist() == [0, 1]
    assert users["recall@2"].tolist() == [1, 1]
    assert users["precision@2"].tolist() == [0.5, 1]
    assert users["map@2"].tolist() == [0.5, 1]
    assert users["hit_rate@1"].tolist() == [0, 1]
    assert users["mrr@2"].tolist() == [0.5, 1]
    assert users["average_popularity@2"].tolist() == pytest.approx([(3 / 4 + 2 / 4) / 2, 7 / 8])
    assert users["diversity@2"].tolist() == [1, 1]
    found = lists.set_index("metric")["value"]
    assert found["coverage@2"] == 3 / 4
    table = summarise(users.reset_index(), lists).set_index("metric")
    assert table.loc["ndcg@2", "value"] == pytest.approx((half + 1) / 2)
    assert table.loc["ndcg@2", ["n_users", "n_undefined"]].tolist() == [2, 0]
    assert table.loc["coverage@2", "value"] == 3 / 4


def test_undefined_values_are_counted_and_synthetic_only_arms_left_out() -> None:
    users = pd.DataFrame(
        {
            "slice": "warm",
            "arm": ["none", "none", "gan_only"],
            "recommender": "ease",
            "user_id": ["u", "v", "u"],
            "ndcg@5": [0.5, np.nan, 0.1],
        }
    )
    lists = pd.DataFrame(
        {"slice": "warm", "arm": "none", "recommender": "ease", "metric": ["gini@5"], "value": 0.3}
    )
    table = summarise(users, lists)
    assert table["arm"].unique().tolist() == ["none"]
    row = table.set_index("metric").loc["ndcg@5"]
    assert row[["value", "n_users", "n_undefined"]].tolist() == [0.5, 1, 1]


def test_an_arm_that_declined_is_none_to_the_last_digit_and_costs_no_fit(
    group_shop: Callable[..., Histories], cold_case: ColdCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    train = group_shop(24, 0)

    class Counting(RECOMMENDERS["ease"]):  # type: ignore[misc, name-defined]
        def _fit(self, train: sparse.csr_matrix) -> None:
            fits.append(train.shape[0])
            super()._fit(train)

    monkeypatch.setitem(evaluating.RECOMMENDERS, "ease", Counting)
    arms = [("none", 0.0), ("copies", 0.0), ("gan_completion", 0.0), ("gan_new_users", 0.5)]
    users, _ = evaluate(
        train,
        {"copies": train, "gan": group_shop(24, 2)},
        {"gan_completion": lambda seen: pytest.fail("no completion is needed at strength 0")},
        {"cold_1": cold_case(group_shop(40, 1), 1)},
        chosen(*[(arm, "ease", '{"l2":5.0}', level) for arm, level in arms]),
        np.eye(train.n_items),
        cutoffs=[5],
    )
    assert fits == [24, 36]
    by_arm = {arm: rows["ndcg@5"].tolist() for arm, rows in users.groupby("arm")}
    assert by_arm["copies"] == by_arm["none"] == by_arm["gan_completion"]
    assert by_arm["gan_new_users"] != by_arm["none"]


def test_a_slice_that_was_not_tuned_or_has_no_test_user_is_an_error() -> None:
    train = histories([0, 1], [1, 2])
    case = Case("warm", histories([0]), histories([1]))
    with pytest.raises(InputError, match=r"tuned \(cold_1\)"):
        evaluate(
            train,
            {},
            {},
            {"warm": case},
            chosen(("none", "popularity", "{}", 0.0)),
            np.eye(4),
            cutoffs=[2],
        )


def whole_experiment(
    group_shop: Callable[..., Histories], cold_case: ColdCase, noise: bool, seed: int
) -> pd.DataFrame:
    """Judge a generator that knows each user's group, on a shop with groups or without."""
    train = group_shop(32, seed, noise)
    n_items = train.n_items
    groups = np.arange(n_items) % 4

    def oracle(seen: Histories) -> Iterator[np.ndarray]:
        own = np.array([int(user.split("-")[1]) % 4 for user in seen.user_ids])
        yield np.where(groups[None, :] == own[:, None], 0.8, 0.0)

    def guess(seen: Histories) -> Iterator[np.ndarray]:
        yield np.random.default_rng(0).random((seen.n_users, seen.n_items)) / 2

    completers = {
        "popularity_completion": popularity_completer(train),
        "denoiser_completion": guess,
        "vae_completion": guess,
        "gan_completion": oracle,
    }
    synthetic = {
        "copies": train,
        "popularity": group_shop(32, seed + 1, noise=True),
        "mixup": group_shop(32, seed + 2, noise=True),
        "denoiser": group_shop(32, seed + 3, noise=True),
        "vae": group_shop(32, seed + 7, noise=True),
        "gan": group_shop(32, seed + 4, noise),
    }
    configs = {
        "popularity": expand("popularity", {}),
        "ease": expand("ease", {"l2": [3.0, 30.0], "centred": [False, True]}),
    }
    arms = [
        "copies",
        "popularity",
        "mixup",
        "denoiser_new_users",
        "vae_new_users",
        "gan_new_users",
        *completers,
    ]
    settings = TuningSettings(configs, arms, [0.5, 1.0], [0.1, 1.0], k=10)
    validation = {"cold_1": cold_case(group_shop(200, seed + 5, noise), 1)}
    test = {"cold_1": cold_case(group_shop(300, seed + 6, noise), 1)}
    picked = choose(tune(train, synthetic, completers, validation, settings))
    users, _ = evaluate(train, synthetic, completers, test, picked, np.eye(n_items), [10])
    uplift = compare(users, picked, Settings("ndcg@10", 4000))
    return decide(uplift, picked, 0.05).set_index(["recommender", "arm"])


def test_a_planted_uplift_is_found_and_wins(
    group_shop: Callable[..., Histories], cold_case: ColdCase
) -> None:
    verdict = whole_experiment(group_shop, cold_case, noise=False, seed=10)
    row = verdict.loc["ease", "gan_completion"]
    assert row["verdict"] == "helps"
    assert row["win"]
    assert row["promoted"]
    assert row["relative_low"] > 0


@pytest.mark.parametrize("seed", [20, 40, 60])
def test_pure_noise_yields_no_win(
    group_shop: Callable[..., Histories], cold_case: ColdCase, seed: int
) -> None:
    verdict = whole_experiment(group_shop, cold_case, noise=True, seed=seed)
    assert not verdict["win"].any()
    assert not verdict["promoted"].any()
