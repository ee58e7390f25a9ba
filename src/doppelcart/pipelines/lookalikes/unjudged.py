"""What cannot be judged, and why: it is said in the list that a person reads, and never fine."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from doppelcart.imaging.photographs import GROUP, ID, NUMBER, PRODUCT, REASON, SPLIT, TEST, TRAIN
from doppelcart.pipelines.lookalikes.params import DetectorParams
from doppelcart.pipelines.lookalikes.product_tasks import Tasks

CANNOT: Final = "cannot judge"
PHOTOGRAPHS, COUNTERFEITS = "photographs", "counterfeits"
WHAT, WHY = "what", "why"
COLUMNS: Final = [PRODUCT, WHAT, "said", "pictures", "photographs", WHY]


def unjudged(
    table: pd.DataFrame,
    quarantine: pd.DataFrame,
    tasks: Tasks,
    counterfeits: pd.DataFrame,
    params: DetectorParams,
) -> pd.DataFrame:
    """Products whose photographs, or counterfeits, cannot be judged.

    Args:
        table: Photographs that can be used.
        quarantine: Those that cannot.
        tasks: Products, and those with too few photographs to learn from.
        counterfeits: Pictures known to be counterfeits: ``product``.
        params: How many it takes.

    Returns:
        ``product``, ``what`` (photographs or counterfeits), ``said`` (cannot judge), ``pictures``
        that are asked about, ``photographs`` to learn from, ``why``.
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
    for product, own in counterfeits.groupby(counterfeits[PRODUCT].astype(str)):
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
    return pd.DataFrame(rows, columns=COLUMNS)


def _left_out(
    table: pd.DataFrame, quarantine: pd.DataFrame
) -> list[tuple[str, str, str, int, int, str]]:
    """Products of which no picture could be used."""
    gone = quarantine[~quarantine[PRODUCT].isin(table[PRODUCT])]
    rows = []
    for product, own in gone.groupby(PRODUCT):
        reasons = own.groupby(REASON, sort=False)[NUMBER].agg(["size", "first"])
        told = "; ".join(
            f"{size} {reason}" + (f" ({number})" if isinstance(number, str) and number else "")
            for reason, size, number in reasons.itertuples()
        )
        n_asked, n_learnt = (int((own[SPLIT] == split).sum()) for split in (TEST, TRAIN))
        why = f"no picture of it could be used: {told}"
        rows.append((str(product), PHOTOGRAPHS, CANNOT, n_asked, n_learnt, why))
    return rows


def with_unjudged(
    ranks: pd.DataFrame,
    unable: pd.DataFrame,
    quarantine: pd.DataFrame,
    counterfeits: pd.DataFrame,
) -> pd.DataFrame:
    """Ranks with a row for each picture that cannot be judged, and the reason.

    Args:
        ranks: As from ``sort_pictures``.
        unable: As from ``unjudged``.
        quarantine: Photographs that cannot be used.
        counterfeits: Pictures known to be counterfeits: ``picture_id``, ``product``.

    Returns:
        The columns of ``ranks``, and ``why``, which is empty of what is judged.
    """
    by_what = {what: own.set_index(PRODUCT)[WHY] for what, own in unable.groupby(WHAT)}
    of_photographs = by_what.get(PHOTOGRAPHS, pd.Series(dtype=str))
    of_counterfeits = by_what.get(COUNTERFEITS, pd.Series(dtype=str))
    gone = quarantine[(quarantine[SPLIT] == TEST) & quarantine[PRODUCT].isin(of_photographs.index)]
    known = counterfeits[counterfeits[PRODUCT].isin(of_counterfeits.index)]
    is_told = ranks["said"] != CANNOT
    parts = [
        ranks.assign(why=ranks["sold_as"].map(of_photographs).mask(is_told, "").fillna("")),
        _rows(gone, gone[GROUP].fillna(""), of_photographs),
        _rows(known, pd.Series("", index=known.index), of_counterfeits),
    ]
    kind = ranks["score"].dtype
    return pd.concat(
        [part.astype({"score": kind}) for part in parts if len(part)], ignore_index=True
    )


def _rows(pictures: pd.DataFrame, groups: pd.Series, why: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            ID: pictures[ID],
            "sold_as": pictures[PRODUCT],
            "group": groups,
            "score": np.nan,
            "said": CANNOT,
            WHY: pictures[PRODUCT].map(why),
        }
    )
