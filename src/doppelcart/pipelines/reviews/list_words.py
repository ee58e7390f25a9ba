"""What is said of the list of reviews to look at: in a sentence, in tables, in the card."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from doppelcart.pipelines.reviews.list_quality import ALL, AS_IT_IS, RARE
from doppelcart.pipelines.reviews.review_texts import PART, PLACE
from doppelcart.reporting.blocks import Block, details, table
from doppelcart.reporting.tables import (
    Column,
    Formatter,
    Table,
    count,
    number,
    share,
    tabulate,
    text,
)


def worth_of(quality: pd.DataFrame) -> str:
    """Precision of the list and false alarms in a sentence, at both shares.

    Args:
        quality: As from ``list_quality``.
    """
    rows = {row["share_is"]: row for row in quality[quality["by"] == ALL].to_dict("records")}
    told = [_told_of(rows[name]) for name in (AS_IT_IS, RARE)]
    return (
        f"Of the first {rows[RARE]['k']} of such a list, {'; '.join(told)}. Of 1,000 genuine "
        f"reviews, {_per(1, rows[AS_IT_IS], 'called')} are called deceptive by the detector, "
        "whatever their share. Places were judged by what others taught; 95 % in brackets."
    )


def _told_of(row: Mapping[Hashable, Any]) -> str:
    if pd.isna(row["precision"]):
        return f"where {share(row['share'])} are deceptive it cannot be said how many are"
    told = _per(100, row, "precision")
    return f"where {share(row['share'])} of all are deceptive, {told} in 100 are"


def _per(number: int, row: Mapping[Hashable, Any], name: str) -> str:
    value, low, high = (number * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def quality_table(quality: pd.DataFrame, limit: int) -> Table:
    """What the head of the list is worth, by group.

    Args:
        quality: As from ``list_quality``.
        limit: Longest table.
    """
    columns = [
        Column("group", "reviews of", text, False),
        Column("share", "deceptive", share),
        Column("genuine", "genuine", count),
        Column("k", "first", count),
        *_with_ends("precision", "precision", share),
        *_with_ends("in_list", "genuine listed per 1,000", number),
        *_with_ends("called", "genuine called deceptive per 1,000", number),
    ]
    note = (
        "Each group has a list of its own; judged by what other places taught. Shares other than "
        "those of the labelled reviews: deceptive ones count less. From and to: 95 %, over places "
        "or, within one place, over reviews, and no narrower than chance. Without a figure: no "
        "more reviews than the list is long."
    )
    return tabulate(quality, "What the list is worth", columns, limit, note)


def _with_ends(name: str, label: str, write: Formatter) -> list[Column]:
    ends = (Column(f"{name}_{end}", told, write) for end, told in (("low", "from"), ("high", "to")))
    return [Column(name, label, write), *ends]


def by_place(quality: pd.DataFrame, limit: int) -> list[Block]:
    """The same for each place.

    Args:
        quality: As from ``list_quality``.
        limit: Longest table.
    """
    own = quality[quality["by"] == PLACE]
    return [] if own.empty else [details("The list by place", [table(quality_table(own, limit))])]


def alarms_by_group(quality: pd.DataFrame) -> list[str]:
    """False alarms of each part, and those of the places that have fewest and most.

    Args:
        quality: As from ``list_quality``.
    """
    as_it_is = quality[quality["share_is"] == AS_IT_IS]
    told = [
        f"{row['by']} {row['group']}: of 1,000 genuine reviews "
        f"{_per(1, row, 'called')} are called deceptive"
        for row in as_it_is[as_it_is["by"] == PART].to_dict("records")
    ]
    places = as_it_is.loc[as_it_is["by"] == PLACE, "called"].dropna()
    if places.empty:
        return told
    least, most = places.min(), places.max()
    return [*told, f"by place: {least:.0f} to {most:.0f} of 1,000 genuine reviews"]
