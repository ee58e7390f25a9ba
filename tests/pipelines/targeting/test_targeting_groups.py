"""Customers of a segment and everybody else, and who decides for whom."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.pipelines.targeting.groups import Group, deciding, divide
from doppelcart.pipelines.targeting.segments import Segment


@pytest.fixture
def case(make) -> Case:
    users = make(6, 1)
    return Case("cold_2", users.first(2), users.rest(2))


def old(ages: list[str | None]) -> tuple[dict[str, pd.DataFrame], Segment]:
    segment = Segment("old", "named", "", "age", frozenset(["old"]))
    return {"cold_2": pd.DataFrame({"age": ages})}, segment


def test_a_slice_is_parted_in_two(case):
    traits, segment = old(["old", "young", None, "old", "young", "young"])
    groups = divide({"cold_2": case}, traits, [segment])
    inside, others = (Group("cold_2", "old", who) for who in ("segment", "others"))
    assert groups[inside].user_ids.tolist() == ["1-0", "1-3"]
    assert groups[others].user_ids.tolist() == ["1-1", "1-2", "1-4", "1-5"]
    np.testing.assert_array_equal(groups[inside].relevant.of(1), case.relevant.of(3))
    assert inside.key == "cold_2 / old / segment"


def test_a_part_without_customers_is_left_out(case):
    traits, segment = old(["young"] * 6)
    (group,) = divide({"cold_2": case}, traits, [segment])
    assert group.customers == "others"


@pytest.mark.parametrize(("least", "own"), [(2, True), (3, False)])
def test_few_validation_users_leave_the_choice_to_all(case, least, own):
    traits, segment = old(["old", "young", None, "old", "young", "young"])
    groups = divide({"cold_2": case}, traits, [segment])
    chosen = deciding(groups, {"cold_2": case}, least)
    assert chosen[Group("cold_2", "old", "segment")].n_users == (2 if own else 6)
    assert chosen[Group("cold_2", "old", "others")].n_users == 4


def test_all_choose_for_a_segment_without_validation_users(case):
    traits, segment = old(["young"] * 6)
    groups = divide({"cold_2": case}, traits, [segment])
    assert deciding(groups, {"cold_2": case}, 1)[Group("cold_2", "old", "segment")] is case
