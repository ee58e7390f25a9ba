"""How well chances of an event rank and hold: pure functions over arrays."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

N_BINS: Final = 10


def auc(happened: np.ndarray, chances: np.ndarray) -> float:
    """Chance that an event is ranked above a non-event, ties counting half; NaN without both.

    Args:
        happened: (n,) whether it happened.
        chances: (n,) whatever rises with its chance.

    Examples:
        >>> auc(np.array([0, 1, 0, 1]), np.array([.1, .4, .4, .8]))
        0.875
    """
    above, below = placements(happened, chances)
    return float(above.mean()) if len(above) and len(below) else float("nan")


def placements(happened: np.ndarray, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of non-events below each event, and of events above each non-event.

    Args:
        happened: (n,) whether it happened.
        chances: (n,) whatever rises with its chance.
    """
    from scipy.stats import rankdata

    events, others = chances[happened.astype(bool)], chances[~happened.astype(bool)]
    n_events, n_others = len(events), len(others)
    if not n_events or not n_others:
        return np.full(n_events, np.nan), np.full(n_others, np.nan)
    ranks = rankdata(np.concatenate([events, others]))
    above = (ranks[:n_events] - rankdata(events)) / n_others
    below = 1 - (ranks[n_events:] - rankdata(others)) / n_events
    return above, below


def auc_by_unit(happened: np.ndarray, chances: np.ndarray, units: np.ndarray) -> np.ndarray:
    """A value per unit whose mean over units is the AUC, and whose spread is its uncertainty.

    The AUC of a unit's own rows says little where it has few. These are the values of DeLong,
    DeLong and Clarke-Pearson (1988) summed within units, as Obuchowski (1997) does for clustered
    data: the AUC, plus what the unit's rows move it by, times the number of units.

    Args:
        happened: (n,) whether it happened.
        chances: (n,) whatever rises with its chance.
        units: (n,) unit of each row, 0 to n_units - 1.

    Returns:
        (n_units,) values; NaN without events or without others.
    """
    n_units = int(units.max()) + 1
    is_event = happened.astype(bool)
    if is_event.all() or not is_event.any():
        return np.full(n_units, np.nan)
    above, below = placements(happened, chances)
    area = above.mean()
    moved = np.bincount(units[is_event], (above - area) / len(above), n_units)
    moved += np.bincount(units[~is_event], (below - area) / len(below), n_units)
    return area + n_units * moved


def average_precision(happened: np.ndarray, chances: np.ndarray) -> float:
    """Mean precision over the events, as the list is read from its top.

    Args:
        happened: (n,) whether it happened.
        chances: (n,) whatever rises with its chance.
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(happened, chances)) if happened.any() else float("nan")


def brier(happened: np.ndarray, chances: np.ndarray) -> float:
    """Mean squared distance of a probability from what happened (Brier 1950); less is better.

    Args:
        happened: (n,) whether it happened.
        chances: (n,) probabilities.
    """
    return float(np.mean(np.square(chances - happened)))


def calibration(happened: np.ndarray, chances: np.ndarray, n_bins: int = N_BINS) -> pd.DataFrame:
    """What was said against what came, by tenths of the rows.

    Args:
        happened: (n,) whether it happened.
        chances: (n,) probabilities.
        n_bins: Bins of as many rows each.

    Returns:
        One row per bin, from the lowest chances on: ``said``, ``came`` (means), ``rows``.
    """
    order = np.argsort(chances, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    return pd.DataFrame(
        {
            "said": [float(chances[part].mean()) for part in parts],
            "came": [float(happened[part].mean()) for part in parts],
            "rows": [len(part) for part in parts],
        }
    )


def calibration_error(table: pd.DataFrame) -> float:
    """Mean distance of what was said from what came, over the rows of ``calibration``.

    Args:
        table: As from ``calibration``.
    """
    distance = (table["said"] - table["came"]).abs()
    return float(np.average(distance, weights=table["rows"]))
