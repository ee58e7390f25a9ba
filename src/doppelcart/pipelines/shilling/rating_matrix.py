"""From a table of ratings or purchases to a checked matrix of users and items."""

# ruff: noqa: PD003, PD004 - Ibis columns have isnull and notnull only

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.errors import InputError
from doppelcart.pipelines.shilling.params import RatingParams

GENERATED: Final = "gen-"
"""What the id of every fake profile that a run makes begins with."""
NEVER: Final = -(2**62)
"""Second that stands for no time, so that any time is later."""
LEAST_USERS: Final = 50
LEAST_ITEMS: Final = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Others:
    """Users who were not drawn for the experiment: they are ranked, and nothing is learnt of them.

    Args:
        users: (n_others,) ids.
        given: (n_others, n_items) CSR float32, as ``Ratings.given``.
    """

    users: np.ndarray
    given: sparse.csr_matrix


@dataclass(frozen=True)
class Ratings:
    """Users by items; 0 where a user has no opinion of an item.

    Args:
        users: (n_users,) ids.
        items: (n_items,) ids.
        given: (n_users, n_items) float32 ratings; 1 for a purchase where ``scale`` is None.
        scale: Lowest and highest rating; None for purchases, which have no rating.
        times: (n_users, n_items) days since the first of all, NaN where there is no opinion or
            nothing says when it was given; None where nothing says it of any.
        others: Users of enough items who were not drawn; None where all were.
    """

    users: np.ndarray
    items: np.ndarray
    given: np.ndarray
    scale: tuple[float, float] | None
    times: np.ndarray | None = None
    others: Others | None = None

    @property
    def is_implicit(self) -> bool:
        """Whether there are purchases only."""
        return self.scale is None

    @property
    def top(self) -> float:
        """The value by which an item is pushed."""
        return self.scale[1] if self.scale else 1.0

    @property
    def n_users(self) -> int:
        """Users in all."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """Items in all."""
        return len(self.items)

    def select(self, rows: np.ndarray) -> Ratings:
        """Some of the users, and none of those who were not drawn."""
        times = None if self.times is None else self.times[rows]
        return replace(
            self, users=self.users[rows], given=self.given[rows], times=times, others=None
        )


def read_ratings(
    table: ir.Table, scale: tuple[float, float] | None, params: RatingParams
) -> tuple[Ratings, pd.DataFrame]:
    """Read a table, and refuse what nothing can be learnt from.

    Of a pair of user and item that stands there more than once, the latest rating counts.

    Args:
        table: ``user_id`` and ``item_id``, perhaps ``rating`` and ``timestamp``.
        scale: Lowest and highest rating.
        params: How much is used, what is tolerated.

    Returns:
        The matrix; and what was counted on the way: ``what``, ``number``, ``of``, ``done``.

    Raises:
        InputError: All faults at once.
    """
    faults = list(_faults_of_columns(table, scale))
    if faults:
        raise _refused(faults)
    pairs, counts = _pairs(table, scale)
    faults += _faults_of_rows(counts, params)
    made = int(pairs[Columns.USER].str.startswith(GENERATED).sum())
    if made:
        faults.append(
            f"{made:,} rows are of users whose id begins with {GENERATED}: they were generated, "
            "and cannot be taken for real ones. Leave them out."
        )
    if faults:
        raise _refused(faults)
    ratings, more = _matrix(pairs, scale, params)
    found = pd.DataFrame([*counts, *more], columns=["what", "number", "of", "done"])
    for row in found.itertuples():
        if row.number:
            log.info("%s: %d of %d, %s.", row.what, row.number, row.of, row.done)
    return ratings, found


def _refused(faults: list[str]) -> InputError:
    listed = "\n".join(f"  {fault}" for fault in faults)
    return InputError(f"fake profiles cannot be looked for in the table of ratings:\n{listed}")


def _faults_of_columns(table: ir.Table, scale: tuple[float, float] | None) -> Iterator[str]:
    missing = [name for name in (Columns.USER, Columns.ITEM) if name not in table.columns]
    if missing:
        yield (
            f"it has no column {', '.join(missing)}. Give an expression for each under "
            "`ratings: table` in conf/<environment>/globals.yml."
        )
    if Columns.RATING in table.columns and scale is None:
        yield (
            "it has ratings, but nothing says what the lowest and the highest may be. Give "
            "`ratings: scale`, such as [1, 5], in conf/<environment>/globals.yml."
        )
    if Columns.TIMESTAMP in table.columns and not _tells_days(table[Columns.TIMESTAMP]):
        yield (
            f"`{Columns.TIMESTAMP}` is {table[Columns.TIMESTAMP].type()}, no moment. Correct its "
            "expression under `ratings: table`, such as strptime(column, '%d/%m/%Y %H:%M') or "
            "make_timestamp(CAST(seconds * 1e6 AS BIGINT))."
        )
    if Columns.RATING in table.columns:
        value = table[Columns.RATING]
        odd = table.filter(value.notnull() & value.try_cast("float64").isnull())
        number = int(odd.count().execute())
        if number:
            shown = ", ".join(map(repr, odd.limit(3)[Columns.RATING].to_list()))
            yield (
                f"{number:,} of {int(table.count().execute()):,} ratings are no numbers, such as "
                f"{shown}. Correct the expression of `{Columns.RATING}` under `ratings: table`."
            )


def _tells_days(column: ir.Column) -> bool:
    return column.type().is_timestamp() or column.type().is_date()


def _pairs(
    table: ir.Table, scale: tuple[float, float] | None
) -> tuple[pd.DataFrame, list[tuple[str, int, int, str]]]:
    """One row per user and item, and what was counted."""
    rated = Columns.RATING in table.columns
    ids = {
        name: table[name].cast("string").strip().nullif("") for name in (Columns.USER, Columns.ITEM)
    }
    blanks = ibis.or_(*(table[n].cast("string") != table[n].cast("string").strip() for n in ids))
    value = table[Columns.RATING].cast("float64") if rated else ibis.literal(1.0)
    # Where nothing says when, the rating that is read last counts.
    timed = Columns.TIMESTAMP in table.columns
    time = (
        table[Columns.TIMESTAMP].cast("timestamp").epoch_seconds() if timed else ibis.null("int64")
    )
    order = time.fill_null(NEVER) if timed else ibis.row_number()
    rows = table.select(**ids, value=value, time=time, order=order, blanks=blanks)
    usable = rows.drop_null([Columns.USER, Columns.ITEM, "value"])
    if rated and scale is not None:
        on_scale = usable.filter(usable["value"].between(*scale))
    else:
        on_scale = usable
    pairs = (
        on_scale.group_by([Columns.USER, Columns.ITEM])
        .agg(
            value=on_scale["value"].argmax(on_scale["order"]),
            time=on_scale["time"].max(),
            rows=on_scale.count(),
        )
        .order_by([Columns.USER, Columns.ITEM])
        .to_pandas()
    )
    n_rows, n_usable, n_on = (int(part.count().execute()) for part in (rows, usable, on_scale))
    doubled = int((pairs["rows"] > 1).sum())
    n_blanks = int(rows["blanks"].fill_null(False).sum().execute() or 0)
    counts = [
        ("rows without user, item or rating", n_rows - n_usable, n_rows, "left out"),
        ("rows with blanks around an id", n_blanks, n_rows, "taken without the blanks"),
    ]
    if timed:
        untimed = int(pairs["time"].isna().sum())
        counts.append(("pairs of user and item without a time", untimed, len(pairs), "no burst"))
    if rated:
        counts += [
            ("ratings off the scale", n_usable - n_on, n_usable, "left out"),
            ("pairs of user and item rated more than once", doubled, len(pairs), "the latest kept"),
        ]
    return pairs, counts


def _faults_of_rows(counts: list[tuple[str, int, int, str]], params: RatingParams) -> Iterator[str]:
    advice = {
        "rows without user, item or rating": "Correct the expressions of `ratings: table`",
        "ratings off the scale": "Correct `ratings: scale`, or the expression of `rating`",
    }
    for what, number, total, _ in counts:
        if what in advice and number > params.refuse_share * max(total, 1):
            yield f"{what}: {number:,} of {total:,}. {advice[what]}."


def _matrix(
    pairs: pd.DataFrame, scale: tuple[float, float] | None, params: RatingParams
) -> tuple[Ratings, list[tuple[str, int, int, str]]]:
    """Drawn items, drawn users of enough of them, and how many were left out."""
    rng = np.random.default_rng(params.seed)
    n_users, n_items = pairs[Columns.USER].nunique(), pairs[Columns.ITEM].nunique()
    used = _drawn(pairs, Columns.ITEM, params.max_items, rng)
    lengths = used.groupby(Columns.USER)["value"].transform("size")
    used = used[lengths >= params.min_items_per_user]
    n_active = used[Columns.USER].nunique()
    active, used = used, _drawn(used, Columns.USER, params.max_users, rng)
    users, rows = np.unique(used[Columns.USER].to_numpy(str), return_inverse=True)
    items, columns = np.unique(used[Columns.ITEM].to_numpy(str), return_inverse=True)
    faults = [
        f"{number:,} {what} are left, and it takes {least}. Bring a longer table, or lower "
        "shilling.reading.min_items_per_user."
        for what, number, least in (
            (f"users with at least {params.min_items_per_user} items", len(users), LEAST_USERS),
            ("items", len(items), LEAST_ITEMS),
        )
        if number < least
    ]
    if faults:
        raise _refused(faults)
    values = np.zeros((len(users), len(items)), np.float32)
    ratings = used["value"].to_numpy(np.float32)
    # Ratings all alike say no more than purchases do.
    rated = scale is not None and len(np.unique(ratings)) > 1
    if scale is not None and not rated:
        log.warning("All ratings are %g: only who has what is looked at.", ratings[0])
    # 0 stands for no opinion, so that a scale that holds 0 is moved up.
    shift = 1 - scale[0] if scale is not None and scale[0] <= 0 else 0.0
    values[rows, columns] = ratings + shift if rated else 1.0
    others = _others(active[~active[Columns.USER].isin(users)], items, shift, rated=rated)
    moved = (scale[0] + shift, scale[1] + shift) if scale is not None and rated else None
    counts = [
        (f"users of fewer than {params.min_items_per_user} items", n_users - n_active, n_users,
         "left out"),
        ("users", len(users), n_active, "drawn for the experiment"),
        ("items", len(items), n_items, "drawn for the experiment"),
    ]  # fmt: skip
    times = _times(used["time"].to_numpy(float), rows, columns, values.shape)
    return Ratings(users, items, values, moved, times, others), counts


def _others(pairs: pd.DataFrame, items: np.ndarray, shift: float, *, rated: bool) -> Others | None:
    """Those who were not drawn, with what they have of the drawn items."""
    columns = pd.Index(items).get_indexer(pairs[Columns.ITEM].astype(str))
    pairs, columns = pairs[columns >= 0], columns[columns >= 0]
    if pairs.empty:
        return None
    users, rows = np.unique(pairs[Columns.USER].to_numpy(str), return_inverse=True)
    values = pairs["value"].to_numpy(np.float32) + np.float32(shift)
    given = values if rated else np.ones(len(pairs), np.float32)
    return Others(users, sparse.csr_matrix((given, (rows, columns)), (len(users), len(items))))


def _times(
    seconds: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]
) -> np.ndarray | None:
    """Days since the first rating; None where there are not two different ones."""
    if len(np.unique(seconds[np.isfinite(seconds)])) < 2:
        return None
    found = np.full(shape, np.nan)
    found[rows, columns] = (seconds - np.nanmin(seconds)) / 86_400
    return found


def _drawn(pairs: pd.DataFrame, column: str, most: int, rng: np.random.Generator) -> pd.DataFrame:
    names = np.unique(pairs[column].to_numpy(str))
    if len(names) <= most:
        return pairs
    return pairs[pairs[column].isin(rng.choice(names, most, replace=False))]
