"""Which datasets replace their file whole or not at all, and how shipped ones are made to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

from kedro.io.core import DatasetError

from doppelcart.data.storage import replacing
from doppelcart.errors import StorageError

ONE_FILE: Final = {
    "kedro_datasets.json.json_dataset.JSONDataset",
    "kedro_datasets.pandas.csv_dataset.CSVDataset",
    "kedro_datasets.pandas.parquet_dataset.ParquetDataset",
    "kedro_datasets.plotly.json_dataset.JSONDataset",
    "kedro_datasets.text.text_dataset.TextDataset",
    "kedro_datasets.yaml.yaml_dataset.YAMLDataset",
}
"""Shipped datasets that write the one file at their path, in place.

They are known by name: to import them would load half of what they can be used with.
"""


class DatasetStorageError(StorageError, DatasetError):
    """A storage error that Kedro passes on as it is, since it is a ``DatasetError`` too."""


def writes_whole(dataset: Any) -> bool:
    """Whether saving a dataset of the catalog replaces it whole or not at all."""
    return getattr(dataset, "writes_whole", False) or one_file(dataset) is not None


def one_file(dataset: Any) -> Path | None:
    """The local file that a shipped dataset would write in place; None for other datasets."""
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(dataset).__mro__}
    if not kinds & ONE_FILE or dataset._protocol != "file" or dataset._version:
        return None
    return Path(dataset._filepath)


@contextmanager
def saving_whole(dataset: Any) -> Iterator[None]:
    """Let a shipped dataset write beside its file, which is replaced if the block succeeds.

    Args:
        dataset: Any dataset; one that does so itself, or cannot, is left alone.
    """
    path = one_file(dataset)
    if path is None:
        yield
        return
    with replacing(path) as temporary:
        place, dataset._filepath = dataset._filepath, PurePosixPath(temporary)
        try:
            yield
        finally:
            dataset._filepath = place
