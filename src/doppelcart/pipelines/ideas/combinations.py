"""Combinations of a type and a manufacturer: those that are sold, and those launched later.

A combination is a pair of a kind of item (its type) and a maker (its manufacturer). An idea is one
of a kind and a maker that the shop knows both, and that it does not sell together.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.catalogue.windows import Window, first_prices, moment_at, open_window
from doppelcart.columns import Columns
from doppelcart.errors import InputError
from doppelcart.pipelines.ideas.params import WindowsParams

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Combinations:
    """What was sold of every kind and maker when a window opened, and what was launched in it.

    Args:
        window: The window; its old items are all that were sold before it.
        kinds: (n_kinds,) column of the features of each kind that was sold before.
        makers: (n_makers,) likewise of each maker.
        items: (n_kinds, n_makers) CSR float64: items of each combination that were sold before.
        recent: Likewise, those of them first sold in the last weeks.
        categories: (n_kinds,) commonest category of the items of each kind, from 0.
        launches: (n_kinds, n_makers) CSR float64: items launched in the window.
        launched: (n_launched, 2) kind and maker of each combination first sold in the window, both
            of which were known.
        unknown: Combinations first sold in it of which one part was not known.
        kept: What rankings have computed of it that takes long, by what it is.
    """

    window: Window
    kinds: np.ndarray
    makers: np.ndarray
    items: sparse.csr_matrix
    recent: sparse.csr_matrix
    categories: np.ndarray
    launches: sparse.csr_matrix
    launched: np.ndarray
    unknown: int
    kept: dict[tuple[str, float], np.ndarray] = field(default_factory=dict, repr=False)

    @cached_property
    def unseen(self) -> np.ndarray:
        """(n_kinds, n_makers) bool: whether a combination was not sold before, so is an idea."""
        return np.asarray(self.items.toarray() == 0)

    @property
    def shape(self) -> tuple[int, int]:
        """Kinds and makers."""
        return len(self.kinds), len(self.makers)


def combine_items(window: Window, features: ItemFeatures) -> Combinations:
    """Count the combinations of a window.

    Args:
        window: Opened with one buyer as the support of old and of new items.
        features: Of all items.
    """
    kind, maker = features.values(Columns.TYPE), features.values(Columns.MANUFACTURER)
    kinds, makers = (
        np.unique(values[window.old][values[window.old] >= 0]) for values in (kind, maker)
    )
    kind_of, maker_of = _places(kinds, kind), _places(makers, maker)
    shape = (len(kinds), len(makers))

    def counted(rows: np.ndarray) -> sparse.csr_matrix:
        known = rows[(kind_of[rows] >= 0) & (maker_of[rows] >= 0)]
        ones = np.ones(len(known))
        return sparse.coo_matrix((ones, (kind_of[known], maker_of[known])), shape=shape).tocsr()

    items, launches = counted(window.old), counted(window.launched)
    new = (launches - launches.multiply(items > 0)).tocoo()
    named = window.launched[(kind[window.launched] >= 0) & (maker[window.launched] >= 0)]
    strange = named[(kind_of[named] < 0) | (maker_of[named] < 0)]
    return Combinations(
        window,
        kinds,
        makers,
        items,
        counted(window.old[window.recent_launch[window.old]]),
        _categories(window, features, kind_of, len(kinds)),
        launches,
        np.column_stack([new.row, new.col])[new.data > 0],
        len(np.unique(np.column_stack([kind[strange], maker[strange]]), axis=0)),
    )


def _places(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) place of each value among the known ones, -1 where it is none of them."""
    return pd.Index(known).get_indexer(values)


def _categories(
    window: Window, features: ItemFeatures, kind_of: np.ndarray, n_kinds: int
) -> np.ndarray:
    """(n_kinds,) the commonest category of each kind; one for all that have none."""
    found = np.full(n_kinds, -1)
    if Columns.CATEGORY in features.block_names:
        old = window.old[kind_of[window.old] >= 0]
        frame = pd.DataFrame(
            {"kind": kind_of[old], "category": features.values(Columns.CATEGORY)[old]}
        )
        counts = frame.value_counts().reset_index().sort_values(["count", "category"])
        last = counts.drop_duplicates("kind", keep="last")
        found[last["kind"]] = last["category"]
    return np.unique(found, return_inverse=True)[1]


@dataclass(frozen=True, eq=False)
class Cut:
    """One cut of the log: the judged window, and the two before it.

    Args:
        cut: Share of the lines before the judged window.
        earlier: What the blend of the tuning window learns from.
        tuning: What rankings are tuned on.
        judged: The window after the cut; read once.
    """

    cut: float
    earlier: Combinations
    tuning: Combinations
    judged: Combinations


def open_cuts(lines: pd.DataFrame, features: ItemFeatures, params: WindowsParams) -> list[Cut]:
    """The cuts of a log; one with too few launches is left out, with a line.

    Args:
        lines: As from ``windows.lines_of``.
        features: Of the items.
        params: Cuts, and the width of windows.

    Raises:
        InputError: The items have no types or no manufacturers, or no cut is left.
    """
    for part in (Columns.TYPE, Columns.MANUFACTURER):
        if part not in features.block_names or not (features.values(part) >= 0).any():
            raise InputError(
                f"An idea is a type and a manufacturer that the shop does not sell together, and "
                f"no item has a {part}. Declare the column in `source: tables: items`, and name it "
                "in items.attributes."
            )
    found = list(_cuts(lines, features, params))
    if not found:
        raise InputError(
            f"None of the windows at {', '.join(f'{cut:.0%}' for cut in params.cuts)} of the "
            f"lines, and of the windows before them, has {params.min_launches} launches of a "
            "combination of type and manufacturer that was not sold before. Lower "
            "ideas.windows.min_launches, or choose other ideas.windows.cuts."
        )
    return found


def _cuts(lines: pd.DataFrame, features: ItemFeatures, params: WindowsParams) -> Iterator[Cut]:
    firsts = first_prices(lines)
    firsts.index = firsts.index.astype(str)
    opened: dict[float, Combinations] = {}

    def at(share: float) -> Combinations:
        share = round(max(share, 0.0), 6)
        if share not in opened:
            opened[share] = _opened_at(lines, firsts, features, share, params)
        return opened[share]

    for cut in params.cuts:
        windows = [at(cut - places * params.width) for places in (2, 1, 0)]
        few = min(len(own.launched) for own in windows)
        if few < params.min_launches:
            logger.warning(
                "The window at %.0f %% of the lines is left out: it, or one of the two before it, "
                "has %d launches of combinations that were not sold before, and it takes %d.",
                100 * cut,
                few,
                params.min_launches,
            )
            continue
        yield Cut(cut, *windows)


def _opened_at(
    lines: pd.DataFrame,
    firsts: pd.DataFrame,
    features: ItemFeatures,
    share: float,
    params: WindowsParams,
) -> Combinations:
    times = lines[Columns.TIMESTAMP]
    opens, closes = (moment_at(times, round(s, 6)) for s in (share, share + params.width))
    return combine_items(_window(lines, firsts, features, opens, closes, params), features)


def combine_all(lines: pd.DataFrame, features: ItemFeatures, params: WindowsParams) -> Combinations:
    """The combinations at the end of the log, after which nothing is known.

    Args:
        lines: As from ``windows.lines_of``.
        features: Of the items.
        params: What counts as recent.
    """
    firsts = first_prices(lines)
    firsts.index = firsts.index.astype(str)
    end = moment_at(lines[Columns.TIMESTAMP], 1.0)
    return combine_items(_window(lines, firsts, features, end, end, params), features)


def _window(
    lines: pd.DataFrame,
    firsts: pd.DataFrame,
    features: ItemFeatures,
    opens: pd.Timestamp,
    closes: pd.Timestamp,
    params: WindowsParams,
) -> Window:
    return open_window(
        lines,
        firsts,
        features,
        opens,
        closes,
        min_buyers_before=1,
        min_buyers_after=1,
        recent_weeks=params.recent_weeks,
    )
