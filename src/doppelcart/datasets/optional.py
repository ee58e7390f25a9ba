"""A table that a run may not have made."""

from __future__ import annotations

import pandas as pd
from kedro_datasets.pandas import CSVDataset


class OptionalTable(CSVDataset):
    """``pandas.CSVDataset`` that holds no row until something is saved.

    For what an optional pipeline makes and a part of the core shows if it is there.
    """

    def load(self) -> pd.DataFrame:
        """The table, or one without rows and columns if there is no file."""
        return super().load() if self.exists() else pd.DataFrame()
