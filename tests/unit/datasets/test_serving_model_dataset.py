"""A model that is saved is released, and what serves meanwhile stays."""

from pathlib import Path

import numpy as np
import pytest
from serving_model import make_model

from doppelcart.datasets.atomic import DatasetStorageError
from doppelcart.datasets.serving_model import ServingModelDataset
from doppelcart.serving.release import read_release, roll_back


def folders(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.iterdir() if found.is_dir())


def test_what_is_saved_is_released_and_the_one_before_it_kept(tmp_path: Path) -> None:
    path = tmp_path / "serving/release.json"
    dataset = ServingModelDataset(filepath=str(path))
    assert not dataset.exists()
    versions = []
    for number in range(3):
        dataset.save(make_model(np.eye(4, k=number, dtype=np.float32)))
        versions.append(read_release(path).version)
    assert folders(path) == sorted(versions[1:])
    assert dataset.load().catalogue.ids == ["bread", "butter", "jam", "salt"]
    # made alike, it is the same artefact
    dataset.save(make_model(np.eye(4, k=2, dtype=np.float32)))
    assert read_release(path).version == versions[2]
    assert folders(path) == sorted(versions[1:])


def test_what_was_rolled_back_to_is_kept_by_the_next_export(tmp_path: Path) -> None:
    path = tmp_path / "serving/release.json"
    dataset = ServingModelDataset(filepath=str(path))
    for number in range(2):
        dataset.save(make_model(np.eye(4, k=number, dtype=np.float32)))
    served = roll_back(path)
    dataset.save(make_model(np.eye(4, k=2, dtype=np.float32)))
    release = read_release(path)
    assert release.previous == served.itself
    assert folders(path) == sorted([release.version, served.version])


def test_a_damaged_model_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "serving/release.json"
    dataset = ServingModelDataset(filepath=str(path))
    with pytest.raises(DatasetStorageError, match="does not exist"):
        dataset.load()
    dataset.save(make_model())
    (path.parent / read_release(path).path / "items.json").write_text("{}")
    with pytest.raises(DatasetStorageError, match=r"items\.json has 2 bytes"):
        dataset.load()
