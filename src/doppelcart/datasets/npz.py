"""Histories, cases and item features in NumPy's archive format, read without pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from kedro.io import AbstractDataset
from scipy import sparse

from doppelcart.catalogue.embedding import ItemEmbedder, ItemVectors, Projection
from doppelcart.catalogue.item_features import ItemFeatures, Weighting
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.storage import replacing
from doppelcart.datasets.atomic import DatasetStorageError

T = TypeVar("T")


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to an archive, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read(path: Path, expected: str) -> dict[str, np.ndarray]:
    """Read every array of an archive.

    Raises:
        DatasetStorageError: If the file is absent, not such an archive, or holds pickled objects.
        OSError: If the system refuses to read it.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise DatasetStorageError(
            f"{path} does not exist: run the pipeline that makes it first (`kedro run`)."
        ) from error
    except OSError:
        raise
    except Exception as error:
        raise DatasetStorageError(
            f"{path} is not a file of {expected} ({error}); delete it and run the pipeline that "
            "makes it again."
        ) from error


def _arrays_of(histories: Histories) -> dict[str, np.ndarray]:
    """The four arrays that histories consist of."""
    return {
        "user_ids": np.asarray(histories.user_ids, dtype=str),
        "item_ids": np.asarray(histories.item_ids, dtype=str),
        "indptr": histories.indptr,
        "items": histories.items,
    }


class _ArchiveDataset(AbstractDataset[T, T]):
    """What all archives share.

    Args:
        filepath: Where the archive lies, ending in ``.npz``.
        metadata: Ignored here; read by Kedro plugins.
    """

    writes_whole = True

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Remember the path."""
        self._path = Path(filepath)
        self.metadata = metadata

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}


class HistoriesDataset(_ArchiveDataset[Histories]):
    """``Histories`` as an ``.npz`` archive of four arrays."""

    def load(self) -> Histories:
        """Read the histories.

        Raises:
            DatasetStorageError: If the file is absent or not such an archive.
        """
        arrays = _read(self._path, "histories")
        try:
            return Histories(
                arrays["user_ids"], arrays["item_ids"], arrays["indptr"], arrays["items"]
            )
        except KeyError as error:
            raise DatasetStorageError(f"{self._path} holds no array {error}") from error

    def save(self, data: Histories) -> None:
        """Write the histories, whole or not at all."""
        _write(self._path, _arrays_of(data))


class HistorySetsDataset(_ArchiveDataset[dict[str, Histories]]):
    """Several ``Histories`` by name as one ``.npz`` archive."""

    def load(self) -> dict[str, Histories]:
        """Read the sets, in the order in which they were saved.

        Raises:
            DatasetStorageError: If the file is absent or not such an archive.
        """
        sets: dict[str, dict[str, np.ndarray]] = {}
        for key, array in _read(self._path, "sets of histories").items():
            name, _, part = key.rpartition("/")
            sets.setdefault(name, {})[part] = array
        if "" in sets:
            raise DatasetStorageError(f"{self._path} holds arrays that are of no named set")
        try:
            return {name: Histories(**arrays) for name, arrays in sets.items()}
        except TypeError as error:
            raise DatasetStorageError(f"{self._path} lacks arrays of a set: {error}") from error

    def save(self, data: dict[str, Histories]) -> None:
        """Write the sets, whole or not at all."""
        _write(
            self._path,
            {
                f"{name}/{part}": array
                for name, histories in data.items()
                for part, array in _arrays_of(histories).items()
            },
        )


class CasesDataset(_ArchiveDataset[dict[str, Case]]):
    """Evaluation cases by name as one ``.npz`` archive; the catalogue is kept once."""

    def load(self) -> dict[str, Case]:
        """Read the cases, in the order in which they were saved.

        Raises:
            DatasetStorageError: If the file is absent or not such an archive.
        """
        arrays = _read(self._path, "cases")
        try:
            return {
                name: self._case(arrays, position, name)
                for position, name in enumerate(arrays["names"].tolist())
            }
        except KeyError as error:
            raise DatasetStorageError(f"{self._path} holds no array {error}") from error

    @staticmethod
    def _case(arrays: dict[str, np.ndarray], position: int, name: str) -> Case:
        """Put one case together from its arrays."""
        seen, relevant = (
            Histories(
                arrays[f"{position}_user_ids"],
                arrays["item_ids"],
                arrays[f"{position}_{part}_indptr"],
                arrays[f"{position}_{part}_items"],
            )
            for part in ("seen", "relevant")
        )
        return Case(name, seen, relevant)

    def save(self, data: dict[str, Case]) -> None:
        """Write the cases, whole or not at all.

        Raises:
            DatasetStorageError: If the cases do not share one catalogue.
        """
        catalogues = [case.seen.item_ids for case in data.values()]
        if any(not np.array_equal(catalogues[0], other) for other in catalogues[1:]):
            raise DatasetStorageError("cases of one file must share one catalogue")
        arrays = {
            "names": np.array(list(data), dtype=str),
            "item_ids": np.asarray(catalogues[0] if catalogues else [], dtype=str),
        }
        for position, case in enumerate(data.values()):
            arrays[f"{position}_user_ids"] = np.asarray(case.user_ids, dtype=str)
            for part in ("seen", "relevant"):
                arrays[f"{position}_{part}_indptr"] = getattr(case, part).indptr
                arrays[f"{position}_{part}_items"] = getattr(case, part).items
        _write(self._path, arrays)


class ItemFeaturesDataset(_ArchiveDataset[ItemFeatures]):
    """``ItemFeatures`` as an ``.npz`` archive."""

    def load(self) -> ItemFeatures:
        """Read the features.

        Raises:
            DatasetStorageError: If the file is absent or not such an archive.
        """
        arrays = _read(self._path, "features of items")
        try:
            parts = tuple(arrays.pop(f"matrix_{name}") for name in ("data", "indices", "indptr"))
            shape = (len(arrays["item_ids"]), len(arrays["columns"]))
            return ItemFeatures(matrix=sparse.csr_matrix(parts, shape=shape), **arrays)
        except (KeyError, TypeError) as error:
            raise DatasetStorageError(
                f"{self._path} is not a file of features of items: {error}"
            ) from error

    def save(self, data: ItemFeatures) -> None:
        """Write the features, whole or not at all."""
        names = ("item_ids", "columns", "blocks", "block_names", "lacks")
        matrix = {
            f"matrix_{name}": getattr(data.matrix, name) for name in ("data", "indices", "indptr")
        }
        _write(self._path, {name: getattr(data, name) for name in names} | matrix)


class ItemVectorsDataset(_ArchiveDataset[ItemVectors]):
    """``ItemVectors`` as an ``.npz`` archive of five arrays."""

    def load(self) -> ItemVectors:
        """Read the vectors.

        Raises:
            DatasetStorageError: If the file is absent or not such an archive.
        """
        try:
            return ItemVectors(**_read(self._path, "vectors of items"))
        except TypeError as error:
            raise DatasetStorageError(
                f"{self._path} is not a file of vectors of items: {error}"
            ) from error

    def save(self, data: ItemVectors) -> None:
        """Write the vectors, whole or not at all."""
        _write(self._path, vars(data))


class ItemEmbedderDataset(_ArchiveDataset[ItemEmbedder]):
    """``ItemEmbedder`` as an ``.npz`` archive.

    It is fitted once and used on what comes after: that a run reads a later catalogue than it was
    fitted on is no fault.
    """

    outlives_its_data = True

    def load(self) -> ItemEmbedder:
        """Read the embedder.

        Raises:
            DatasetStorageError: If the file is absent or not such an archive.
        """
        arrays = _read(self._path, "an embedder of items")
        try:
            weighting = Weighting(
                **{name: arrays.pop(name) for name in ("kept", "rarity", "words", "weight")}
            )
            projection = Projection(weighting, arrays.pop("matrix"), arrays.pop("parts"))
            return ItemEmbedder(projection=projection, **arrays)
        except (KeyError, TypeError) as error:
            raise DatasetStorageError(
                f"{self._path} is not a file of an embedder of items: {error}"
            ) from error

    def save(self, data: ItemEmbedder) -> None:
        """Write the embedder, whole or not at all."""
        own = {name: value for name, value in vars(data).items() if name != "projection"}
        projection = {"matrix": data.projection.matrix, "parts": data.projection.parts}
        _write(self._path, own | projection | vars(data.projection.weighting))
