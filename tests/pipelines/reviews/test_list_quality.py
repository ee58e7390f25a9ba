"""The list is judged overall and by group, at the share that there is and at a rare one."""

import numpy as np
import pytest

from doppelcart.pipelines.reviews.list_quality import COLUMNS, list_quality
from doppelcart.pipelines.reviews.list_words import alarms_by_group, quality_table, worth_of
from doppelcart.pipelines.reviews.params import ReviewListParams


@pytest.fixture
def judged(reviews):
    """Forty places, of which those of complaints raise all false alarms: a tenth of them."""
    frame = reviews().assign(part=lambda found: np.where(found.index % 4 < 2, "praise", "blame"))
    lie = frame["deceptive"].to_numpy()
    said = np.where(lie, 1.0, -1.0) - 0.001 * np.arange(len(frame))
    wrong = np.flatnonzero(~lie & (frame["part"] == "blame").to_numpy())[::10]
    said[wrong] = 1.2
    return frame, said, wrong


def row(table, by, group, share="as it is"):
    found = table[(table["by"] == by) & (table["group"] == group) & (table["share_is"] == share)]
    return found.iloc[0]


def test_figures_by_hand(judged):
    frame, said, wrong = judged
    table = list_quality(frame, said, ReviewListParams(listed=20), 0)
    assert tuple(table) == COLUMNS
    whole = row(table, "all", "all")
    # Ten genuine reviews stand first, then ten deceptive ones.
    assert len(wrong) == 10
    assert whole["precision"] == pytest.approx(0.5)
    assert whole["in_list"] == pytest.approx(1000 * 10 / 200)
    assert whole["called"] == pytest.approx(50)
    assert whole["precision_low"] < 0.5 < whole["precision_high"]
    assert whole["share"] == 0.5
    blame, praise = row(table, "part", "blame"), row(table, "part", "praise")
    assert blame["called"] == pytest.approx(100)
    assert praise["called"] == 0
    assert praise["called_high"] > 0
    assert praise["precision"] == 1


def test_what_is_rare_is_harder_to_list(judged):
    frame, said, _ = judged
    table = list_quality(frame, said, ReviewListParams(listed=20), 0)
    rare = row(table, "all", "all", "rare")
    # Ten genuine reviews stand first; 200 deceptive ones count 1/19 each and fill the rest.
    assert rare["precision"] == pytest.approx(0.5)
    assert rare["share"] == 0.05
    longer = list_quality(frame, said, ReviewListParams(listed=40), 0)
    # Of forty places 10 are the genuine ones, 200/19 deceptive, and the others genuine again.
    assert row(longer, "all", "all", "rare")["precision"] == pytest.approx(200 / 19 / 40)
    assert rare["called"] == row(table, "all", "all")["called"]


def test_places_have_lists_of_their_own_where_there_are_reviews_enough(judged):
    frame, said, _ = judged
    table = list_quality(frame, said, ReviewListParams(listed=20), 0)
    places = table[table["by"] == "place"]
    assert len(places) == 40
    assert set(places["share_is"]) == {"as it is"}
    assert set(places["over"]) == {"reviews"}
    # Ten reviews are no list of twenty.
    assert places["precision"].isna().all()
    assert places["called"].notna().all()
    short = list_quality(frame, said, ReviewListParams(listed=3), 0)
    assert short.loc[short["by"] == "place", "precision"].notna().all()


def test_without_parts_none_is_told(reviews):
    frame = reviews()
    table = list_quality(frame, np.arange(400.0), ReviewListParams(), 0)
    assert set(table["by"]) == {"all", "place"}
    assert table.equals(list_quality(frame, np.arange(400.0), ReviewListParams(), 0))


def test_figures_are_told(judged):
    frame, said, _ = judged
    table = list_quality(frame, said, ReviewListParams(listed=20), 0)
    told = worth_of(table)
    assert "first 20 of such a list, where 50.0 % of all are deceptive, 50 (" in told
    assert "where 5.0 % of all are deceptive, 50 (" in told
    assert "Of 1,000 genuine reviews, 50 (" in told
    by_group = alarms_by_group(table)
    assert by_group[0].startswith("part blame: of 1,000 genuine reviews 100 (")
    assert by_group[-1] == "by place: 0 to 200 of 1,000 genuine reviews"
    assert len(quality_table(table[table["by"] != "place"], 50).rows) == 6
    few = table.assign(precision=np.nan)
    assert "it cannot be said how many are" in worth_of(few)
