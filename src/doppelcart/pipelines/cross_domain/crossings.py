"""Who is known where, and which department is unknown of whom."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.errors import InputError
from doppelcart.pipelines.cross_domain.params import DepartmentsParams

logger = logging.getLogger(__name__)

MASKED: Final = "masked"
NATURAL: Final = "natural"
PARTS: Final = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True, eq=False)
class Target:
    """A department that is to be recommended from, to households known in all others.

    Args:
        name: Of the department.
        inside: (n_inside,) columns of all its items: none of them is known of whom it is masked.
        items: (n_items,) those of them that can be recommended.
        train: Rows of the households to learn from; they bought in the department.
        validation: Rows of those on which everything is chosen.
        test: Rows of those that are judged.
    """

    name: str
    inside: np.ndarray
    items: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class Crossing:
    """A protocol: what is known of all households, and what tested ones buy in a department.

    Args:
        protocol: ``masked`` or ``natural``.
        user_ids: (n_users,) households.
        item_ids: (n_columns,) items.
        history: (n_users, n_columns) CSR float32 of ones: what is known, before any masking.
        later: (n_users, n_columns) CSR float32 of ones: what tested households are judged by; of
            the masked protocol the same as ``history``.
        part: (n_users,) place in ``PARTS`` of each household.
        targets: The departments.
    """

    protocol: str
    user_ids: np.ndarray
    item_ids: np.ndarray
    history: sparse.csr_matrix
    later: sparse.csr_matrix
    part: np.ndarray
    targets: tuple[Target, ...]

    def known(self, target: Target, rows: np.ndarray) -> sparse.csr_matrix:
        """(n_rows, n_columns) what is known of some households, the target department masked."""
        outside = np.ones(self.history.shape[1], dtype=np.float32)
        outside[target.inside] = 0
        masked = self.history[rows].multiply(outside).tocsr()
        masked.eliminate_zeros()
        return masked

    def baskets(self, target: Target, rows: np.ndarray) -> sparse.csr_matrix:
        """(n_rows, n_items) CSR what households to learn or choose from bought in the target."""
        return self.history[rows][:, target.items].tocsr()

    def truth(self, target: Target) -> sparse.csr_matrix:
        """(n_tested, n_items) CSR what tested households bought in the target."""
        return self.later[target.test][:, target.items].tocsr()


def lines_by_department(interactions: ir.Table, items: ir.Table) -> pd.DataFrame:
    """What was bought where.

    Args:
        interactions: Clean interactions.
        items: Clean items.

    Returns:
        Categorical ``user_id``, ``item_id`` and ``department``, and ``timestamp``. Lines of items
        without a department are left out, and a line of the log counts them.

    Raises:
        InputError: No item has a department.
    """
    wanted = [Columns.USER, Columns.ITEM, Columns.TIMESTAMP]
    lines = interactions.select(wanted).to_pandas()
    departments = items.select([Columns.ITEM, Columns.DEPARTMENT]).to_pandas()
    lines = lines.merge(departments, on=Columns.ITEM, how="left")
    without = lines[Columns.DEPARTMENT].isna()
    if without.all():
        raise InputError(
            "No item has a department, so that nobody can be known in some departments and new in "
            "another. Declare `department` in `source: tables: items`."
        )
    if without.any():
        logger.warning(
            "%d of %d lines are left out: their items have no department.",
            without.sum(),
            len(lines),
        )
    kept = [*wanted[:2], Columns.DEPARTMENT]
    lines = lines[~without].sort_values(wanted).reset_index(drop=True)
    return lines.astype(dict.fromkeys(kept, "category"))


def open_crossings(lines: pd.DataFrame, params: DepartmentsParams) -> list[Crossing]:
    """Both protocols; a department that is too small for one is left out of it, with a line.

    Args:
        lines: As from ``lines_by_department``.
        params: Who is held out, and which departments are large enough.

    Raises:
        InputError: No department is large enough in either.
    """
    part = parts_of(lines[Columns.USER].cat.categories.size, params)
    found = []
    for crossing in (_masked(lines, part, params), _natural(lines, part, params)):
        if crossing is None or not crossing.targets:
            continue
        logger.info(
            "The %s protocol has %d departments: %s.",
            crossing.protocol,
            len(crossing.targets),
            ", ".join(target.name for target in crossing.targets),
        )
        found.append(crossing)
    if not found:
        raise InputError(
            f"None of {lines[Columns.DEPARTMENT].cat.categories.size} departments can be "
            f"recommended from: it takes {params.min_items} items that {params.min_buyers} "
            f"households bought, {params.min_households} households that bought there in each of "
            f"training, validation and test, and at least {1 - params.largest_share:.0%} of all "
            "households that did not. Lower cross_domain.departments.min_items, "
            "cross_domain.departments.min_buyers or cross_domain.departments.min_households."
        )
    return found


def parts_of(n_users: int, params: DepartmentsParams) -> np.ndarray:
    """(n_users,) place in ``PARTS`` of every household, at random.

    Args:
        n_users: Number of households.
        params: Shares and seed.
    """
    order = np.random.default_rng(params.seed).permutation(n_users)
    n_test, n_validation = (
        round(params.test_share * n_users),
        round(params.validation_share * n_users),
    )
    part = np.full(n_users, TRAIN)
    part[order[:n_test]] = TEST
    part[order[n_test : n_test + n_validation]] = VALIDATION
    return part


def _masked(lines: pd.DataFrame, part: np.ndarray, params: DepartmentsParams) -> Crossing:
    """Tested households lose what they bought in the department; it is what they are judged by."""
    history = purchases(lines, np.ones(len(lines), dtype=bool))
    return _crossing(MASKED, lines, history, history, part, params)


def _natural(lines: pd.DataFrame, part: np.ndarray, params: DepartmentsParams) -> Crossing | None:
    """Tested households had bought nothing in the department before the cut, and did after it."""
    times = lines[Columns.TIMESTAMP]
    if times.isna().any():
        logger.warning(
            "The natural protocol is left out: %d lines have no time, so that nobody can tell who "
            "came to a department later.",
            times.isna().sum(),
        )
        return None
    opens = times.sort_values().iloc[int(params.cut * len(times))].normalize()
    before = (times < opens).to_numpy()
    # Nobody is masked here: those who would be tested are learnt from, until they are entrants.
    learnt = np.where(part == TEST, TRAIN, part)
    return _crossing(
        NATURAL, lines, purchases(lines, before), purchases(lines, ~before), learnt, params
    )


def purchases(lines: pd.DataFrame, which: np.ndarray) -> sparse.csr_matrix:
    """(n_users, n_columns) CSR float32 of ones where a household bought an item.

    Args:
        lines: As from ``lines_by_department``.
        which: (n_lines,) bool: those that count.
    """
    user, item = (lines[name].cat for name in (Columns.USER, Columns.ITEM))
    shape = (user.categories.size, item.categories.size)
    cells = (user.codes.to_numpy()[which], item.codes.to_numpy()[which])
    counts = sparse.coo_matrix((np.ones(which.sum(), np.float32), cells), shape=shape).tocsr()
    counts.data[:] = 1
    return counts


def _crossing(
    protocol: str,
    lines: pd.DataFrame,
    history: sparse.csr_matrix,
    later: sparse.csr_matrix,
    part: np.ndarray,
    params: DepartmentsParams,
) -> Crossing:
    user_ids = lines[Columns.USER].cat.categories.to_numpy(dtype=str)
    reasons: dict[str, str] = {}
    targets = tuple(_targets(protocol, lines, history, later, part, params, reasons))
    if reasons:
        logger.warning(
            "Departments that are left out of the %s protocol: %s.",
            protocol,
            "; ".join(f"{name} ({reason})" for name, reason in reasons.items()),
        )
    item_ids = lines[Columns.ITEM].cat.categories.to_numpy(dtype=str)
    return Crossing(protocol, user_ids, item_ids, history, later, part, targets)


def _targets(
    protocol: str,
    lines: pd.DataFrame,
    history: sparse.csr_matrix,
    later: sparse.csr_matrix,
    part: np.ndarray,
    params: DepartmentsParams,
    reasons: dict[str, str],
) -> Iterator[Target]:
    """The departments that are large enough; why the others are not is put into ``reasons``."""
    of_item = lines.drop_duplicates(Columns.ITEM).set_index(Columns.ITEM)[Columns.DEPARTMENT]
    department = of_item.reindex(lines[Columns.ITEM].cat.categories).cat
    buyers = np.bincount(history[part == TRAIN].indices, minlength=history.shape[1])
    for code, name in enumerate(department.categories):
        is_inside = (department.codes == code).to_numpy()
        inside = np.flatnonzero(is_inside)
        items = inside[buyers[inside] >= params.min_buyers]
        bought = _any(history, items)
        learnt, chosen = (np.flatnonzero(bought & (part == p)) for p in (TRAIN, VALIDATION))
        if protocol == MASKED:
            tested = bought & (part == TEST)
        else:
            tested = ~_any(history, inside) & _any(later, items)
        # Households of whom nothing is known elsewhere cannot be told apart.
        tested = np.flatnonzero(tested & _any(history, np.flatnonzero(~is_inside)))
        sizes = {"training": len(learnt), "validation": len(chosen)}
        if protocol == MASKED:
            sizes["test"] = len(tested)
        reason = _too_small(len(items), sizes, float(bought.mean()), params)
        if not reason and not len(tested):
            reason = "no household came to it"
        if reason:
            reasons[str(name)] = reason
        else:
            yield Target(str(name), inside, items, learnt, chosen, tested)


def _any(matrix: sparse.csr_matrix, columns: np.ndarray) -> np.ndarray:
    """(n_rows,) whether a row has any of some columns."""
    ones = np.zeros(matrix.shape[1], dtype=np.float32)
    ones[columns] = 1
    return np.asarray(matrix @ ones) > 0


def _too_small(n_items: int, sizes: dict[str, int], share: float, params: DepartmentsParams) -> str:
    """Why a department cannot be recommended from; empty if it can."""
    if n_items < params.min_items:
        return f"{n_items} items of enough buyers, and it takes {params.min_items}"
    if share > params.largest_share:
        return f"{share:.0%} of the households buy there, it is a source alone"
    few = [f"{size} {part}" for part, size in sizes.items() if size < params.min_households]
    if few:
        return f"{', '.join(few)} households, and it takes {params.min_households}"
    return ""


def sizes_of(crossings: list[Crossing]) -> pd.DataFrame:
    """One row per protocol and department: items and households."""
    rows: list[dict[str, Any]] = [
        {
            Columns.PROTOCOL: crossing.protocol,
            Columns.DEPARTMENT: target.name,
            "items": len(target.items),
            **{part: len(getattr(target, part)) for part in PARTS},
            "items_each": crossing.truth(target).nnz / len(target.test),
        }
        for crossing in crossings
        for target in crossing.targets
    ]
    return pd.DataFrame(rows)
