"""Keras models of this package; TensorFlow is imported at the first load or save, not before."""

from __future__ import annotations

import contextlib
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kedro.io import AbstractDataset

from doppelcart.data.storage import replacing
from doppelcart.datasets.atomic import DatasetStorageError

_STANDARD_ERROR: Final = 2


class KerasModelDataset(AbstractDataset[Any, Any]):
    """A ``.keras`` archive, loaded in safe mode and without a compiled training loop.

    ``kedro_datasets.tensorflow.TensorFlowModelDataset`` imports TensorFlow with the catalog, does
    not know this package's layers, and writes in place.

    Args:
        filepath: Path of the archive; ends in ``.keras``.
        trained_by: Pipeline that trains it, for advice.
        metadata: Ignored here; for Kedro-Viz and others.
    """

    writes_whole = True

    def __init__(
        self, *, filepath: str, trained_by: str = "gan", metadata: dict[str, Any] | None = None
    ):
        self._filepath = Path(filepath)
        self._command = f"kedro run --pipelines {trained_by}"
        self.metadata = metadata

    def load(self) -> Any:
        """Read the model.

        Raises:
            DatasetStorageError: The archive is missing, cut short or damaged.
            OSError: The system refuses to read it.
        """
        if not self._filepath.exists():
            raise DatasetStorageError(
                f"{self._filepath} does not exist: train it first (`{self._command}`)."
            )
        with self._filepath.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise self._broken("it may have been cut short")
        with _standard_error_aside():
            import keras

            # registers the layers of this project, those of networks among them
            import doppelcart.models.histories.latent_diffusion  # noqa: F401

        try:
            return keras.models.load_model(self._filepath, compile=False, safe_mode=True)
        except Exception as error:
            raise self._broken(str(error)) from error

    def save(self, data: Any) -> None:
        """Write the model whole or not at all."""
        with replacing(self._filepath) as temporary:
            data.save(temporary)

    def _broken(self, why: str) -> DatasetStorageError:
        return DatasetStorageError(
            f"{self._filepath} is not a whole .keras archive of this project ({why}). "
            f"Train it again: {self._command}"
        )

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


@contextlib.contextmanager
def _standard_error_aside() -> Iterator[None]:
    """Let go of what TensorFlow writes as it is loaded, before anybody can tell it not to.

    Its lines on processors and missing graphics cards would stand above the figures of a notebook.
    What goes wrong is raised, not written.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    kept = os.dup(_STANDARD_ERROR)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), _STANDARD_ERROR)
    try:
        yield
    finally:
        os.dup2(kept, _STANDARD_ERROR)
        os.close(kept)
