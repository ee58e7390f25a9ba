"""Nobody is flagged without grounds, in any list."""

import pandas as pd
import pytest

from doppelcart.pipelines.lookalikes.params import LookalikeListParams
from doppelcart.pipelines.reviews.params import ReviewListParams
from doppelcart.pipelines.shilling.params import ListParams
from doppelcart.reporting.suspect_list import FLAG, SuspectListParams

LISTS = (ListParams, ReviewListParams, LookalikeListParams)


@pytest.mark.parametrize("kind", LISTS)
def test_flags_take_fifty_confirmed_fakes(kind):
    words = f"flag_fakes accuses {kind.ACCUSED}, and takes 50 {kind.FAKES} that persons"
    with pytest.raises(ValueError, match=words):
        kind(flag_fakes=True, validated=49)
    assert kind(flag_fakes=True, validated=50).flag_fakes
    assert not kind().flag_fakes


def test_lists_say_where_they_are_given():
    assert sorted(kind.PATH for kind in LISTS) == [
        "lookalikes.listing", "reviews.listing", "shilling.listing",
    ]  # fmt: skip


def test_only_listed_suspects_are_flagged():
    place = pd.Series([1, 2, 3])
    asked = SuspectListParams(flag_fakes=True, validated=50, listed=2)
    assert asked.flags(place).tolist() == [FLAG, FLAG, ""]
    suspected = pd.Series([False, True, True])
    assert asked.flags(place, suspected).tolist() == ["", FLAG, ""]
    assert SuspectListParams().flags(place).tolist() == ["", "", ""]
