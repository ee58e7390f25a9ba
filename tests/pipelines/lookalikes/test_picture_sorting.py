"""What is said of photographs, and who is listed."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from doppelcart.pipelines.lookalikes import picture_sorting
from doppelcart.pipelines.lookalikes.lookalike_trials import ASTRAY, BLANK, SIBLINGS
from doppelcart.pipelines.lookalikes.params import DetectorParams, LookalikeListParams
from doppelcart.pipelines.lookalikes.picture_sorting import (
    CANNOT,
    FINE,
    NOT_CATEGORY,
    SUSPECT,
    UNSURE,
    Limits,
    listed,
    precision_at,
    words_for,
)
from doppelcart.pipelines.lookalikes.section import (
    alarm_in_words,
    found_in_words,
    words_explained,
)

LIMITS = Limits(suspect=1.0, sure=2.0, astray=0.5, contrast=10.0)


def test_thresholds_part_what_is_said() -> None:
    scores = np.array([0.5, 1.0, 1.9, 2.0, 9.0, 9.0])
    astray = np.array([0.0, 0.0, 0.5, 0.0, 0.6, 0.0])
    contrast = np.array([50.0, 50.0, 50.0, 50.0, 50.0, 3.0])
    assert words_for(scores, astray, contrast, LIMITS).tolist() == [
        SUSPECT,
        UNSURE,
        UNSURE,
        FINE,
        NOT_CATEGORY,
        NOT_CATEGORY,
    ]


RANKS = pd.DataFrame(
    [
        ("p1", "a", "x", 0.4, SUSPECT),
        ("p2", "a", "x", -9.0, NOT_CATEGORY),
        ("p3", "a", "x", 3.0, FINE),
        ("p4", "b", "x", np.nan, CANNOT),
        ("p5", "a", "x", 0.1, SUSPECT),
    ],
    columns=["picture_id", "sold_as", "group", "score", "said"],
)


def test_the_least_alike_come_first_and_what_cannot_be_judged_last() -> None:
    found = listed(RANKS, LookalikeListParams(listed=2))
    assert found["picture_id"].tolist() == ["p5", "p1", "p3", "p2", "p4"]
    assert found["place"].tolist() == [1, 2, 3, 4, 5]
    assert set(found["flag"]) == {""}
    assert len(found) == len(RANKS)  # nothing is deleted


def test_a_flag_takes_fifty_confirmed_fakes() -> None:
    with pytest.raises(ValidationError, match=r"takes 50 fakes .* confirmed; there are 49"):
        LookalikeListParams(flag_fakes=True, validated=49)
    flagged = listed(RANKS, LookalikeListParams(flag_fakes=True, validated=50, listed=3))
    assert flagged.set_index("picture_id")["flag"].to_dict() == {
        "p5": "fake, to be confirmed",
        "p1": "fake, to be confirmed",
        "p3": "",
        "p2": "",
        "p4": "",
    }


def test_precision_of_a_market_where_all_siblings_come_first_and_last() -> None:
    genuine = np.arange(95.0)
    rng = np.random.default_rng(0)
    assert precision_at(genuine, np.array([-1.0]), 5, rng) == (1, 1, 1)
    assert precision_at(genuine, np.array([-1.0]), 10, rng)[0] == 0.5
    assert precision_at(genuine, np.array([200.0]), 5, rng)[0] == 0


def pictures_of(rows: list[tuple[str, str, float, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["group", "kind", "score", "said", "n"])
    return frame.loc[frame.index.repeat(frame["n"])].drop(columns="n").reset_index(drop=True)


# 95 genuine photographs make a market with 5 siblings: 3 in 4 siblings have the lowest scores.
MARKET = pictures_of(
    [
        ("fruit", "genuine", 2.0, FINE, 36),
        ("fruit", "genuine", 0.5, SUSPECT, 4),
        ("milk", "genuine", 2.0, UNSURE, 54),
        ("milk", "genuine", 0.5, SUSPECT, 1),
        ("milk", "genuine", 0.2, NOT_CATEGORY, 5),
        ("fruit", SIBLINGS, 0.1, SUSPECT, 3),
        ("fruit", SIBLINGS, 3.0, FINE, 1),
        ("milk", SIBLINGS, 0.1, SUSPECT, 4),
        ("milk", ASTRAY, 0.0, NOT_CATEGORY, 3),
        ("milk", ASTRAY, 1.5, UNSURE, 1),
        ("milk", BLANK, 0.0, NOT_CATEGORY, 2),
    ]
)


def test_false_alarms_are_counted_per_thousand_of_each_category() -> None:
    found = picture_sorting.alarms_by_group(MARKET).set_index("group")
    assert found.loc["fruit"].to_dict() == {"genuine": 40, "alarms": 100, "found": 75}
    # What is not even of the category is no false alarm: 1 of 60 is suspected, not 6.
    assert found.loc["milk", "genuine"] == 60
    assert found.loc["milk", "alarms"] == pytest.approx(1000 / 60)
    assert found.loc["milk", "found"] == 100


def test_rates_by_kind_count_right_among_what_was_decided() -> None:
    found = picture_sorting.rates_by_kind(MARKET, DetectorParams(precision_at=3)).set_index("kind")
    genuine = found.loc["genuine"]
    assert genuine["pictures"] == 100
    assert genuine[[NOT_CATEGORY, SUSPECT, UNSURE, FINE]].tolist() == [0.05, 0.05, 0.54, 0.36]
    assert genuine["right"] == pytest.approx(36 / 46)
    assert found.loc[SIBLINGS, "right"] == 7 / 8
    assert found.loc[ASTRAY, ["right", UNSURE]].tolist() == [1, 0.25]
    # 95 genuine photographs are shown, and 5 siblings beside them make the hundred.
    assert set(found["places"]) == {3}
    assert set(found["sold_falsely"]) == {0.05}


def test_a_list_longer_than_the_market_has_the_places_of_the_market() -> None:
    few = pictures_of([("a", "genuine", 2.0, FINE, 4), ("a", SIBLINGS, 0.1, SUSPECT, 4)])
    found = picture_sorting.rates_by_kind(few, DetectorParams(precision_at=20))
    # Four genuine photographs and one sibling: a fifth, of five places.
    assert found[["places", "sold_falsely", "precision"]].iloc[0].tolist() == [5, 0.2, 0.2]


def test_the_sentence_on_false_alarms_names_the_places_that_were_counted() -> None:
    rates = pd.DataFrame(
        {
            "kind": ["genuine", SIBLINGS],
            SUSPECT: [0.04, 0.44],
            "precision": 0.75,
            "precision_low": 0.5,
            "precision_high": 1.0,
            "places": 8,
            "sold_falsely": 1 / 16,
        }
    )
    assert alarm_in_words(rates) == (
        "Of 1,000 genuine photographs 40 were suspected, of 100 of siblings 44. In made-up markets "
        "where 6 of 100 photographs are of siblings, 6 of the first 8 in the list are (4 to 8)."
    )


def test_the_share_of_false_alarms_is_told_as_it_was_set() -> None:
    params = DetectorParams(false_alarms=0.125)
    assert found_in_words(params).endswith("where 12.5 % of genuine photographs are")
    told = words_explained(params)
    assert "all but 1 % of genuine validation photographs, or that shows nothing" in told
    assert "Below the score of all but 12.5 % of genuine" in told
    assert "a score that 12.5 % of siblings there reach" in told
