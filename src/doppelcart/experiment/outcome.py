"""What a comparison shows, in one word."""

from __future__ import annotations

import math
from typing import Final, Literal

Outcome = Literal["helps", "no evidence", "harms", "undefined", "not used"]

HELPS: Final = "helps"
HARMS: Final = "harms"
NO_EVIDENCE: Final = "no evidence"
NOT_USED: Final = "not used"
"""Said of an arm for which validation chose level 0: nothing changes."""
UNDEFINED: Final = "undefined"
"""Said of a group that is too small to tell."""


def outcome(difference: float, p_holm: float, alpha: float) -> Outcome:
    """What a comparison shows.

    Args:
        difference: Mean of the arm minus mean of what it is compared with, above 0 where better.
        p_holm: Two-sided p-value after Holm's correction; NaN where too few units were tested.
        alpha: Error rate of the family.

    Returns:
        ``helps`` or ``harms`` if the corrected p-value is at most alpha, by the sign of the
        difference; ``undefined`` without one; ``no evidence`` otherwise.
    """
    if math.isnan(p_holm):
        return UNDEFINED
    if p_holm > alpha or difference == 0:
        return NO_EVIDENCE
    return HELPS if difference > 0 else HARMS
