"""Weights that PyTorch saved, read without PyTorch and without running anything of the file."""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np

from doppelcart.errors import InputError

MAGIC: Final = 0x1950A86A20F9469CFC6C
PROTOCOL: Final = 1001
TYPES: Final = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ByteStorage": np.dtype("u1"),
}


class Storage(NamedTuple):
    """Numbers that one or more tensors look at.

    Attributes:
        key: Its name in the file.
        dtype: Of its numbers.
        size: How many there are.
    """

    key: str
    dtype: np.dtype
    size: int


class View(NamedTuple):
    """A tensor: how it looks at a storage.

    Attributes:
        storage: The numbers.
        offset: The first of them.
        shape: Of the tensor.
        strides: Steps along each axis, in numbers.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: Path, sha256: str) -> dict[str, np.ndarray]:
    """Read the tensors of a file that ``torch.save`` wrote before PyTorch 1.6.

    A tensor written by way of TensorFlow looks at its numbers in another order than its shape says:
    read one after the other, all shapes fit and all predictions are wrong. So strides count.

    Args:
        path: The file.
        sha256: Its digest.

    Returns:
        Tensors by name.

    Raises:
        InputError: It is another file, or holds anything but tensors.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise InputError(
                f"the weights {path} are not those that this project knows: their SHA-256 is "
                f"{found[:12]}... and not {sha256[:12]}.... Install the package anew."
            )
        file.seek(0)
        try:
            return _tensors(file)
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"the weights {path} cannot be read: {error}. Install the package anew."
            ) from error


def _tensors(file: BinaryIO) -> dict[str, np.ndarray]:
    if (_Unpickler(file).load(), _Unpickler(file).load()) != (MAGIC, PROTOCOL):
        raise ValueError("it is no archive of tensors")
    about = _Unpickler(file).load()
    if not about["little_endian"] or sys.byteorder != "little":
        raise ValueError("its numbers are written in another order of bytes")
    views: dict[str, View] = _Unpickler(file).load()
    keys = _Unpickler(file).load()
    storages = {view.storage.key: view.storage for view in views.values()}
    numbers = {key: _numbers(file, storages[key]) for key in keys}
    return {name: _laid_out(view, numbers[view.storage.key]) for name, view in views.items()}


def _numbers(file: BinaryIO, storage: Storage) -> np.ndarray:
    (size,) = np.frombuffer(file.read(8), "<i8")
    if size != storage.size:
        raise ValueError(f"a storage holds {size} numbers instead of {storage.size}")
    content = file.read(storage.size * storage.dtype.itemsize)
    return np.frombuffer(content, storage.dtype, storage.size)


def _laid_out(view: View, numbers: np.ndarray) -> np.ndarray:
    reach = view.offset + sum(
        (length - 1) * stride for length, stride in zip(view.shape, view.strides, strict=True)
    )
    if min((*view.shape, *view.strides, view.offset, 0)) < 0 or reach >= len(numbers):
        raise ValueError("a tensor reaches beyond its numbers")
    width = numbers.dtype.itemsize
    seen = np.lib.stride_tricks.as_strided(
        numbers[view.offset :], view.shape, [stride * width for stride in view.strides]
    )
    return np.ascontiguousarray(seen)


def _view(
    storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> View:
    """What ``torch._utils._rebuild_tensor_v2`` is given."""
    return View(storage, offset, shape, strides)


class _Unpickler(pickle.Unpickler):
    """Knows tensors, their storages and ordered dictionaries, and refuses all else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no tensor")

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _, size, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError("it holds what is no storage")
        return Storage(str(key), dtype, int(size))
