"""The files of a source: their tables, and their fingerprints."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import AbstractDataset
from kedro.io.core import DatasetError
from kedro_datasets.ibis import FileDataset

from doppelcart.config.hints import unknown
from doppelcart.data.lineage import digest
from doppelcart.data.schemas import TEXTS
from doppelcart.errors import ConfigurationError, InputError
from doppelcart.progress import tracked
from doppelcart.reading.declaration import TextColumns, text_columns
from doppelcart.reading.files import ABSENT, FORMATS, format_of, plain, why_unreadable
from doppelcart.reading.source_tables import RawTables, close_file, join_alike, open_file

MOST_NAMED = 2


class SourceError(InputError, DatasetError):
    """An input error that Kedro passes on as it is, since it is a ``DatasetError`` too."""


class _ReadOnly:
    """What the two datasets of a source's files have in common.

    Args:
        files: Per file name ``path``, optionally ``format`` (by default after the path's ending)
            and ``options`` for the reader.
        tables: The declarations by the name of the table, which say what the columns feed.
        declared: The key of globals.yml under which a person names the files.
        connection: Ibis backend and its arguments; the same as that of the tables downstream.
        metadata: Ignored here; read by Kedro plugins.
    """

    def __init__(
        self,
        files: dict[str, dict[str, Any]],
        connection: dict[str, Any] | None = None,
        tables: dict[str, dict[str, Any]] | None = None,
        metadata: dict[str, Any] | None = None,
        declared: str = "source",
    ) -> None:
        """Remember where the files are.

        Raises:
            ConfigurationError: If a table is of a name that no schema knows, so that nobody could
                tell which of its columns are texts.
        """
        strange = [
            f"{name} is {unknown(name, list(TEXTS))}" for name in tables or {} if name not in TEXTS
        ]
        if strange:
            raise ConfigurationError(f"of its tables, {'; '.join(strange)}")
        self._files = files
        self._declared = declared
        self._connection = connection
        self._tables = tables or {}
        self.metadata = metadata

    def require(self) -> None:
        """Stop if a path is not one file that is here, naming all such.

        Raises:
            SourceError: If one or more files do not exist, or are no files.
        """
        reasons = {name: why_unreadable(str(spec["path"])) for name, spec in self._files.items()}
        wrong = [
            f"  {name}: {self._files[name]['path']} is {reason}"
            for name, reason in reasons.items()
            if reason
        ]
        if wrong:
            if len(wrong) > MOST_NAMED + 1:
                wrong[MOST_NAMED:] = [f"  and {len(wrong) - MOST_NAMED} more"]
            absent = {reason for reason in reasons.values() if reason} == {ABSENT}
            raise SourceError(
                f"these files of the source {'do not exist' if absent else 'cannot be read'}:\n"
                + "\n".join(wrong)
                + f"\nPut them there, or correct `{self._declared}: files:` in "
                "conf/<environment>/globals.yml."
            )

    @property
    def paths(self) -> list[str]:
        """Where the files are to be."""
        return [str(spec["path"]) for spec in self._files.values()]

    def _exists(self) -> bool:
        return not any(why_unreadable(str(spec["path"])) for spec in self._files.values())

    def _describe(self) -> dict[str, Any]:
        return {"files": {name: spec["path"] for name, spec in self._files.items()}}

    def fingerprint(self) -> str:
        """A digest of what the files hold, whatever they are called and wherever they lie."""
        return digest(
            sorted((name, *contents_of(str(spec["path"]))) for name, spec in self._files.items())
        )

    def _refuse(self) -> None:
        raise DatasetError("a source's own files are never written")


class SourceTables(_ReadOnly, AbstractDataset[None, RawTables]):
    """The tables in a source's files, by file name.

    Each is registered in the engine under its file name, so that the expressions of the source's
    declaration can name it. Parquet is not read yet; of the other formats, which hold text or
    cells, every row is, once, and kept in the engine until Kedro releases the dataset: only so are
    ids as they are written, and types those of all rows.
    """

    def load(self) -> RawTables:
        """Open every file.

        Raises:
            SourceError: If a file is absent, of an unknown kind, or not what its format says.
        """
        self.require()
        uses = text_columns(self._tables)
        opened = RawTables()
        for name, spec in tracked(self._files.items(), "reading files", "file"):
            self._open(name, spec, uses.get(name.lower(), TextColumns()), opened)
        join_alike(opened, self._tables)
        return opened

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro names it
        """Refuse: a source is never written."""
        self._refuse()

    def _release(self) -> None:
        """Let go of the rows that were read."""
        for name in self._files:
            close_file(self._backend(), name)

    def _backend(self) -> Any:
        """The engine that all tables are in."""
        return FileDataset(filepath="unused", connection=self._connection).connection

    def _open(self, name: str, spec: dict[str, Any], uses: TextColumns, opened: RawTables) -> None:
        """Register one file as a table of the engine."""
        path = str(spec["path"])
        kind = spec.get("format") or format_of(path)
        if kind is None:
            raise SourceError(
                f"file {name} ({path}): its ending says nothing of its format; "
                f"set `format` to one of {sorted(set(FORMATS.values()))}."
            )
        try:
            open_file(self._backend(), name, {**spec, "format": kind}, uses, opened)
        except InputError as error:
            raise SourceError(f"file {name} ({path}) cannot be read as {kind}: {error}.") from error
        except Exception as error:
            raise SourceError(
                f"file {name} ({path}) cannot be read as {kind}: {plain(error)}. "
                "Check that it is whole, and its `format` and `options`."
            ) from error


class SourceFiles(_ReadOnly, AbstractDataset[None, pd.DataFrame]):
    """Name, path, size and SHA-256 of each file of a source."""

    def load(self) -> pd.DataFrame:
        """Measure every file.

        Returns:
            One row per file: ``name``, ``path``, ``bytes``, ``sha256`` (None unless it is a local
            file).

        Raises:
            SourceError: If a file is absent.
        """
        self.require()
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
    """SHA-256 of a file, which is long to read and asked for more than once per run."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
