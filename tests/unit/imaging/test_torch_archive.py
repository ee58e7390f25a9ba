"""Tensors are read as they are laid out, and nothing else is."""

import hashlib
import io
import pickle
import struct
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from doppelcart.errors import InputError
from doppelcart.imaging.torch_archive import MAGIC, PROTOCOL, read_tensors

FloatStorage = type("FloatStorage", (), {"__module__": "torch"})


def _rebuild_tensor_v2(*_: Any) -> None:
    """Stands for PyTorch's function."""


_rebuild_tensor_v2.__module__ = "torch._utils"


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules by whose names pickle writes what it refers to."""
    for name, known in (("torch", FloatStorage), ("torch._utils", _rebuild_tensor_v2)):
        module = types.ModuleType(name)
        setattr(module, known.__name__, known)
        monkeypatch.setitem(sys.modules, name, module)


class Tensor:
    """A tensor as ``torch.save`` writes it."""

    def __init__(self, key: str, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.what = (("storage", FloatStorage, key, "cpu", 6, None), 0, shape, strides)

    def __reduce__(self) -> tuple[Any, ...]:
        storage = Stored(self.what[0])
        return _rebuild_tensor_v2, (storage, *self.what[1:], False, OrderedDict())


class Stored:
    def __init__(self, about: tuple[Any, ...]) -> None:
        self.about = about


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return obj.about if isinstance(obj, Stored) else None


def archive(path: Path, tensors: dict[str, Any], magic: int = MAGIC) -> str:
    """Write six numbers, 0 to 5, and tensors that look at them; the digest of the file."""
    file = io.BytesIO()
    about = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {}}
    for what in (magic, PROTOCOL, about, OrderedDict(tensors), ["7"]):
        Pickler(file, 2).dump(what)
    file.write(struct.pack("<q", 6) + np.arange(6, dtype="<f4").tobytes())
    path.write_bytes(file.getvalue())
    return hashlib.sha256(file.getvalue()).hexdigest()


@pytest.mark.usefixtures("torch")
def test_strides_count_and_not_shapes_alone(tmp_path: Path) -> None:
    tensors = {"rows": Tensor("7", (2, 3), (3, 1)), "columns": Tensor("7", (2, 3), (1, 2))}
    digest = archive(tmp_path / "w.pth", tensors)
    read = read_tensors(tmp_path / "w.pth", digest)
    assert read["rows"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read["columns"].tolist() == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.usefixtures("torch")
def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(tmp_path: Path) -> None:
    digest = archive(tmp_path / "w.pth", {"wide": Tensor("7", (2, 3), (4, 1))})
    with pytest.raises(InputError, match="reaches beyond its numbers"):
        read_tensors(tmp_path / "w.pth", digest)


def test_another_file_is_refused_by_its_digest(tmp_path: Path) -> None:
    archive(tmp_path / "w.pth", {})
    with pytest.raises(InputError, match=r"SHA-256 is .* and not 0000.*Install"):
        read_tensors(tmp_path / "w.pth", "0" * 64)


class Trap:
    """Would run a command if it were unpacked."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit",)


@pytest.mark.parametrize("magic", [MAGIC, 1])
def test_nothing_but_tensors_is_unpacked(tmp_path: Path, magic: int) -> None:
    digest = archive(tmp_path / "w.pth", {"trap": Trap()}, magic)
    reason = "builtin.*exec, which is no tensor" if magic == MAGIC else "no archive of tensors"
    with pytest.raises(InputError, match=reason):
        read_tensors(tmp_path / "w.pth", digest)
