"""Parameters of lists of suspects for a person to look at, the same wherever somebody is listed."""

from typing import ClassVar, Final, Self

import pandas as pd
from pydantic import Field, model_validator

from doppelcart.config.base import Parameters

LEAST_VALIDATED: Final = 50
"""Fakes that persons must have confirmed before anything may be flagged as one."""
FLAG: Final = "fake, to be confirmed"


class SuspectListParams(Parameters):
    """The list of what looks most like a fake, for a person to look at.

    A subclass says in ``PATH`` where a person gives it, and whom a flag would accuse of what.
    """

    ACCUSED: ClassVar[str] = "people"
    FAKES: ClassVar[str] = "fakes"

    listed: int = Field(20, ge=1, le=10_000, description="places of the list in the report")
    validated: int = Field(
        0, ge=0, description="fakes of the kind that is listed that persons have confirmed here"
    )
    flag_fakes: bool = Field(
        False, description="whether what is listed is flagged as fake; takes 50 confirmed ones"
    )

    @model_validator(mode="after")
    def _has_grounds(self) -> Self:
        if self.flag_fakes and self.validated < LEAST_VALIDATED:
            raise ValueError(
                f"flag_fakes accuses {self.ACCUSED}, and takes {LEAST_VALIDATED} {self.FAKES} that "
                f"persons have confirmed; there are {self.validated}. Leave it off: the list is "
                "for a person to look at"
            )
        return self

    def flags(self, place: pd.Series, suspected: pd.Series | None = None) -> pd.Series:
        """What stands beside each row of a list: nothing, unless flags are asked for.

        Args:
            place: Place of each row, from 1.
            suspected: Whether a row may be flagged at all; None for all of them.
        """
        is_flagged = self.flag_fakes & (place <= self.listed)
        if suspected is not None:
            is_flagged &= suspected
        return is_flagged.map({True: FLAG, False: ""})
