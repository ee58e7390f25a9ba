"""A table that a run may not have made."""

from __future__ import annotations

import pandas as pd
from kedro_datasets.pandas import CSVDataset


class OptionalTable(CSVDataset):
    """``pandas.CSVDataset`` that holds no row until something is saved.

    For what an optional pipeline makes and a part of the core shows if it is there, and if it is
    of the same data.
    """

    optional = True
    """Whether a run may read it though no run has made it."""
    _withheld = False

    def withhold(self) -> None:
        """Act as if nothing were saved: what is there does not belong to the present run."""
        self._withheld = True

    def load(self) -> pd.DataFrame:
        """The table, or one without rows and columns if there is no file."""
        return super().load() if self.exists() and not self._withheld else pd.DataFrame()
