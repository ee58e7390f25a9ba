"""What a run may not have made."""

from __future__ import annotations

import pandas as pd
from kedro_datasets.pandas import CSVDataset


class Optional:
    """A dataset that a run may read though no run has made it.

    For what an optional pipeline makes and another shows if it is there, and if it is of the same
    data.
    """

    optional = True
    """Read by whoever looks for datasets that are missing."""
    is_withheld = False
    """Whether to act as if nothing were saved."""

    def withhold(self) -> None:
        """Act as if nothing were saved: what is there does not belong to the present run."""
        self.is_withheld = True


class OptionalTable(Optional, CSVDataset):
    """``pandas.CSVDataset`` that holds no row until something is saved."""

    def load(self) -> pd.DataFrame:
        """The table, or one without rows and columns if there is no file."""
        return super().load() if self.exists() and not self.is_withheld else pd.DataFrame()
