"""Nobody is flagged without grounds, in any list."""

from pathlib import Path

import pandas as pd
import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from doppelcart.pipelines.lookalikes.params import LookalikeListParams
from doppelcart.pipelines.reviews.params import ReviewListParams
from doppelcart.pipelines.shilling.params import ListParams
from doppelcart.reporting.suspect_list import FLAG, SuspectListParams

PROJECT = Path(__file__).resolve().parents[3]
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


def test_a_list_that_is_changed_leaves_the_others_as_they_are(monkeypatch):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("DOPPELCART_TRACKING", "off")
    bootstrap_project(PROJECT)
    grounds = {"shilling": {"listing": {"flag_fakes": True, "validated": 60}}}
    with KedroSession.create(project_path=PROJECT, env="base", runtime_params=grounds) as session:
        parameters = session.load_context().config_loader["parameters"]
    given = {name: parameters[name]["listing"] for name in ("shilling", "reviews", "lookalikes")}
    assert given["shilling"] == {"listed": 20, "flag_fakes": True, "validated": 60}
    for name in ("reviews", "lookalikes"):
        assert given[name].items() >= {"listed": 20, "flag_fakes": False, "validated": 0}.items()
