"""The card of the detector of fake profiles."""

from __future__ import annotations

from typing import Any

import pandas as pd

from doppelcart.experiment.design import Design
from doppelcart.pipelines.shilling.attack_design import ALL_PLAIN, KIND, KINDS
from doppelcart.pipelines.shilling.params import AttackParams, RatingSource
from doppelcart.reporting.experiments import answer_of
from doppelcart.reporting.model_card import card
from doppelcart.reporting.suspect_list import LEAST_VALIDATED


def describe_detector(
    means: pd.DataFrame,
    verdict: pd.DataFrame,
    design: Design,
    source: RatingSource,
    attacks: AttackParams,
) -> dict[str, Any]:
    """What the detector is, and what it must not be used for.

    Args:
        means: One row per kind and arm.
        verdict: As from the experiment.
        design: The experiment.
        source: The data.
        attacks: What was tried.
    """
    rows = means[means["arm"] == ALL_PLAIN]
    return card(
        "detector of fake profiles",
        {
            "purpose": "Ranks the users of a shop by how much they look like profiles that were "
            "made up to push an item, for a person to look at.",
            "data": f"{source.name}; the fake profiles are made up and put in.",
            "licence": source.licence or "not stated",
            "split": f"{100 * attacks.held_out:g} % of the users are in no matrix, and are whom "
            "mimics imitate; half of the others are learnt from, the other half judges. Items that "
            "are pushed to learn from are not those that are pushed to judge.",
            "controls": [
                f"{arm.phrase} ({arm.role.value})" for arm in design.arms if arm.role != "trial"
            ],
            "result": [
                f"{KINDS[row[KIND]]}: AUC {row['auc']:.3f}, F1@k {row['f1']:.3f}, found "
                f"{100 * row['found']:.0f} of 100 at {1000 * row['false']:.0f} false alarms per "
                f"1,000 genuine users, {1000 * row['false_new']:.0f} per 1,000 of fewest items"
                for row in rows.to_dict("records")
                if row[KIND] in KINDS
            ]
            + [f"Generated profiles: {answer_of(verdict)}"],
            "known failure": "What is made up is not what real spammers do: detectors that learnt "
            "from made-up attacks have hardly found real ones where that was tried (AUC .56 to "
            ".63). Mimics of real users are found little better than by chance.",
            "forbidden uses": [
                "deleting, blocking or accusing anybody without a person's judgement",
                f"flagging anybody as fake on fewer than {LEAST_VALIDATED} confirmed ones",
                "making profiles for use outside of a run",
            ],
        },
    )
