"""Nodes: where users began, whose profiles are used, and what the tables say."""

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import ParameterError
from doppelcart.experiment.families import least_resamples
from doppelcart.pipelines.augmentation.params import AugmentationParams
from doppelcart.pipelines.evaluation.params import EvaluationParams
from doppelcart.pipelines.targeting import nodes
from doppelcart.pipelines.targeting.groups import Group
from doppelcart.pipelines.targeting.params import ExperimentParams, NamedValues, SegmentsParams

PARAMS = ExperimentParams(slices=("cold_2",), min_validation_users=2, min_test_users=3)
IN_B = SegmentsParams(
    rare_values=None,
    tail_buyers=None,
    new_stores=None,
    named={"b": NamedValues(column="store_id", values=("b",))},
)

EVALUATION = EvaluationParams(grids={"ease": {"l2": [1.0]}})


def find(train, began, users, params=IN_B, evaluation=EVALUATION, experiment=PARAMS):
    return nodes.find_segments(train, began, users, params, evaluation, experiment)


def lines(*rows: tuple[str, str, str, str]):
    columns = ["user_id", "timestamp", "store_id", "protocol"]
    table = pd.DataFrame(rows, columns=columns)
    return ibis.memtable(table.assign(timestamp=pd.to_datetime(table["timestamp"])))


@pytest.fixture
def users():
    return ibis.memtable(pd.DataFrame({"user_id": ["0-0", "0-1"], "age": ["old", "young"]}))


def test_a_user_began_where_the_first_line_is():
    first = lines(("u", "2020-01-02", "late", "warm"), ("u", "2020-01-01", "early", "warm"),
                  ("v", "2020-01-01", "b", "warm"), ("v", "2020-01-01", "a", "warm"))  # fmt: skip
    second = lines(("w", "2021-01-01", "c", "cold"))
    assert nodes.first_stores(first, second).to_dict() == {"u": "early", "v": "a", "w": "c"}


def test_members_are_rows_of_training_users(make, users):
    train = make(3, 0)
    began = lines(*((f"0-{user}", "2020-01-01", "ab"[user % 2], "warm") for user in range(3)))
    (segment,), members = find(train, began, users)
    assert segment.name == "b"
    assert members["b"].tolist() == [1]


@pytest.mark.parametrize(
    ("family", "least"),
    # 3 segments, 2 recommenders, 7 comparisons inside and 4 of the others; then of 2 slices
    [("slice", 3 * 2 * 11), ("table", 2 * 3 * 2 * 11)],
)
def test_more_segments_than_resamples_can_judge_are_refused_when_found(
    make, users, family: str, least: int
):
    train = make(3, 0)
    began = lines(*((f"0-{user}", "2020-01-01", "abc"[user], "warm") for user in range(3)))
    named = {name: NamedValues(column="store_id", values=(name,)) for name in "abc"}
    params = IN_B.model_copy(update={"named": named})
    experiment = ExperimentParams(slices=("cold_2", "warm"), recommenders=("ease", "ials"))
    needed = least_resamples(least, 0.05)
    fine = EVALUATION.model_copy(update={"family": family, "n_bootstrap": needed, "n_seeds": 1})
    assert len(find(train, began, users, params, fine, experiment)[0]) == 3
    few = fine.model_copy(update={"n_bootstrap": needed - 1})
    with pytest.raises(ParameterError, match=f"Raise them to {needed} or more"):
        find(train, began, users, params, few, experiment)


def test_only_lines_of_new_customers_and_of_training_tell_where_somebody_began(make, users):
    train, new = make(4, 0), make(4, 1)
    began = lines(*((name, "2020-01-01", "b", "warm") for name in train.user_ids))
    segments, _ = find(train, began, users)
    case = Case("cold_2", new.first(2), new.rest(2))
    held_out = lines(
        ("1-0", "2020-01-01", "b", "cold"),
        ("1-1", "2020-01-01", "a", "cold"),
        ("1-1", "2020-02-01", "b", "cold"),
        ("1-2", "2020-01-01", "b", "warm"),
    )
    trained = lines(("1-3", "2020-01-01", "b", "warm"))
    groups = nodes.group_customers(
        segments, {"cold_2": case, "warm": case}, train, trained, held_out, users, IN_B, PARAMS
    )
    assert {group.slice for group in groups} == {"cold_2"}
    found = groups[Group("cold_2", "b", "segment")]
    assert found.user_ids.tolist() == ["1-0", "1-3"]


def test_users_are_generated_of_the_segments_profiles(shop, generator):
    """Behaviour tells the half of the catalogue; even users are of the first, odd of the second."""
    train: Histories = shop["train_histories"]
    params = PARAMS.model_copy(update={"ratios": (0.0, 0.5)})
    sets = nodes.invent_for_segments(
        {"odd": np.arange(1, 40, 2)},
        train,
        shop["profile_matrix"],
        shop["demographics_matrix"],
        AugmentationParams(profile_jitter=0.0),
        params,
        gan=generator,
    )
    assert list(sets) == ["odd/gan", "odd/copies"]
    for made in sets.values():
        assert made.n_users == 20
        assert (made.items >= 6).mean() > 0.75
    asked = np.concatenate([fed["demographics"].ravel() for fed in generator.asked])
    assert set(asked) == set(np.arange(1.0, 40, 2))


def test_the_table_says_who_chooses_and_who_is_tested(make, users):
    train, new = make(4, 0), make(5, 1)
    began = lines(*((name, "2020-01-01", "b", "warm") for name in train.user_ids))
    segments, members = find(train, began, users)
    case = Case("cold_2", new.first(2), new.rest(2))
    inside = Group("cold_2", "b", "segment")
    table = nodes.describe_segments(
        segments, members, {inside: case.select(np.arange(2))}, {inside: case}, PARAMS
    )
    (row,) = table.to_dict("records")
    assert (row["train_users"], row["validation_users"], row["test_users"]) == (4, 2, 5)
    assert (row["chosen_by"], row["tested"], row["reason"]) == ("segment", True, "store_id is b")
    empty = nodes.describe_segments(segments, members, {}, {}, PARAMS).iloc[0]
    assert (empty["chosen_by"], empty["tested"], empty["test_users"]) == ("all", False, 0)
