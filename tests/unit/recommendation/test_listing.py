from collections.abc import Callable

import numpy as np
import pytest

from doppelcart.data.histories import Histories
from doppelcart.recommendation.listing import System, top_items

USERS = Histories.from_lists(
    [np.array([0, 1]), np.array([0, 1, 2]), np.array([0]), np.array([1, 2, 3])],
    np.array(["a", "b", "c", "d"]),
    np.array(["bread", "butter", "jam", "salt"]),
)


def system(**changes: object) -> System:
    given = {
        "recommender": "popularity", "arm": "none", "level": 0.0, "config": "{}",
        "group": "warm", "promoted": False,
    }  # fmt: skip
    return System.model_validate(given | changes)


def lists(*args: object, **kwargs: object) -> dict[str, list[str]]:
    table = top_items(*args, **kwargs)  # type: ignore[arg-type]
    return {
        user: rows.sort_values("rank")["item_id"].tolist()
        for user, rows in table.groupby("user_id")
    }


def test_what_is_popular_and_not_bought_comes_in_its_order() -> None:
    # bread and butter were bought by three, jam by two, salt by one
    found = lists(system(), USERS, {}, None, k=2, n_judged=4)
    assert found == {"a": ["jam", "salt"], "b": ["salt"], "c": ["butter", "jam"], "d": ["bread"]}


def test_ranks_begin_at_one_and_scores_fall() -> None:
    table = top_items(system(), USERS, {}, None, k=3, n_judged=4)
    one = table[table["user_id"] == "c"]
    assert one["rank"].tolist() == [1, 2, 3]
    assert one["score"].tolist() == [3.0, 2.0, 1.0]


def test_synthetic_users_are_added_as_when_they_were_judged() -> None:
    salty = Histories.from_lists([np.array([3])] * 8, np.arange(8), USERS.item_ids)
    given = system(arm="gan_new_users", level=1.0, promoted=True)
    assert lists(given, USERS, {"gan": salty}, None, k=1, n_judged=1)["c"] == ["butter"]
    assert lists(given, USERS, {"gan": salty}, None, k=1, n_judged=8)["c"] == ["salt"]
    unused = system(arm="gan_new_users", level=0.0)
    assert lists(unused, USERS, {"gan": salty}, None, k=1, n_judged=8)["c"] == ["butter"]


def test_completions_change_what_is_scored_and_hide_nothing(
    group_shop: Callable[..., Histories],
) -> None:
    shop = group_shop(40, 0)

    def completer(seen: Histories):
        share = np.full((seen.n_users, seen.n_items), 0.0, dtype=np.float32)
        share[:, :5] = 0.9
        yield share

    given = {"recommender": "itemknn", "config": '{"shrink": 0.0}'}
    plain = top_items(system(**given), shop, {}, None, k=5, n_judged=40)
    with_completion = top_items(
        system(**given, arm="gan_completion", level=1.0), shop, {}, completer, k=5, n_judged=40
    )
    assert not plain["score"].equals(with_completion["score"])
    bought = {(user, item) for row, user in enumerate(shop.user_ids)
              for item in shop.item_ids[shop.of(row)]}  # fmt: skip
    listed = set(zip(with_completion["user_id"], with_completion["item_id"], strict=True))
    assert not listed & bought


def test_a_recommender_that_is_none_is_refused() -> None:
    with pytest.raises(KeyError, match="oracle"):
        top_items(system(recommender="oracle"), USERS, {}, None, k=1, n_judged=4)
