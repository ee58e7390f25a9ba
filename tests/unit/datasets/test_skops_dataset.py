"""The scikit-learn dataset: whole, and never a type nobody vouched for."""

from pathlib import Path

import numpy as np
import pytest
from kedro.io import DatasetError
from sklearn.preprocessing import FunctionTransformer, RobustScaler

from doppelcart.datasets.skops_dataset import SkopsDataset


def unheard_of(values: np.ndarray) -> np.ndarray:
    return values


def test_a_fitted_object_comes_back_as_it_was(tmp_path: Path) -> None:
    dataset = SkopsDataset(filepath=tmp_path / "deep" / "scaler.skops")
    assert not dataset.exists()
    dataset.save(RobustScaler().fit([[0.0], [1.0], [4.0]]))
    assert dataset.exists()
    # median 1, quartiles 0.5 and 2.5
    assert dataset.load().transform([[3.0]]).tolist() == [[1.0]]


def test_an_unknown_function_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "function.skops"
    SkopsDataset(filepath=path).save(FunctionTransformer(unheard_of))
    with pytest.raises(DatasetError, match="unheard_of"):
        SkopsDataset(filepath=path).load()
    name = f"{unheard_of.__module__}.unheard_of"
    assert SkopsDataset(filepath=path, trusted=[name]).load().func is unheard_of


def test_a_save_that_fails_leaves_the_former_file(tmp_path: Path) -> None:
    dataset = SkopsDataset(filepath=tmp_path / "scaler.skops")
    dataset.save(RobustScaler().fit([[0.0], [1.0], [4.0]]))
    broken = RobustScaler()
    broken.center_ = (value for value in [1.0])
    with pytest.raises(DatasetError, match="scaler"):
        dataset.save(broken)
    assert dataset.load().center_.tolist() == [1.0]
    assert [path.name for path in tmp_path.iterdir()] == ["scaler.skops"]
