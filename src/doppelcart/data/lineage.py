"""What every artefact was made from, and whether what a run reads still belongs together.

Each dataset that a node makes has an *origin*: an id that is a digest of the algorithm's version,
the parameters and the ids of everything that was read. Ids are known before a run begins, so that
a run can be refused before its first node: users that a generator of another split made would
otherwise be scored on customers that it was trained on, and nothing would look wrong.

Knows nodes as plain records and no Kedro; what stands in a node's place is ``Step``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from doppelcart.errors import LineageError

FOLDER: Final = ".lineage"
"""Where records lie, below the root of the data."""
WHOLE: Final = 64 * 2**20
"""Files up to this many bytes are read whole for their digest."""
BLOCK: Final = 2**20
N_BLOCKS: Final = 32
"""Of a larger file, so many blocks of so many bytes, evenly spread."""
ABSENT: Final = ""
"""The id of what a node could read and was not there."""


@dataclass(frozen=True)
class Step:
    """A node, as lineage sees it.

    Args:
        pipeline: Package of the node's function.
        version: Version of that package's algorithms, raised by hand where they change.
        inputs: Names of the datasets it reads, parameters not among them.
        outputs: Names of what it makes.
        parameters: What of the parameters it is given, flat; secrets are left out.
    """

    pipeline: str
    version: int
    inputs: Sequence[str]
    outputs: Sequence[str]
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """What a dataset was made from.

    Args:
        dataset: Its name.
        id: Digest of all that follows but ``content``; two datasets of one id were made alike.
        pipeline: Package of the function that made it; empty for a file of the source.
        version: Version of that package's algorithms.
        parameters: What that function was told, flat.
        parents: Id by name of the datasets that it read; ``ABSENT`` for those that were not there,
            of which ``id`` knows nothing.
        ancestors: Id by name of everything behind it, parents included.
        versions: Version by package of everything behind it, its own included.
        content: Digest of its file; empty where none was written.
    """

    dataset: str
    id: str
    pipeline: str = ""
    version: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    ancestors: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    content: str = ""


def plan(steps: Iterable[Step], known: Mapping[str, Origin]) -> dict[str, Origin]:
    """The origins of everything that some steps will make.

    Args:
        steps: In an order in which they could run.
        known: Origins of what they read and do not make.

    Returns:
        Origin by dataset, of the outputs alone.
    """
    planned: dict[str, Origin] = {}
    origins = dict(known)
    for step in steps:
        parents = [origins.get(name, Origin(name, ABSENT)) for name in step.inputs]
        made = {output: _made(output, step, parents) for output in step.outputs}
        planned |= made
        origins |= made
    return planned


def _made(dataset: str, step: Step, parents: Sequence[Origin]) -> Origin:
    read = {parent.dataset: parent.id for parent in parents}
    there = {name: id_ for name, id_ in read.items() if id_ != ABSENT}
    behind: dict[str, str] = {}
    versions: dict[str, int] = {}
    for parent in parents:
        behind |= parent.ancestors
        versions |= parent.versions
    return Origin(
        dataset,
        digest(dataset, step.pipeline, step.version, dict(step.parameters), there),
        step.pipeline,
        step.version,
        step.parameters,
        read,
        behind | read,
        versions | {step.pipeline: step.version},
    )


def source(dataset: str, fingerprint: str) -> Origin:
    """The origin of what no node makes: its id is that of its content."""
    return Origin(dataset, digest(dataset, fingerprint))


def digest(*parts: Any) -> str:
    """A short name for plain values, by which they are known again."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changed(origin: Origin, present: Mapping[str, str]) -> list[str]:
    """Datasets behind one that are no longer those it was made from.

    Args:
        origin: Where it comes from.
        present: Id by name of what there is now, or will be when it is read.
    """
    return [
        name for name, was in origin.ancestors.items() if name in present and present[name] != was
    ]


def outdated(origin: Origin, versions: Mapping[str, int]) -> list[str]:
    """Packages whose algorithms are others now than those a dataset was made with.

    Args:
        origin: Where it comes from.
        versions: Present version by package; those that it has not are not looked at.
    """
    return [
        name for name, was in origin.versions.items() if name in versions and versions[name] != was
    ]


def parameters_behind(
    names: Iterable[str], recorded: Mapping[str, Origin]
) -> dict[str, dict[str, Any]]:
    """What everything behind some datasets was told when it was made.

    Args:
        names: The datasets; those without a record tell nothing.
        recorded: Origins by dataset. What was made anew since is not behind them.

    Returns:
        By dotted name of a parameter, its value by pipeline.
    """
    found: dict[str, dict[str, Any]] = {}
    for last in [recorded[name] for name in names if name in recorded]:
        for name, was in [*last.ancestors.items(), (last.dataset, last.id)]:
            origin = recorded.get(name)
            if origin is not None and origin.id == was:
                for parameter, value in origin.parameters.items():
                    found.setdefault(parameter, {})[origin.pipeline] = value
    return found


def fingerprint(path: Path) -> str:
    """A digest of a file, or of every file of a folder; empty where there is none.

    Of a file beyond 64 MB, its size and 32 blocks spread over it are taken: it need not be read
    whole each time that something reads it.
    """
    if path.is_dir():
        files = sorted(part for part in path.rglob("*") if part.is_file())
        return digest([(str(part.relative_to(path)), fingerprint(part)) for part in files])
    if not path.is_file():
        return ""
    size = path.stat().st_size
    hashed = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= WHOLE:
            hashed.update(file.read())
        else:
            for block in range(N_BLOCKS):
                file.seek(block * (size - BLOCK) // (N_BLOCKS - 1))
                hashed.update(file.read(BLOCK))
    return hashed.hexdigest()[:16]


class Records:
    """Origins on disk, one file per dataset.

    Args:
        folder: Where they lie; made at the first record.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, dataset: str) -> Origin | None:
        """The origin of a dataset; None where none was noted.

        Raises:
            LineageError: If the record is no record.
        """
        path = self._path(dataset)
        try:
            return Origin(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise LineageError(
                f"{path}, which says what {dataset} was made from, cannot be read ({error}). "
                "Delete it and make that dataset again."
            ) from error

    def write(self, origin: Origin) -> None:
        """Note an origin, whole or not at all."""
        path = self._path(origin.dataset)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        text = json.dumps(asdict(origin), indent=1, sort_keys=True, default=str)
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(path)

    def all(self) -> dict[str, Origin]:
        """Every origin that was noted, by dataset."""
        names = [path.stem for path in sorted(self._folder.glob("*.json"))]
        return {name: origin for name in names if (origin := self.read(name)) is not None}

    def _path(self, dataset: str) -> Path:
        return self._folder / f"{dataset}.json"
