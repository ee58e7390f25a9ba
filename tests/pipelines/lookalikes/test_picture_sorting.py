"""What is said of photographs, and who is listed."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from doppelcart.pipelines.lookalikes.params import LookalikeListParams
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
