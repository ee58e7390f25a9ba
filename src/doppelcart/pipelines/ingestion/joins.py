"""Whether the tables of a source speak of the same users, items and coupons.

Two files may each be in order and have no identifier in common, because one has lost its leading
zeros. Nothing fails then: every item is just without a category.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import ibis
import ibis.expr.types as ir

from doppelcart.columns import Columns, Tables
from doppelcart.data.engine import counted, first_row, forget, materialise
from doppelcart.pipelines.ingestion.params import Source
from doppelcart.reading.tolerance import IngestionParams

JOINED: Final = (
    (Tables.ITEMS, Columns.ITEM, Tables.INTERACTIONS),
    (Tables.USERS, Columns.USER, Tables.INTERACTIONS),
    (Tables.PROMOTIONS, Columns.ITEM, Tables.INTERACTIONS),
    (Tables.COUPONS, Columns.ITEM, Tables.INTERACTIONS),
    (Tables.CAMPAIGNS, Columns.USER, Tables.INTERACTIONS),
    (Tables.REDEMPTIONS, Columns.USER, Tables.INTERACTIONS),
    (Tables.REDEMPTIONS, Columns.COUPON, Tables.COUPONS),
    (Tables.REVIEWS, Columns.USER, Tables.INTERACTIONS),
    (Tables.REVIEWS, Columns.ITEM, Tables.INTERACTIONS),
    (Tables.PICTURES, Columns.ITEM, Tables.ITEMS),
)
"""Table, its identifier, and the table that should know the same ones."""

SPELLINGS: Final[dict[str, tuple[Callable[[ir.StringValue], ir.StringValue], str]]] = {
    "leading zeros": (lambda text: text.re_replace(r"^0+", ""), "ltrim({}, '0')"),
    "a trailing `.0`": (
        lambda text: text.re_replace(r"\.0+$", ""),
        r"regexp_replace({}, '\.0+$', '')",
    ),
    "the case of letters": (lambda text: text.upper(), "upper({})"),
    "blanks": (lambda text: text.re_replace(r"\s+", ""), "replace({}, ' ', '')"),
    "signs between letters and digits": (
        lambda text: text.re_replace(r"[^\pL\pN]+", ""),
        r"regexp_replace({}, '[^\pL\pN]+', '', 'g')",
    ),
}
"""In what two ways of writing one identifier may differ, and the SQL that makes them one."""


class Finding(NamedTuple):
    """Something implausible.

    Attributes:
        table: Canonical table in which it is.
        text: What is wrong, in how many rows, and what to do.
        stops: Whether the table cannot be used as it is.
    """

    table: str
    text: str
    stops: bool = False


class Match(NamedTuple):
    """How well two tables know each other's identifiers.

    Attributes:
        listed: Share of the list's identifiers that the other table has.
        known: Share of the other table's rows whose identifier is on the list.
        n_listed: Distinct identifiers of the list.
    """

    listed: float
    known: float
    n_listed: int

    @property
    def better(self) -> float:
        """The greater of the two shares.

        A list may name far more than was bought (a whole assortment), or cover little of the log
        (a survey of few customers), and be in order; only if both shares are small are these two
        ways of writing, or two different things.
        """
        return max(self.listed, self.known)


def joins(
    tables: Mapping[str, ir.Table],
    bought: Mapping[str, ir.Table],
    source: Source,
    params: IngestionParams,
) -> Iterator[Finding]:
    """Tables that have few identifiers in common with the log.

    Args:
        tables: The declared tables in their canonical form.
        bought: Each user and each item of the log with its number of rows as ``row_count``, by the
            identifier's name.
        source: The declaration, for the expressions that made them.
        params: The shares at which to warn and to stop.

    Yields:
        A finding for each pair of tables that match badly.
    """
    for name, key, other in JOINED:
        if name not in tables or other not in tables:
            continue
        ids = materialise(counted(tables[name], key), "matched_ids")
        others = bought[key] if other == Tables.INTERACTIONS else counted(tables[other], key)
        match = matching(ids, others)
        # of a list of products it is said, too, that most of what was bought is not on it
        least = match.known if name == Tables.ITEMS else match.better
        if match.n_listed and least < params.warn_match_share:
            text = _said(name, key, other, match, (ids, others), source, params)
            yield Finding(name, text, stops=match.better < params.min_match_share)
        forget(ids)


def matching(listed_ids: ir.Table, log_ids: ir.Table) -> Match:
    """How well two tables match, each with an identifier, first, and a column ``row_count``."""
    key = listed_ids.columns[0]
    found = first_row(listed_ids.semi_join(log_ids, key).aggregate(n=ibis._.count()))["n"]
    total = first_row(listed_ids.aggregate(n=ibis._.count()))["n"]
    rows = first_row(log_ids.aggregate(n=log_ids["row_count"].sum().fill_null(0)))["n"]
    known = log_ids.semi_join(listed_ids, key)
    n_known = first_row(known.aggregate(n=known["row_count"].sum().fill_null(0)))["n"]
    return Match(found / max(total, 1), n_known / max(rows, 1), int(total))


def _said(
    name: str,
    key: str,
    other: str,
    match: Match,
    sides: tuple[ir.Table, ir.Table],
    source: Source,
    params: IngestionParams,
) -> str:
    """Say how little two tables match, with examples of both and the cause if one is seen."""
    text = (
        f"column {key}: {match.listed:.1%} of its {match.n_listed:,} identifiers are in table "
        f"{other}, and {match.known:.1%} of the rows there have one of them"
    )
    here, there = _examples(*sides), _examples(*reversed(sides))
    if here and there:
        text += f"; {here} are only here, {there} only there"
    if match.better < params.min_match_share:
        text += (
            f". Less than ingestion.min_match_share = {params.min_match_share:.0%} cannot be meant"
        )
    spelling = cause(*sides, match)
    if spelling:
        form = SPELLINGS[spelling][1]
        ours, theirs = (
            form.format(source.tables[table].columns.get(key, key)) for table in (name, other)
        )
        return (
            f"{text}. They differ in {spelling}: read the column as it is written in both files, "
            f"or write both alike, say `{key}: {ours}` here and `{key}: {theirs}` in {other}"
        )
    if match.better >= params.min_match_share:
        return f"{text}. If that is not meant, correct the expressions of {key}"
    return (
        f"{text}: correct the expressions of {key}, leave the table out of `source: tables:`, or "
        "lower that parameter"
    )


def _examples(these: ir.Table, those: ir.Table, most: int = 3) -> str:
    """Identifiers of one table that the other lacks, those of most rows first."""
    key = these.columns[0]
    alone = these.anti_join(those, key).order_by([ibis.desc("row_count"), key]).limit(most)
    return listed(alone[key].to_pandas())


def listed(values: Iterable[object]) -> str:
    """Values in quotes, one after another."""
    return ", ".join(repr(value) for value in values)


def cause(listed_ids: ir.Table, log_ids: ir.Table, match: Match) -> str | None:
    """The difference in writing without which clearly more identifiers would match.

    Returns:
        A key of ``SPELLINGS``: the one that brings most, if it brings at least a twentieth of the
        list; None where there is none.
    """
    gains = {
        name: matching(_rewritten(listed_ids, rewrite), _rewritten(log_ids, rewrite)).listed
        for name, (rewrite, _) in SPELLINGS.items()
    }
    best = max(gains, key=lambda name: gains[name])
    return best if gains[best] >= match.listed + 0.05 else None


def _rewritten(ids: ir.Table, rewrite: Callable[[ir.StringValue], ir.StringValue]) -> ir.Table:
    """Identifiers in another way of writing, each once."""
    key = ids.columns[0]
    texts = ids.select(rewrite(ids[key]).name(key), "row_count")
    return texts.group_by(key).aggregate(row_count=texts["row_count"].sum())
