"""What was found, arm by arm, in a sentence."""

import pandas as pd

from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.reporting.experiments import answer_by_arm

DESIGN = Design(
    name="toy",
    metric="hits",
    unit="item",
    groups=("cut",),
    arms=(
        Arm(name="plain", role=Role.BASELINE, phrase="the plain one"),
        Arm(name="gan", role=Role.TRIAL, phrase="items of the GAN"),
        Arm(name="both", role=Role.TRIAL, phrase="both"),
    ),
    words=Words(groups={"0.7": "after 70 %"}),
)


def test_verdicts_of_every_arm_are_told_once_or_with_their_places():
    # A column of numbers, as a table read again has it.
    verdict = pd.DataFrame(
        {
            "arm": ["gan", "gan", "both"],
            "cut": [0.7, 0.8, 0.7],
            "verdict": ["harms", "harms", "no evidence"],
        }
    )
    assert answer_by_arm(verdict, DESIGN) == "Items of the GAN: harms; both: no evidence."
    assert answer_by_arm(verdict, DESIGN, places=True) == (
        "Items of the GAN: harms (after 70 %), harms (0.8); both: no evidence (after 70 %)."
    )


def test_where_nothing_was_on_trial_it_says_so():
    empty = pd.DataFrame(columns=["arm", "cut", "verdict"])
    assert answer_by_arm(empty, DESIGN) == "Nothing on trial was compared."
