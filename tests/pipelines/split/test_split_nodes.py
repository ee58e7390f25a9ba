from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from doppelcart.columns import Tables
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.schemas import SCHEMAS
from doppelcart.errors import InputError
from doppelcart.pipelines.split.nodes import (
    build_cases,
    build_train_histories,
    draw_users,
    split_interactions,
    time_bounds,
)
from doppelcart.pipelines.split.params import SplitParams

SCHEMA = ibis.schema(SCHEMAS[Tables.INTERACTIONS])
START = pd.Timestamp("2024-01-01")


def lines(rows: list[tuple[str, str, float]], **more: Any) -> ibis.Table:
    """Interactions of user, item and day."""
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "day"])
    frame["timestamp"] = START + pd.to_timedelta(frame.pop("day"), unit="D")
    frame = frame.assign(quantity=1.0, amount=1.0, basket_id="b").reindex(columns=list(SCHEMA))
    return ibis.memtable(frame, schema=SCHEMA).mutate(**more)


def history(case: Case, part: str, user: str) -> list[str]:
    histories: Histories = getattr(case, part)
    row = histories.user_ids.tolist().index(user)
    return histories.item_ids[histories.of(row)].tolist()


def shop(n_users: int = 20, n_days: int = 50) -> ibis.Table:
    return lines(
        [
            (f"u{user:02d}", f"i{(user + day) % 7}", day)
            for user in range(n_users)
            for day in range(n_days)
        ]
    )


def test_the_windows_begin_at_the_moment_of_a_line() -> None:
    rows = [("u", "a", float(day)) for day in range(10)]
    first, second = time_bounds(lines(rows), SplitParams(validation_from=0.8, test_from=0.9))
    assert first == START + pd.Timedelta(days=8)
    assert second == START + pd.Timedelta(days=9)


def test_lines_of_one_moment_all_count() -> None:
    days = [1.0] * 3 + [2.0] * 5 + [3.0] * 4 + [4.0] * 8
    first, second = time_bounds(
        lines([("u", "a", day) for day in reversed(days)]),
        SplitParams(validation_from=0.4, test_from=0.6),
    )
    # the lines number 8 and 12 of the 20 in order of time, counted from 0
    assert first == START + pd.Timedelta(days=3)
    assert second == START + pd.Timedelta(days=4)


@pytest.mark.parametrize("days", [[1.0] * 10, [1.0] * 9 + [2.0], [1.0, *[2.0] * 9]])
def test_time_that_cannot_be_cut_is_refused(days: list[float]) -> None:
    with pytest.raises(InputError, match="cannot be split by time"):
        time_bounds(lines([("u", "a", day) for day in days]), SplitParams())


def test_users_are_drawn_by_seed_and_not_by_order_of_rows() -> None:
    rows = [(f"u{user}", "a", 1.0) for user in range(30)]
    first = draw_users(lines(rows), SplitParams(seed=3))
    assert first["part"].value_counts().to_dict() == {"train": 18, "validation": 6, "test": 6}
    pd.testing.assert_frame_equal(first, draw_users(lines(rows[::-1] * 2), SplitParams(seed=3)))
    assert not first.equals(draw_users(lines(rows), SplitParams(seed=4)))


def test_too_few_users_are_refused() -> None:
    with pytest.raises(InputError, match="2 users are too few"):
        draw_users(lines([("u", "a", 1.0), ("v", "a", 1.0)]), SplitParams())


def test_every_line_is_in_one_part_and_training_sees_neither_later_nor_held_out() -> None:
    data = shop()
    params = SplitParams(seed=1)
    train, validation, test, summary = split_interactions(data, params)
    frames = [table.to_pandas() for table in (train, validation, test)]
    everything = pd.concat([frame[["user_id", "item_id", "timestamp"]] for frame in frames])
    original = data.to_pandas()[["user_id", "item_id", "timestamp"]]
    order = ["user_id", "timestamp"]
    pd.testing.assert_frame_equal(
        everything.sort_values(order, ignore_index=True),
        original.sort_values(order, ignore_index=True),
    )
    users = draw_users(data, params).set_index("part")["user_id"]
    first, second = (pd.Timestamp(summary[f"{part}_from"]) for part in ("validation", "test"))
    assert set(frames[0]["user_id"]) == set(users["train"])
    assert frames[0]["timestamp"].max() < first
    for frame, part, start, stop in (
        (frames[1], "validation", first, second),
        (frames[2], "test", second, pd.Timestamp.max),
    ):
        cold = frame[frame["protocol"] == "cold"]
        warm = frame[frame["protocol"] == "warm"]
        assert set(cold["user_id"]) == set(users[part])
        assert cold["timestamp"].min() == START
        assert set(warm["user_id"]) == set(users["train"])
        assert warm["timestamp"].min() >= start
        assert warm["timestamp"].max() < stop
    assert sum(summary["rows"].values()) == len(original)


# Training knows a, b, c, d; e and f are bought elsewhere only.
TRAIN = [("t1", "a", 1), ("t1", "b", 2), ("t1", "a", 3), ("t2", "c", 1), ("t2", "d", 2)]
WARM_1 = [("t1", "a", 10), ("t1", "c", 12), ("t1", "e", 11), ("t2", "c", 10)]
WARM_2 = [("t1", "c", 20), ("t1", "d", 21), ("t2", "f", 20), ("t2", "a", 22), ("t2", "b", 21)]
COLD = [
    ("v1", "d", 1),
    ("v1", "e", 2),
    ("v1", "b", 3),
    ("v1", "d", 4),
    ("v1", "a", 5),
    ("v2", "c", 9),
    ("v3", "e", 1),
]


def cases(**params: Any) -> tuple[dict[str, Case], dict[str, Case], dict[str, Any]]:
    parts = [
        lines(warm, protocol=ibis.literal("warm")).union(lines(COLD, protocol=ibis.literal("cold")))
        for warm in (WARM_1, WARM_2)
    ]
    chosen = SplitParams(**{"known_items": (0, 1, 2), "known_shares": (0.5,), **params})
    return build_cases(build_train_histories(lines(TRAIN)), *parts, {"seen": "before"}, chosen)


def test_training_histories_are_first_purchases_in_time_order() -> None:
    histories = build_train_histories(lines([*TRAIN, ("t2", "b", 0)]))
    assert histories.item_ids.tolist() == ["a", "b", "c", "d"]
    assert [histories.of(row).tolist() for row in range(2)] == [[0, 1], [1, 2, 3]]


def test_training_histories_are_those_of_the_general_constructor() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"u{rng.integers(20)}", f"i{rng.integers(30)}", float(rng.integers(50)))
        for _ in range(400)
    ]
    mine = build_train_histories(lines(rows))
    general = Histories.from_interactions(lines(rows).to_pandas())
    for name in ("user_ids", "item_ids", "indptr", "items"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(general, name))


def test_warm_cases_hold_what_is_new_and_see_all_that_came_before() -> None:
    validation, test, _ = cases()
    # t2 buys nothing new in the first window; e is outside the catalogue.
    assert validation["warm"].user_ids.tolist() == ["t1"]
    assert history(validation["warm"], "seen", "t1") == ["a", "b"]
    assert history(validation["warm"], "relevant", "t1") == ["c"]
    # c was bought in the validation window, so it is known at test time.
    assert history(test["warm"], "seen", "t1") == ["a", "b", "c"]
    assert history(test["warm"], "relevant", "t1") == ["d"]
    assert history(test["warm"], "seen", "t2") == ["c", "d"]
    assert history(test["warm"], "relevant", "t2") == ["b", "a"]


def test_cold_cases_reveal_the_first_known_items() -> None:
    validation, _, _ = cases()
    # In time order v1 bought d, b, a of the catalogue, and v2 c; v3 nothing of it.
    assert validation["cold_0"].user_ids.tolist() == ["v1", "v2"]
    assert history(validation["cold_0"], "seen", "v1") == []
    assert history(validation["cold_0"], "relevant", "v1") == ["d", "b", "a"]
    assert validation["cold_1"].user_ids.tolist() == ["v1"]
    assert history(validation["cold_2"], "seen", "v1") == ["d", "b"]
    assert history(validation["cold_2"], "relevant", "v1") == ["a"]
    # Half of three items is one, and half of one is none.
    assert history(validation["cold_50pct"], "seen", "v1") == ["d"]
    assert history(validation["cold_50pct"], "relevant", "v2") == ["c"]


def test_the_summary_counts_what_no_recommender_could_find() -> None:
    _, _, summary = cases(known_items=(0, 20))
    assert summary["seen"] == "before"
    assert summary["catalogue"] == 4
    # e of t1, v1 and v3; f of t2 besides, later.
    assert summary["pairs_outside_catalogue"] == {"validation": 3, "test": 3}
    assert summary["cases_without_users"] == {"validation": ["cold_20"], "test": ["cold_20"]}
    assert summary["case_users"]["test"] == {"warm": 2, "cold_0": 2, "cold_50pct": 2}


def test_warm_users_are_sampled_by_seed() -> None:
    _, test, _ = cases(max_warm_users=1)
    assert test["warm"].n_users == 1
    assert test["warm"].user_ids.tolist() == cases(max_warm_users=1)[1]["warm"].user_ids.tolist()


def test_nothing_is_seen_and_relevant_at_once() -> None:
    train, validation, test, summary = split_interactions(shop(), SplitParams(seed=1))
    parts = build_cases(build_train_histories(train), validation, test, summary, SplitParams())
    for part in parts[:2]:
        for case in part.values():
            assert case.seen.matrix.multiply(case.relevant.matrix).nnz == 0
            assert case.relevant.lengths.min() > 0


def test_training_on_one_item_is_refused() -> None:
    with pytest.raises(InputError, match="2 users and 1 items"):
        build_train_histories(lines([("t1", "a", 1), ("t2", "a", 2)]))


@pytest.mark.parametrize(
    "params",
    [
        {"validation_user_share": 0.5, "test_user_share": 0.5},
        {"validation_from": 0.9, "test_from": 0.8},
        {"known_items": [1, 1]},
        {"known_items": [-1]},
        {"known_shares": [1.0]},
        {"max_warm_users": 0},
        {"sedd": 1},
    ],
)
def test_parameters_that_contradict_each_other_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SplitParams(**params)


def test_slices_without_users_are_told_with_what_decides_of_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Three items: to nobody can three be shown and a further one be left to find.
    rows = lines(
        [(f"u{user:02d}", f"i{(user + d) % 3}", d) for user in range(20) for d in range(9)]
    )
    params = SplitParams(known_items=(0, 2, 3))
    train, validation, test, summary = split_interactions(rows, params)
    build_cases(build_train_histories(train), validation, test, summary, params)
    for part in ("validation", "test"):
        told = f"no {part} user is left for warm, cold_3, which every comparison goes without"
        assert told in caplog.text
    assert "cold_2" not in caplog.text
