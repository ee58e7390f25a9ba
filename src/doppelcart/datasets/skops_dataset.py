"""A Kedro dataset for scikit-learn objects that never unpickles."""

import os
from copy import deepcopy
from pathlib import Path, PurePosixPath
from typing import Any, Final

from kedro.io.core import AbstractVersionedDataset, DatasetError, Version

from doppelcart.data.storage import replacing
from doppelcart.datasets.atomic import DatasetStorageError

KNOWN_TYPES: Final = ("numpy.dtype",)


class SkopsDataset(AbstractVersionedDataset[Any, Any]):
    """Saves scikit-learn objects with skops and loads them only if every type in them is known.

    Known are scikit-learn's own estimators, NumPy's arrays and data types, and the types and
    functions named in ``trusted``. A file that holds anything else is refused, unread, with the
    names of what was found.

    Args:
        filepath: Where the local ``.skops`` file is, or is to be.
        trusted: Full names of functions and types, beyond those already known, that the file
            may hold, such as a function inside a ``FunctionTransformer``.
        version: Kedro's version of the file, if the entry is versioned.
        metadata: Not read here; for Kedro's plugins.

    Examples:
        Using the YAML API:

        ```yaml
        profile_transformer:
          type: doppelcart.datasets.skops_dataset.SkopsDataset
          filepath: data/04_feature/profile_transformer.skops
          trusted: [doppelcart.pipelines.profiles.scaling.log_amount]
        ```

        Using the Python API:

        >>> from sklearn.preprocessing import RobustScaler
        >>> from doppelcart.datasets.skops_dataset import SkopsDataset
        >>>
        >>> dataset = SkopsDataset(filepath=tmp_path / "scaler.skops")
        >>> dataset.save(RobustScaler().fit([[0.0], [1.0], [4.0]]))
        >>> float(dataset.load().center_[0])
        1.0
    """

    writes_whole = True

    def __init__(
        self,
        *,
        filepath: str | os.PathLike[str],
        trusted: list[str] | None = None,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._trusted = [*KNOWN_TYPES, *(trusted or [])]
        self.metadata = deepcopy(metadata)
        super().__init__(filepath=PurePosixPath(os.fspath(filepath)), version=version)

    def load(self) -> Any:
        """Returns the object saved.

        Raises:
            DatasetStorageError: If the file holds a type that is neither known nor trusted.
        """
        from skops import io

        path = str(self._get_load_path())
        unknown = sorted(set(io.get_untrusted_types(file=path)) - set(self._trusted))
        if unknown:
            raise DatasetStorageError(
                f"{path} holds types that are not trusted: {', '.join(unknown)}. If you made the"
                " file and know them, name them under `trusted` in the catalog entry; otherwise"
                " delete the file and run the pipeline that writes it."
            )
        return io.load(path, trusted=self._trusted)

    def save(self, data: Any) -> None:
        """Writes the whole file or nothing."""
        from skops import io

        with replacing(Path(self._get_save_path())) as temporary:
            io.dump(data, temporary)

    def _exists(self) -> bool:
        try:
            return Path(self._get_load_path()).is_file()
        except DatasetError:
            return False

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "trusted": self._trusted, "version": self._version}
