"""When fake profiles rate: times of real users of elsewhere, moved so that the target fits."""

from __future__ import annotations

import numpy as np


def timed(
    made: np.ndarray,
    target: int,
    genuine: np.ndarray,
    donors: np.ndarray,
    within: float | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Times of the ratings of fake profiles.

    Each profile has the times of a real user who is in no matrix, in the order of a random visit to
    its items, so that sessions are as long as real ones. Attackers who act together are moved by
    whole days, which leaves the hour of the day as it was, until they rate the target within the
    days that they take. Those days begin at a real rating drawn at random, when the shop is busy as
    often as not. What would come to lie outside of the span comes in again at its other end.

    Args:
        made: (n, n_items) fake profiles.
        target: Item that all of them rate.
        genuine: (n_users, n_items) days of real ratings, NaN for none.
        donors: (n_donors, n_items) days of the users whose times are taken, NaN for none.
        within: Days in which all rate the target; None leaves the times as real users have them.
        rng: Of all that is drawn.

    Returns:
        (n, n_items) days, NaN where there is no rating.
    """
    first, last = float(np.nanmin(genuine)), float(np.nanmax(genuine))
    sessions = [np.sort(row[np.isfinite(row)]) for row in donors]
    sessions = [days for days in sessions if len(days)] or [np.array([first, last])]
    found = np.full(made.shape, np.nan)
    for row, own in zip(made, found, strict=True):
        items = rng.permutation(np.flatnonzero(row))
        days = sessions[int(rng.integers(len(sessions)))]
        own[items] = days[np.sort(rng.integers(0, len(days), len(items)))]
    if within is None or last - first <= within:
        return found
    begin = min(float(rng.choice(genuine[np.isfinite(genuine)])), last - within)
    wanted = begin + 0.5 + rng.random(len(made)) * (within - 1)
    moved = found + np.round(wanted - found[:, target])[:, None]
    inside = first + np.mod(moved - first, np.ceil(last - first))
    held: np.ndarray = np.minimum(inside, last)
    return held
