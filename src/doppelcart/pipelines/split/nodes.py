"""From clean interactions to one training set and the cases of both protocols."""

import logging
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.engine import materialise
from doppelcart.data.histories import Histories
from doppelcart.data.schemas import ORDER
from doppelcart.data.slices import COLD, WARM, Slice
from doppelcart.errors import InputError
from doppelcart.pipelines.split.params import SplitParams

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PART = "part"

log = logging.getLogger(__name__)


def split_interactions(
    prm_interactions: ir.Table, params: SplitParams
) -> tuple[ir.Table, ir.Table, ir.Table, dict[str, Any]]:
    """Put every line into training, validation or test.

    Users are drawn at random into training, validation and test users; time is cut at two moments
    for all. Training holds the training users' lines before the first moment. Validation and test
    hold, as protocol ``warm``, the training users' lines of their time window, and as protocol
    ``cold`` the whole history of their own users.

    Args:
        prm_interactions: Clean interactions.
        params: Shares, quantiles and seed.

    Returns:
        Training lines; validation and test lines with a column ``protocol``; and the bounds.

    Raises:
        InputError: If time cannot be cut, or one of the parts would be empty.
    """
    bounds = time_bounds(prm_interactions, params)
    users = draw_users(prm_interactions, params)
    lines = prm_interactions.inner_join(ibis.memtable(users), Columns.USER)
    time = lines[Columns.TIMESTAMP]
    trains = lines[PART] == TRAIN
    protocol = trains.ifelse(WARM, COLD)
    part = ibis.cases(
        (~trains, lines[PART]),
        (time < ibis.literal(bounds[0]), TRAIN),
        (time < ibis.literal(bounds[1]), VALIDATION),
        else_=TEST,
    )
    lines = materialise(lines.mutate(**{PART: part, Columns.PROTOCOL: protocol}), "split_lines")
    summary = _line_summary(lines, users, bounds)
    train, validation, test = (
        lines.filter(lines[PART] == name).drop(PART).order_by(ORDER)
        for name in (TRAIN, VALIDATION, TEST)
    )
    return train.drop(Columns.PROTOCOL), validation, test, summary


def time_bounds(interactions: ir.Table, params: SplitParams) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The moments at which the validation and the test window begin.

    Args:
        interactions: Clean interactions.
        params: The shares of lines before each moment.

    Returns:
        Two timestamps, each that of a line, so that lines of one moment stay together.

    Raises:
        InputError: If the moments coincide, or nothing lies before the first.
    """
    # moments are far fewer than lines: the engine counts, and only the counts come to memory
    lines = interactions.group_by(Columns.TIMESTAMP).aggregate(n=interactions.count())
    moments = lines.order_by(Columns.TIMESTAMP).to_pandas()
    times, up_to = moments[Columns.TIMESTAMP].to_numpy(), moments["n"].cumsum().to_numpy()
    n_lines = int(up_to[-1])
    first, second = (
        times[np.searchsorted(up_to, int(share * n_lines), side="right")]
        for share in (params.validation_from, params.test_from)
    )
    if not times[0] < first < second:
        raise InputError(
            f"the {n_lines:,} clean interactions cannot be split by time: they run from "
            f"{times[0]} to {times[-1]}, and the windows would begin at {first} and {second}. "
            "Check the expression of `timestamp`, or change split.validation_from and "
            "split.test_from."
        )
    return pd.Timestamp(first), pd.Timestamp(second)


def draw_users(interactions: ir.Table, params: SplitParams) -> pd.DataFrame:
    """Draw every user into a part; depends on the users and the seed, not on the rows' order.

    Args:
        interactions: Clean interactions.
        params: Shares and seed.

    Returns:
        ``user_id`` and ``part``, one row per user, sorted by user.

    Raises:
        InputError: If there are too few users for three parts.
    """
    found = interactions.select(Columns.USER).distinct().to_pandas()[Columns.USER]
    users = np.sort(found.to_numpy(dtype=object))
    n_validation = round(params.validation_user_share * len(users))
    n_test = round(params.test_user_share * len(users))
    n_train = len(users) - n_validation - n_test
    if min(n_validation, n_test) < 1 or n_train < 2:
        raise InputError(
            f"{len(users)} users are too few to hold out {n_validation} for validation and "
            f"{n_test} for test; bring more users, or loosen cleaning.support."
        )
    parts = np.repeat([TRAIN, VALIDATION, TEST], [n_train, n_validation, n_test])
    order = np.random.default_rng(params.seed).permutation(len(users))
    frame = pd.DataFrame({Columns.USER: users[order], PART: parts})
    return frame.sort_values(Columns.USER, ignore_index=True)


def build_train_histories(train_interactions: ir.Table) -> Histories:
    """The training users' histories; their items are the catalogue.

    Raises:
        InputError: If fewer than two users or two items are left for training.
    """
    histories = Histories.from_firsts(_first_purchases(train_interactions))
    if histories.n_users < 2 or histories.n_items < 2:
        raise InputError(
            f"the training part has {histories.n_users} users and {histories.n_items} items; at "
            "least two of each are needed. Move split.validation_from later or hold out fewer "
            "users."
        )
    return histories


def build_cases(
    train_histories: Histories,
    validation_interactions: ir.Table,
    test_interactions: ir.Table,
    summary: dict[str, Any],
    params: SplitParams,
) -> tuple[dict[str, Case], dict[str, Case], dict[str, Any]]:
    """Say, for both protocols, what is revealed of whom and what is to be found.

    Items without a training line are in no case: no recommender could rank them. They are
    counted. A user enters a case only with something to find, and ``cold_<k>`` only with more
    than k items.

    Args:
        train_histories: Training histories.
        validation_interactions: Validation lines with their protocol.
        test_interactions: Test lines with their protocol.
        summary: The bounds and counts of the split of lines.
        params: What is revealed.

    Returns:
        Validation cases and test cases by slice, and the completed summary.

    Raises:
        InputError: If no case at all has a user.
    """
    windows = [_first_purchases(table) for table in (validation_interactions, test_interactions)]
    warm = [rows[rows[Columns.PROTOCOL] == WARM] for rows in windows]
    cold = [rows[rows[Columns.PROTOCOL] == COLD] for rows in windows]
    # At test time the shop has seen the validation window.
    warm_seen = [train_histories, _extended(train_histories, warm[0])]
    cases = []
    for position, seed in enumerate(np.random.SeedSequence(params.seed).spawn(2)):
        rng = np.random.default_rng(seed)
        part = [_warm_case(warm_seen[position], warm[position], params.max_warm_users, rng)]
        part += _cold_cases(Histories.from_firsts(cold[position], train_histories.item_ids), params)
        cases.append({case.name: case for case in part if case.n_users})
    for name, part_cases in zip((VALIDATION, TEST), cases, strict=True):
        if not part_cases:
            raise InputError(
                f"no {name} user has anything to find among the {train_histories.n_items} items of "
                "the training part; hold out more users or loosen cleaning.support."
            )
    totals = _case_summary(train_histories, windows, cases, params)
    for name, absent in totals["cases_without_users"].items():
        if absent:
            log.warning(
                "no %s user is left for %s, which every comparison goes without: users have too "
                "few different items, or buy nothing new in the last window. split.known_items "
                "and split.known_shares say which slices there are, split.validation_from and "
                "split.test_from how long the windows, cleaning.support who takes part",
                name,
                ", ".join(absent),
            )
    return cases[0], cases[1], {**summary, **totals}


def _first_purchases(lines: ir.Table) -> pd.DataFrame:
    """One row per user, item and protocol: the first time; sorted by user, time and item."""
    keys = [
        name for name in (Columns.USER, Columns.ITEM, Columns.PROTOCOL) if name in lines.columns
    ]
    firsts = lines.group_by(keys).aggregate(**{Columns.TIMESTAMP: lines[Columns.TIMESTAMP].min()})
    return firsts.order_by([Columns.USER, Columns.TIMESTAMP, Columns.ITEM]).to_pandas()


def _extended(histories: Histories, firsts: pd.DataFrame) -> Histories:
    """Histories with what the same users bought later put behind; repeats are left out."""
    later = _aligned(histories, firsts)
    users = np.concatenate([_row_numbers(histories), _row_numbers(later)])
    items = np.concatenate([histories.items, later.items]).astype(np.int64)
    keep = np.sort(np.unique(users * histories.n_items + items, return_index=True)[1])
    users, items = users[keep], items[keep]
    order = np.argsort(users, kind="stable")
    counts = np.bincount(users, minlength=histories.n_users)
    return Histories(
        histories.user_ids,
        histories.item_ids,
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        items[order].astype(np.int32),
    )


def _aligned(histories: Histories, firsts: pd.DataFrame) -> Histories:
    """Histories of first purchases over the users and items of other histories."""
    later = Histories.from_firsts(firsts, histories.item_ids)
    rows = pd.Index(later.user_ids).get_indexer(pd.Index(histories.user_ids))
    empty = np.empty(0, dtype=np.int32)
    return Histories.from_lists(
        [later.of(row) if row >= 0 else empty for row in rows],
        histories.user_ids,
        histories.item_ids,
    )


def _row_numbers(histories: Histories) -> np.ndarray:
    """(nnz,) the row of each item."""
    return np.repeat(np.arange(histories.n_users, dtype=np.int64), histories.lengths)


def _warm_case(
    seen: Histories, firsts: pd.DataFrame, max_users: int, rng: np.random.Generator
) -> Case:
    """Known users and the items of a later window that are new to them."""
    later = _aligned(seen, firsts)
    known = _row_numbers(seen) * seen.n_items + seen.items
    found = _row_numbers(later) * seen.n_items + later.items
    new = ~np.isin(found, known)
    counts = np.bincount(_row_numbers(later)[new], minlength=seen.n_users)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    relevant = Histories(seen.user_ids, seen.item_ids, indptr, later.items[new])
    users = np.flatnonzero(relevant.lengths)
    if len(users) > max_users:
        users = np.sort(rng.choice(users, size=max_users, replace=False))
    return Case(WARM, seen.select(users), relevant.select(users))


def _cold_cases(histories: Histories, params: SplitParams) -> list[Case]:
    """Held-out users with their first items revealed, one case per number or share."""
    lengths = histories.lengths
    revealed = {Slice.cold(k).name: np.full(len(lengths), k) for k in params.known_items}
    for share in params.known_shares:
        # At least one item stays to be found, whatever the rounding.
        counts = np.minimum(np.floor(share * lengths + 1e-9).astype(np.int64), lengths - 1)
        revealed[Slice.cold(share).name] = counts
    return [_cold_case(name, histories, counts) for name, counts in revealed.items()]


def _cold_case(name: str, histories: Histories, counts: np.ndarray) -> Case:
    """Reveal a number of first items per user; users without a further one are left out."""
    users = np.flatnonzero(histories.lengths > counts)
    chosen, counts = histories.select(users), counts[users]
    return Case(name, chosen.first(counts), chosen.rest(counts))


def _line_summary(
    lines: ir.Table, users: pd.DataFrame, bounds: tuple[pd.Timestamp, pd.Timestamp]
) -> dict[str, Any]:
    """Bounds, users drawn and lines of each part.

    Raises:
        InputError: If a part that both protocols need has no line.
    """
    frame = lines.group_by([PART, Columns.PROTOCOL]).aggregate(rows=lines.count()).to_pandas()
    rows = {
        f"{part}_{protocol}": int(n)
        for part, protocol, n in frame[[PART, Columns.PROTOCOL, "rows"]].itertuples(index=False)
    }
    if f"{TRAIN}_{WARM}" not in rows:
        raise InputError(
            f"no training user has an interaction before {bounds[0]}; move split.validation_from "
            "later or hold out fewer users."
        )
    drawn = users[PART].value_counts()
    return {
        "validation_from": str(bounds[0]),
        "test_from": str(bounds[1]),
        "users": {part: int(drawn[part]) for part in (TRAIN, VALIDATION, TEST)},
        "rows": dict(sorted(rows.items())),
    }


def _case_summary(
    train: Histories,
    windows: list[pd.DataFrame],
    cases: list[dict[str, Case]],
    params: SplitParams,
) -> dict[str, Any]:
    """The catalogue, what lies outside of it, and the users of each case."""
    outside = {
        name: int((~rows[Columns.ITEM].isin(train.item_ids)).sum())
        for name, rows in zip((VALIDATION, TEST), windows, strict=True)
    }
    sizes = {
        name: {case.name: case.n_users for case in part.values()}
        for name, part in zip((VALIDATION, TEST), cases, strict=True)
    }
    return {
        "catalogue": train.n_items,
        "train_users_with_rows": train.n_users,
        "train_pairs": len(train.items),
        "pairs_outside_catalogue": outside,
        "case_users": sizes,
        "cases_without_users": {
            name: [slice_ for slice_ in params.slices if slice_ not in part]
            for name, part in sizes.items()
        },
    }
