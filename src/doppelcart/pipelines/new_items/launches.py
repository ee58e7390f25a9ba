"""The cuts of the log at which new items are ranked, each with the windows before it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.windows import Window, first_prices, moment_at, open_window
from doppelcart.columns import Columns
from doppelcart.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Launch:
    """One cut of the log with the two windows before it, from which all is learnt and chosen.

    Args:
        cut: Share of the lines before the tested window.
        earlier: The window before the one that tunes: what a forecast for that one learns from.
        tuning: The window before the cut.
        test: From the cut to the end of the log; read once.
    """

    cut: float
    earlier: Window
    tuning: Window
    test: Window


def open_launches(
    lines: pd.DataFrame,
    features: ItemFeatures,
    cuts: Sequence[float],
    tuning_share: float,
    min_users: int,
    **support: int,
) -> list[Launch]:
    """The launches of every cut; one without new items or users is left out, with a line.

    So is one before whose windows nothing was launched, for a forecast has nothing to learn from.

    Args:
        lines: As from ``lines_of``.
        features: Of the items.
        cuts: Shares of the lines before the tested windows.
        tuning_share: Share of the lines that each window before a cut takes.
        min_users: Users who bought a new item, in the tested and in the tuning window.
        **support: As of ``open_window``.

    Raises:
        InputError: No cut has a window that can be tested.
    """
    found = list(_launches(lines, features, cuts, tuning_share, min_users, support))
    if not found:
        raise InputError(
            f"None of the launch windows at {', '.join(f'{cut:.0%}' for cut in cuts)} of the lines "
            f"has {min_users} users who bought a new item, a window before it that has them too, "
            "and one before that in which any item was launched. An item is new with "
            f"{support['min_buyers_after']} buyers or more after the cut. Lower "
            "new_items.windows.min_buyers_after or new_items.windows.min_users, or choose other "
            "new_items.windows.cuts."
        )
    return found


def _launches(
    lines: pd.DataFrame,
    features: ItemFeatures,
    cuts: Sequence[float],
    tuning_share: float,
    min_users: int,
    support: dict[str, int],
) -> Iterator[Launch]:
    times, firsts = lines[Columns.TIMESTAMP], first_prices(lines)
    firsts.index = firsts.index.astype(str)
    opened: dict[tuple[pd.Timestamp, pd.Timestamp], Window] = {}
    for cut in cuts:
        shares = (max(cut - 2 * tuning_share, 0.0), cut - tuning_share, cut, 1.0)
        moments = [moment_at(times, share) for share in shares]
        bounds = list(pairwise(moments))
        for opens, closes in bounds:
            if (opens, closes) not in opened:
                opened[opens, closes] = open_window(
                    lines, firsts, features, opens, closes, **support
                )
        earlier, tuning, test = (opened[between] for between in bounds)
        few = min(len(tuning.judged), len(test.judged))
        if few < min_users:
            logger.warning(
                "The launch window at %.0f %% of the lines is left out: %d users bought one of "
                "%d new items (%d users and %d items in the window before it), and it takes %d.",
                100 * cut,
                len(test.judged),
                len(test.new),
                len(tuning.judged),
                len(tuning.new),
                min_users,
            )
            continue
        if not len(earlier.launched):
            logger.warning(
                "The launch window at %.0f %% of the lines is left out: no item was launched "
                "from %s to %s, from which a forecast for the next window would learn.",
                100 * cut,
                earlier.opens.date(),
                earlier.closes.date(),
            )
            continue
        logger.info(
            "Launch window at %.0f %% of the lines, from %s: %d new items of %d launched, %d old "
            "ones; %d users bought a new one.",
            100 * cut,
            test.opens.date(),
            len(test.new),
            len(test.launched),
            len(test.old),
            len(test.judged),
        )
        yield Launch(cut, earlier, tuning, test)
