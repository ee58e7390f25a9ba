"""A lazy table in a Parquet file that is replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
from kedro_datasets.ibis import FileDataset

from doppelcart.data.storage import replacing


class TableDataset(FileDataset):
    """``kedro_datasets.ibis.FileDataset`` that never leaves a half-written local file.

    The shipped dataset lets the engine write straight to the final path. A run that is killed
    there destroys what the last run saved.
    """

    @property
    def writes_whole(self) -> bool:
        """Whether the target is a local file, written by the embedded engine."""
        return not self._fs_prefix and self._connection_config["backend"] == "duckdb"

    def save(self, data: ir.Table) -> None:
        """Write the table's rows, whole or not at all; other targets as shipped."""
        if not self.writes_whole:
            super().save(data)
            return
        writer = getattr(self.connection, f"to_{self._file_format}")
        with replacing(Path(str(self._get_save_path()))) as temporary:
            writer(data, str(temporary), **self._save_args)
