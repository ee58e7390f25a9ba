"""The released model as a folder that MLflow serves and registers."""

from __future__ import annotations

from pathlib import Path

from doppelcart.serving import artefact
from doppelcart.serving.release import Version, folder_of, read_release

CODE = Path(__file__).with_name("pyfunc_code.py")


def save_pyfunc(release_file: Path, folder: Path, version: Version | None = None) -> None:
    """Save a model as an MLflow pyfunc of code and plain arrays.

    Args:
        release_file: Where the release is named.
        folder: For the MLflow model; it must not be there yet.
        version: The model; None takes what is released.

    Raises:
        StorageError: The release or its artefact is missing or damaged.
    """
    import mlflow

    wanted = version or read_release(release_file)
    artefact.check(folder_of(release_file, wanted), wanted.digest)
    mlflow.pyfunc.save_model(
        path=str(folder),
        python_model=str(CODE),
        artifacts={"model": str(folder_of(release_file, wanted))},
        model_config={"digest": wanted.digest},
        pip_requirements=["doppelcart"],
    )
