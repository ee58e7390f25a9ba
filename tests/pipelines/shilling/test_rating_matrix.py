"""Rows become a matrix, and what nothing can be learnt from is refused in words."""

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import InputError
from doppelcart.pipelines.shilling.params import RatingParams
from doppelcart.pipelines.shilling.rating_matrix import read_ratings

SCALE = (1.0, 5.0)


def read(frame, scale=SCALE, **given):
    return read_ratings(ibis.memtable(frame), scale, RatingParams(**given))


def number_of(counts, what):
    return int(counts.set_index("what").loc[what, "number"])


def test_rows_become_a_matrix(table):
    frame = table()
    ratings, _ = read(frame)
    assert ratings.given.shape == (frame["user_id"].nunique(), frame["item_id"].nunique())
    row = frame.iloc[0]
    place = (ratings.users == row["user_id"]).argmax(), (ratings.items == row["item_id"]).argmax()
    assert ratings.given[place] == row["rating"]
    assert (ratings.given > 0).sum() == len(frame)


def test_ids_with_blanks_around_them_are_the_same_ids(table):
    frame = table()
    spaced = frame.assign(
        user_id=[f" {u} " if n % 2 else u for n, u in enumerate(frame["user_id"])]
    )
    ratings, counts = read(spaced)
    plain, _ = read(frame)
    np.testing.assert_array_equal(ratings.given, plain.given)
    assert number_of(counts, "rows with blanks around an id") == len(frame) // 2


def test_rows_without_an_id_are_left_out_and_counted(table):
    frame = table()
    frame.loc[[0, 1], "user_id"] = ["  ", None]
    _, counts = read(frame)
    assert number_of(counts, "rows without user, item or rating") == 2


def test_of_a_doubled_pair_the_latest_rating_counts(table):
    frame = table()
    first = frame.iloc[[0]]
    later = first.assign(rating=1.0, timestamp=first["timestamp"] + pd.Timedelta(days=9))
    earlier = first.assign(rating=2.0, timestamp=first["timestamp"] - pd.Timedelta(days=9))
    ratings, counts = read(pd.concat([frame, later, earlier]))
    row = first.iloc[0]
    place = (ratings.users == row["user_id"]).argmax(), (ratings.items == row["item_id"]).argmax()
    assert ratings.given[place] == 1.0
    assert number_of(counts, "pairs of user and item rated more than once") == 1


def test_few_ratings_off_the_scale_are_left_out_and_many_refused(table):
    frame = table()
    frame.loc[:2, "rating"] = 7.0
    _, counts = read(frame)
    assert number_of(counts, "ratings off the scale") == 3
    with pytest.raises(InputError, match=r"ratings off the scale: [\d,]+ of [\d,]+\. Correct"):
        read(frame.assign(rating=frame["rating"] * 10))


def test_ratings_without_a_scale_are_refused(table):
    with pytest.raises(InputError, match="nothing says what the lowest and the highest"):
        read(table(), scale=None)


def test_purchases_have_no_ratings(table):
    frame = table(scale=None)
    ratings, _ = read(frame.drop(columns="rating"), scale=None)
    assert ratings.is_implicit
    assert set(np.unique(ratings.given)) == {0.0, 1.0}


def test_ratings_all_alike_are_taken_as_purchases(table):
    ratings, _ = read(table().assign(rating=5.0))
    assert ratings.is_implicit


def test_one_user_is_refused(table):
    frame = table()
    alone = frame[frame["user_id"] == frame["user_id"].iloc[0]]
    with pytest.raises(InputError, match="1 users with at least 5 items are left, and it takes 50"):
        read(alone)


def test_marked_users_are_refused(table):
    frame = table()
    frame.loc[0, "user_id"] = "gen-gan-1"
    with pytest.raises(InputError, match="1 rows are of users whose id begins with gen-"):
        read(frame)


def test_ratings_that_are_no_numbers_are_refused_with_some_of_them(table):
    frame = table().astype({"rating": str})
    frame.loc[:1, "rating"] = ["good", "bad"]
    words = (
        rf"2 of {len(frame):,} ratings are no numbers, such as '(good|bad)', '(good|bad)'\. Corr"
    )
    with pytest.raises(InputError, match=words):
        read(frame)
    read(frame.iloc[2:])


def test_moments_that_are_none_are_refused_and_days_are_taken(table):
    frame = table()
    with pytest.raises(InputError, match=r"`timestamp` is string, no moment\. Correct its"):
        read(frame.astype({"timestamp": str}))
    days, _ = read(frame.assign(timestamp=frame["timestamp"].dt.date))
    assert np.nanmax(days.times) == frame["timestamp"].dt.normalize().nunique() - 1


def test_missing_columns_are_named(table):
    with pytest.raises(InputError, match="it has no column item_id"):
        read(table().drop(columns="item_id"))


def test_no_more_users_are_drawn_than_asked_for(table):
    ratings, counts = read(table(), max_users=60, max_items=100)
    assert ratings.n_users == 60
    assert ratings.n_items <= 100
    assert number_of(counts, "users") == 60


@pytest.mark.parametrize("scale", [(1.0, 5.0), (0.0, 5.0), None])
def test_who_is_not_drawn_is_kept_apart_with_all_that_was_drawn_of_items(table, scale):
    frame = table()
    frame = frame if scale else frame.drop(columns="rating")
    whole, _ = read(frame, scale)
    ratings, _ = read(frame, scale, max_users=60)
    others = ratings.others
    assert whole.others is None
    assert sorted([*ratings.users, *others.users]) == sorted(whole.users)
    for place, user in enumerate(others.users):
        own = whole.given[whole.users == user][0][np.isin(whole.items, ratings.items)]
        np.testing.assert_array_equal(others.given[[place]].toarray()[0], own)
    assert ratings.select(np.array([0, 1])).others is None


def test_times_are_days_since_the_first(table):
    frame = table()
    ratings, counts = read(frame)
    row = frame.iloc[3]
    place = (ratings.users == row["user_id"]).argmax(), (ratings.items == row["item_id"]).argmax()
    days = (row["timestamp"] - frame["timestamp"].min()) / pd.Timedelta(days=1)
    assert ratings.times[place] == pytest.approx(days)
    assert (np.isfinite(ratings.times) == (ratings.given > 0)).all()
    assert number_of(counts, "pairs of user and item without a time") == 0
    some = ratings.select(np.array([2, 0]))
    np.testing.assert_array_equal(some.times, ratings.times[[2, 0]])


def test_who_says_no_time_is_in_no_burst_and_rates_all_the_same(table):
    frame = table()
    frame.loc[0, "timestamp"] = pd.NaT
    ratings, counts = read(frame)
    row = frame.iloc[0]
    place = (ratings.users == row["user_id"]).argmax(), (ratings.items == row["item_id"]).argmax()
    assert ratings.given[place] == row["rating"]
    assert np.isnan(ratings.times[place])
    assert number_of(counts, "pairs of user and item without a time") == 1


def test_a_table_without_times_or_with_one_for_all_has_none(table):
    assert read(table().drop(columns="timestamp"))[0].times is None
    assert read(table().assign(timestamp=pd.Timestamp("2024-01-01")))[0].times is None
