"""How writers behave tells deceptive reviews where words do not, and nothing where it does not."""

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import InputError
from doppelcart.metrics.classification import auc
from doppelcart.pipelines.reviews.params import ReviewParams
from doppelcart.pipelines.reviews.review_behaviour import (
    behaviour_of,
    faults_of_behaviour,
    moments_of,
    told_of,
)
from doppelcart.pipelines.reviews.review_texts import read_reviews
from doppelcart.pipelines.reviews.text_detectors import (
    BEHAVIOUR,
    BOTH,
    WORDS,
    kinds_of,
    lister_of,
    said_by,
)


def behaving(frame, planted, seed=0):
    """Reviews with writers; planted: deceptive ones in bursts, at the ends of the scale."""
    rng = np.random.default_rng(seed)
    lies = frame["deceptive"].to_numpy() & planted
    hired = rng.integers(0, 12, len(frame))
    return frame.assign(
        rating=np.where(lies, rng.choice([1, 5], len(frame)), rng.integers(2, 5, len(frame))),
        reviewer=[
            f"h{n}" if lie else f"g{i // 2}"
            for i, (n, lie) in enumerate(zip(hired, lies, strict=True))
        ],
        written=[
            f"2026-03-{1 + (n if lie else rng.integers(28)):02d}"
            for n, lie in zip(hired, lies, strict=True)
        ],
    )


def read(frame):
    return read_reviews(ibis.memtable(frame), ReviewParams(), "mine.csv")[0]


def test_measures_by_hand():
    frame = pd.DataFrame(
        {
            "place": ["a", "a", "a", "b", "b"],
            "rating": ["5", "1", None, "4", "2"],
            "reviewer": ["x", "y", "x", "x", " "],
            "written": ["2026-01-01", "2026-01-01", "2026-01-01T09:00", "2026-01-02", None],
        }
    )
    found = behaviour_of(frame, "place", pd.Series([3, 0, 1, 1, 1]))
    assert list(found) == ["stars", "unlike_others", "length", "of_reviewer", "on_one_day"]
    # The others of a's first are its second alone; whoever gave no rating differs from nobody.
    np.testing.assert_allclose(found["unlike_others"], [4, 4, np.nan, 2, 2])
    np.testing.assert_allclose(np.expm1(found["of_reviewer"]), [3, 1, 3, 3, np.nan])
    np.testing.assert_allclose(np.expm1(found["on_one_day"]), [2, 1, 2, 2, np.nan])
    np.testing.assert_allclose(np.expm1(found["length"]), [3, 0, 1, 1, 1])


def test_a_lone_rating_differs_from_nobody():
    found = behaviour_of(pd.DataFrame({"place": ["a"], "rating": [5]}), "place", pd.Series([1]))
    assert found["unlike_others"].isna().all()


def test_without_ratings_and_writers_nothing_is_told(reviews):
    kept = read(reviews())
    assert told_of(kept) == []
    assert kinds_of(kept) == (WORDS, "characters", "format alone")
    assert lister_of(kept) == WORDS


def test_planted_behaviour_is_found_where_words_tell_nothing(reviews):
    kept = read(behaving(reviews(signal=0.5), planted=True))
    labels = kept["deceptive"].to_numpy()
    assert lister_of(kept) == BOTH
    by = {kind: auc(labels, said_by(kind, kept, 5)) for kind in (WORDS, BEHAVIOUR, BOTH)}
    assert by[WORDS] < 0.6
    assert by[BEHAVIOUR] > 0.95
    assert by[BOTH] > 0.95


def test_behaviour_that_tells_nothing_is_not_found_and_costs_little(reviews):
    kept = read(behaving(reviews(), planted=False))
    labels = kept["deceptive"].to_numpy()
    by = {kind: auc(labels, said_by(kind, kept, 5)) for kind in (WORDS, BEHAVIOUR, BOTH)}
    # What is by chance more in the folds that teach is less in the one that judges.
    assert 0.3 < by[BEHAVIOUR] < 0.6
    assert by[BOTH] > by[WORDS] - 0.03


def test_what_was_left_out_was_still_written(reviews):
    frame = behaving(reviews(), planted=False).assign(reviewer=lambda rows: "w" + rows["place"])
    frame.loc[0, "text"] = "<br>"
    kept = read(frame)
    own = kept.loc[kept["place"] == frame.loc[0, "place"], "of_reviewer"]
    np.testing.assert_allclose(np.expm1(own), 10)


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("rating", ["good", "5"], "column rating: 1 of 2 values are no number: 'good'"),
        ("rating", [float("inf"), 5], "column rating: 1 of 2 values are no number: 'inf'"),
        ("written", ["01/05/2026", "2026-05-01"], "no date such as 2026-05-31: '01/05/2026'"),
        ("written", [20260501, 20260502], "2 of 2 values are no date such as 2026-05-31"),
    ],
)
def test_ratings_and_dates_that_are_none_are_named(column, values, told):
    frame = pd.DataFrame({"reviewer": ["x", "y"], column: values})
    (fault,) = faults_of_behaviour(frame)
    assert told in fault


def test_dates_without_writers_are_refused(reviews):
    frame = behaving(reviews(), planted=False).drop(columns="reviewer")
    with pytest.raises(InputError, match="tells nothing without reviewer"):
        read(frame)


def test_dates_of_the_engine_are_read_as_they_are():
    column = pd.Series(pd.to_datetime(["2026-05-01 10:00", None]))
    assert moments_of(column).dt.day.tolist()[0] == 1
    assert faults_of_behaviour(pd.DataFrame({"reviewer": ["x", "y"], "written": column})) == []
