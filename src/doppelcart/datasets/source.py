"""The files of a source: their tables, lazily, and their fingerprints."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import pandas as pd
from kedro.io import AbstractDataset
from kedro.io.core import DatasetError
from kedro_datasets.ibis import FileDataset

from doppelcart.engine import materialise, view
from doppelcart.errors import InputError
from doppelcart.lineage import digest

FORMATS: Final = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".xlsx": "xlsx",
}


class SourceError(InputError, DatasetError):
    """An input error that Kedro passes on as it is, since it is a ``DatasetError`` too."""


class _ReadOnly:
    """What the two datasets of a source's files have in common.

    Args:
        files: Per file name ``path``, optionally ``format`` (by default after the path's ending)
            and ``options`` for the reader.
        connection: Ibis backend and its arguments; the same as that of the tables downstream.
        metadata: Ignored here; read by Kedro plugins.
    """

    def __init__(
        self,
        files: dict[str, dict[str, Any]],
        connection: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Remember where the files are."""
        self._files = files
        self._connection = connection
        self.metadata = metadata

    def _check(self) -> None:
        """Stop if a file is absent, naming all that are.

        Raises:
            SourceError: If one or more files do not exist.
        """
        absent = [
            f"  {name}: {spec['path']}"
            for name, spec in self._files.items()
            if "://" not in str(spec["path"]) and not Path(spec["path"]).exists()
        ]
        if absent:
            raise SourceError(
                "these files of the source do not exist:\n"
                + "\n".join(absent)
                + "\nPut them there, or correct `source: files:` in conf/<environment>/globals.yml."
            )

    def _exists(self) -> bool:
        return all(Path(spec["path"]).exists() for spec in self._files.values())

    def _describe(self) -> dict[str, Any]:
        return {"files": {name: spec["path"] for name, spec in self._files.items()}}

    def fingerprint(self) -> str:
        """A digest of what the files hold, whatever they are called and wherever they lie."""
        return digest(
            sorted((name, *contents_of(str(spec["path"]))) for name, spec in self._files.items())
        )

    def _refuse(self) -> None:
        raise DatasetError("a source's own files are never written")


class SourceTables(_ReadOnly, AbstractDataset[None, dict[str, ir.Table]]):
    """The tables in a source's files, by file name, not yet read.

    Each is registered in the engine under its file name, so that the expressions of the source's
    declaration can name it.
    """

    def load(self) -> dict[str, ir.Table]:
        """Open every file.

        Raises:
            SourceError: If a file is absent, of an unknown kind, or not what its format says.
        """
        self._check()
        return {name: self._open(name, spec) for name, spec in self._files.items()}

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro names it
        """Refuse: a source is never written."""
        self._refuse()

    def _open(self, name: str, spec: dict[str, Any]) -> ir.Table:
        """Register one file as a table of the engine."""
        path, options = str(spec["path"]), dict(spec.get("options") or {})
        kind = spec.get("format") or FORMATS.get(Path(path).suffix.lower())
        if kind is None:
            raise SourceError(
                f"file {name} ({path}): its ending says nothing of its format; "
                f"set `format` to one of {sorted(set(FORMATS.values()))}."
            )
        if kind == "tsv":
            kind, options = "csv", {"delim": "\t", **options}
        dataset = FileDataset(
            filepath=path,
            file_format=kind,
            table_name=name,
            connection=self._connection,
            load_args=options,
        )
        try:
            if kind == "xlsx":
                return self._open_workbook(dataset, name, path, options)
            return dataset.load()
        except SourceError:
            raise
        except Exception as error:
            raise SourceError(
                f"file {name} ({path}) cannot be read as {kind}: "
                f"{error.__cause__ or error}. "
                "Check that it is whole, and its `format` and `options`."
            ) from error

    @staticmethod
    def _open_workbook(
        dataset: FileDataset, name: str, path: str, options: dict[str, Any]
    ) -> ir.Table:
        """Read a sheet of an Excel workbook; the one format that is read into memory."""
        try:
            sheets = pd.read_excel(path, **{"sheet_name": None, **options})
        except ImportError as error:
            raise SourceError(
                f"file {name} ({path}): reading a workbook needs openpyxl "
                "(`pip install openpyxl`), or save the sheets as CSV."
            ) from error
        frame = pd.concat(sheets.values()) if isinstance(sheets, dict) else sheets
        # A column that mixes numbers and text (invoice 489434, cancellation C489449) has no type
        # that the engine would take.
        mixed = [column for column in frame.columns if frame[column].dtype == object]
        text = frame[mixed].astype("string")
        table = ibis.memtable(frame.assign(**{column: text[column] for column in mixed}))
        dataset.connection.create_view(f"workbook_{name}", table, overwrite=True)
        kept = materialise(dataset.connection.table(f"workbook_{name}"), f"workbook_{name}")
        return view(dataset.connection, name, str(ibis.to_sql(kept, dialect="duckdb")))


class SourceFiles(_ReadOnly, AbstractDataset[None, pd.DataFrame]):
    """Name, path, size and SHA-256 of each file of a source."""

    def load(self) -> pd.DataFrame:
        """Measure every file.

        Returns:
            One row a file: ``name``, ``path``, ``bytes``, ``sha256`` (None unless it is a local
            file).

        Raises:
            SourceError: If a file is absent.
        """
        self._check()
        return pd.DataFrame(
            [
                (name, str(spec["path"]), *contents_of(str(spec["path"])))
                for name, spec in self._files.items()
            ],
            columns=["name", "path", "bytes", "sha256"],
        )

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro names it
        """Refuse: a source is never written."""
        self._refuse()


def contents_of(path: str) -> tuple[int | None, str | None]:
    """Size in bytes and SHA-256 of a local file; None both where there is none."""
    if not Path(path).is_file():
        return None, None
    found = Path(path).stat()
    return found.st_size, _sha256(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: str, size: int, changed: int) -> str:  # noqa: ARG001 - they say which content
    """SHA-256 of a file, which is long to read and asked for more than once a run."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
