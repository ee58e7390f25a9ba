"""The section of a capability, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from doppelcart.data.storage import replacing
from doppelcart.datasets.optional import Optional
from doppelcart.reporting.section import Section


class SectionDataset(Optional, AbstractDataset[Section, Section | None]):
    """One section; None until its capability was run, and where it is not of the present data.

    Args:
        filepath: Path of the JSON file.
        metadata: Ignored here; for Kedro-Viz and others.
    """

    writes_whole = True

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None):
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Section | None:
        """Read the section, if there is one.

        Raises:
            ValidationError: The file holds no section.
        """
        if self.is_withheld or not self._exists():
            return None
        return Section.model_validate_json(self._filepath.read_bytes())

    def save(self, data: Section) -> None:
        """Write the section whole or not at all."""
        with replacing(self._filepath) as temporary:
            temporary.write_text(data.model_dump_json(indent=1), encoding="utf-8")

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
