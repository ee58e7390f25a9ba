"""The file that training resumes from."""

from pathlib import Path

import numpy as np
import pytest

from doppelcart.adversarial.state import Progress, TrainingState
from doppelcart.errors import StorageError


class Variable:
    def __init__(self, *values: float):
        self.value = np.array(values)

    def __array__(self, dtype=None, copy=None):
        return self.value

    def assign(self, value):
        self.value = value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state.npz"


def progress() -> Progress:
    rows = [{"epoch": 1.0, "loss": float("nan")}, {"epoch": 2.0, "loss": 0.25}]
    return Progress(2, rows, 1, 0.5, [np.array([1.0, 2.0]), np.array([[3.0]])])


def test_what_was_saved_comes_back(path):
    TrainingState(path, "f").save([Variable(1.0, 2.0), Variable(3.0)], progress())
    state, variables = TrainingState(path, "f"), [Variable(0.0, 0.0), Variable(0.0)]
    found = state.load(variables)
    assert [v.value.tolist() for v in variables] == [[1, 2], [3]]
    assert (found.epoch, found.best_epoch, found.best_value) == (2, 1, 0.5)
    assert str(found.rows) == str(progress().rows)
    assert [w.tolist() for w in found.best or []] == [[1, 2], [[3]]]
    assert state.last_saved_epoch == 2
    assert [file.name for file in path.parent.iterdir()] == ["state.npz"]


def test_progress_before_the_first_look_comes_back(path):
    TrainingState(path, "f").save([], Progress(epoch=1))
    found = TrainingState(path, "f").load([])
    assert found.best is None
    assert found.best_value == float("-inf")


def test_no_file_and_another_fingerprint_begin_from_the_beginning(path):
    assert TrainingState(path, "f").load([Variable(1.0)]) == Progress()
    TrainingState(path, "f").save([Variable(9.0)], progress())
    variable = Variable(1.0)
    assert TrainingState(path, "g").load([variable]) == Progress()
    assert variable.value.tolist() == [1]


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "fewer variables"])
def test_a_damaged_file_is_an_error_with_advice_and_assigns_nothing(path, damage):
    TrainingState(path, "f").save([Variable(9.0)], progress())
    variables = [Variable(1.0)]
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("not an archive")
    else:
        variables.append(Variable(2.0))
    with pytest.raises(StorageError, match=r"cannot be read.*Delete it"):
        TrainingState(path, "f").load(variables)
    assert [v.value.tolist() for v in variables] == [[1], [2]][: len(variables)]


def test_a_save_that_fails_leaves_the_former_file(path, monkeypatch):
    state = TrainingState(path, "f")
    state.save([Variable(9.0)], progress())

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match=r"No space left.*untouched"):
        state.save([Variable(8.0)], Progress(epoch=3))
    variable = Variable(0.0)
    assert TrainingState(path, "f").load([variable]).epoch == 2
    assert variable.value.tolist() == [9]
    assert list(path.parent.iterdir()) == [path]


def test_a_state_that_may_not_be_read_is_not_told_to_be_cut_short(path, monkeypatch):
    TrainingState(path, "f").save([], progress())

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(np, "load", denied)
    with pytest.raises(StorageError, match=r"Reading .*Permission denied") as refused:
        TrainingState(path, "f").load([])
    assert "Delete" not in str(refused.value)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"Writing .*state.npz failed"):
        TrainingState(tmp_path / "file" / "state.npz", "f").save([], Progress())


def test_a_finished_training_leaves_no_state(path):
    state = TrainingState(path, "f")
    state.save([], Progress(epoch=1))
    state.clear()
    state.clear()
    assert not path.exists()


def test_the_best_is_kept_as_it_was():
    kept = Progress()
    weights = [np.array([1.0])]
    kept.keep_best(1, 0.5, weights)
    weights[0][0] = 9
    kept.keep_best(2, 0.4, weights)
    kept.keep_best(3, 0.5, weights)
    kept.keep_best(4, float("nan"), weights)
    assert (kept.best_epoch, kept.best_value) == (1, 0.5)
    assert kept.best is not None
    assert kept.best[0].tolist() == [1]
