"""The catalog of a run: files are replaced whole, and a failure names dataset and operation."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from duckdb import IOException
from kedro.io import AbstractDataset, DataCatalog
from kedro.io.core import DatasetError, Version, parse_dataset_definition

from doppelcart.config.hints import did_you_mean, unknown
from doppelcart.data.storage import ELSEWHERE, UNTOUCHED, is_about, read_message, write_message
from doppelcart.datasets.atomic import DatasetStorageError, saving_whole, writes_whole
from doppelcart.errors import ConfigurationError, DoppelcartError, chain

HALF = (
    "What is on disk may be half of it, so no run reads it before it is made again. "
    "Nothing else was touched."
)


class EntryError(ConfigurationError, DatasetError):
    """An entry that no dataset can be made of; Kedro passes its own kind on as it is."""


class NamingCatalog(DataCatalog):
    """Kedro's catalog, which knows the dataset that is being read or written when one fails."""

    def get(
        self,
        key: str,
        fallback_to_runtime_pattern: bool = False,
        version: Version | None = None,
    ) -> AbstractDataset | None:
        """Make a dataset of its entry, where that is not done yet.

        Args:
            key: Name of the dataset.
            fallback_to_runtime_pattern: Whether one without an entry is kept in memory.
            version: Which version of it, where it is versioned.

        Raises:
            EntryError: The entry is wrong.
        """
        try:
            return super().get(key, fallback_to_runtime_pattern, version)
        except DatasetError as error:
            if isinstance(error, DoppelcartError):
                raise
            entry = self.config_resolver.resolve_pattern(key)
            types = {found.get("type") for found in self.config_resolver.config.values()}
            raise EntryError(_entry_refused(key, entry, types, error)) from error

    def load(self, ds_name: str, version: str | None = None) -> Any:
        """Read a dataset.

        Args:
            ds_name: Name of the dataset.
            version: Which version of it, where it is versioned.

        Raises:
            DatasetStorageError: What is saved cannot be read.
            DatasetError: There is no such dataset.
        """
        try:
            return super().load(ds_name, version)
        except DatasetError as error:
            cause = next((e for e in chain(error) if not _is_of_kedro(e)), None)
            if cause is None or isinstance(cause, DoppelcartError):
                raise
            told = _reading_failed(ds_name, path_of(self.get(ds_name)), cause)
            raise DatasetStorageError(told) from error

    def save(self, ds_name: str, data: Any) -> None:
        """Write a dataset, whole or not at all where it can be.

        Args:
            ds_name: Name of the dataset.
            data: What to write.

        Raises:
            DatasetStorageError: The system refuses.
            DatasetError: The data cannot be written for another reason.
        """
        dataset = self[ds_name]
        try:
            with saving_whole(dataset):
                super().save(ds_name, data)
        except Exception as error:
            known = (DoppelcartError, OSError, IOException)
            cause = next((cause for cause in chain(error) if isinstance(cause, known)), None)
            if cause is None or isinstance(cause, DoppelcartError):
                raise
            kept = UNTOUCHED if writes_whole(dataset) else HALF
            told = _writing_failed(ds_name, path_of(dataset), cause, kept)
            raise DatasetStorageError(told) from error


def _is_of_kedro(error: BaseException) -> bool:
    """Whether an error is but Kedro's word for another one."""
    return isinstance(error, DatasetError) and not isinstance(error, DoppelcartError)


def _entry_refused(name: str, entry: Mapping[str, Any], types: set[Any], error: Exception) -> str:
    """What to say of an entry of the catalog, given the error and the types that others have."""
    kind = str(entry.get("type"))
    try:
        made, arguments = parse_dataset_definition(dict(entry))
        known = [key for key in inspect.signature(made).parameters if not key.startswith("_")]
        wrong = [f"{key} is {unknown(key, known)}" for key in arguments if key not in known]
        said = "; ".join(wrong)
    except DatasetError as unreadable:
        near = did_you_mean(kind, {other for other in types if isinstance(other, str)} - {kind})
        said = f"{str(unreadable).splitlines()[0]} {near}"
    said = said or next(filter(None, map(str.strip, str(error).splitlines())), "")
    return (
        f"The catalog's entry {name} ({kind}) cannot be used: {said.strip()} "
        "Mend it in conf/<environment>/<pipeline>/catalog.yml; nothing has run."
    )


def path_of(dataset: Any) -> Path | None:
    """The path that a dataset of the catalog has; None for one that has none."""
    path = getattr(dataset, "_filepath", None)
    return Path(str(path)) if path is not None else None


def _named(name: str, path: Any) -> str:
    return f"{name} ({path})" if path else name


def _reading_failed(name: str, path: Path | None, cause: BaseException) -> str:
    if isinstance(cause, OSError):
        return read_message(_named(name, cause.filename or path), cause)
    if isinstance(cause, IOException):
        return f"Reading {_named(name, path)} failed: {cause}. Check that your account may read it."
    return (
        f"Reading {_named(name, path)} failed: {type(cause).__name__}: {cause}. It is damaged, or "
        "not of the kind that the catalog says: move it away and make it again."
    )


def _writing_failed(name: str, path: Path | None, cause: BaseException, kept: str) -> str:
    """What to say of a dataset that was not written; what failed may be the reading for it."""
    what = _named(name, path)
    if not isinstance(cause, OSError):
        return (
            f"While {what} was being written, the engine of the tables could not read or write a "
            f"file: {cause}. If it is a file that was to be read, let your account read it; if no "
            f"space is left, free some, or {ELSEWHERE}. {kept}"
        )
    if path is None or is_about(cause, path):
        return write_message(what, cause, kept)
    return f"{read_message(str(cause.filename), cause)} It was needed to write {what}. {kept}"
