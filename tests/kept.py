"""Datasets in memory that a runner does not let go of when their last reader is done."""

from kedro.io import MemoryDataset


class KeptDataset(MemoryDataset):
    """``MemoryDataset`` that can be looked at after a run, though a node read it."""

    def _release(self) -> None:
        """Keep the data."""
