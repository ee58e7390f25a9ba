"""Groups of customers whose lists are measured: a segment, and everybody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.data.cases import Case
from doppelcart.pipelines.targeting.segments import Segment

INSIDE: Final = "segment"
OTHERS: Final = "others"


class Group(NamedTuple):
    """Customers of one slice: those of a segment, or all others.

    Attributes:
        slice: Name of the slice.
        segment: Name of the segment.
        customers: ``segment`` or ``others``.
    """

    slice: str
    segment: str
    customers: str

    @property
    def key(self) -> str:
        """One name, as tuning and evaluation want it of a slice."""
        return " / ".join(self)


Cases = Mapping[Group, Case]


def divide(
    cases: Mapping[str, Case], traits: Mapping[str, pd.DataFrame], segments: Sequence[Segment]
) -> dict[Group, Case]:
    """Part the customers of every slice, for every segment anew; empty parts are left out.

    Args:
        cases: Cases by slice.
        traits: By slice, of its users in their order.
        segments: The segments.
    """
    groups = {}
    for name, case in cases.items():
        for segment in segments:
            inside = segment.holds(traits[name])
            for customers, mask in ((INSIDE, inside), (OTHERS, ~inside)):
                if mask.any():
                    group = Group(name, segment.name, customers)
                    groups[group] = case.select(np.flatnonzero(mask))
    return groups


def deciding(groups: Cases, whole: Mapping[str, Case], min_users: int) -> dict[Group, Case]:
    """Validation users who choose for each group: its own, or all of the slice if these are few.

    Args:
        groups: Validation users by group; of a segment and slice, one of the two may be missing.
        whole: All validation users by slice.
        min_users: Validation users below which a group does not choose for itself.
    """
    both = dict.fromkeys(
        group._replace(customers=customers) for group in groups for customers in (INSIDE, OTHERS)
    )
    return {
        group: groups[group]
        if group in groups and groups[group].n_users >= min_users
        else whole[group.slice]
        for group in both
    }
