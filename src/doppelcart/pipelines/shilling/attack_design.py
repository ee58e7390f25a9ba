"""What is tried on fake profiles: kinds of attack, what detectors learn from, and the design."""

from __future__ import annotations

from typing import Final

from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words
from doppelcart.pipelines.shilling.attacks import (
    AOP,
    AVERAGE,
    BANDWAGON,
    COPIES,
    MIMICRY,
    RANDOM,
    TWINS,
)
from doppelcart.pipelines.shilling.fake_detectors import PCA

NONE, ORACLE, GAN, WITHOUT_CRITIC = "none", "oracle", "gan", "without_critic"
OTHER_FAMILY, GANMF = "other_family", "ganmf"
CRITIC, ALL_PLAIN, BURSTS = "critic", "all_plain", "bursts"
KIND, TARGET, ATTACK, SIZE = "kind", "target", "attack", "size"

JUDGED_ONLY: Final = (OTHER_FAMILY, GANMF)
"""Profiles of other generators, which nothing learns from."""
KNOWN: Final = (RANDOM, AVERAGE, BANDWAGON)
LISTING: Final = (*KNOWN, AOP, COPIES)
"""Kinds of attack that the list for a person is made by."""
LEARNT: Final[dict[str, tuple[str, ...]]] = {
    NONE: KNOWN,
    AOP: (*KNOWN, AOP),
    COPIES: (*KNOWN, COPIES),
    WITHOUT_CRITIC: (*KNOWN, WITHOUT_CRITIC),
    GAN: (*KNOWN, GAN),
    ALL_PLAIN: LISTING,
    TWINS: (*KNOWN, TWINS),
}
"""Kinds of attack that the detector of an arm learns from; that it is judged on is left out."""
JUDGED: Final = (RANDOM, AVERAGE, BANDWAGON, AOP, MIMICRY)
KINDS: Final = {
    RANDOM: "random profiles",
    AVERAGE: "average profiles",
    BANDWAGON: "bandwagon profiles",
    AOP: "average over popular items",
    MIMICRY: "mimicry of users from elsewhere",
    OTHER_FAMILY: "profiles of another generator (VAE)",
    GANMF: "profiles of another generator (GANMF)",
}
PHRASES: Final = {
    NONE: "random, average and bandwagon attacks",
    AOP: "average over popular items besides",
    COPIES: "thinned copies of real users of elsewhere besides",
    WITHOUT_CRITIC: "profiles of the same network without a critic besides",
    GAN: "profiles of the GAN besides",
    ALL_PLAIN: "both of these besides",
    PCA: "principal components, which learn from no attack",
    ORACLE: "attacks of the judged kind besides, which nobody would have",
}
ROWS: Final = {
    **PHRASES,
    TWINS: "copies of users who are in the data besides: a warning",
    CRITIC: "the critic's opinion alone, which learns from no attack",
}
"""What the detector of an arm learns from; those of bursts are told by ``learnt_from``."""


def bursts_arm(days: float | None) -> str:
    """Name of the detector of bursts, tried on attackers who act within some days.

    Args:
        days: Within which; None for an attack that is spread over the whole span.

    Examples:
        >>> bursts_arm(3.0), bursts_arm(None)
        ('bursts of 3 days', 'bursts, spread')
    """
    return f"{BURSTS}, spread" if days is None else f"{BURSTS} of {days:g} days"


def learnt_from(arm: str) -> str:
    """What the detector of an arm learns from, in words, those beside the design included.

    Args:
        arm: Its name.
    """
    if not arm.startswith(BURSTS):
        return ROWS[arm]
    if arm == bursts_arm(None):
        return "nothing: bursts of an item's ratings, attackers spread over the whole span"
    within = arm.removeprefix(f"{BURSTS} of ")
    return f"nothing: bursts of an item's ratings, attackers within {within}"


def declare(n_bootstrap: int, generated: bool) -> Design:
    """The experiment.

    Args:
        n_bootstrap: Resamples.
        generated: Whether profiles are generated.
    """
    roles = {
        NONE: Role.BASELINE,
        AOP: Role.CONTROL,
        COPIES: Role.CONTROL,
        ALL_PLAIN: Role.CONTROL,
        PCA: Role.CONTROL,
        WITHOUT_CRITIC: Role.CONTROL,
        GAN: Role.TRIAL,
        ORACLE: Role.ORACLE,
    }
    kinds = (*JUDGED, *JUDGED_ONLY) if generated else JUDGED
    return Design(
        name="shilling",
        metric="AUC of fake profiles",
        unit=ATTACK,
        cluster=TARGET,
        groups=(KIND,),
        arms=tuple(Arm(name=n, role=role, phrase=PHRASES[n]) for n, role in roles.items()),
        best=tuple(Baseline(group=(kind,), arm=NONE) for kind in kinds),
        n_bootstrap=n_bootstrap,
        words=Words(
            unit="attack",
            units="attacks",
            groups={kind: KINDS[kind] for kind in kinds},
            trial="the GAN",
            best="the best detector without generated profiles",
            unchanged="the detector stays as it is",
            worse="fewer fakes were found",
        ),
    )
