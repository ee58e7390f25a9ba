"""What is on record of where datasets come from, for who tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset
from kedro.io.core import DatasetError

from doppelcart.data.lineage import FOLDER, Origin, Records


class LineageRecords(AbstractDataset[None, dict[str, Origin]]):
    """Origins by dataset, as the lineage hook noted them; to be read alone.

    Args:
        data_root: Root of the data.
        metadata: Ignored here; for Kedro-Viz and others.
    """

    def __init__(self, *, data_root: str, metadata: dict[str, Any] | None = None):
        self._folder = Path(data_root) / FOLDER
        self.metadata = metadata

    def load(self) -> dict[str, Origin]:
        """Every origin that was noted, those of this run included."""
        return Records(self._folder).all()

    def save(self, data: None) -> NoReturn:  # noqa: ARG002
        """Records are the hook's to write."""
        raise DatasetError("records of lineage are written by the hook alone")

    def fingerprint(self) -> str:
        """The same whatever is noted: what is read from it is known by its own record."""
        return ""

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"folder": str(self._folder)}
