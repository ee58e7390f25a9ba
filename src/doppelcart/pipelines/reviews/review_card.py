"""The card of the detector of deceptive reviews."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from doppelcart.experiment.design import Design, Role
from doppelcart.pipelines.reviews.list_words import alarms_by_group, worth_of
from doppelcart.pipelines.reviews.params import FakeReviewParams, ReviewListParams
from doppelcart.pipelines.reviews.text_detectors import BOTH
from doppelcart.reading.declared_table import DeclaredTable
from doppelcart.reporting.experiments import answer_of
from doppelcart.reporting.model_card import card
from doppelcart.reporting.suspect_list import FLAG, LEAST_VALIDATED

PURPOSE: Final = (
    "Ranks reviews by how much they read like those that were written to deceive, for a person to "
    "look at."
)


def describe_detector(
    detectors: pd.DataFrame,
    quality: pd.DataFrame,
    verdict: pd.DataFrame,
    design: Design,
    source: DeclaredTable,
    making: FakeReviewParams,
    listing: ReviewListParams,
) -> dict[str, Any]:
    """What the detector is, and what it must not be used for.

    Args:
        detectors: One row per detector.
        quality: What the list is worth, by group.
        verdict: As from the experiment.
        design: The experiment, with the arms that were tried.
        source: The data.
        making: Whether reviews were generated.
        listing: Length of the list, and whether it is flagged.
    """
    helps = answer_of(verdict) if making.generate_fakes else "not tried in this run."
    return card(
        "detector of deceptive reviews",
        {
            "purpose": [PURPOSE, flagging_rule(listing, BOTH in set(detectors["by"]))],
            "data": source.name,
            "licence": source.licence or "not stated",
            "split": "By place: no place and no text is learnt from and judged.",
            "controls": [
                f"{arm.phrase} ({arm.role.value})"
                for arm in design.arms
                if arm.role is not Role.TRIAL
            ],
            "result": [
                *(
                    f"by {row['by']}: accuracy {row['accuracy']:.3f} ({row['low']:.3f} to "
                    f"{row['high']:.3f}), AUC {row['auc']:.3f}"
                    for row in detectors.to_dict("records")
                ),
                worth_of(quality),
                *alarms_by_group(quality),
                f"Generated reviews: {helps}",
            ],
            "known failure": "Other lies than those it learnt from: judged on reviews that a "
            "platform filtered, such a detector came to an AUC of .54.",
            "forbidden uses": [
                "deleting reviews or accusing anybody without a person's judgement",
                f"flagging reviews as fake on fewer than {LEAST_VALIDATED} confirmed ones",
                "writing reviews: no generated text leaves a run",
            ],
        },
    )


def flagging_rule(listing: ReviewListParams, behaving: bool) -> str:
    """By what a review is flagged, and whether that was so in this run.

    Args:
        listing: Length of the list, and whether it is flagged.
        behaving: Whether the reviews tell how their writers behave.
    """
    besides = " and of trees on how its writer behaves" if behaving else ""
    was = (
        f"on in this run, with {listing.validated:,} confirmed"
        if listing.flag_fakes
        else "off in this run, and nothing is flagged"
    )
    return (
        "Nothing is deleted. Reviews stand in the order of a linear support vector machine on "
        f"words and pairs of words{besides}, learnt from other places. The first "
        f"{listing.listed:,} are flagged "
        f"'{FLAG}' if reviews.listing.flag_fakes is on, which is refused unless "
        f"{LEAST_VALIDATED} deceptive reviews or more that persons have confirmed are stated in "
        f"reviews.listing.validated; it was {was}."
    )
