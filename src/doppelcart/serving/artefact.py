"""The artefact: a model as a folder of plain arrays that nothing is loaded from unchecked.

``manifest.json`` names every other file with its length and SHA-256; whoever asks for the folder
brings the SHA-256 of the manifest. Arrays are ``.npy`` files without pickled objects, and are
mapped into memory, so that several servers of a machine share them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy import sparse

from doppelcart.errors import StorageError
from doppelcart.serving.history_completer import Completer
from doppelcart.serving.model import (
    Catalogue,
    Customers,
    Facts,
    Model,
    Pairs,
    Profiles,
    Strategy,
    System,
)
from doppelcart.serving.scorer import KINDS, Scorer

FORMAT: Final = 2
MANIFEST: Final = "manifest.json"
ITEMS: Final = "items.json"
CUSTOMERS: Final = ("customers.npy", "indptr.npy", "histories.npy")
PAIRS: Final = ("pairs.indptr.npy", "pairs.partners.npy")
"""Items that are bought together; an artefact may lack them."""
PROFILES: Final = "customer_profiles.npy"
"""What is known of customers besides; an artefact may lack it."""
_CSR: Final = ("data", "indices", "indptr")


class File(BaseModel):
    """A file of an artefact.

    Attributes:
        sha256: Digest of its content.
        size: Its length in bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int


class Stored(BaseModel):
    """A system of an artefact.

    Attributes:
        kind: Name in ``scorer.KINDS``.
        numbers: Numbers of the scorer by name.
        sparse: Names of its arrays that are CSR matrices, with their shapes.
        dense: Names of its other arrays.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    numbers: dict[str, float]
    sparse: dict[str, tuple[int, int]]
    dense: tuple[str, ...]


class Columns(BaseModel):
    """What the columns of profiles are; see ``model.Profiles``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: dict[str, dict[str, int]]
    missing: dict[str, int]
    nothing: int | None


class Manifest(BaseModel):
    """What an artefact holds.

    Attributes:
        format: Version of this format.
        systems: Systems by name.
        strategies: By slice: what it is, and the name of its system.
        completers: Generators by name, the one that is shown first.
        completion_top: Items per customer that a completion keeps; None keeps all.
        profiles: What their columns are; None where there are none.
        lineage: What it was made from.
        files: Every other file by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    systems: dict[str, Stored]
    strategies: dict[str, tuple[Facts, str]]
    completers: tuple[str, ...] = ()
    completion_top: int | None = None
    profiles: Columns | None = None
    lineage: dict[str, Any]
    files: dict[str, File]


def write(model: Model, folder: Path) -> str:
    """Write a model as a folder, whole or not at all.

    Args:
        model: What is to be served.
        folder: Where; it must not be there yet.

    Returns:
        The digest by which the folder is read.

    Raises:
        StorageError: The folder is there already, or the disk is full or refuses.
    """
    if folder.exists():
        raise StorageError(f"{folder} is there already: an artefact is never written over.")
    with _whole_folder(folder) as part:
        systems = {id(one.system): one.system for one in model.strategies.values()}
        names = {key: f"system{number}" for number, key in enumerate(systems)}
        stored = {names[key]: _write_system(part, names[key], systems[key]) for key in systems}
        known = (model.customers.ids, model.customers.indptr, model.customers.items)
        for name, array in zip(CUSTOMERS, known, strict=True):
            _save(part / name, array)
        if pairs := model.catalogue.pairs:
            for name, array in zip(PAIRS, (pairs.indptr, pairs.partners), strict=True):
                _save(part / name, array)
        for name, completer in model.completers.items():
            for which, values in completer.arrays().items():
                _save(part / _file_of(name, which), values)
        if profiles := model.profiles:
            _save(part / PROFILES, profiles.rows)
        items = {
            "ids": model.catalogue.ids,
            "titles": model.catalogue.titles,
            "attributes": dict(model.catalogue.attributes),
        }
        (part / ITEMS).write_text(json.dumps(items), encoding="utf-8")
        manifest = Manifest(
            format=FORMAT,
            systems=stored,
            strategies={
                name: (one.facts, names[id(one.system)]) for name, one in model.strategies.items()
            },
            completers=tuple(model.completers),
            completion_top=model.completion_top,
            profiles=profiles and Columns.model_validate(profiles, from_attributes=True),
            lineage=dict(model.lineage),
            files={path.name: _file(path) for path in sorted(part.iterdir())},
        )
        text = manifest.model_dump_json(indent=1).encode()
        (part / MANIFEST).write_bytes(text)
        for path in part.iterdir():
            _flush(path)
    return hashlib.sha256(text).hexdigest()


def check(folder: Path, digest: str) -> Manifest:
    """Read the manifest, and hold every file against it.

    Args:
        folder: As ``write`` left it.
        digest: What ``write`` returned.

    Raises:
        StorageError: As from ``read_manifest``; or a file is missing, more than there should be, or
            not as it was written; all of them are named.
    """
    manifest = read_manifest(folder, digest)
    if faults := _faults(folder, manifest):
        raise StorageError(
            f"{folder} is damaged, and nothing of it was loaded. {len(faults)} of "
            f"{len(manifest.files)} files are not as they were written: {', '.join(faults)}. "
            "Export the model again, or copy the folder anew."
        )
    return manifest


def read_manifest(folder: Path, digest: str) -> Manifest:
    """Read the manifest alone.

    Args:
        folder: As ``write`` left it.
        digest: What ``write`` returned.

    Raises:
        StorageError: The manifest is missing, not that of the digest, or of another format.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise StorageError(f"{folder} holds no {MANIFEST} that can be read ({error}).") from error
    found = hashlib.sha256(text).hexdigest()
    if found != digest:
        raise StorageError(
            f"{folder / MANIFEST} is not the one that was asked for: its SHA-256 is {found}, not "
            f"{digest}. Nothing of it was loaded. Export the model again."
        )
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise StorageError(
            f"{folder / MANIFEST} is of a format that this version cannot read "
            f"({error.error_count()} faults). Export the model again."
        ) from error
    if manifest.format != FORMAT:
        raise StorageError(
            f"{folder} is of format {manifest.format}; this version reads {FORMAT}. "
            "Export the model again."
        )
    return manifest


def read(folder: Path, digest: str) -> Model:
    """Read a model after everything in its folder was checked.

    Args:
        folder: As ``write`` left it.
        digest: What ``write`` returned.

    Raises:
        StorageError: As from ``check``.
    """
    manifest = check(folder, digest)
    items = json.loads((folder / ITEMS).read_text(encoding="utf-8"))
    systems = {name: _read_system(folder, name, one) for name, one in manifest.systems.items()}
    pairs = None
    if set(PAIRS) <= set(manifest.files):
        pairs = Pairs(*(_load(folder / name) for name in PAIRS))
    completers = {
        name: Completer.of(
            {array: _load(folder / _file_of(name, array)) for array in Completer.names()}
        )
        for name in manifest.completers
    }
    columns, profiles = manifest.profiles, None
    if columns is not None:
        rows = _load(folder / PROFILES)
        profiles = Profiles(columns.values, columns.missing, columns.nothing, rows)
    return Model(
        Catalogue(items["ids"], items["titles"], items["attributes"], pairs),
        Customers(
            *(_load(folder / f"{name}.npy") for name in ("customers", "indptr", "histories"))
        ),
        {
            name: Strategy(facts, systems[system])
            for name, (facts, system) in manifest.strategies.items()
        },
        manifest.lineage,
        completers,
        manifest.completion_top,
        profiles,
    )


def _file_of(completer: str, array: str) -> str:
    """Where an array of a generator lies."""
    return f"completer.{completer}.{array}.npy"


def _write_system(folder: Path, name: str, system: System) -> Stored:
    parts = system.scorer.parts()
    shapes = {part: value.shape for part, value in parts.items() if sparse.issparse(value)}
    for part, value in parts.items():
        if part in shapes:
            for array in _CSR:
                _save(folder / f"{name}.{part}.{array}.npy", getattr(value, array))
        else:
            _save(folder / f"{name}.{part}.npy", value)
    _save(folder / f"{name}.prior.npy", system.popularity)
    return Stored(
        kind=system.scorer.kind,
        numbers=system.scorer.numbers(),
        sparse=shapes,
        dense=tuple(part for part in parts if part not in shapes),
    )


def _read_system(folder: Path, name: str, stored: Stored) -> System:
    parts: dict[str, Any] = {part: _load(folder / f"{name}.{part}.npy") for part in stored.dense}
    for part, shape in stored.sparse.items():
        arrays = [_load(folder / f"{name}.{part}.{array}.npy") for array in _CSR]
        parts[part] = sparse.csr_matrix(tuple(arrays), shape=shape, copy=False)
    scorer: Scorer = KINDS[stored.kind].of(parts, stored.numbers)
    return System(scorer, _load(folder / f"{name}.prior.npy"))


def _save(path: Path, array: Any) -> None:
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)


def _load(path: Path) -> np.ndarray:
    """The array of a file, mapped; as a plain array, since products with a map are slower."""
    # An empty file cannot be mapped.
    mode: Any = "r" if path.stat().st_size > 1024 else None
    return np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False))


def _file(path: Path) -> File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(sha256=digest, size=path.stat().st_size)


def _faults(folder: Path, manifest: Manifest) -> list[str]:
    """What is wrong with the files of a folder."""
    there = {path.name for path in folder.iterdir()} - {MANIFEST}
    faults = [f"{name} should not be there" for name in sorted(there - set(manifest.files))]
    for name, expected in manifest.files.items():
        path = folder / name
        if name not in there or not path.is_file():
            faults.append(f"{name} is missing")
        elif path.stat().st_size != expected.size:
            faults.append(f"{name} has {path.stat().st_size} bytes, not {expected.size}")
        elif _file(path).sha256 != expected.sha256:
            faults.append(f"{name} has another content")
    return faults


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside one, renamed to it if the block succeeds."""
    part: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        part.chmod(0o755)
        yield part
        part.rename(folder)
    except OSError as error:
        raise StorageError(
            f"The artefact {folder} could not be written: {error.strerror or error}. What was "
            "there before is untouched. Free some space, or choose another folder."
        ) from error
    finally:
        if part is not None and part.exists():
            shutil.rmtree(part, ignore_errors=True)


def _flush(path: Path) -> None:
    """See to it that a file is on the disk before the folder has its name."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
