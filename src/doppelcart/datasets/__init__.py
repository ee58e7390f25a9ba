"""Kedro datasets for which no shipped dataset fits."""

from doppelcart.datasets.npz import CasesDataset, HistoriesDataset, HistorySetsDataset
from doppelcart.datasets.optional import Optional, OptionalTable
from doppelcart.datasets.section import SectionDataset
from doppelcart.datasets.source import SourceFiles, SourceTables
from doppelcart.datasets.table import TableDataset

__all__ = [
    "CasesDataset",
    "HistoriesDataset",
    "HistorySetsDataset",
    "Optional",
    "OptionalTable",
    "SectionDataset",
    "SourceFiles",
    "SourceTables",
    "TableDataset",
]
