"""Lineage: inputs that do not belong together are refused, and what is made is noted."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from doppelcart import pipelines as packages
from doppelcart.config.checks import PREFIX, bare
from doppelcart.data import lineage
from doppelcart.data.lineage import FOLDER, Origin, Records, Step
from doppelcart.datasets.catalog import path_of
from doppelcart.errors import LineageError
from doppelcart.hooks import tracking

VERSION = "ALGORITHM_VERSION"
DEFAULT = "__default__"

log = logging.getLogger(__name__)


class LineageGuard:
    """Holds every run to what its inputs were made from.

    ``<data_root>/.lineage`` has one record per dataset. Before the first node runs, what the run
    reads is compared with what is there now and with what the run itself will make. What does not
    fit is refused; what an optional pipeline left is left out, and that is said.
    """

    def __init__(self) -> None:
        self._records = Records(Path())
        self._catalog: CatalogProtocol | None = None
        self._planned: dict[str, Origin] = {}

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Learn where the records are."""
        root = context.project_path / context.config_loader["globals"]["data_root"]
        self._records = Records(root / FOLDER)

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol) -> None:
        """Learn where datasets are written."""
        self._catalog = catalog

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Plan the origin of all that will be made, and refuse inputs that do not fit to it.

        Raises:
            LineageError: If a dataset that the run reads has no record, is not the file that its
                record is of, or was made from other data or by older code than the present.
        """
        store = _Store(catalog, self._records)
        free = [bare(name) for name in sorted(pipeline.inputs()) if not is_parameter(name)]
        self._planned = lineage.plan(steps_of(pipeline, catalog), store.origins(free))
        present = store.ids() | {name: origin.id for name, origin in self._planned.items()}
        faults = {name: fault for name in free if (fault := store.fault(name, present))}
        if run_params.get("only_missing_outputs"):
            faults |= {
                name: fault
                for name in store.kept(pipeline)
                if (fault := store.fault_of_kept(self._planned[name], present))
            }
        for name in [name for name in faults if self._may_be_left_out(name, catalog)]:
            redo = _command(store.makers([name], present))
            log.warning("%s: it is left out. Make it again: `%s`", faults.pop(name), redo)
            catalog.get(name).withhold()
        if faults:
            raise LineageError(_refusal(faults.values(), store.makers(faults, present)))

    @staticmethod
    def _may_be_left_out(name: str, catalog: CatalogProtocol) -> bool:
        """Whether a run goes on without a dataset: not where the default run makes it."""
        default = pipelines.get(DEFAULT)
        of_the_core = default is not None and name in map(bare, default.all_outputs())
        return getattr(catalog.get(name), "optional", False) and not of_the_core

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Note what was made from what."""
        origin = self._planned.get(bare(dataset_name))
        if origin is not None and self._catalog is not None:
            content = _content(self._catalog.get(dataset_name))
            self._records.write(dataclasses.replace(origin, content=content))


class _Store:
    """What is saved, and what is on record of it.

    Args:
        catalog: Where datasets are saved.
        records: What they were made from.
    """

    def __init__(self, catalog: CatalogProtocol, records: Records) -> None:
        self._catalog = catalog
        self._recorded = records.all()
        self._pipelines = {name: found for name, found in pipelines.items() if name != DEFAULT}
        # Two pipelines may make one dataset, so that they are not to be added up.
        nodes = [node for pipeline in self._pipelines.values() for node in pipeline.nodes]
        self._read_for: dict[str, list[str]] = {}
        for node in nodes:
            read = [bare(name) for name in node.inputs if not is_parameter(name)]
            for output in map(bare, node.outputs):
                self._read_for.setdefault(output, []).extend(read)
        self._versions = dict(map(algorithm_of, nodes))

    def ids(self) -> dict[str, str]:
        """Id of every dataset on record."""
        return {name: origin.id for name, origin in self._recorded.items()}

    def is_saved(self, name: str) -> bool:
        """Whether there is something on disk."""
        return not self._is_in_memory(name) and self._catalog.exists(name)

    def kept(self, pipeline: Pipeline) -> Iterator[str]:
        """What a run of what is missing leaves as it is; a node makes all its outputs or none."""
        for node in pipeline.nodes:
            names = [bare(name) for name in node.outputs if not self._is_in_memory(bare(name))]
            if all(map(self.is_saved, names)):
                yield from names

    def origins(self, names: Iterable[str]) -> dict[str, Origin]:
        """Where what a run reads comes from; a file of the source is known by its content."""
        roots = {
            name: lineage.source(name, _content(self._catalog.get(name)))
            for name in names
            if not self._is_made(name)
        }
        return {name: self._recorded[name] for name in names if name in self._recorded} | roots

    def fault(self, name: str, present: dict[str, str]) -> str:
        """Why a dataset cannot be used; empty if it can, or if there is none."""
        if not self._is_made(name) or not self.is_saved(name):
            return ""
        origin = self._recorded.get(name)
        if origin is None:
            return (
                f"{name} has no record of what it was made from: it is older than such records, "
                "or was put there by hand"
            )
        if origin.content != _content(self._catalog.get(name)):
            return f"{name} is not the file on record: it was changed, replaced or cut short"
        if old := lineage.outdated(origin, self._versions):
            return f"{name} was made by an older version of the algorithms of {', '.join(old)}"
        if self._outlives_its_data(name):
            return ""
        if other := lineage.changed(origin, present):
            first = min(filter(self._is_made, other), key=self._place, default=other[0])
            if origin.ancestors[first] == lineage.ABSENT:
                return f"{name} was made while there was no {first}"
            return f"{name} was made from another {first} than the present one"
        return ""

    def fault_of_kept(self, planned: Origin, present: dict[str, str]) -> str:
        """Why a dataset cannot stand for what a run would make in its place; empty if it can."""
        name = planned.dataset
        if name in self._recorded and self._recorded[name].id != planned.id:
            return f"{name} is kept, and was made from other data or parameters"
        return self.fault(name, present)

    def makers(self, names: Iterable[str], present: dict[str, str]) -> list[str]:
        """Pipelines to run so that datasets fit again: their own, and those behind that do not."""
        wanted = set(names)
        behind = {name for dataset in wanted for name in self._behind(dataset)}
        needed = wanted | {name for name in behind if self.fault(name, present)}
        return [
            key
            for key, pipeline in self._pipelines.items()
            if needed & set(map(bare, pipeline.all_outputs()))
        ]

    def _outlives_its_data(self, name: str) -> bool:
        """Whether a dataset was fitted once, to be used on data that came after it."""
        return bool(getattr(self._catalog.get(name), "outlives_its_data", False))

    def _is_in_memory(self, name: str) -> bool:
        return isinstance(self._catalog.get(name), MemoryDataset)

    def _is_made(self, name: str) -> bool:
        return name in self._read_for

    def _behind(self, name: str) -> set[str]:
        """Everything that a dataset is made from."""
        found: set[str] = set()
        to_follow = [name]
        while to_follow:
            new = set(self._read_for.get(to_follow.pop(), ())) - found
            found |= new
            to_follow += new
        return found

    def _place(self, name: str) -> tuple[int, int]:
        """How early a dataset is made: the earliest that changed is the cause of the others."""
        return len(self._behind(name)), list(self._read_for).index(name)


def steps_of(pipeline: Pipeline, catalog: CatalogProtocol) -> Iterator[Step]:
    """The nodes of a pipeline as lineage sees them, in an order in which they can run."""
    for node in pipeline.nodes:
        package, version = algorithm_of(node)
        parameters: dict[str, Any] = {}
        for name in node.inputs:
            # `parameters`, all of them at once, is for printing: nothing is computed with it.
            if name.startswith(PREFIX):
                parameters |= tracking.flatten(catalog.get(name).load(), name.removeprefix(PREFIX))
        read = [bare(name) for name in node.inputs if not is_parameter(name)]
        yield Step(package, version, read, [bare(name) for name in node.outputs], parameters)


def algorithm_of(node: Node) -> tuple[str, int]:
    """Pipeline package of a node's function, and the version of its algorithms; 0 elsewhere."""
    module = node.func.__module__
    prefix = f"{packages.__name__}."
    if not module.startswith(prefix):
        return module, 0
    package = module.removeprefix(prefix).partition(".")[0]
    return package, getattr(sys.modules[prefix + package], VERSION, 0)


def is_parameter(name: str) -> bool:
    """Whether an input of a node is of the parameters."""
    return name == "parameters" or name.startswith(PREFIX)


def _content(dataset: Any) -> str:
    """Digest of what a dataset holds on disk; its own if it has one."""
    if hasattr(dataset, "fingerprint"):
        return dataset.fingerprint()
    path = path_of(dataset) or getattr(dataset, "_path", None)
    return lineage.fingerprint(path) if path is not None else ""


def _command(makers: list[str]) -> str:
    return f"kedro run --pipelines {','.join(makers)}" if makers else "kedro run"


def _refusal(faults: Iterable[str], makers: list[str]) -> str:
    listed = "\n".join(f"  - {fault}" for fault in faults)
    return (
        f"what this run would read does not belong together:\n{listed}\n"
        f"Make it again: `{_command(makers)}` (add --env where you use one), or everything with "
        "`kedro run`. Nothing has run."
    )
