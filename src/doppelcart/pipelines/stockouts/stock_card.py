"""The card of what foretells stock-outs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from doppelcart.experiment.design import Design, Role
from doppelcart.pipelines.stockouts.params import StockSource
from doppelcart.reporting.experiments import answer_of
from doppelcart.reporting.model_card import card


def describe_detector(
    detectors: pd.DataFrame,
    verdict: pd.DataFrame,
    sample_verdict: pd.DataFrame,
    design: Design,
    source: StockSource,
) -> dict[str, Any]:
    """What foretells stock-outs, how well, and what it must not be used for.

    Args:
        detectors: One row per event and method.
        verdict: The verdict on generated series.
        sample_verdict: The verdict on samples of the GAN.
        design: The experiment with series.
        source: The stock table.
    """
    chosen = detectors[detectors["chosen"]]
    return card(
        "detector of next-day stock-outs",
        {
            "purpose": "Says for every product and store how likely the shelf is to be empty on "
            "the next day, and what to have on it, for a person to act on.",
            "data": source.name,
            "licence": source.licence or "not stated",
            "split": "By time: the last days judge, the days before them choose family and penalty "
            "by the Brier score, what is before those is learnt from. All series are in all parts.",
            "controls": [
                f"{arm.phrase} ({arm.role.value})" for arm in design.arms if arm.role != Role.TRIAL
            ],
            "result": [
                *(
                    f"a stock-out of {row['event']}: {row['method']}, {_auc_of(row)}, "
                    f"Brier score {row['brier']:.3f}, "
                    f"chances off by {100 * row['off']:.1f} of 100 on average; one comes on "
                    f"{100 * row['share']:.0f} of 100 days"
                    for row in chosen.to_dict("records")
                ),
                f"Generated series: {answer_of(verdict)}",
                f"Samples of the GAN as a range of demand: {answer_of(sample_verdict)}",
            ],
            "known failure": "Chances are of days like those of the log: after a change of "
            "assortment, supplier or opening hours they are not. A new product has no chance until "
            "it has four weeks of history. Demand on days without stock is never seen, so that "
            "what was put right there cannot be checked.",
            "forbidden uses": [
                "ordering without a person's look where an order cannot be taken back",
                "judging staff or suppliers by single days",
                "reading stock-outs from receipts: an hour without sales is no empty shelf",
            ],
        },
    )


def _auc_of(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["auc"]):
        return "AUC undefined, since test days with one and without are not both there"
    return f"AUC {row['auc']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
