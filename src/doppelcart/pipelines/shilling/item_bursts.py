"""Bursts of an item's ratings: a group that pushes it shows there, though no profile shows it.

A single fake may look like anybody. That many people give one item their highest rating within
days, in which such ratings of it are not to be expected, is a matter of the item; and who is in a
burst is suspicious by whom else he meets there.

Sources: Xie, Wang, Lin and Yu (2012), "Review spam detection via temporal pattern discovery", for
bursts of an item's ratings; Zhang, Tan, Zhang, Liu, Chua and Ma (2015), "Catch the black sheep:
unified framework for shilling attack detection based on fraudulent action propagation" (FAP), for
suspicion that spreads between users by the ratings they share. Here it takes one step, and starts
from bursts in place of users who are known to be fakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Pushes(NamedTuple):
    """Ratings that are their user's highest, by item and time; one row each.

    Attributes:
        user: (n,) place of the user.
        item: (n,) place of the item.
        day: (n,) when.
    """

    user: np.ndarray
    item: np.ndarray
    day: np.ndarray


def pushes_of(given: np.ndarray, times: np.ndarray) -> Pushes:
    """What may be pushed: the ratings that are their user's highest, and say when.

    Args:
        given: (n_users, n_items) ratings, 0 for none.
        times: (n_users, n_items) days, NaN where nothing says when.
    """
    pushed = (given > 0) & (given == given.max(axis=1, keepdims=True)) & np.isfinite(times)
    user, item = np.nonzero(pushed)
    day = times[user, item]
    order = np.lexsort((day, item))
    return Pushes(user[order], item[order], day[order])


def burst_suspicion(given: np.ndarray, times: np.ndarray, windows: Sequence[float]) -> np.ndarray:
    """How suspicious each user is by the bursts that he is in.

    A rating is as striking as the most striking of its windows, and counts by the mean of the most
    striking ratings of the others in that window. Of a user, the most suspicious rating counts.

    Args:
        given: (n_users, n_items) ratings, 0 for none.
        times: (n_users, n_items) days, NaN where nothing says when.
        windows: Days before and after a rating in which others are counted.

    Returns:
        (n_users,) 0 for who is in no burst.
    """
    pushes = pushes_of(given, times)
    striking = np.zeros(len(pushes.user))
    begin = np.arange(len(striking))
    end = begin + 1
    for days in windows:
        low, high = _window(pushes, days)
        found = excess(high - low - 1, _expected(pushes, days, given.shape[1]))
        better = found > striking
        striking = np.where(better, found, striking)
        begin, end = np.where(better, low, begin), np.where(better, high, end)
    most = np.zeros(len(given))
    np.maximum.at(most, pushes.user, striking)
    summed = np.concatenate([[0.0], np.cumsum(most[pushes.user])])
    others = (summed[end] - summed[begin] - most[pushes.user]) / np.maximum(end - begin - 1, 1)
    suspicion = np.zeros(len(given))
    np.maximum.at(suspicion, pushes.user, striking * np.maximum(others, 0))
    return suspicion


def excess(count: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """By how much more there are than expected: the signed root of the Poisson deviance.

    Args:
        count: (n,) how many there are.
        expected: (n,) how many there would be.

    Examples:
        >>> excess(np.array([4, 1]), np.array([4.0, 4.0])).round(2)
        array([ 0.  , -1.79])
    """
    expected = np.maximum(expected, 1e-9)
    logs = count * np.log(np.maximum(count, 1) / expected)
    deviance = np.maximum(2 * (logs - (count - expected)), 0)
    found: np.ndarray = np.sign(count - expected) * np.sqrt(deviance)
    return found


def _window(pushes: Pushes, days: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) where the ratings of the same item within some days begin and end."""
    # Items lie so far apart on one line that no window reaches from one to the next.
    apart = pushes.day.max(initial=0) - pushes.day.min(initial=0) + 2 * days + 1
    line = pushes.item * apart + pushes.day
    return np.searchsorted(line, line - days, "left"), np.searchsorted(line, line + days, "right")


def _expected(pushes: Pushes, days: float, n_items: int) -> np.ndarray:
    """(n,) others of the same item within some days, if it were rated as all items are.

    Every user counts alike in what all items are, however much he rates.
    """
    raters = np.bincount(pushes.item, minlength=n_items)[pushes.item]
    weight = 1 / np.bincount(pushes.user)[pushes.user]
    order = np.argsort(pushes.day, kind="stable")
    day = pushes.day[order]
    share = np.concatenate([[0.0], np.cumsum(weight[order])]) / max(weight.sum(), 1e-9)
    low = np.searchsorted(day, pushes.day - days, "left")
    high = np.searchsorted(day, pushes.day + days, "right")
    expected: np.ndarray = (raters - 1) * (share[high] - share[low])
    return expected
