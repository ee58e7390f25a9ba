"""The card of the detector of look-alikes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from doppelcart.imaging.photographs import PhotographSource
from doppelcart.pipelines.lookalikes import lookalike_trials as trials
from doppelcart.pipelines.lookalikes.picture_sorting import KINDS, UNSURE
from doppelcart.reporting.experiments import answer_of
from doppelcart.reporting.model_card import card
from doppelcart.reporting.suspect_list import LEAST_VALIDATED


def describe_detector(
    means: pd.DataFrame, rates: pd.DataFrame, verdict: pd.DataFrame, source: PhotographSource
) -> dict[str, Any]:
    """What the detector is, and what it must not be used for.

    Args:
        means: One row per kind of judgement and arm.
        rates: One row per kind of picture.
        verdict: As from the experiment.
        source: The data.
    """
    rows = means[means["arm"] == trials.NONE]
    measured = [
        f"{trials.JUDGED[row[trials.KIND]]}: mean AUROC {row[trials.AUROC]:.3f} over "
        f"{row['products']} products, {100 * row[trials.FOUND]:.0f} of 100 found"
        for row in rows.to_dict("records")
        if row[trials.KIND] in trials.JUDGED
    ]
    decided = [
        f"{KINDS[row['kind']]}: {100 * row['right']:.0f} of 100 told right, "
        f"{100 * row[UNSURE]:.0f} of 100 left to a person"
        for row in rates.to_dict("records")
    ]
    return card(
        "detector of look-alikes",
        {
            "purpose": "Ranks photographs by how little they look like the product that they are "
            "sold as, for a person to look at.",
            "data": source.name,
            "licence": source.licence or "not stated",
            "split": "The set's own. A product is told from photographs of other categories; "
            "its siblings are never learnt from, and choose in validation only.",
            "controls": [trials.PHRASES[arm] for arm in (trials.NONE, *trials.PLAIN)],
            "result": [*measured, *decided, f"Fakes: {answer_of(verdict)}"],
            "known failure": "No counterfeit was measured unless a folder of them was given: "
            "siblings are other products of the category, and a good counterfeit may look more "
            "like the product than they do. A piece of a picture that was tampered with is "
            "hardly noticed.",
            "forbidden uses": [
                "deleting offers or accusing sellers without a person's judgement",
                f"flagging anything as fake on fewer than {LEAST_VALIDATED} confirmed ones",
                "judging a product of which there is no genuine photograph",
                "banknotes, faces and papers of identity",
            ],
        },
    )
