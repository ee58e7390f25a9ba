"""What cannot be judged, and why: it is said in the list that a person reads, and never fine."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from doppelcart.imaging.photographs import (
    GROUP,
    ID,
    NUMBER,
    PRODUCT,
    REASON,
    SPLIT,
    TEST,
    TRAIN,
    ReadPictures,
)
from doppelcart.pipelines.lookalikes.params import DetectorParams
from doppelcart.pipelines.lookalikes.product_tasks import Tasks

CANNOT: Final = "cannot judge"
PHOTOGRAPHS, COUNTERFEITS = "photographs", "counterfeits"
LEFT_OUT: Final = "counterfeits that cannot be used"
WHAT, WHY = "what", "why"
COLUMNS: Final = [PRODUCT, WHAT, "said", "pictures", "photographs", WHY]


def unjudged(
    table: pd.DataFrame,
    quarantine: pd.DataFrame,
    tasks: Tasks,
    counterfeits: ReadPictures,
    params: DetectorParams,
) -> pd.DataFrame:
    """Products whose photographs, or counterfeits, cannot be judged.

    Args:
        table: Photographs that can be used.
        quarantine: Those that cannot.
        tasks: Products, and those with too few photographs to learn from.
        counterfeits: Pictures known to be counterfeits, and those of them that cannot be used.
        params: How many it takes.

    Returns:
        ``product``, ``what`` (photographs, counterfeits, or counterfeits that cannot be used),
        ``said`` (cannot judge), ``pictures`` that are asked about, ``photographs`` to learn from,
        ``why``.
    """
    asked = table.loc[table[SPLIT] == TEST, PRODUCT].astype(str).value_counts()
    rows = [
        (row["product"], PHOTOGRAPHS, CANNOT, int(asked.get(row["product"], 0)), row["photographs"],
         row["reason"])
        for row in tasks.unable.to_dict("records")
    ]  # fmt: skip
    rows += _left_out(table, quarantine)
    known = {row[0]: row[-1] for row in rows}
    learnt = {task.product: len(task.genuine) for task in tasks.products}
    judged = {task.product for task in tasks.judged}
    sold = counterfeits.photographs.table
    for product, own in sold.groupby(sold[PRODUCT].astype(str)):
        if product in judged:
            continue
        why = known.get(str(product), "there is no genuine photograph of a product of this name")
        if product in learnt:
            why = (
                f"it takes {params.least_judged} genuine photographs in test, and as many of other "
                "products of its category"
            )
        n_learnt = learnt.get(str(product), 0)
        rows.append((product, COUNTERFEITS, CANNOT, len(own), n_learnt, why))
    unread = counterfeits.quarantine
    for product, own in unread.groupby(unread[PRODUCT].astype(str)):
        rows.append((product, LEFT_OUT, CANNOT, len(own), learnt.get(product, 0), _reasons_of(own)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _left_out(
    table: pd.DataFrame, quarantine: pd.DataFrame
) -> list[tuple[str, str, str, int, int, str]]:
    """Products of which no picture could be used."""
    gone = quarantine[~quarantine[PRODUCT].isin(table[PRODUCT])]
    rows = []
    for product, own in gone.groupby(PRODUCT):
        n_asked, n_learnt = (int((own[SPLIT] == split).sum()) for split in (TEST, TRAIN))
        why = f"no picture of it could be used: {_reasons_of(own)}"
        rows.append((str(product), PHOTOGRAPHS, CANNOT, n_asked, n_learnt, why))
    return rows


def _reasons_of(gone: pd.DataFrame) -> str:
    """Why pictures were left out, and how many for each reason."""
    reasons = gone.groupby(REASON, sort=False)[NUMBER].agg(["size", "first"])
    return "; ".join(
        f"{size} {_with_number(str(reason), number)}"
        for reason, size, number in reasons.itertuples()
    )


def _with_number(reason: str, number: object) -> str:
    return f"{reason} ({number})" if isinstance(number, str) and number else reason


def with_unjudged(
    ranks: pd.DataFrame,
    unable: pd.DataFrame,
    quarantine: pd.DataFrame,
    counterfeits: ReadPictures,
) -> pd.DataFrame:
    """Ranks with a row for each picture that cannot be judged, and the reason.

    Args:
        ranks: As from ``sort_pictures``.
        unable: As from ``unjudged``.
        quarantine: Photographs that cannot be used.
        counterfeits: Pictures known to be counterfeits, and those of them that cannot be used.

    Returns:
        The columns of ``ranks``, and ``why``, which is empty of what is judged.
    """
    by_what = {what: own.set_index(PRODUCT)[WHY] for what, own in unable.groupby(WHAT)}
    of_photographs = by_what.get(PHOTOGRAPHS, pd.Series(dtype=str))
    of_counterfeits = by_what.get(COUNTERFEITS, pd.Series(dtype=str))
    gone = quarantine[(quarantine[SPLIT] == TEST) & quarantine[PRODUCT].isin(of_photographs.index)]
    sold, unread = counterfeits.photographs.table, counterfeits.quarantine
    known = sold[sold[PRODUCT].isin(of_counterfeits.index)]
    is_told = ranks["said"] != CANNOT
    parts = [
        ranks.assign(why=ranks["sold_as"].map(of_photographs).mask(is_told, "").fillna("")),
        _rows(gone, gone[GROUP].fillna(""), gone[PRODUCT].map(of_photographs).tolist()),
        _rows(known, "", known[PRODUCT].map(of_counterfeits).tolist()),
        _rows(unread, "", list(map(_with_number, unread[REASON], unread[NUMBER]))),
    ]
    kind = ranks["score"].dtype
    return pd.concat(
        [part.astype({"score": kind}) for part in parts if len(part)], ignore_index=True
    )


def _rows(pictures: pd.DataFrame, groups: pd.Series | str, why: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            ID: pictures[ID],
            "sold_as": pictures[PRODUCT],
            "group": groups,
            "score": np.nan,
            "said": CANNOT,
            WHY: why,
        }
    )
