"""The experiment: which rankings of ideas are compared, and over which launches."""

from __future__ import annotations

from typing import Final

from doppelcart.columns import Columns
from doppelcart.experiment.design import Arm, Design, Role, Words
from doppelcart.pipelines.ideas.imagining_ideas import RECOMBINED, TRIAL
from doppelcart.pipelines.ideas.params import ExperimentParams

PLAIN: Final = "plain"
CUT: Final = "cut"
LAUNCH: Final = "launch"

PHRASES: Final = {
    TRIAL: "combinations that the GAN imagines",
    RECOMBINED: "what households bought, recombined",
    "without_critic": "combinations imagined without a critic",
    "energy_score": "combinations imagined by the energy score",
}
"""What stands in the place of what households would want."""


def beside(arm: str) -> str:
    """Name of an arm beside the best plain ranking."""
    return f"{PLAIN}_and_{arm}"


def _family(beside_plain: bool) -> list[Arm]:
    def named(arm: str) -> str:
        return beside(arm) if beside_plain else arm

    return [
        Arm(
            name=named(arm),
            role=Role.TRIAL if arm == TRIAL else Role.CONTROL,
            phrase=f"the best plain ranking and {words}" if beside_plain else words,
            rivals=tuple(named(other) for other in PHRASES if other != TRIAL)
            if arm == TRIAL
            else None,
            level="weight" if beside_plain else "level",
        )
        for arm, words in PHRASES.items()
    ]


ARMS: Final = (
    Arm(name=PLAIN, role=Role.BASELINE, phrase="the plain ranking that was best before the cut"),
    Arm(name="random", role=Role.MUST_FAIL, phrase="ideas at random"),
    *_family(False),
    *_family(True),
    Arm(
        name="oracle",
        role=Role.ORACLE,
        phrase="the plain ranking among kinds and makers that will launch such a combination",
    ),
)


def declare(params: ExperimentParams, cuts: list[float]) -> Design:
    """The design, by which the launches of a manufacturer are resampled together.

    Args:
        params: Ideas looked at, and how rankings are compared.
        cuts: Shares of the lines before the judged windows.
    """
    return Design(
        name="ideas",
        metric=f"recall@{params.judged_length}",
        unit=LAUNCH,
        cluster=Columns.MANUFACTURER,
        groups=(CUT,),
        arms=ARMS,
        alpha=params.alpha,
        n_bootstrap=params.n_bootstrap,
        seeds=(params.seed,),
        words=Words(
            unit="launched combination",
            units="launched combinations",
            groups={f"{cut:g}": f"the window after {cut:.0%} of the lines" for cut in cuts},
            trial="the generator of items",
            best="the best plain ranking",
        ),
    )
