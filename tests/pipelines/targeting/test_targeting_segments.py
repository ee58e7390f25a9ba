"""Which segments are found, who is in them, and what is said where there is none."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import ParameterError
from doppelcart.pipelines.targeting.params import (
    NamedValues,
    NewStores,
    RareValues,
    SegmentsParams,
    TailBuyers,
)
from doppelcart.pipelines.targeting.segments import Segment, describe, find, tail_items

NOTHING = {"rare_values": None, "tail_buyers": None, "new_stores": None}


def looked_for(**wanted):
    return SegmentsParams(**NOTHING | wanted)


def members(segment: Segment, traits: pd.DataFrame) -> list[str]:
    return traits.index[segment.holds(traits)].tolist()


def test_the_tail_is_what_fewest_users_have(histories):
    assert tail_items(histories, 0.5).tolist() == [False, False, True, True]
    assert tail_items(histories, 0.75).tolist() == [False, True, True, True]


def test_traits_are_those_of_what_is_known(histories):
    users = pd.DataFrame({"age": ["old", "young"]}, index=pd.Index(["u2", "u9"], name="user_id"))
    stores = pd.Series({"u0": "a", "u3": "b"})
    found = describe(histories, users, stores, tail_items(histories, 0.75))
    assert found.index.tolist() == ["u0", "u1", "u2", "u3"]
    assert found["tail_share"].tolist() == pytest.approx([2 / 3, 0, 1 / 2, np.nan], nan_ok=True)
    assert found["age"].fillna("").tolist() == ["", "", "old", ""]
    assert found["store_id"].fillna("").tolist() == ["a", "", "", "b"]


def test_rare_values_of_a_column_make_one_segment(traits):
    (segment,) = find(traits, looked_for(rare_values=RareValues(max_share=0.3)))
    assert (segment.name, segment.kind) == ("age: rare", "rare values")
    assert members(segment, traits) == ["u5", "u6"]
    assert segment.reason == ("values of fewer than 30 % of the training users each, 1 here: old")


def test_a_share_just_reached_is_not_rare(traits):
    wanted = {"columns": ("age", "store_id"), "max_share": 0.2}
    (segment,) = find(traits, looked_for(rare_values=RareValues(**wanted)))
    assert members(segment, traits) == ["u9"]  # two of ten are old, one began in b


def test_a_value_that_no_training_user_has_is_rare(traits):
    (segment,) = find(traits, looked_for(rare_values=RareValues(max_share=0.3)))
    later = traits.assign(age=["unheard of", *[None] * 9])
    assert members(segment, later) == ["u0"]


def test_new_stores_are_pooled(traits):
    (segment,) = find(traits, looked_for(new_stores=NewStores(max_share=0.15)))
    assert segment.kind == "new stores"
    assert members(segment, traits) == ["u9"]


def test_tail_buyers_are_a_quantile_of_the_training_users(traits):
    (segment,) = find(traits, looked_for(tail_buyers=TailBuyers(user_share=0.25)))
    assert segment.least == pytest.approx(0.3)
    assert members(segment, traits) == ["u6", "u7", "u8"]  # nothing is known of u9


def test_where_few_buy_of_the_tail_they_alone_are_its_buyers(traits):
    few = traits.assign(tail_share=[0.0] * 7 + [0.25, 0.5, np.nan])
    (segment,) = find(few, looked_for(tail_buyers=TailBuyers(user_share=0.5)))
    assert segment.least == 0.25
    assert members(segment, few) == ["u7", "u8"]


def test_where_all_buy_as_much_of_the_tail_nobody_is_its_buyer(traits, caplog):
    alike = traits.assign(tail_share=0.0)
    params = looked_for(tail_buyers=TailBuyers(), new_stores=NewStores(max_share=0.15))
    with caplog.at_level("INFO"):
        found = find(alike, params)
    assert [segment.kind for segment in found] == ["new stores"]
    assert "buyers of tail items are left out" in caplog.text


def test_a_named_segment_need_not_be_short_of_data(traits):
    named = {"the young": NamedValues(column="age", values=("young", "nobody"))}
    (segment,) = find(traits, looked_for(named=named))
    assert (segment.name, segment.reason) == ("the young", "age is young or nobody")
    assert members(segment, traits) == ["u0", "u1", "u2", "u3", "u4"]


def test_segments_come_in_the_order_in_which_they_are_declared(traits):
    named = {"the young": NamedValues(column="age", values=("young",))}
    params = SegmentsParams(
        rare_values=RareValues(max_share=0.3), new_stores=NewStores(max_share=0.15), named=named
    )
    kinds = [segment.kind for segment in find(traits, params)]
    assert kinds == ["rare values", "tail buyers", "new stores", "named"]


def test_a_named_segment_without_training_users_lists_the_values_there_are(traits):
    named = {"infants": NamedValues(column="age", values=("infant",))}
    with pytest.raises(ParameterError, match=r"named\.infants: no training user") as refused:
        find(traits, looked_for(named=named))
    assert "young (5), old (2)" in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "parameter"),
    [
        ({"named": {"x": NamedValues(column="height", values=("1",))}}, r"named\.x"),
        ({"rare_values": RareValues(columns=("height",))}, r"rare_values\.columns"),
        ({"named": {"x": NamedValues(column="nothing", values=("1",))}}, r"named\.x"),
    ],
)
def test_an_unknown_column_lists_those_there_are(traits, wanted, parameter):
    with pytest.raises(ParameterError, match=rf"{parameter}: .* there are age, postcode, store_id"):
        find(traits, looked_for(**wanted))


def test_where_no_segment_is_short_the_rarest_values_are_told(traits):
    with pytest.raises(
        ParameterError, match="No segment of the training users is short"
    ) as refused:
        find(traits, looked_for(rare_values=RareValues(max_share=0.05)))
    assert "the rarest age is old (20 %)" in str(refused.value)
    assert "the rarest store_id is b (10 %)" in str(refused.value)


def test_a_column_in_which_everybody_is_rare_is_an_identifier(traits):
    params = looked_for(rare_values=RareValues(columns=("postcode",), max_share=0.3))
    with pytest.raises(ParameterError, match="No segment"):
        find(traits, params)
