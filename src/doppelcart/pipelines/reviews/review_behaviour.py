"""How a review and its writer behave: what is told of it without reading a word.

The measures are of the sort that Mukherjee and others (What Yelp fake review filter might be
doing?, ICWSM 2013) found to tell more of filtered reviews than words do: ratings that differ from
those of others, how much a writer writes, how much of it within a day, and how long reviews are.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.columns import Columns

RATING, REVIEWER, WRITTEN = Columns.RATING, Columns.REVIEWER, "written"
"""Columns that a table of reviews may have: a number, who wrote it, and when."""
BEHAVIOUR: Final = ("stars", "unlike_others", "length", "of_reviewer", "on_one_day")
"""Rating, its distance from the mean of others, log words, log reviews of the writer, in a day."""


def behaviour_of(frame: pd.DataFrame, place: str, n_words: pd.Series) -> pd.DataFrame:
    """Measures of behaviour, as far as the table has what they take.

    No label is used, so that reviews of unseen places may be counted among their writers'.

    Args:
        frame: One row per review, perhaps with ``rating``, ``reviewer``, ``written``.
        place: Column of what a review is about.
        n_words: Words of each review.

    Returns:
        Those of ``BEHAVIOUR`` that can be told, NaN where a review lacks something; no column if
        the table has neither ratings nor writers.
    """
    found: dict[str, pd.Series] = {}
    if RATING in frame:
        ratings = numbers_of(frame[RATING])
        found["stars"] = ratings
        found["unlike_others"] = (ratings - _of_others(ratings, frame[place])).abs()
    if REVIEWER in frame:
        writers = frame[REVIEWER].where(_filled(frame[REVIEWER]))
        found["of_reviewer"] = np.log1p(writers.groupby(writers).transform("size"))
        if WRITTEN in frame:
            days = moments_of(frame[WRITTEN]).dt.floor("D")
            same_day = writers.groupby([writers, days]).transform("size")
            found["on_one_day"] = np.log1p(same_day.groupby(writers).transform("max"))
    if found:
        found["length"] = np.log1p(n_words)
    return pd.DataFrame({name: found[name] for name in BEHAVIOUR if name in found}).astype(float)


def told_of(reviews: pd.DataFrame) -> list[str]:
    """Measures of behaviour that these reviews have, in one order.

    Args:
        reviews: As read.
    """
    return [name for name in BEHAVIOUR if name in reviews]


def faults_of_behaviour(frame: pd.DataFrame) -> list[str]:
    """What is wrong with ratings and times; a review may lack either.

    Args:
        frame: As it was read.
    """
    faults = []
    for name, read, what in (
        (RATING, numbers_of, "number"),
        (WRITTEN, moments_of, "date such as 2026-05-31"),
    ):
        if name not in frame:
            continue
        given = _filled(frame[name])
        wrong = given & read(frame[name]).isna()
        if wrong.any():
            shown = ", ".join(repr(str(value)) for value in frame.loc[wrong, name].unique()[:3])
            faults.append(
                f"column {name}: {int(wrong.sum()):,} of {len(frame):,} values are no {what}: "
                f"{shown}. Correct them, leave them empty, or leave out {name}."
            )
    if WRITTEN in frame and REVIEWER not in frame:
        faults.append(
            f"column {WRITTEN} tells nothing without {REVIEWER}: it is for how much one writer "
            f"writes in a day. Name both or leave it out."
        )
    return faults


def numbers_of(column: pd.Series) -> pd.Series:
    """Numbers, missing where there is none; infinity is none.

    Args:
        column: Numbers, or texts of them.

    Examples:
        >>> numbers_of(pd.Series(["4", " 4.5 ", "good", None, "inf"])).tolist()
        [4.0, 4.5, nan, nan, nan]
    """
    told = pd.to_numeric(column, errors="coerce").astype(float)
    return told.where(np.isfinite(told))


def moments_of(column: pd.Series) -> pd.Series:
    """Moments, missing where there is none; a number is none, for nobody says from when it counts.

    Args:
        column: Dates or moments, or texts of them.

    Examples:
        >>> moments_of(pd.Series(["2011-05-01", "2011-05-01 10:00", "May"])).isna().tolist()
        [False, False, True]
    """
    if pd.api.types.is_numeric_dtype(column):
        return pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns, UTC]")
    return pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")


def _filled(column: pd.Series) -> pd.Series:
    return column.notna() & column.astype(str).str.strip().ne("")


def _of_others(ratings: pd.Series, places: pd.Series) -> Any:
    """Mean rating of a place's other reviews; NaN where there are none."""
    grouped = ratings.groupby(places)
    others = grouped.transform("count") - ratings.notna()
    return (grouped.transform("sum") - ratings.fillna(0)) / others.where(others > 0)
